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


def shares_one(ana, scan: str, *, length: str, may: tuple[str, ...] = ("see",)) -> str:
    ana.post("/share/scans", scans=scan)
    ana.post("/share/how", how="code")
    ana.post("/share/time", length=length)
    ana.post("/share/may", may=list(may))
    return code_on(ana.post("/share/check"))


def code_on(page) -> str:
    return re.sub(r"[^0-9A-Z]", "", re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', page.text)[1])


def shares_everything(ana) -> str:
    ana.get("/home")
    ana.post("/share/scans", all="yes")
    ana.post("/share/how", how="code")
    return code_on(ana.post("/share/check"))


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


def test_what_a_patient_shared_in_parts_stands_together_and_each_part_keeps_its_rules(
    ana_with_a_scan, scan_center, provider
):
    ana = ana_with_a_scan
    knee = ana.scan().rpartition("/")[2]
    provider.post("/pro/code", code=shares_one(ana, knee, length="30d", may=("see", "save")))
    first = provider.path
    pushes_a_chest(scan_center)
    chest = re.search(r'href="/scans/([0-9a-f]{32})"[^>]*>X-ray', ana.get("/home").text)[1]
    provider.post("/pro/code", code=shares_one(ana, chest, length="1y"))
    for page in (first, provider.path):
        listed = provider.get(page).text
        assert "MRI of the right knee" in listed
        assert "X-ray of the chest" in listed
        assert "Shared by the patient in parts. The first part: until 1 April 2026." in listed
    assert begins_with(provider.get(f"{first}/view?scan={chest}")) == "X-ray of the chest"
    assert 'data-may-save="no"' in provider.get(f"{first}/view").text
    assert "No tear." in provider.get(f"{first}/report/{knee}").text
    assert "Shared by the patient until 1 April 2026." in provider.get(f"{first}/report/{knee}").text
    assert provider.get(f"{first}/save/{knee}.zip").status_code == 200
    assert "The patient has not said yes to copies." in provider.get(f"{first}/save/{chest}").text
    assert provider.get(f"{first}/save/{chest}.zip").status_code == 403
    assert ana.get("/shares").text.count("Opened 1 time") == 2


def test_a_scan_shared_twice_may_be_saved_if_one_share_allows_it(ana_with_a_scan, provider):
    ana = ana_with_a_scan
    knee = ana.scan().rpartition("/")[2]
    for may in (("see", "save"), ("see",)):
        provider.post("/pro/code", code=shares_one(ana, knee, length="30d", may=may))
    here = provider.path
    assert provider.get(here).text.count('<li class="kr-card">') == 1
    assert provider.get(f"{here}/save/{knee}.zip").status_code == 200
    provider.post(f"{here}/report/{knee}/reviewed", page=f"{here}/report/{knee}")
    assert "reviewed this report" in ana.get(f"{ana.scan()}/report").text
