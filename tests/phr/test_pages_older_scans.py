"""Older scans of the same part of the body are offered beside the one that is shared, and none is ticked (S1)."""

import re

from tests.factories import an_instance
from tests.phr.conftest import ANA
from tests.phr.test_pages_upload import old_pictures, sends


def pushes(scan_center, part: str, day: str, *, modality: str = "CR", side: str = "") -> None:
    scan_center.pushes(
        an_instance(
            study=f"{part} {day} {side}", person=ANA, modality=modality, BodyPartExamined=part, Laterality=side,
            StudyDate=day, StudyDescription=f"{part} {day}", rows=64, columns=64,
        )
    )  # fmt: skip


def test_older_scans_of_the_same_part_come_first_unticked(ana_with_a_scan, scan_center):
    ana = ana_with_a_scan
    knee = ana.scan().rpartition("/")[2]
    for part, day, side in (
        ("KNEE", "20240512", "R"),
        ("KNEE", "20230101", "L"),
        ("CHEST", "20250101", ""),
        ("KNEE", "20260401", "R"),
    ):
        pushes(scan_center, part, day, side=side)
    ana.get("/home")
    page = ana.get(f"/share/scans?scan={knee}").text
    helpful, others = page.index("Older scans that may help"), page.index("Other scans")
    ticked = re.findall(r'value="([0-9a-f]{32})" checked', page)
    assert ticked == [knee]
    assert page.index(knee) < helpful < page.index("12 May 2024") < others
    assert others < page.index("1 January 2023"), "the other knee is another part"
    assert others < page.index("1 January 2025")
    assert others < page.index("1 April 2026"), "a later scan is no older one"


def test_the_last_page_says_that_there_are_older_scans(ana_with_a_scan, scan_center):
    ana = ana_with_a_scan
    knee = ana.scan().rpartition("/")[2]
    ana.post("/share/how", page=f"/share/how?scan={knee}", how="code", scan=knee)
    assert "older scan" not in ana.get("/share/check").text
    pushes(scan_center, "KNEE", "20240512", side="R")
    ana.get("/home")
    page = ana.get("/share/check").text
    assert "You have 1 older scan of the same part of the body. It may help." in page
    assert 'href="/share/scans"' in page


def test_where_nothing_fits_the_list_is_one(ana_with_a_scan, scan_center):
    pushes(scan_center, "CHEST", "20200101")
    ana_with_a_scan.get("/home")
    page = ana_with_a_scan.get(f"/share/scans?scan={ana_with_a_scan.scan().rpartition('/')[2]}").text
    assert "Older scans that may help" not in page
    assert "Other scans" not in page


def test_a_doctor_sees_which_scans_the_patient_added(ana_with_a_scan, doctor):
    assert sends(ana_with_a_scan, *old_pictures(1)).json["kept"] == 1
    ana_with_a_scan.get("/home")
    boxes = re.findall(r'name="scans" type="checkbox" value="([0-9a-f]{32})"', ana_with_a_scan.get("/share/scans").text)
    assert len(boxes) == 2
    ana_with_a_scan.post("/share/scans", scans=boxes)
    ana_with_a_scan.post("/share/how", how="code")
    shown = ana_with_a_scan.post("/share/check").text
    found = re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', shown)
    doctor.opens(re.sub(r"[^0-9A-Z]", "", found[1]))
    assert doctor.get("/see/scans").text.count("Added by the patient, not sent by a scan center") == 1
