"""What sites send as FHIR: kept whole or not at all, and told nothing but ids."""

import base64
import copy
import json

import pytest

from tests import factories as make
from tests.fhir_gateway.house import BO, a_patient, a_site
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    PDF,
    a_bundle,
    a_patient_resource,
    a_push,
    a_report_resource,
    a_study_resource,
    an_attachment,
    an_entry,
)
from vault.audit import Did, events
from vault.catalogue import open_catalogue
from vault.keyring import KeyClass


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [one["response"]["location"].removeprefix("https://phr.example.org/fhir/") for one in answer.json["entry"]]


def place(answer):
    return answer.headers["Location"].removeprefix("https://phr.example.org/fhir/")


def issue(answer):
    return answer.json["issue"][0]


def kept(patient):
    with patient.services.reading() as work:
        return open_catalogue(work, patient.keyring).studies


def test_a_push_is_answered_in_order_and_reads_as_one_story(site, patient):
    told = ids(site.sends(a_push()))
    assert [one.partition("/")[0] for one in told] == [
        "Patient", "ImagingStudy", "DiagnosticReport", "ServiceRequest", "Practitioner", "Organization",
    ]  # fmt: skip
    (study,) = kept(patient)
    (report,) = study.reports
    assert (report.facts.title, report.facts.written_by) == ("CT chest", "Dr. Rae Weiss")
    assert (report.facts.place, report.facts.accession) == ("Harbor Radiology", "A123")
    assert study.facts.person.name == "Example^Ada"
    read = patient.lets_in().reads("DiagnosticReport", told[2].partition("/")[2]).json
    assert read["resultsInterpreter"] == [{"reference": told[4]}]
    assert read["basedOn"] == [{"reference": told[3]}]
    assert read["imagingStudy"] == [{"reference": told[1]}]
    assert read["subject"] == {"reference": f"Patient/{patient.id}"}


def test_the_answer_names_ids_and_nothing_of_the_vault(site, patient):
    answer = site.sends(a_push())
    assert patient.id not in answer.text
    assert all(set(one["response"]) == {"status", "location", "etag", "lastModified"} for one in answer.json["entry"])


def test_one_bad_entry_of_many_keeps_nothing(site, patient):
    push = a_push()
    push["entry"][2]["resource"]["status"] = "bogus"
    answer = site.sends(push)
    assert answer.status_code == 422
    assert issue(answer)["code"] == "code-invalid"
    assert issue(answer)["expression"] == ["Bundle.entry[2].resource.status"]
    assert kept(patient) == ()


def test_a_reference_that_leads_nowhere_keeps_nothing(site, patient):
    push = a_push(performer=[{"reference": "urn:uuid:nobody"}])
    assert site.sends(push).status_code == 422
    assert kept(patient) == ()


def test_a_batch_keeps_what_is_good(site, patient):
    good = an_entry(a_patient_resource(), "p")
    bad = an_entry(a_patient_resource(gender="x"), "q")
    answer = site.sends(a_bundle(good, bad, kind="batch"))
    assert answer.json["type"] == "batch-response"
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["201", "422"]
    assert answer.json["entry"][1]["response"]["outcome"]["issue"][0]["code"] == "code-invalid"


def test_resources_sent_one_by_one_find_each_other(site, patient):
    person = place(site.creates(a_patient_resource()))
    study = place(site.creates(a_study_resource(person)))
    answer = site.creates(a_report_resource(person, study))
    assert (answer.status_code, answer.data) == (201, b"")
    site.stores(make.an_instance())
    (one,) = kept(patient)
    assert one.instances == 1
    assert [report.facts.conclusion for report in one.reports] == ["No acute finding."]


