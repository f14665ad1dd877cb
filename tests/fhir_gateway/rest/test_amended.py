"""A report that its site sends again: a new version where it says something else, nothing where it does not."""

import pytest

from tests.fhir_gateway.papers import (
    a_bundle,
    a_patient_resource,
    a_push,
    a_report_resource,
    an_attachment,
    an_entry,
)

NUMBER = {"system": "https://harbor.example.org/reports", "value": "R-9"}
ORDER = {
    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
    "value": "A123",
}
DRAFT = {"status": "preliminary", "conclusion": "A shadow.", "issued": "2026-01-05T10:00:00Z"}
CHANGED = {"status": "amended", "conclusion": "A small nodule.", "issued": "2026-01-06T12:00:00Z"}


def told(answer):
    """Of the report: the status, its id and its version."""
    assert answer.status_code == 200, answer.text
    said = answer.json["entry"][2]["response"]
    return said["status"][:3], said["location"].rpartition("/")[2], said["etag"]


def send(site, **report):
    site.services.clock.advance(seconds=1)
    return told(site.sends(a_push(identifier=[NUMBER], **report)))


def versions(patient):
    (report,) = [report for study in patient.studies() for report in study.reports]
    return report, [(one.version, one.facts.status, one.facts.conclusion) for one in report.versions]


def test_a_signed_report_after_a_draft_is_its_second_version(site, patient):
    status, first, etag = send(site, **DRAFT)
    assert (status, etag) == ("201", 'W/"1"')
    assert send(site) == ("200", first, 'W/"2"')
    report, said = versions(patient)
    assert report.id.hex() == first
    assert said == [(2, "final", "No acute finding."), (1, "preliminary", "A shadow.")]
    app = patient.lets_in()
    (found,) = app.matches("DiagnosticReport")
    assert (found["id"], found["status"]) == (first, "final")
    assert app.reads("DiagnosticReport", first).json["status"] == "final"


@pytest.mark.parametrize("same_token", [True, False])
def test_the_same_report_again_is_no_new_version(site, patient, same_token):
    _, first, _ = send(site)
    again = site if same_token else site.with_next_token()
    status, same, etag = send(again)
    assert (status, same) == ("200", first)
    assert etag == 'W/"1"' if same_token else etag
    assert versions(patient)[1] == [(1, "final", "No acute finding.")]


def test_a_condition_that_is_met_changes_nothing(site, patient):
    _, first, _ = send(site)
    bundle = a_push(identifier=[NUMBER], **CHANGED)
    bundle["entry"][2]["request"]["ifNoneExist"] = f"identifier={NUMBER['system']}|{NUMBER['value']}"
    assert told(site.sends(bundle)) == ("200", first, 'W/"1"')
    assert len(versions(patient)[1]) == 1
    _, second, etag = send(site, **CHANGED)
    assert (second, etag) == (first, 'W/"2"')
    assert told(site.sends(bundle)) == ("200", first, 'W/"2"')


def test_a_draft_that_comes_late_is_kept_and_not_shown(site, patient):
    _, first, _ = send(site)
    assert send(site, **DRAFT) == ("200", first, 'W/"2"')
    assert patient.lets_in().reads("DiagnosticReport", first).json["status"] == "final"
    assert len(versions(patient)[1]) == 2


def test_another_file_makes_another_version_and_both_files_can_be_read(site, patient):
    for octets in (b"%PDF-1.4 one", b"%PDF-1.4 two"):
        send(site, presentedForm=[an_attachment(octets)])
    report, said = versions(patient)
    assert len(said) == 2
    app = patient.lets_in()
    read = [
        app.get(f"/fhir/Binary/{one.facts.documents[0].resource_id}", "application/pdf").data for one in report.versions
    ]
    assert read == [b"%PDF-1.4 two", b"%PDF-1.4 one"]


def test_reports_of_one_order_are_different_reports(site, patient):
    site.sends(a_push(identifier=[ORDER, NUMBER]))
    site.sends(a_push(identifier=[ORDER, {**NUMBER, "value": "R-10"}], conclusion="Of the other knee."))
    assert sum(len(study.reports) for study in patient.studies()) == 2


