"""Where things came from, what else sites send, and who looked: Provenance, Observation, roles, AuditEvent."""

import base64

import pytest

from tests import factories as make
from tests.fhir_gateway.house import a_patient
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    a_bundle,
    a_document_resource,
    a_patient_resource,
    a_push,
    a_study_resource,
    an_entry,
    an_observation_resource,
)
from vault.keyring import KeyClass
from vault.limits import Standing

ORIGIN = "https://phr.example.org"
SUBJECT = f"Patient?identifier={MRN_SYSTEM}|MRN1"
ANY = Standing()


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    site.stores(make.an_instance(study="one", StudyDate="20260105", StudyTime="093000"))
    return patient


# --- where it came from ---


def test_everything_that_was_sent_tells_from_where(site, pushed):
    app = pushed.lets_in()
    told = {one["target"][0]["reference"]: one for one in app.matches("Provenance")}
    for kind in ("ImagingStudy", "DiagnosticReport", "DocumentReference", "ServiceRequest"):
        (resource,) = app.matches(kind)
        mine = told[f"{kind}/{resource['id']}"]
        assert mine["recorded"] == resource["meta"]["lastUpdated"]
        codes = [agent["type"]["coding"][0]["code"] for agent in mine["agent"]]
        assert codes[:2] == ["author", "transmitter"]
        sender = mine["agent"][1]["who"]["reference"].partition("/")[2]
        assert app.reads("Organization", sender).json["name"] == site.site.details.name
        assert app.reads("Provenance", mine["id"]).json == mine
        assert app.matches("Provenance", ("target", f"{kind}/{resource['id']}")) == [mine]


def test_a_document_drawn_from_a_report_says_so_and_one_that_was_sent_does_not(site, pushed):
    app = pushed.lets_in()
    (report,) = app.matches("DiagnosticReport")
    (document,) = app.matches("DocumentReference")
    mine = app.reads("Provenance", document["id"]).json
    assert mine["entity"] == [{"role": "derivation", "what": {"reference": f"DiagnosticReport/{report['id']}"}}]
    assert mine["agent"][2]["type"]["coding"][0]["code"] == "assembler"
    site.creates(a_document_resource(SUBJECT, make.a_uid("study", "one"), description="Sent"))
    (sent,) = pushed.lets_in().matches("DocumentReference", ("description", "Sent"))
    assert "entity" not in pushed.lets_in().reads("Provenance", sent["id"]).json


def test_where_something_came_from_is_told_to_whoever_may_read_it(pushed):
    app = pushed.lets_in(scopes="patient/Provenance.rs patient/ImagingStudy.rs")
    assert {one["target"][0]["reference"].partition("/")[0] for one in app.matches("Provenance")} == {"ImagingStudy"}


def test_a_report_brings_along_where_it_came_from(pushed):
    bundle = pushed.lets_in().searches("DiagnosticReport", ("_revinclude", "Provenance:target"))
    assert [one["resource"]["resourceType"] for one in bundle["entry"]] == ["DiagnosticReport", "Provenance"]


# --- what else sites send ---


def test_an_observation_comes_back_as_it_was_sent(site, pushed):
    answer = site.creates(an_observation_resource(SUBJECT, note=[{"text": "as measured"}]))
    assert answer.status_code == 201
    app = pushed.lets_in()
    (found,) = app.matches("Observation", ("patient", pushed.id), ("code", "http://loinc.org|21889-1"))
    assert found["note"] == [{"text": "as measured"}]
    assert found["subject"]["reference"] == f"Patient/{pushed.id}"
    assert answer.headers["Location"].endswith(found["id"])
    hidden = pushed.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert hidden.matches("Observation") == []


def test_an_observation_without_a_study_is_the_patients_all_the_same(site, patient):
    site.creates(a_patient_resource())
    assert site.creates(an_observation_resource(SUBJECT)).status_code == 201
    (found,) = patient.lets_in().matches("Observation")
    assert found["status"] == "final"
    assert patient.studies() == []


def test_an_order_that_comes_alone_joins_its_study_by_accession_number(site, patient):
    order = next(one["resource"] for one in a_push()["entry"] if one["resource"]["resourceType"] == "ServiceRequest")
    site.creates(a_patient_resource())
    plain = {name: value for name, value in order.items() if name != "requester"}
    assert site.creates(plain | {"subject": {"reference": SUBJECT}}).status_code == 201
    assert len(patient.lets_in().matches("ServiceRequest")) == 1
    site.stores(make.an_instance(study="one", AccessionNumber="A123"))
    (study,) = patient.studies()
    assert len(study.folders) == 2
    assert len(patient.lets_in().matches("ServiceRequest")) == 1


