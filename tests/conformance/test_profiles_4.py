"""National and IHE profiles: the cases, by their numbers."""

import base64
import io
import re
import zipfile
from hashlib import sha1

import pydicom
import pytest

from tests import factories as make
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.papers import (
    MRN_SYSTEM,
    a_patient_resource,
    a_push,
    a_report_resource,
    an_attachment,
)
from tests.journeys.conftest import indoors, keepray, postgres_house, sqlite_house  # noqa: F401  fixtures
from tests.journeys.stories import a_story
from vault.limits import Standing

ORIGIN = "https://phr.example.org"
NOTE = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note"
ACCESSIONS = "https://harbor.example.org/accession"
PROFILE = "https://profiles.ihe.net/RAD/IMR/StructureDefinition/"


@pytest.fixture
def pushed(site, patient):  # noqa: F811
    site.sends(a_push())
    site.stores(make.an_instance(study="one", StudyDate="20260105", StudyTime="093000"))
    return patient


@pytest.mark.case("4.1")
def test_4_1_a_report_and_its_document_have_one_attachment_address(pushed):
    app = pushed.lets_in()
    (report,) = app.matches("DiagnosticReport", ("patient", pushed.id), ("category", "http://loinc.org|LP29684-5"))
    (document,) = app.matches("DocumentReference", ("patient", pushed.id), ("category", NOTE))
    assert document["content"][0]["attachment"]["url"] == report["presentedForm"][0]["url"]


@pytest.mark.case("4.2")
def test_4_2_a_final_report_has_a_time_or_is_refused(site, patient):  # noqa: F811
    site.sends(a_push(effectiveDateTime=None))
    site.stores(make.an_instance(study="one", StudyDate="20260105", StudyTime=""))
    (report,) = patient.lets_in().matches("DiagnosticReport")
    assert report["effectiveDateTime"] == "2026-01-05"
    alone = a_report_resource(f"Patient?identifier={MRN_SYSTEM}|MRN1", effectiveDateTime=None, conclusion="Other.")
    answer = site.creates(alone)
    assert answer.status_code == 422
    assert "us-core-10" in answer.text
    assert len(patient.lets_in().matches("DiagnosticReport")) == 1


@pytest.mark.case("4.3")
def test_4_3_documents_are_found_by_patient_with_a_status_and_without(pushed):
    app = pushed.lets_in()
    (document,) = app.matches("DocumentReference", ("patient", pushed.id), ("status", "current"))
    assert app.matches("DocumentReference", ("patient", pushed.id)) == [document]
    assert app.matches("DocumentReference", ("patient", f"Patient/{pushed.id}"), ("status", "superseded")) == []


@pytest.mark.case("4.4")
def test_4_4_hash_and_size_are_those_of_the_octets(site, patient):  # noqa: F811
    words = an_attachment("Größe: 4 mm".encode("latin-1"), "text/plain; charset=iso-8859-1")
    site.sends(a_push(presentedForm=[an_attachment(), words]))
    app = patient.lets_in()
    for resource in (*app.matches("DiagnosticReport"), *app.matches("DocumentReference")):
        listed = resource.get("presentedForm") or [one["attachment"] for one in resource["content"]]
        for attachment in listed:
            octets = app.get(attachment["url"].removeprefix(ORIGIN), attachment["contentType"]).data
            assert attachment["size"] == len(octets)
            assert attachment["hash"] == base64.b64encode(sha1(octets).digest()).decode()


@pytest.mark.case("4.5")
def test_4_5_a_multimedia_report_without_html_is_taken_and_not_called_one(site, patient):  # noqa: F811
    claims = {"profile": [f"{PROFILE}imr-diagnosticreport", "https://site.example.org/own"]}
    assert site.sends(a_push(meta=claims) | {"meta": {"profile": [f"{PROFILE}imr-store-multimedia-report-bundle"]}})
    (report,) = patient.lets_in().matches("DiagnosticReport")
    assert report["meta"]["profile"] == ["https://site.example.org/own"]
    html = an_attachment(b"<p>No acute finding.</p>", "text/html")
    site.sends(a_push("two", meta=claims, presentedForm=[html], conclusion="As before."))
    told = [one["meta"]["profile"] for one in patient.lets_in().matches("DiagnosticReport")]
    assert sorted(map(len, told)) == [1, 2]


