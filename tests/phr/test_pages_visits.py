"""A doctor's pages of one patient: each opens what it names, and says whose it is."""

import re

import pytest

from tests.factories import an_instance
from tests.phr.conftest import ANA
from tests.phr.test_pages_providers import Provider


def pushes_a_chest(scan_center) -> None:
    scan_center.pushes(
        an_instance(
            study="chest", person=ANA, modality="CR", BodyPartExamined="CHEST", StudyDate="20260401",
            StudyDescription="Chest", rows=64, columns=64,
        )
    )  # fmt: skip


def shares_everything(ana) -> str:
    ana.get("/home")
    ana.post("/share/scans", all="yes")
    ana.post("/share/how", how="code")
    shown = ana.post("/share/check").text
    return re.sub(r"[^0-9A-Z]", "", re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', shown)[1])


@pytest.fixture
def provider(app, clock):
    made = Provider(app, "192.0.2.50")
    made.joins(clock)
    return made


def begins_with(page) -> str:
    """The scan whose group is the current one, by the name of its thumbnail."""
    current = page.text.partition('aria-current="true"')[2]
    return re.search(r'alt="Picture from ([^"]+)"', current)[1]


def test_look_at_the_pictures_opens_the_scan_it_stands_beside(ana_with_a_scan, scan_center, doctor):
    pushes_a_chest(scan_center)
    doctor.opens(shares_everything(ana_with_a_scan))
    assert begins_with(doctor.get("/see/view")) == "X-ray of the chest"
    listed = doctor.get("/see/scans").text
    for card in listed.split('<li class="kr-card">')[1:]:
        title = re.search(r"kr-card__title\">([^<]+)<", card)[1]
        address = re.search(r'href="(/see/view[^"]*)"', card)[1]
        assert begins_with(doctor.get(address)) == title
    report = doctor.get(re.search(r'href="(/see/report/[0-9a-f]{32})"', listed)[1]).text
    pictures = re.search(r'href="(/see/view\?scan=[^"]+)"', report)[1]
    assert begins_with(doctor.get(pictures)) == "MRI of the right knee"
    assert begins_with(doctor.get("/see/view?scan=nothing")) == "X-ray of the chest"


def test_every_page_of_a_visit_says_whose_it_is_until_when_and_ends_it(ana_with_a_scan, doctor):
    doctor.opens(ana_with_a_scan.shares())
    scan = ana_with_a_scan.scan().rpartition("/")[2]
    for path in ("/see/scans", f"/see/report/{scan}", f"/see/save/{scan}"):
        page = doctor.get(path).text
        assert "PEREZ, Ana. Born 27 March 1958." in page, path
        assert "Shared by the patient until today, 13:00." in page, path
        assert 'action="/see/end"' in page, path
    own = ana_with_a_scan
    assert "Shared by the patient" not in own.get(f"{own.scan()}/save").text


def test_a_provider_reads_on_every_page_whose_it_is(ana_with_a_scan, provider):
    provider.post("/pro/code", code=ana_with_a_scan.shares())
    scan = ana_with_a_scan.scan().rpartition("/")[2]
    for path in (f"{provider.path}/report/{scan}", f"{provider.path}/save/{scan}"):
        page = provider.get(path).text
        assert "PEREZ, Ana. Born 27 March 1958.</strong> Shared by the patient until today, 13:00." in page, path
        assert "/see/end" not in page