def test_a_report_finds_its_study_by_uid_or_by_accession_number(site, patient):
    site.stores(make.an_instance())
    subject = f"Patient?identifier={MRN_SYSTEM}|MRN1"
    site.creates(a_patient_resource())
    uid = make.a_uid("study", "one")
    logical = {"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}}
    site.creates(a_report_resource(subject, imagingStudy=[logical], conclusion="By its number."))
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
    by_order = [{"identifier": {"type": kind, "value": "A123"}}]
    site.creates(a_report_resource(subject, basedOn=by_order, conclusion="By its order."))
    (study,) = kept(patient)
    assert {one.facts.conclusion for one in study.reports} == {"By its number.", "By its order."}


def test_a_patient_reference_must_mean_exactly_one(site, patient):
    answer = site.creates(a_report_resource(f"Patient?identifier={MRN_SYSTEM}|nobody"))
    assert (answer.status_code, issue(answer)["code"]) == (412, "not-found")


def test_a_conditional_create_makes_one_and_finds_it_again(site, patient):
    person = place(site.creates(a_patient_resource()))
    condition = "identifier=urn:dicom:uid%7Curn:oid:" + make.a_uid("study", "one")
    first = site.creates(a_study_resource(person), If_None_Exist=condition)
    again = site.creates(a_study_resource(person), If_None_Exist=condition)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["Location"] == again.headers["Location"]


def test_a_condition_sees_only_the_sites_own_records(house, site, patient):
    condition = f"identifier={MRN_SYSTEM}|MRN1"
    first = site.creates(a_patient_resource(), If_None_Exist=condition)
    other = a_site(house, "Hill Scan Center").creates(a_patient_resource(), If_None_Exist=condition)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.headers["Location"] != other.headers["Location"]


@pytest.mark.parametrize("condition", ["name=Ada", "identifier=a|b&name=c", "identifier=sys|"])
def test_other_conditions_are_not_looked_for(site, condition):
    assert site.creates(a_patient_resource(), If_None_Exist=condition).status_code == 412


def test_references_to_another_patients_things_are_refused(site, patient):
    told = ids(site.sends(a_push()))
    other = place(site.creates(a_patient_resource("MRN2", "1985-06-15")))
    for more in ({"imagingStudy": [{"reference": told[1]}]}, {"performer": [{"reference": told[5]}]}):
        answer = site.creates(a_report_resource(other, **more))
        assert answer.status_code == 422, more


def test_another_sites_ids_are_refused_like_unknown_ones(house, site, patient):
    told = ids(site.sends(a_push()))
    hill = a_site(house, "Hill Scan Center")
    theirs = hill.creates(a_report_resource(told[0]))
    unknown = hill.creates(a_report_resource("Patient/" + "0" * 32))
    assert (theirs.status_code, theirs.data) == (422, unknown.data)


def test_a_practitioner_stands_with_each_study_that_names_them(site, patient):
    push = a_push()
    second = copy.deepcopy(push["entry"][2])
    second["fullUrl"] = "urn:uuid:r2"
    second["resource"]["imagingStudy"] = [{"reference": "urn:uuid:s2"}]
    push["entry"] += [second, an_entry(a_study_resource("urn:uuid:p", "two"), "s2")]
    assert site.sends(push).status_code == 200
    for study in kept(patient):
        app = patient.lets_in(study.folders)
        (report,) = app.matches("DiagnosticReport")
        (who,) = report["resultsInterpreter"]
        assert app.get(f"/fhir/{who['reference']}").json["name"][0]["family"] == "Weiss"


def test_circles_are_refused(site, patient):
    one = {"resourceType": "Organization", "name": "A", "partOf": {"reference": "urn:uuid:b"}}
    other = {"resourceType": "Organization", "name": "B", "partOf": {"reference": "urn:uuid:a"}}
    answer = site.sends(a_bundle(an_entry(a_patient_resource(), "p"), an_entry(one, "a"), an_entry(other, "b")))
    assert answer.status_code == 422


def test_an_organization_alone_is_kept_once(site):
    house = {"resourceType": "Organization", "name": "Harbor", "identifier": [{"system": "urn:x", "value": "1"}]}
    first = site.creates(house, If_None_Exist="identifier=urn:x|1")
    again = site.creates(house, If_None_Exist="identifier=urn:x|1")
    assert (first.status_code, again.status_code) == (201, 200)


# --- documents ---------------------------------------------------------------------------------------------------------


def sent(site, **report):
    person = place(site.creates(a_patient_resource()))
    return site.creates(a_report_resource(person, **report))


def test_a_pdf_comes_back_as_it_was_sent(site, patient):
    assert sent(site, presentedForm=[an_attachment(title="Report")]).status_code == 201
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    form = report["presentedForm"][0]
    assert "data" not in form
    assert form["size"] == len(PDF)
    bare = app.get(form["url"].removeprefix("https://phr.example.org"), "application/pdf")
    assert bare.data == PDF
    assert (bare.content_type, bare.headers["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    assert "Content-Disposition" in bare.headers
    wrapped = app.get(form["url"].removeprefix("https://phr.example.org"), "application/fhir+json").json
    assert base64.b64decode(wrapped["data"]) == PDF


def test_a_text_becomes_sections_of_the_report(site, patient):
    text = b"FINDINGS: The lungs are clear.\nNo effusion.\nIMPRESSION:\nNothing new."
    sent(site, presentedForm=[an_attachment(text, "text/plain")])
    (study,) = kept(patient)
    sections = [(one.heading, one.text) for one in study.reports[0].facts.sections]
    assert sections == [("Findings", "The lungs are clear.\nNo effusion."), ("Impression", "Nothing new.")]


def test_html_loses_whatever_acts(site, patient):
    html = b"<p onclick='x()'>Clear <script>alert(1)</script><a href='javascript:x'>lungs</a><img src=http://e/x></p>"
    sent(site, presentedForm=[an_attachment(html, "text/html")])
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    served = app.get(report["presentedForm"][0]["url"].removeprefix("https://phr.example.org"), "text/html")
    assert served.text == "<p>Clear lungs</p>"
    assert "sandbox" in served.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("attachment", "status", "code"),
    [
        ({"contentType": "application/pdf", "data": "!!!!"}, 422, "value"),
        (an_attachment(b"<html>", "application/pdf"), 422, "value"),
        (an_attachment(b"MZ", "application/x-msdownload"), 422, "not-supported"),
        (an_attachment(b"\xff\xfe\x00", "text/plain"), 422, "value"),
        (an_attachment(hash="AAAAAAAAAAAAAAAAAAAAAAAAAAA="), 422, "value"),
        (an_attachment(size=3), 422, "value"),
        (an_attachment(b"%PDF-" + b"x" * (1 << 20)), 413, "too-long"),
        ({"url": "file:///etc/passwd"}, 422, "value"),
    ],
)
def test_documents_that_are_not_what_they_say_are_refused(site, patient, attachment, status, code):
    answer = sent(site, presentedForm=[attachment])
    assert (answer.status_code, issue(answer)["code"]) == (status, code)
    assert kept(patient) == ()


# --- shapes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "code", "expression"),
    [
        ({"gender": "bogus"}, 422, "code-invalid", "Patient.gender"),
        ({"owner": "me"}, 422, "structure", "Patient.owner"),
        ({"birthDate": "yesterday"}, 422, "value", "Patient.birthDate"),
        (
            {"managingOrganization": {"reference": "Patient/1"}},
            422,
            "invalid",
            "Patient.managingOrganization.reference",
        ),
        ({"identifier": []}, 422, "required", "Patient.identifier"),
        ({"fhir_comments": "x"}, 422, "structure", "Patient.fhir_comments"),
        ({"contained": [{"resourceType": "ImagingSelection"}]}, 422, "invalid", "Patient"),
        ({"photo": [{"data": "!!!"}]}, 422, "value", "Patient.photo[0].data"),
        ({"name": [{"use": "bogus"}]}, 422, "code-invalid", "Patient.name[0].use"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(site, change, status, code, expression):
    answer = site.creates(a_patient_resource(**change))
    assert (answer.status_code, issue(answer)["code"]) == (status, code)
    assert issue(answer)["expression"] == [expression]


def test_types_that_are_not_taken_are_refused_and_never_break(site):
    for kind in ("ImagingSelection", "Nonsense", "Procedure", "Medication"):
        answer = site.sends(a_bundle(an_entry({"resourceType": kind}, "x")))
        assert (answer.status_code, issue(answer)["code"]) == (422, "not-supported")
        assert site.creates({"resourceType": kind}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"resourceType":"Patient","id":NaN}',
        b'{"resourceType":"Patient","gender":"male","gender":"female"}',
        b"[" * 100_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'\xef\xbb\xbf{"resourceType":"Patient"}',
        '{"resourceType":"Patient"}'.encode("utf-16"),
        b'{"resourceType":"Patient","language":"\\ud800"}',
        b'{"resourceType":"Patient","x":1e999}',
        b'{"resourceType":"Patient","x":' + b"9" * 5000 + b"}",
        b'{"resourceType":"Patient"} trailing',
        b'{"identifier":[]}',
    ],
)
def test_json_that_two_readers_could_understand_differently_is_400(site, body):
    answer = site.post("/fhir/Patient", body, "application/fhir+json")
    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("application/fhir+xml", 415),
        ("application/fhir+json; fhirVersion=5.0", 415),
        ("application/json", 201),
        ("application/fhir+json; fhirVersion=4.0", 201),
    ],
)
def test_bodies_are_json_of_r4(site, kind, status):
    assert site.post("/fhir/Patient", json.dumps(a_patient_resource()).encode(), kind).status_code == status