@pytest.mark.case("4.5")
def test_4_5_a_bundle_of_the_profile_holds_nothing_contained(site, patient):  # noqa: F811
    push = a_push()
    push["entry"][2]["resource"]["contained"] = [{"resourceType": "Organization", "id": "x", "name": "Inside"}]
    push["entry"][2]["resource"]["performer"] = [{"reference": "#x"}]
    declared = push | {"meta": {"profile": [f"{PROFILE}imr-store-multimedia-report-bundle"]}}
    answer = site.sends(declared)
    assert (answer.status_code, answer.json["issue"][0]["expression"]) == (422, ["Bundle.entry[2].resource.contained"])
    assert patient.studies() == []
    assert site.sends(push).status_code == 200


@pytest.mark.case("4.6")
@pytest.mark.parametrize("how", ["named by the order", "named by its number alone"])
def test_4_6_a_report_is_found_by_its_accession_number(site, patient, how):  # noqa: F811
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
    number = {"type": kind, "system": ACCESSIONS, "value": "A123"}
    push = a_push() if how == "named by the order" else a_push(basedOn=[{"identifier": number}])
    order = next(one["resource"] for one in push["entry"] if one["resource"]["resourceType"] == "ServiceRequest")
    order["identifier"] = [number]
    site.sends(push)
    asked = [("patient", patient.id), ("basedOn.identifier", f"{ACCESSIONS}|A123")]
    app = patient.lets_in()
    if how == "named by its number alone":
        asked[1] = ("basedOn:identifier", asked[1][1])
    assert len(app.matches("DiagnosticReport", *asked, ("status", "final"))) == 1
    assert app.matches("DiagnosticReport", *asked, ("status", "preliminary")) == []
    assert app.matches("DiagnosticReport", asked[0], (asked[1][0], f"{ACCESSIONS}|A124")) == []


@pytest.mark.case("4.8")
def test_4_8_a_saved_copy_is_portable_media(keepray):  # noqa: F811
    told = a_story(keepray, report="A small effusion.")
    answer = told.patient.ask("GET", f"{told.page}/save/all.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    assert {"DICOMDIR", "README.TXT", "INDEX.HTM"} <= set(files)
    directory = pydicom.dcmread(io.BytesIO(files["DICOMDIR"]))
    listed = {
        "/".join(record.ReferencedFileID)
        for record in directory.DirectoryRecordSequence
        if record.DirectoryRecordType == "IMAGE"
    }
    pictures = {name: octets for name, octets in files.items() if octets[128:132] == b"DICM" and name != "DICOMDIR"}
    assert listed == set(pictures)
    for name, octets in pictures.items():
        assert re.fullmatch(r"([A-Z0-9_]{1,8}/)*[A-Z0-9_]{1,8}", name)
        meta = pydicom.dcmread(io.BytesIO(octets), stop_before_pixels=True).file_meta
        assert meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def roles(event):
    return [one["type"]["coding"][0]["code"] for one in event["agent"]]


@pytest.mark.case("4.9")
def test_4_9_reads_and_searches_are_events_with_their_roles(pushed):
    app = pushed.lets_in(standing=Standing())
    (study,) = app.matches("ImagingStudy", ("patient", pushed.id))
    app.reads("ImagingStudy", study["id"])
    (read,) = app.matches("AuditEvent", ("patient", pushed.id), ("subtype", "read"))
    assert roles(read)[:2] == ["110152", "110153"]
    searched = app.matches("AuditEvent", ("subtype", "search-type"))[-1]
    assert (roles(searched)[:2], searched["action"]) == (["110153", "110152"], "E")
    query = next(one["query"] for one in searched["entity"] if "query" in one)
    assert base64.b64decode(query).decode() == f"{ORIGIN}/fhir/ImagingStudy?patient={pushed.id}"


@pytest.mark.case("4.10")
def test_4_10_nobody_looks_patients_up_by_their_demographics(site, pushed):  # noqa: F811
    sent = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": a_patient_resource()}]}
    assert site.operates("match").status_code in (403, 404)
    for asker in (site, pushed.lets_in()):
        answer = asker.http.post("/fhir/Patient/$match", json=sent, headers={"Authorization": f"Bearer {asker.token}"})
        assert answer.status_code in (403, 404)
    assert site.get("/fhir/Patient?family=Example").status_code == 403
