"""The whole record: `$everything` page by page, and the bulk export of one's own record."""

import json

import pytest
import sqlalchemy as sa
from fhir.resources.R4B import get_fhir_model_class

from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.rest.whole import ORDER
from tests import factories as make
from tests.fhir_gateway.house import BO, a_patient
from tests.fhir_gateway.papers import MRN_SYSTEM, a_document_resource, a_push, an_entry, an_observation_resource
from vault import audit
from vault.keyring import KeyClass
from vault.limits import Standing
from vault.tables_sharing import ExportRow

ORIGIN = "https://phr.example.org"
SUBJECT = f"Patient?identifier={MRN_SYSTEM}|MRN1"
ANY = Standing()


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    for study, day in (("one", "20260105"), ("two", "20240601")):
        site.stores(make.an_instance(study=study, StudyDate=day, StudyTime="100000", TimezoneOffsetFromUTC="+0000"))
    site.creates(an_observation_resource(SUBJECT))
    return patient


def named(resource: dict) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def pages_of(app, path):
    """Every resource of a paged answer, and how many pages there were."""
    found, pages = [], 0
    while path:
        answer = app.get(path.removeprefix(ORIGIN))
        assert answer.status_code == 200, answer.text
        found += [one["resource"] for one in answer.json.get("entry") or []]
        path = next((one["url"] for one in answer.json["link"] if one["relation"] == "next"), "")
        pages += 1
        assert pages < 50
    return found, pages


def test_every_type_that_can_be_searched_belongs_to_the_record():
    assert set(ORDER) == {kind.name for kind in KINDS.values() if kind.searches}


def test_everything_is_all_that_single_searches_find(pushed):
    app = pushed.lets_in(standing=ANY)
    singly = {named(one) for kind in ORDER if kind != "AuditEvent" for one in app.matches(kind)}
    found, pages = pages_of(app, f"/fhir/Patient/{pushed.id}/$everything?_count=7")
    assert {named(one) for one in found if one["resourceType"] != "AuditEvent"} == singly
    assert len({named(one) for one in found}) == len(found)
    assert pages > 2
    assert found[0]["resourceType"] == "Patient"
    assert found[-1]["resourceType"] == "AuditEvent"
    (study,) = [one for one in found if one["resourceType"] == "ImagingStudy" and one["started"].startswith("2024")]
    assert len(study["series"][0]["instance"]) == 1


def test_a_part_of_it_by_type_and_time(house, services, site, pushed):
    app = pushed.lets_in()
    base = f"/fhir/Patient/{pushed.id}/$everything"
    found, _ = pages_of(app, f"{base}?_type=ImagingStudy,Observation")
    assert {one["resourceType"] for one in found} == {"ImagingStudy", "Observation"}
    found, _ = pages_of(app, f"{base}?_type=ImagingStudy&start=2025-01-01&end=2026-12-31")
    assert [one["started"][:4] for one in found] == ["2026"]
    found, _ = pages_of(app, f"{base}?start=2030-01-01")
    assert {one["resourceType"] for one in found} & {"ImagingStudy", "DiagnosticReport", "Observation"} == set()
    services.clock.advance(hours=1)
    now = services.clock.now().isoformat().replace("+00:00", "Z")
    site.with_next_token().creates(an_observation_resource(SUBJECT))
    found, _ = pages_of(pushed.lets_in(), f"{base}?_type=Observation&_since={now}")
    assert len(found) == 1


@pytest.mark.parametrize("query", ["_type=Procedure", "start=soon", "_since=2024-01-01T10:00:00", "_count=-1", "end="])
def test_a_part_that_is_none_is_refused(pushed, query):
    assert pushed.lets_in().get(f"/fhir/Patient/{pushed.id}/$everything?{query}").status_code == 400


def test_scopes_and_classes_bound_the_whole_record(house, site, pushed):
    app = pushed.lets_in(scopes="patient/Patient.r patient/ImagingStudy.rs")
    found, _ = pages_of(app, "/fhir/Patient/$everything")
    assert {one["resourceType"] for one in found} == {"Patient", "ImagingStudy"}
    app = pushed.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    found, _ = pages_of(app, "/fhir/Patient/$everything?_type=DiagnosticReport,DocumentReference,Observation")
    assert found == []
    assert pushed.lets_in(scopes="patient/ImagingStudy.rs").get("/fhir/Patient/$everything").status_code == 403
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    assert other.get(f"/fhir/Patient/{pushed.id}/$everything").status_code == 403
    assert site.get(f"/fhir/Patient/{pushed.id}/$everything").status_code == 403