def test_answers_in_other_formats_are_406(site):
    body = json.dumps(a_patient_resource()).encode()
    for accept in ("application/fhir+xml", "text/csv"):
        assert site.post("/fhir/Patient", body, "application/fhir+json", accept).status_code == 406
    assert site.get("/fhir/metadata?_format=xml").status_code == 406
    assert site.get("/fhir/metadata?_format=json", "application/xml").status_code == 200


def test_a_transaction_larger_than_the_limit_is_refused(site):
    entries = [an_entry(a_patient_resource(str(number)), str(number)) for number in range(501)]
    assert site.sends(a_bundle(*entries)).status_code == 413


# --- rights ------------------------------------------------------------------------------------------------------------


def test_a_site_creates_and_reads_nothing(site, patient):
    told = ids(site.sends(a_push()))
    for path in (told[0], told[1], "Patient", "ImagingStudy?patient=" + told[0], "Binary/" + "0" * 32, "Consent"):
        assert site.get(f"/fhir/{path}").status_code == 403
    for method in ("PUT", "PATCH", "DELETE"):
        assert site.asks(method, f"/fhir/{told[0]}").status_code == 405
    reading = {"request": {"method": "GET", "url": told[0]}}
    assert site.sends(a_bundle(reading)).status_code == 403
    changing = an_entry(a_patient_resource(), "p") | {"request": {"method": "PUT", "url": told[0]}}
    assert site.sends(a_bundle(changing)).status_code == 405


