"""Documents: what sites send as DocumentReference, and each file of a report."""

import base64
from hashlib import sha1

import pytest

from tests import factories as make
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    PDF,
    a_bundle,
    a_document_resource,
    a_patient_resource,
    a_push,
    a_report_resource,
    a_study_resource,
    an_attachment,
    an_entry,
)
from vault.keyring import KeyClass

ORIGIN = "https://phr.example.org"
NOTE = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note"
RADIOLOGY = "http://loinc.org|LP29684-5"
SUBJECT = f"Patient?identifier={MRN_SYSTEM}|MRN1"


def address_of(document: dict) -> str:
    return document["content"][0]["attachment"]["url"]


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    site.stores(make.an_instance(study="one", StudyDate="20260105", StudyTime="093000"))
    return patient


def test_a_reports_file_is_found_as_a_document_under_the_same_address(pushed):
    app = pushed.lets_in()
    (report,) = app.matches("DiagnosticReport", ("patient", pushed.id), ("category", RADIOLOGY))
    (document,) = app.matches("DocumentReference", ("patient", pushed.id), ("category", NOTE))
    assert document["content"][0]["attachment"] == report["presentedForm"][0]
    assert document["type"] == report["code"]
    assert {"reference": f"DiagnosticReport/{report['id']}"} in document["context"]["related"]
    (study,) = app.matches("ImagingStudy")
    assert document["context"]["related"][0]["reference"] == f"ImagingStudy/{study['id']}"
    assert app.reads("DocumentReference", document["id"]).json == document
    octets = app.get(address_of(document).removeprefix(ORIGIN), "application/pdf").data
    attachment = document["content"][0]["attachment"]
    assert (attachment["size"], attachment["hash"]) == (len(octets), base64.b64encode(sha1(octets).digest()).decode())


def test_documents_are_found_by_what_the_standard_names(pushed):
    app = pushed.lets_in()
    for asked in (
        ("status", "current"),
        ("type", "http://loinc.org|18748-4"),
        ("date", "ge2026-01-05"),
        ("period", "ge2026-01-05"),
        ("contenttype", "application/pdf"),
        ("format", "urn:ihe:iti:xds:2017:mimeTypeSufficient"),
    ):
        assert len(app.matches("DocumentReference", ("patient", pushed.id), asked)) == 1, asked
    for asked in (("status", "superseded"), ("type", "11528-7"), ("contenttype", "text/html")):
        assert app.matches("DocumentReference", ("patient", pushed.id), asked) == [], asked


def test_whoever_was_not_given_reports_finds_no_documents(pushed):
    app = pushed.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert app.matches("DocumentReference") == []


def test_a_document_comes_back_as_it_was_sent(site, patient):
    site.sends(a_push(presentedForm=None))
    answer = site.creates(a_document_resource(SUBJECT, make.a_uid("study", "one"), description="Old letter"))
    assert answer.status_code == 201
    app = patient.lets_in()
    (found,) = app.matches("DocumentReference", ("related", "ImagingStudy/" + app.matches("ImagingStudy")[0]["id"]))
    assert found["description"] == "Old letter"
    assert answer.headers["Location"].endswith(f"/DocumentReference/{found['id']}")
    assert found["subject"]["reference"] == f"Patient/{patient.id}"
    assert app.get(address_of(found).removeprefix(ORIGIN), "application/pdf").data == PDF
    wrapped = app.get(address_of(found).removeprefix(ORIGIN), "application/fhir+json").json
    assert wrapped["securityContext"]["reference"] == f"DocumentReference/{found['id']}"


def test_a_report_sent_as_a_document_too_is_one_document_at_one_address(site, patient):
    push = a_push()
    push["entry"].append(an_entry(a_document_resource("urn:uuid:p", make.a_uid("study", "one")), "doc"))
    site.sends(push)
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    (document,) = app.matches("DocumentReference", ("category", NOTE))
    assert address_of(document) == report["presentedForm"][0]["url"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "bogus"},
        {"content": []},
        {"content": [{"attachment": an_attachment(b"no pdf")}]},
        {"content": ["a"]},
        {"content": {"attachment": {}}},
        {"content": [{"attachment": {"url": "http://elsewhere.example.org/x.pdf"}}]},
        {"content": [{"attachment": an_attachment() | {"hash": "wrong"}}]},
        {"subject": None},
    ],
)
def test_a_document_that_is_none_is_refused(site, patient, wrong):
    site.creates(a_patient_resource())
    resource = {k: v for k, v in (a_document_resource(SUBJECT) | wrong).items() if v is not None}
    assert site.creates(resource).status_code in (400, 422)
    assert patient.lets_in().matches("DocumentReference") == []


