"""The whole record: `$everything` page by page, and the bulk export of one's own record."""

import pytest

from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.rest.whole import ORDER
from tests import factories as make
from tests.fhir_gateway.house import BO, a_patient
from tests.fhir_gateway.papers import MRN_SYSTEM, a_push, an_observation_resource
from vault.keyring import KeyClass
from vault.limits import Standing

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