def test_a_reports_observations_and_roles_lead_to_each_other(site, patient):
    push = a_push(result=[{"reference": "urn:uuid:obs"}])
    role = {
        "resourceType": "PractitionerRole",
        "practitioner": {"reference": "urn:uuid:d"},
        "organization": {"reference": "urn:uuid:o"},
        "code": [{"text": "radiologist"}],
    }
    seen = an_observation_resource("urn:uuid:p", performer=[{"reference": "urn:uuid:role"}])
    push["entry"] += [an_entry(seen, "obs"), an_entry(role, "role")]
    assert site.sends(push).status_code == 200
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    result = app.get("/fhir/" + report["result"][0]["reference"]).json
    found = app.get("/fhir/" + result["performer"][0]["reference"]).json
    assert found["code"][0]["text"] == "radiologist"
    assert app.get("/fhir/" + found["practitioner"]["reference"]).json["name"][0]["family"] == "Weiss"
    (same,) = app.matches("PractitionerRole", ("practitioner", found["practitioner"]["reference"]))
    assert same == found


@pytest.mark.parametrize(
    "wrong", [{"status": "bogus"}, {"code": None}, {"subject": None}, {"derivedFrom": [{"reference": "Patient/1"}]}]
)
def test_an_observation_that_is_none_is_refused(site, patient, wrong):
    site.creates(a_patient_resource())
    resource = {k: v for k, v in (an_observation_resource(SUBJECT) | wrong).items() if v is not None}
    assert site.creates(resource).status_code in (400, 422)


def test_a_study_and_its_observation_meet_in_one_push(site, patient):
    seen = an_observation_resource("urn:uuid:p", derivedFrom=[{"reference": "urn:uuid:s"}])
    sent = a_bundle(
        an_entry(a_patient_resource(), "p"),
        an_entry(a_study_resource("urn:uuid:p"), "s"),
        an_entry(seen, "obs"),
    )
    assert site.sends(sent).status_code == 200
    app = patient.lets_in()
    (study,) = app.matches("ImagingStudy")
    (found,) = app.matches("Observation", ("derived-from", f"ImagingStudy/{study['id']}"))
    assert found["derivedFrom"] == [{"reference": f"ImagingStudy/{study['id']}"}]


# --- who looked ---


def role_of(agent: dict) -> str:
    return agent["type"]["coding"][0]["code"]


def test_a_read_and_a_search_are_events_of_the_audit_profile(pushed):
    app = pushed.lets_in(standing=ANY)
    (study,) = app.matches("ImagingStudy", ("patient", pushed.id))
    app.reads("ImagingStudy", study["id"])
    (read,) = app.matches("AuditEvent", ("subtype", "read"))
    assert [role_of(one) for one in read["agent"]] == ["110152", "110153", "IRCP"]
    assert (read["action"], read["outcome"]) == ("R", "0")
    assert read["entity"][1]["what"] == {"reference": f"ImagingStudy/{study['id']}"}
    searched = app.matches("AuditEvent", ("subtype", "search-type"), ("action", "E"))[-1]
    assert [role_of(one) for one in searched["agent"]][:2] == ["110153", "110152"]
    query = next(one["query"] for one in searched["entity"] if "query" in one)
    assert base64.b64decode(query).decode() == f"{ORIGIN}/fhir/ImagingStudy?patient={pushed.id}"
    assert [one["requestor"] for one in searched["agent"]] == [False, False, True]
    assert app.reads("AuditEvent", read["id"]).json == read


def test_what_was_searched_for_is_not_written_down(pushed):
    app = pushed.lets_in(standing=ANY)
    app.search("Patient", ("name", "Example"), ("birthdate", "1970-01-01"))
    searched = app.matches("AuditEvent", ("subtype", "search-type"))[-1]
    asked = base64.b64decode(searched["entity"][1]["query"]).decode()
    assert asked == f"{ORIGIN}/fhir/Patient?name=*&birthdate=*"


def test_an_app_with_the_whole_record_sees_every_event_and_another_only_its_own(pushed):
    other = pushed.lets_in()
    other.matches("ImagingStudy")
    whole = pushed.lets_in(standing=ANY)
    kinds = {one["subtype"][-1]["code"] for one in whole.matches("AuditEvent")}
    assert {"received", "searched", "gave"} <= kinds
    narrow = pushed.lets_in()
    narrow.matches("ImagingStudy")
    mine = narrow.matches("AuditEvent")
    assert {one["subtype"][-1]["code"] for one in mine} <= {"searched", "opened", "token-issued"}
    clients = {one["agent"][0]["who"]["identifier"]["value"] for one in mine}
    assert len(clients) == 1
    theirs = other.matches("AuditEvent")[0]["id"]
    assert narrow.reads("AuditEvent", theirs).status_code == 404
    bare = pushed.lets_in(scopes="patient/ImagingStudy.rs", standing=ANY)
    assert bare.search("AuditEvent").status_code == 403


def test_events_of_another_record_are_not_there(house, site, pushed):
    app = pushed.lets_in(standing=ANY)
    theirs = app.matches("AuditEvent")[0]["id"]
    other = a_patient(house).lets_in(standing=ANY)
    assert other.reads("AuditEvent", theirs).status_code == 404
    assert other.search("AuditEvent", ("patient", pushed.id)).status_code == 403