def test_a_page_of_everything_is_the_askers_alone(house, site, pushed):
    app = pushed.lets_in()
    bundle = app.get(f"/fhir/Patient/{pushed.id}/$everything?_count=2").json
    following = next(one["url"] for one in bundle["link"] if one["relation"] == "next").removeprefix(ORIGIN)
    assert len(app.get(following).json["entry"]) == 2
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    assert other.get(following).status_code in (403, 404)
    assert pushed.lets_in().get(following).status_code == 404


# --- export ---

ASYNC = {"Prefer": "respond-async", "Accept": "application/fhir+json"}


def asks(app, path="/fhir/Patient/$export", method="GET", **more):
    headers = {"Authorization": f"Bearer {app.token}", **ASYNC} | more.pop("headers", {})
    return app.http.open(path, method=method, headers=headers, **more)


def manifest_of(app, kicked_off):
    assert kicked_off.status_code == 202, kicked_off.text
    answer = app.get(kicked_off.headers["Content-Location"].removeprefix(ORIGIN))
    assert answer.status_code == 200, answer.text
    return answer.json


def lines_of(app, manifest, kind):
    (url,) = [one["url"] for one in manifest["output"] if one["type"] == kind]
    answer = app.get(url.removeprefix(ORIGIN))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/fhir+ndjson"
    return [json.loads(line) for line in answer.data.splitlines()]


def test_an_export_is_the_whole_record_in_files(services, pushed):
    app = pushed.lets_in(standing=ANY)
    found, _ = pages_of(app, "/fhir/Patient/$everything")
    services.clock.advance(seconds=1)
    kicked_off = asks(app, f"/fhir/Patient/{pushed.id}/$export")
    manifest = manifest_of(app, kicked_off)
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"] == f"{ORIGIN}/fhir/Patient/{pushed.id}/$export"
    written = {
        named(one)
        for output in manifest["output"]
        if output["type"] != "AuditEvent"
        for one in lines_of(app, manifest, output["type"])
    }
    assert written == {named(one) for one in found if one["resourceType"] != "AuditEvent"}
    for output in manifest["output"]:
        if output["type"] != "AuditEvent":
            assert len(lines_of(app, manifest, output["type"])) == output["count"]
    studies = lines_of(app, manifest, "ImagingStudy")
    assert all(len(one["series"][0]["instance"]) == 1 for one in studies)
    document = lines_of(app, manifest, "DocumentReference")[0]
    assert "/fhir/Binary/" in document["content"][0]["attachment"]["url"]


def test_a_part_of_the_record_is_exported_by_query_and_by_parameters(pushed):
    app = pushed.lets_in()
    filtered = "ImagingStudy%3Fstarted%3D2024"
    by_query = asks(app, f"/fhir/Patient/$export?_type=ImagingStudy&_typeFilter={filtered}&_elements=started")
    sent = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "ImagingStudy"},
            {"name": "_typeFilter", "valueString": "ImagingStudy?started=2024"},
            {"name": "_elements", "valueString": "ImagingStudy.started"},
            {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
        ],
    }
    by_body = asks(app, method="POST", data=json.dumps(sent), content_type="application/fhir+json")
    for kicked_off in (by_query, by_body):
        manifest = manifest_of(app, kicked_off)
        assert [one["type"] for one in manifest["output"]] == ["ImagingStudy"]
        (study,) = lines_of(app, manifest, "ImagingStudy")
        assert study["started"].startswith("2024")
        assert "series" not in study


@pytest.mark.parametrize(
    ("query", "prefer"),
    [
        ("", "return=minimal"),
        ("_type=Procedure", "respond-async"),
        ("_outputFormat=text/csv", "respond-async"),
        ("_typeFilter=Procedure%3Fcode%3D1", "respond-async"),
        ("_typeFilter=ImagingStudy%3Fnonsense%3D1", "respond-async"),
        ("_since=yesterday", "respond-async"),
        ("organizeOutputBy=Patient", "respond-async"),
    ],
)
def test_an_export_that_cannot_be_made_is_refused_when_it_is_asked_for(pushed, query, prefer):
    assert asks(pushed.lets_in(), f"/fhir/Patient/$export?{query}", headers={"Prefer": prefer}).status_code == 400


def test_what_is_not_known_is_left_out_for_whoever_prefers_it(pushed):
    lenient = {"Prefer": "respond-async, handling=lenient"}
    assert asks(pushed.lets_in(), "/fhir/Patient/$export?organizeOutputBy=Patient", headers=lenient).status_code == 202