# --- the time of a report, and its category ---


def test_a_report_of_another_category_is_found_as_radiology_and_keeps_its_own(site, patient):
    other = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
    site.sends(a_push(category=[other]))
    (report,) = patient.lets_in().matches("DiagnosticReport", ("category", RADIOLOGY))
    assert report["category"][0] == other


def test_a_report_without_a_time_has_that_of_its_study(site, patient):
    study = a_study_resource("urn:uuid:p", started="2026-01-05T09:30:00Z")
    report = a_report_resource("urn:uuid:p", "urn:uuid:s", effectiveDateTime=None)
    site.sends(a_bundle(an_entry(a_patient_resource(), "p"), an_entry(study, "s"), an_entry(report, "r")))
    (found,) = patient.lets_in().matches("DiagnosticReport", ("date", "2026-01-05"))
    assert found["effectiveDateTime"] == "2026-01-05T09:30:00Z"


def test_a_report_without_a_time_has_that_of_the_pictures_that_come_later(site, patient):
    site.sends(a_push(effectiveDateTime=None))
    (early,) = patient.lets_in().matches("DiagnosticReport")
    assert early["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"
    site.stores(make.an_instance(study="one", StudyDate="20260105", StudyTime=""))
    (found,) = patient.lets_in().matches("DiagnosticReport", ("date", "2026-01-05"))
    assert found["effectiveDateTime"] == "2026-01-05"


def test_a_report_that_can_have_no_time_is_refused(site, patient):
    site.creates(a_patient_resource())
    answer = site.creates(a_report_resource(SUBJECT, effectiveDateTime=None))
    assert (answer.status_code, answer.json["issue"][0]["code"]) == (422, "business-rule")
    assert "us-core-10" in answer.json["issue"][0]["details"]["text"]
    assert site.creates(a_report_resource(SUBJECT, effectiveDateTime=None, status="registered")).status_code == 201
    assert patient.studies()[0].reports[0].facts.status == "registered"


# --- files as entries of their own ---


def a_file(url: str, octets: bytes = PDF, kind: str = "application/pdf") -> dict:
    data = base64.b64encode(octets).decode()
    return an_entry({"resourceType": "Binary", "contentType": kind, "data": data}, url)


def test_a_file_that_is_an_entry_of_its_own_is_that_of_whoever_names_it(site, patient):
    push = a_push(presentedForm=[{"url": "urn:uuid:file", "title": "Report"}])
    push["entry"].insert(1, a_file("file"))
    push["entry"].append(
        an_entry(a_document_resource("urn:uuid:p", content=[{"attachment": {"url": "urn:uuid:other"}}]), "doc")
    )
    push["entry"].append(a_file("other", b"plain words", "text/plain"))
    answer = site.sends(push)
    assert answer.status_code == 200, answer.text
    places = [one["response"]["location"].removeprefix(f"{ORIGIN}/fhir/") for one in answer.json["entry"]]
    assert [one.partition("/")[0] for one in places[:3]] == ["Patient", "Binary", "ImagingStudy"]
    assert places[-1].startswith("Binary/")
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    (attachment,) = report["presentedForm"]
    assert attachment["url"] == f"{ORIGIN}/fhir/{places[1]}"
    assert (attachment["title"], attachment["contentType"]) == ("Report", "application/pdf")
    assert app.get(f"/fhir/{places[1]}", "application/pdf").data == PDF
    assert app.get(f"/fhir/{places[-1]}", "text/plain").data == b"plain words"


def test_the_same_push_again_has_no_new_file(site, patient):
    identifier = [{"system": "https://harbor.example.org/report", "value": "R1"}]
    push = a_push(presentedForm=[{"url": "urn:uuid:file"}], identifier=identifier)
    push["entry"].append(a_file("file"))
    assert site.sends(push).json["entry"][-1]["response"]["status"] == "201 Created"
    assert site.sends(push).json["entry"][-1]["response"] == {"status": "200 OK"}
    assert len(patient.lets_in().matches("DocumentReference")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"fullUrl": "urn:uuid:nobody"},
        {"fullUrl": ""},
        {"request": {"method": "PUT", "url": "Binary/1"}},
        {"request": None},
        {"resource": {"resourceType": "Binary", "contentType": "application/pdf"}},
        {"resource": {"resourceType": "Binary", "contentType": "application/pdf", "data": "not base64!"}},
        {"resource": {"resourceType": "Binary", "contentType": 5, "data": "AAAA"}},
    ],
)
def test_a_file_that_is_none_or_nobodys_keeps_the_push_out(site, patient, change):
    push = a_push(presentedForm=[{"url": "urn:uuid:file"}])
    push["entry"].append(a_file("file") | change)
    assert site.sends(push).status_code in (400, 422)
    assert patient.studies() == []


