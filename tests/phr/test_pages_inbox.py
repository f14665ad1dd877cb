"""A provider's list over time: who shares, what is new, until when, and how one patient is found among many."""

import re

import pytest

from tests.factories import Person
from tests.phr.conftest import Patient
from tests.phr.test_pages_providers import Provider, gives_to

SAM = Person(name="Okáfor^Sam", mrn="MRN-79", born="19900501", sex="M")
SAMS_BIRTHDAY = {"born-day": "1", "born-month": "5", "born-year": "1990"}


@pytest.fixture
def provider(app, clock):
    made = Provider(app, "192.0.2.50")
    made.joins(clock)
    return made


@pytest.fixture
def both(ana_with_a_scan, app, scan_center, provider):
    """Ana shares for a month and was looked at; Sam shares for the visit."""
    provider.post("/pro/code", code=ana_with_a_scan.shares(length="30d"))
    scan_center.pushes_a_knee(study="sams", person=SAM)
    sam = Patient(app, "203.0.113.9")
    sam.joins("sam.okafor")
    sam.adds(scan_center.slip_for(SAM), **SAMS_BIRTHDAY)
    gives_to(sam, "dr.lee")
    sam.post("/share/time", length="4h")
    sam.post("/share/check")
    return provider


def rows_of(page) -> list[str]:
    """The words of each row of the list."""
    body = re.search(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def test_the_list_says_what_is_new_until_when_and_where_each_sharing_stands(both):
    sam, ana = sorted(rows_of(both.get("/pro")))
    assert "PEREZ, Ana, born 27 March 1958" in ana
    assert "Opened" in ana
    assert "1 April 2026" in ana
    assert "OKÁFOR, Sam, born 1 May 1990" in sam
    assert "New: MRI of the right knee" in sam
    assert "Ends soon" in sam


def test_what_nobody_has_looked_at_stands_first(both):
    assert rows_of(both.get("/pro"))[0].startswith("OKÁFOR, Sam")


@pytest.mark.parametrize(
    ("show", "names"), [("new", ["OKÁFOR"]), ("ending", ["OKÁFOR"]), ("other", ["OKÁFOR", "PEREZ"])]
)
def test_the_list_is_narrowed_to_what_is_new_or_ends_soon(both, show, names):
    assert [row.partition(",")[0] for row in rows_of(both.get(f"/pro?show={show}"))] == names


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("okafor", ["OKÁFOR"]),
        ("PER an", ["PEREZ"]),
        ("1 5 1990", ["OKÁFOR"]),
        ("1990-05-01", ["OKÁFOR"]),
        ("27 march 1958", ["PEREZ"]),
        ("1958 sam", []),
        ("", ["OKÁFOR", "PEREZ"]),
    ],
)
def test_a_patient_is_found_by_name_or_birth_date_and_no_address_says_whom(both, typed, names):
    shown = both.post("/pro/find", page="/pro", find=typed)
    assert both.path == "/pro"
    assert [row.partition(",")[0] for row in rows_of(shown)] == names
    assert bool(names) or "No patient fits." in shown.text


def test_everyone_is_shown_again(both):
    both.post("/pro/find", page="/pro", find="nobody like this")
    assert len(rows_of(both.post("/pro/find", page="/pro"))) == 2


def test_two_shares_of_one_patient_are_one_row(ana_with_a_scan, provider):
    for length in ("30d", "1y"):
        provider.post("/pro/code", code=ana_with_a_scan.shares(length=length))
    [row] = rows_of(provider.get("/pro"))
    assert "1 scan until 1 April 2026" in row
    assert "1 scan until 2 March 2027" in row


def test_a_report_that_changed_is_new_again(ana_with_a_scan, provider, scan_center, clock):
    provider.post("/pro/code", code=ana_with_a_scan.shares(length="30d"))
    assert "Opened" in rows_of(provider.get("/pro"))[0]
    clock.advance(minutes=10)
    knee = scan_center.pushes_a_knee()
    scan_center.reports(knee, sections=(), conclusion="A small tear.", status="amended")
    ana_with_a_scan.get("/home")
    [row] = rows_of(provider.get("/pro"))
    assert "Report changed: MRI of the right knee" in row


def test_of_a_sharing_that_ended_the_list_says_when_and_not_whose_it_was(both, ana_with_a_scan):
    both.get("/pro")
    ana_with_a_scan.post("/shares/stop-all")
    page = both.get("/pro")
    assert [row.partition(",")[0] for row in rows_of(page)] == ["OKÁFOR"]
    assert "Shared on 2 March 2026, ended on 2 March 2026." in page.text
    assert "PEREZ" not in page.text


def test_an_ended_sharing_is_forgotten_after_a_month(both, ana_with_a_scan, clock):
    both.get("/pro")
    ana_with_a_scan.post("/shares/stop-all")
    clock.advance(days=31)
    assert "ended on" not in both.get("/pro").text


def test_an_open_viewer_hears_that_the_sharing_has_ended(ana_with_a_scan, provider):
    provider.post("/pro/code", code=ana_with_a_scan.shares(length="30d"))
    alive = re.search(r'data-alive-url="([^"]+)"', provider.get(f"{patient_page(provider)}/view").text)[1]
    assert provider.client.get(alive).status_code == 204
    ana_with_a_scan.post("/shares/stop-all")
    assert provider.client.get(alive).status_code == 401


def patient_page(provider) -> str:
    return re.search(r'href="(/pro/patients/[0-9a-f]{32})"', provider.get("/pro").text)[1]