def test_whoever_asks_after_an_export_too_fast_waits(services, pushed):
    app = pushed.lets_in()
    status = asks(app).headers["Content-Location"].removeprefix(ORIGIN)
    assert app.get(status).status_code == 200
    again = app.get(status)
    assert (again.status_code, again.headers["Retry-After"]) == (429, "1")
    services.clock.advance(seconds=1)
    assert app.get(status).status_code == 200


def test_an_export_ends_when_it_is_deleted_and_after_an_hour(services, pushed):
    app = pushed.lets_in(seconds=7200)
    status = asks(app).headers["Content-Location"].removeprefix(ORIGIN)
    assert app.asks("DELETE", status).status_code == 202
    assert app.get(status).status_code == 404
    assert app.asks("DELETE", status).status_code == 404
    later = asks(app).headers["Content-Location"].removeprefix(ORIGIN)
    services.clock.advance(hours=1)
    assert app.get(later).status_code == 404
    assert app.get(f"{later}/Patient.ndjson").status_code == 404


def test_an_export_is_its_grants_alone_and_ends_with_it(house, site, services, pushed):
    app = pushed.lets_in(scopes="patient/Patient.r patient/ImagingStudy.rs")
    status = asks(app).headers["Content-Location"].removeprefix(ORIGIN)
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    for asker in (other, pushed.lets_in()):
        assert asker.get(status).status_code == 404
        assert asker.get(f"{status}/ImagingStudy.ndjson").status_code == 404
        assert asker.asks("DELETE", status).status_code == 404
    assert asks(other, f"/fhir/Patient/{pushed.id}/$export").status_code == 403
    assert asks(app, "/fhir/Patient/$export?_type=DiagnosticReport").status_code == 403
    assert app.get(f"{status}/DiagnosticReport.ndjson").status_code == 403
    assert app.get(f"{status}/Procedure.ndjson").status_code == 404
    assert {one["type"] for one in app.get(status).json["output"]} == {"Patient", "ImagingStudy"}
    assert site.get("/fhir/Patient/$export").status_code == 403


def test_nothing_of_an_export_can_be_read_where_it_is_kept(services, pushed):
    app = pushed.lets_in()
    asks(app, "/fhir/Patient/$export?_typeFilter=Patient%3Fname%3DQuetzalcoatl")
    with services.reading() as work:
        (row,) = work.session.scalars(sa.select(ExportRow)).all()
        assert b"Quetzalcoatl" not in row.ct
        told = [event.detail for event in audit.events(work, pushed.keyring.owner)]
    assert "Quetzalcoatl" not in str(told)
    pushed.stops()
    with services.reading() as work:
        assert work.session.scalars(sa.select(ExportRow)).all() == []


def test_what_comes_after_an_export_was_asked_for_is_not_in_it(services, site, pushed):
    app = pushed.lets_in(standing=ANY, seconds=3600)
    status = asks(app).headers["Content-Location"].removeprefix(ORIGIN)
    services.clock.advance(minutes=1)
    site.with_next_token().creates(an_observation_resource(SUBJECT))
    assert len(app.matches("Observation")) == 2
    assert len(lines_of(app, app.get(status).json, "Observation")) == 1


# --- shape ---


def test_every_resource_of_a_record_has_the_shape_of_its_type(site, pushed):
    push = a_push("three", result=[{"reference": "urn:uuid:obs"}], effectiveDateTime=None, conclusion="Other words.")
    role = {"resourceType": "PractitionerRole", "practitioner": {"reference": "urn:uuid:d"}}
    seen = an_observation_resource("urn:uuid:p", performer=[{"reference": "urn:uuid:role"}])
    push["entry"] += [an_entry(seen, "obs"), an_entry(role, "role"), an_entry(a_document_resource("urn:uuid:p"), "doc")]
    assert site.sends(push).status_code == 200
    app = pushed.lets_in(standing=ANY)
    app.matches("Patient")
    found, _ = pages_of(app, "/fhir/Patient/$everything?_count=200")
    assert {one["resourceType"] for one in found} == set(ORDER)
    for one in found:
        get_fhir_model_class(one["resourceType"]).model_validate(one)


def test_a_day_beyond_the_calendar_keeps_nobody_from_their_record(site, patient):
    push = a_push(effectiveDateTime="9999")
    assert site.sends(push).status_code == 200
    app = patient.lets_in()
    for asked in ("", "?start=2020-01-01"):
        found, _ = pages_of(app, f"/fhir/Patient/{patient.id}/$everything{asked}")
        assert "DiagnosticReport" in {one["resourceType"] for one in found}