def test_a_file_alone_is_not_taken(site):
    assert site.sends(a_bundle(a_file("file"))).status_code == 422
    assert site.sends(a_bundle(a_file("file"), kind="batch")).json["entry"][0]["response"]["status"] == "422"
    assert site.creates({"resourceType": "Binary", "contentType": "text/plain", "data": "AAAA"}).status_code in (
        404,
        405,
    )


# --- documents that people read ---


def test_a_document_without_a_report_is_what_people_read_and_no_report_to_programs(site, patient):
    site.stores(make.an_instance(study="one"))
    site.creates(a_patient_resource())
    sent = a_document_resource(SUBJECT, make.a_uid("study", "one"), description="Letter")
    assert site.creates(sent).status_code == 201
    (study,) = patient.studies()
    assert [(one.facts.title, one.is_document) for one in study.reports] == [("Letter", True)]
    app = patient.lets_in()
    assert app.matches("DiagnosticReport") == []
    (document,) = app.matches("DocumentReference")
    assert app.get(address_of(document).removeprefix(ORIGIN), "application/pdf").data == PDF
    site.with_next_token().sends(a_push())
    (study,) = patient.studies()
    assert [one.is_document for one in study.reports] == [False]
    assert len(patient.lets_in().matches("DiagnosticReport")) == 1


def test_a_document_about_no_study_stands_alone(site, patient):
    site.creates(a_patient_resource())
    site.creates(a_document_resource(SUBJECT, description="Letter"))
    (study,) = patient.studies()
    assert (study.uid, study.reports[0].facts.title) == ("", "Letter")
    (document,) = patient.lets_in().matches("DocumentReference")
    assert document["description"] == "Letter"
    assert "context" not in document


def test_a_reports_file_is_open_only_to_scopes_that_show_it_as_report_or_document(pushed):
    (report,) = pushed.lets_in().matches("DiagnosticReport")
    file = report["presentedForm"][0]["url"].removeprefix(ORIGIN)

    def seen_with(scopes: str) -> int:
        return pushed.lets_in(scopes=f"{scopes} patient/Binary.r").get(file).status_code

    assert seen_with("patient/DiagnosticReport.rs?category=http://loinc.org|LP7839-6") == 404
    assert seen_with("patient/DocumentReference.rs?category=http://loinc.org|LP7839-6") == 404
    assert seen_with(f"patient/DocumentReference.rs?category={NOTE}") == 200
    assert seen_with("patient/DocumentReference.rs") == 200
    assert seen_with(f"patient/DiagnosticReport.rs?category={RADIOLOGY}") == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://harbor.example.org/fhir/Binary/123",
        f"https://harbor.example.org/fhir/Binary/{'0' * 32}",
        f"{ORIGIN}/fhir/Binary/x",
        f"{ORIGIN}/fhir/Binary/{'0' * 32}",
    ],
)
@pytest.mark.parametrize("promise", [{}, {"hash": "2jmj7l5rSw0yVb/vlWAYkK/YBwk="}])
def test_a_file_at_another_fhir_server_is_a_way_there_and_no_file_of_ours(site, patient, url, promise):
    form = {"contentType": "application/pdf", "url": url} | promise
    assert site.sends(a_push(presentedForm=[form, an_attachment()])).status_code == 200
    assert site.creates(a_document_resource(SUBJECT, content=[{"attachment": form}])).status_code == 201
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    assert report["presentedForm"][0] == form
    for kind in ("DocumentReference", "Provenance", "Patient/$everything"):
        assert app.get(f"/fhir/{kind}").status_code == 200
    assert url in [address_of(one) for one in app.matches("DocumentReference")]
    for url_of_ours in {address_of(one) for one in app.matches("DocumentReference")} - {url}:
        assert app.get(url_of_ours.removeprefix(ORIGIN)).status_code in (200, 404)


def test_nothing_acts_in_the_narrative_of_what_a_report_contains(site, patient):
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x()">Dr. Lee<script>alert(1)</script></p></div>'
    told = {"resourceType": "Practitioner", "id": "lee", "text": {"status": "generated", "div": div}}
    push = a_push(contained=[told], resultsInterpreter=[{"reference": "#lee"}])
    assert site.sends(push).status_code == 200
    (report,) = patient.lets_in().matches("DiagnosticReport")
    shown = report["contained"][0]["text"]["div"]
    assert "<p>Dr. Lee</p>" in shown
    assert all(word not in shown for word in ("onclick", "script", "alert"))
