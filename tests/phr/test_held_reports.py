"""A scan center that must keep reports back for some days: its patient is told until when, and waits for no picture."""

from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.factories import a_text_report
from tests.phr.conftest import ANA, SECTIONS
from vault.sites import change_details, find_site

DAYS = 3
IMPRESSION = SECTIONS[2].text


@pytest.fixture
def law(services, scan_center):
    """What the law asks of this scan center: so many days."""

    def asks(days: int, **more) -> None:
        with services.work() as work:
            details = find_site(work, scan_center.site.id).details
            change_details(work, scan_center.site.id, replace(details, reports_held_days=days, **more))

    return asks


def test_she_is_told_the_day_and_whom_to_ask_and_reads_nothing_before(ana_with_a_scan, law, clock):
    ana, scan = ana_with_a_scan, ana_with_a_scan.scan()
    law(DAYS)
    page = ana.get(f"{scan}/report").text
    assert "Harbor Scan Center will show this report on" in page
    assert "You can ask them for it sooner: 555 0100." in page
    assert "Your pictures are here now." in page
    assert "Read it now" not in page
    ana.post(f"{scan}/report", choice="now")
    assert IMPRESSION not in ana.get(f"{scan}/report").text
    assert ana.get(f"{scan}/report.pdf").status_code == 404
    assert "The report (PDF)" not in ana.get(f"{scan}/save").text
    clock.advance(days=DAYS)
    ana.signs_in()
    assert IMPRESSION in ana.get(f"{scan}/report").text
    assert ana.get(f"{scan}/report.pdf").status_code == 200


def test_no_copy_holds_what_is_kept_back(ana_with_a_scan, law):
    ana, scan = ana_with_a_scan, ana_with_a_scan.scan()
    for path in (f"{scan}/save/all.zip", "/save/everything.zip"):
        assert reports_in(ana.get(path).data), path
    law(DAYS)
    for path in (f"{scan}/save/all.zip", "/save/everything.zip"):
        assert not reports_in(ana.get(path).data), path


def test_no_page_says_that_it_is_here_before(ana_with_a_scan, law, clock):
    ana, scan = ana_with_a_scan, ana_with_a_scan.scan()
    assert "Report added" in ana.get("/home").text
    law(DAYS)
    assert "Report added" not in ana.get("/home").text
    page = ana.get(scan).text
    assert "Harbor Scan Center will show this report on" in page
    assert "Your report is here." not in page
    assert "Read the report" not in page
    clock.advance(days=DAYS)
    ana.signs_in()
    assert "Your report is here." in ana.get(scan).text


def reports_in(octets: bytes) -> list[str]:
    with ZipFile(BytesIO(octets)) as packed:
        return [name for name in packed.namelist() if "REPORT" in name or "SITE" in name]


def test_nor_does_a_copy_hold_a_report_that_came_as_a_picture_would(ana_with_a_scan, scan_center, law, clock):
    ana, scan = ana_with_a_scan, ana_with_a_scan.scan()
    scan_center.pushes(a_text_report("A tear of the meniscus.", study="knee", person=ANA))
    ana.signs_in()
    paths = (f"{scan}/save/all.zip", "/save/everything.zip")
    for path in paths:
        assert b"A tear of the meniscus." in unpacked(ana.get(path).data), path
    law(DAYS)
    for path in paths:
        octets = unpacked(ana.get(path).data)
        assert b"A tear of the meniscus." not in octets, path
        assert b"DICM" in octets, path
    clock.advance(days=DAYS)
    ana.signs_in()
    for path in paths:
        assert b"A tear of the meniscus." in unpacked(ana.get(path).data), path


def unpacked(octets: bytes) -> bytes:
    with ZipFile(BytesIO(octets)) as packed:
        return b"".join(map(packed.read, packed.namelist()))


def test_a_doctor_she_let_in_reads_it_at_once(ana_with_a_scan, law, doctor):
    law(DAYS)
    doctor.opens(ana_with_a_scan.shares())
    study_id = ana_with_a_scan.scan().rpartition("/")[2]
    assert IMPRESSION in doctor.get(f"/see/report/{study_id}").text


def test_a_change_of_what_she_has_read_keeps_nothing_back(ana_with_a_scan, scan_center, law, clock):
    law(DAYS)
    clock.advance(days=DAYS)
    scan_center.reports(scan_center.pushes_a_knee(), status="corrected", sections=SECTIONS)
    ana_with_a_scan.signs_in()
    assert "will show this report on" not in ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/report").text


def test_a_site_without_a_phone_number_names_none(ana_with_a_scan, law):
    law(DAYS, phone="")
    assert "You can ask them for it sooner." in ana_with_a_scan.get(f"{ana_with_a_scan.scan()}/report").text