def test_versions_within_one_push_follow_each_other(site, patient):
    person = an_entry(a_patient_resource(), "p", "identifier=https://harbor.example.org/mrn|MRN1")
    draft = a_report_resource("urn:uuid:p", identifier=[NUMBER], **DRAFT)
    signed = a_report_resource("urn:uuid:p", identifier=[NUMBER])
    answer = site.sends(a_bundle(person, an_entry(draft, "r1"), an_entry(signed, "r2"), an_entry(signed, "r3")))
    places = [one["response"]["location"] for one in answer.json["entry"][1:]]
    assert len(set(places)) == 1
    assert [one["response"]["etag"] for one in answer.json["entry"][1:]] == ['W/"1"', 'W/"2"', 'W/"2"']
    assert [number for number, _, _ in versions(patient)[1]] == [2, 1]


def test_a_single_create_of_a_next_version_is_200(site, patient):
    site.creates(a_patient_resource())
    report = a_report_resource("Patient?identifier=https://harbor.example.org/mrn|MRN1", identifier=[NUMBER])
    first = site.creates(report)
    site.services.clock.advance(seconds=1)
    second = site.creates(report | CHANGED)
    assert (first.status_code, first.headers["ETag"]) == (201, 'W/"1"')
    assert (second.status_code, second.headers["ETag"]) == (200, 'W/"2"')
    assert first.headers["Location"].partition("/_history")[0] == second.headers["Location"].partition("/_history")[0]


@pytest.mark.parametrize("logical", [False, True])
def test_a_report_of_another_number_may_say_what_it_replaces(site, patient, logical):
    send(site)
    _, first, _ = send(site, **CHANGED)
    named = f"DiagnosticReport?identifier={NUMBER['system']}|{NUMBER['value']}"
    reference = {"identifier": NUMBER} if logical else {"reference": named}
    replaces = {
        "url": "http://hl7.org/fhir/StructureDefinition/diagnosticReport-replaces",
        "valueReference": reference,
    }
    bundle = a_push(identifier=[{**NUMBER, "value": "R-10"}], conclusion="A third look.", extension=[replaces])
    site.services.clock.advance(seconds=1)
    assert site.sends(bundle).status_code == 200
    old, new = sorted((report for study in patient.studies() for report in study.reports), key=lambda one: one.received)
    assert (old.id.hex(), old.replaced_by, new.replaces) == (first, new.id, (old.id,))
    read = patient.lets_in().reads("DiagnosticReport", new.id.hex()).json
    assert read["extension"][0]["valueReference"]["reference"] == f"DiagnosticReport/{first}"


# --- the clothes a report's text comes in ---


def refused(site, octets, kind):
    site.creates(a_patient_resource())
    person = "Patient?identifier=https://harbor.example.org/mrn|MRN1"
    return site.creates(a_report_resource(person, presentedForm=[an_attachment(octets, kind)]))


@pytest.mark.parametrize("kind", ["application/rtf", "text/rtf", "text/plain", "application/msword"])
def test_rich_text_is_refused_with_what_to_do(site, patient, kind):
    answer = refused(site, rb"{\rtf1\ansi A tear.}", kind)
    assert answer.status_code == 422
    assert "PDF, text or HTML" in answer.json["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        ("text/plain", b"FINDINGS: None.\nIMPRESSION: No tear."),
        ("text/plain; charset=iso-8859-1", "FINDINGS: None.\nIMPRESSION: No t\xe9ar.".encode("latin-1")),
        ("text/html", b"<h2>Findings</h2><p>None.</p><h2>Impression</h2><p onclick=x()>No tear.<script>x</script></p>"),
    ],
)
def test_text_and_html_are_read_in_their_parts(site, patient, kind, octets):
    send(site, presentedForm=[an_attachment(octets, kind)])
    report, _ = versions(patient)
    assert [one.heading for one in report.facts.sections] == ["Findings", "Impression"]
    assert [one.text.replace("\xe9", "e") for one in report.facts.sections] == ["None.", "No tear."]
    file = patient.lets_in().get(f"/fhir/Binary/{report.facts.documents[0].resource_id}", kind.partition(";")[0])
    assert b"script" not in file.data
    assert b"onclick" not in file.data


# --- documents ---


def documents(app):
    return {one["id"]: one for one in app.matches("DocumentReference")}


def test_the_file_of_an_older_version_is_superseded_by_the_newer_one(site, patient):
    for octets in (b"%PDF-1.4 one", b"%PDF-1.4 two"):
        send(site, presentedForm=[an_attachment(octets)])
    report, _ = versions(patient)
    new, old = (one.facts.documents[0].resource_id for one in report.versions)
    found = documents(patient.lets_in())
    assert {name: one["status"] for name, one in found.items()} == {new: "current", old: "superseded"}
    assert found[new]["relatesTo"] == [{"code": "replaces", "target": {"reference": f"DocumentReference/{old}"}}]
    assert "relatesTo" not in found[old]