def test_each_entry_needs_its_own_scope(site, patient):
    narrow = site.with_next_token("system/Patient.c")
    assert narrow.sends(a_push()).status_code == 403
    assert kept(patient) == ()
    batch = a_push() | {"type": "batch"}
    statuses = [one["response"]["status"][:3] for one in narrow.sends(batch).json["entry"]]
    assert statuses == ["201", "403", "403", "403", "403", "403"]


def test_nobody_but_a_site_creates(house, site, patient):
    from tests.fhir_gateway.house import nobody

    body = json.dumps(a_patient_resource()).encode()
    assert nobody(house).post("/fhir/Patient", body, "application/fhir+json").status_code == 401
    app = patient.lets_in(studies=())
    assert app.post("/fhir/Patient", body, "application/fhir+json").status_code == 403


def test_what_the_server_says_of_a_resource_is_not_the_senders_to_say(site, patient):
    resource = a_study_resource(f"Patient?identifier={MRN_SYSTEM}|MRN1", id="mine", meta={"tag": [{"code": "x"}]})
    site.creates(a_patient_resource())
    assert site.creates(resource).status_code == 201
    site.stores(make.an_instance())
    (study,) = patient.lets_in().matches("ImagingStudy")
    assert study["id"] != "mine"
    assert "tag" not in study["meta"]


def test_the_wrong_birth_date_is_not_delivered_to_the_vault(site, patient):
    site.sends(
        a_bundle(an_entry(a_patient_resource(born="1999-09-09"), "p"), an_entry(a_study_resource("urn:uuid:p"), "s"))
    )
    assert kept(patient) == ()


def test_a_report_is_an_event_of_the_patients_history(site, patient):
    site.sends(a_push())
    with patient.services.reading() as work:
        assert Did.REPORT_RECEIVED in [one.did for one in events(work, patient.keyring.owner)]


def test_reports_and_orders_need_the_reports_key(site, patient):
    site.sends(a_push())
    site.stores(make.an_instance())
    app = patient.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert app.matches("DiagnosticReport") == []
    assert app.matches("ServiceRequest") == []
    assert len(app.matches("ImagingStudy")) == 1


def test_two_sites_fill_one_record(house, site, patient):
    hill = a_site(house, "Hill Scan Center")
    patient.is_linked_to(hill)
    site.sends(a_push("one"))
    hill.sends(a_push("two"))
    studies = kept(patient)
    assert len({study.site_id for study in studies}) == 2
    stranger = a_patient(house).is_linked_to(hill, BO)
    assert kept(stranger) == ()
