"""Granular scopes over HTTP: a scope with a category shows that category and no other (SMART App Launch 2.2)."""

import pytest

from tests import factories as make
from tests.fhir_gateway import papers
from tests.fhir_gateway.callers import AS_STORED
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.dicom.reports import a_report, a_section, a_text

LOINC = "http://loinc.org"
RADIOLOGY, CARDIOLOGY = "LP29684-5", "LP29708-2"
ONLY_RADIOLOGY = f"patient/DiagnosticReport.rs?category={LOINC}|{RADIOLOGY}"


def a_category(*codes):
    return [{"coding": [{"system": LOINC, "code": code}]} for code in codes]


@pytest.fixture
def told(site, patient):  # noqa: F811
    """A patient with three reports: radiology, cardiology, and one that is both."""
    for number, codes in enumerate([(RADIOLOGY,), (CARDIOLOGY,), (RADIOLOGY, CARDIOLOGY)]):
        words = {"conclusion": f"Report {number}.", "category": a_category(*codes)}
        answer = site.sends(papers.a_push(f"study {number}", **words))
        assert answer.status_code == 200, answer.text
    return patient


def conclusions(reader):
    found = reader.searches("DiagnosticReport")
    entries = found.get("entry") or []
    assert found["total"] == len(entries)
    return {one["resource"]["conclusion"]: one["resource"] for one in entries}


@pytest.mark.case("1.10")
def test_a_scope_with_a_category_shows_that_category_and_no_other(told):
    whole = conclusions(told.lets_in())
    assert set(whole) == {"Report 0.", "Report 1.", "Report 2."}
    reader = told.lets_in(scopes=f"{ONLY_RADIOLOGY} patient/Binary.r")
    assert set(conclusions(reader)) == {"Report 0.", "Report 2."}
    for words, status in (("Report 0.", 200), ("Report 2.", 200), ("Report 1.", 404)):
        assert reader.get(f"/fhir/DiagnosticReport/{whole[words]['id']}").status_code == status
        document = whole[words]["presentedForm"][0]["url"].rpartition("/")[2]
        assert reader.get(f"/fhir/Binary/{document}", "application/pdf").status_code == status
    assert reader.get("/fhir/ImagingStudy").status_code == 403
    assert reader.get(f"/fhir/DiagnosticReport?category={LOINC}%7C{CARDIOLOGY}").json["total"] == 1


def test_reading_may_reach_further_than_searching(told):
    whole = conclusions(told.lets_in())
    reader = told.lets_in(scopes=f"patient/DiagnosticReport.r {ONLY_RADIOLOGY.replace('.rs', '.s')}")
    assert set(conclusions(reader)) == {"Report 0.", "Report 2."}
    assert reader.get(f"/fhir/DiagnosticReport/{whole['Report 1.']['id']}").status_code == 200


def test_scopes_add_up_and_a_code_without_its_system_means_any(told):
    both = told.lets_in(scopes=f"{ONLY_RADIOLOGY} patient/DiagnosticReport.s?category={CARDIOLOGY}")
    assert len(conclusions(both)) == 3
    either = told.lets_in(scopes=f"patient/DiagnosticReport.rs?category={CARDIOLOGY},{RADIOLOGY}")
    assert len(conclusions(either)) == 3
    other = told.lets_in(scopes=f"patient/DiagnosticReport.rs?category=http://other.example.org|{RADIOLOGY}")
    assert conclusions(other) == {}
    written = told.lets_in(scopes="patient/DiagnosticReport.rs?category=http%3A%2F%2Floinc.org%7CLP29708-2")
    assert set(conclusions(written)) == {"Report 1.", "Report 2."}


@pytest.mark.case("1.10")
def test_documents_are_let_through_by_category_too(told):
    categories = {
        coding["code"]
        for one in told.lets_in().searches("DocumentReference")["entry"]
        for concept in one["resource"]["category"]
        for coding in concept["coding"]
    }
    assert categories
    for code in categories:
        reader = told.lets_in(scopes=f"patient/DocumentReference.rs?category={code}")
        found = reader.searches("DocumentReference")["entry"]
        assert all(
            code in {coding["code"] for concept in one["resource"]["category"] for coding in concept["coding"]}
            for one in found
        )
        assert reader.get("/fhir/DiagnosticReport").status_code == 403
    nothing = told.lets_in(scopes="patient/DocumentReference.rs?category=http://other.example.org|x")
    assert nothing.searches("DocumentReference")["total"] == 0


@pytest.mark.case("1.10")
def test_a_category_holds_for_the_reports_that_are_stored_as_objects_too(site, patient):  # noqa: F811
    words = a_report(a_section("121070", "Findings", a_text("Said in confidence.")))
    assert site.stores(make.an_instance(), words).status_code == 200
    study = f"studies/{make.a_uid('study', 'one')}"
    report = f"{study}/series/{make.a_uid('series', 'one', 'reports')}/instances/{make.a_uid('instance', 'one', 'reports', 1)}"
    whole = patient.lets_in()
    reader = patient.lets_in(scopes=f"{ONLY_RADIOLOGY} patient/ImagingStudy.rs patient/Binary.r")
    for path, accept in ((report, AS_STORED), (study, AS_STORED), (f"{report}/rendered", "text/html")):
        assert whole.get(f"/dicomweb/{path}", accept).status_code == 200, path
        assert reader.get(f"/dicomweb/{path}", accept).status_code == 403, path
    assert "Said in confidence." in whole.get(f"/dicomweb/{study}/metadata", "application/dicom+json").text
    described = reader.get(f"/dicomweb/{study}/metadata", "application/dicom+json")
    assert described.status_code == 200
    assert "Said in confidence." not in described.text
    (picture,) = [one for one in described.json if one["00080060"]["Value"] == ["CT"]]
    series, instance = (picture[tag]["Value"][0] for tag in ("0020000E", "00080018"))
    assert reader.whole(f"{make.a_uid('study', 'one')}/series/{series}/instances/{instance}").status_code == 200
