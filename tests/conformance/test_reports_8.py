"""Reports from other systems, over HTTP: the cases, by their numbers."""

import base64

import pytest

from tests import factories as make
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.dicom.reports import a_document_of, a_nested_report, a_report, a_section, a_text
from tests.fhir_gateway.house import BO, a_patient, a_site
from tests.fhir_gateway.papers import (
    PDF,
    a_bundle,
    a_patient_resource,
    a_push,
    a_report_resource,
    an_attachment,
    an_entry,
)

NUMBER = {"system": "https://harbor.example.org/reports", "value": "R-9"}
FINDINGS = a_section("121070", "Findings", a_text("Nothing <b>new</b>."))
IMPRESSIONS = a_section("121072", "Impressions", a_text("All is well."))


def one_report(app):
    (found,) = app.matches("DiagnosticReport")
    return found


def of_an_order(number, **more):
    order = {
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
        "value": number,
    }
    return a_report_resource("urn:uuid:p", basedOn=[{"identifier": order}], **more)


@pytest.mark.case("8.1")
def test_8_1_a_signed_report_is_the_second_version_of_its_draft(site, patient):  # noqa: F811
    for status in ("preliminary", "final"):
        site.services.clock.advance(seconds=1)
        assert site.sends(a_push(identifier=[NUMBER], status=status)).status_code == 200
    app = patient.lets_in()
    found = one_report(app)
    assert (found["status"], found["meta"]["versionId"]) == ("final", "2")
    first = app.get(f"/fhir/DiagnosticReport/{found['id']}/_history/1")
    assert (first.status_code, first.json["status"]) == (200, "preliminary")
    history = app.get(f"/fhir/DiagnosticReport/{found['id']}/_history").json
    assert [one["resource"]["status"] for one in history["entry"]] == ["final", "preliminary"]


@pytest.mark.case("8.2")
def test_8_2_a_pdf_comes_back_octet_for_octet_and_as_a_document(site, patient):  # noqa: F811
    site.sends(a_push(presentedForm=[an_attachment(PDF)]))
    app = patient.lets_in()
    (form,) = one_report(app)["presentedForm"]
    assert form["contentType"] == "application/pdf"
    assert app.get(form["url"].removeprefix("https://phr.example.org"), "application/pdf").data == PDF
    (document,) = app.matches("DocumentReference")
    assert document["content"][0]["attachment"]["url"] == form["url"]


@pytest.mark.case("8.4")
def test_8_4_an_accession_number_never_leads_to_another_site_or_patient(house, site, patient):  # noqa: F811
    hill = a_site(house, "Hill Scan Center")
    other = a_patient(house).is_linked_to(hill)
    patient.is_linked_to(hill, BO)  # the same person is known at both, under two numbers
    site.stores(make.an_instance(study="one", AccessionNumber="A123"))
    for mrn, words in (("MRN1", "Of another person."), ("MRN2", "Of the same person, at another site.")):
        subject = an_entry(a_patient_resource(mrn, "1970-01-01" if mrn == "MRN1" else "1985-06-15"), "p")
        report = an_entry(of_an_order("A123", conclusion=words), "r")
        assert hill.sends(a_bundle(subject, report)).status_code == 200
    pictures = next(study for study in patient.studies() if study.uid)
    assert pictures.reports == ()
    assert [one.facts.conclusion for study in other.studies() for one in study.reports] == ["Of another person."]


@pytest.mark.case("8.5")
def test_8_5_a_structured_report_has_its_headings_in_order_and_its_text_as_text(site, patient):  # noqa: F811
    assert site.stores(a_report(FINDINGS, IMPRESSIONS)).status_code == 200
    app = patient.lets_in()
    found = one_report(app)
    assert found["status"] == "final"
    uid = make.a_uid("instance", "one", "reports", 1)
    series = make.a_uid("series", "one", "reports")
    address = f"/dicomweb/studies/{make.a_uid('study', 'one')}/series/{series}/instances/{uid}/rendered"
    for words in (found["text"]["div"], app.get(address, "text/html").text):
        assert words.index("<h2>Findings</h2>") < words.index("<h2>Impressions</h2>")
        assert "Nothing &lt;b&gt;new&lt;/b&gt;." in words


@pytest.mark.case("8.6")
def test_8_6_a_report_that_replaces_another_says_so_and_both_are_there(site, patient):  # noqa: F811
    site.stores(a_report(FINDINGS))
    before = a_document_of("one", make.a_uid("instance", "one", "reports", 1))
    site.stores(a_report(IMPRESSIONS, number=2, PredecessorDocumentsSequence=[before]))
    app = patient.lets_in()
    by_status = {one["status"]: one for one in app.matches("DiagnosticReport")}
    assert set(by_status) == {"final", "amended"}
    documents = {one["status"]: one for one in app.matches("DocumentReference")}
    assert documents["current"]["relatesTo"] == [
        {"code": "replaces", "target": {"reference": f"DocumentReference/{documents['superseded']['id']}"}}
    ]
    old = documents["superseded"]["content"][0]["attachment"]["url"].removeprefix("https://phr.example.org")
    assert b"Nothing &lt;b&gt;new" in app.get(old, "text/html").data


@pytest.mark.case("8.7")
def test_8_7_a_padded_pdf_has_the_length_it_was_made_with(site, patient):  # noqa: F811
    odd = b"%PDF-1.4\nodd\n%%EOF\n1"
    site.stores(make.a_pdf_document(odd))
    app = patient.lets_in()
    (form,) = one_report(app)["presentedForm"]
    served = app.get(form["url"].removeprefix("https://phr.example.org"), "application/fhir+json").json
    assert (form["size"], base64.b64decode(served["data"])) == (len(odd), odd)


@pytest.mark.case("8.8")
@pytest.mark.parametrize("depth", [33, 10_000])
def test_8_8_a_nest_without_end_is_refused_and_nothing_falls_over(site, patient, depth):  # noqa: F811
    answer = site.stores(a_nested_report(depth), make.an_instance())
    assert answer.status_code == 202
    failed = answer.json.get("00081198", answer.json.get("0008119A"))["Value"]
    assert [one["00081197"]["Value"] for one in failed] == [[0xC000]]
    (study,) = patient.studies()
    assert (study.instances, study.reports) == (1, ())
