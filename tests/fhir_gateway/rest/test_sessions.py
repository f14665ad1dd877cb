"""A signed-in browser reads with its session: a patient their own record, a doctor what several patients gave."""

import pytest

from consent import sessions
from consent.errors import Area
from consent.grants import Offer, give_to_provider
from tests import factories as make
from tests.consent.small_app import Browser
from tests.fhir_gateway.callers import AS_STORED
from tests.fhir_gateway.house import ADA, BO, PatientCaller, Settings, a_house, a_site
from vault.accounts import open_account
from vault.audit import Did, events

PASSWORD = "five green bicycles at noon"
STUDY = make.a_uid("study", "one")


def signed_in(house, login, person=None, kind="person"):
    """A browser, and what its owner can do below the web."""
    services = house.extensions["services"]
    account = open_account(
        services,
        login=login,
        password=PASSWORD,
        kind=kind,
        name=person.name if person else "",
        born=person.born if person else None,
    )
    area = Area.PROVIDER if kind == "provider" else Area.PATIENT
    browser = Browser(house, services, account).signs_in(area=area)
    return browser, PatientCaller(house, services, account.keyring)


@pytest.fixture
def plain_house(services, darkroom):
    house = a_house(services, darkroom)
    house.extensions["settings"] = Settings(base_url="http://localhost", secure_cookies=False)
    return house


@pytest.fixture
def harbor(plain_house):
    return a_site(plain_house)


@pytest.fixture
def ada(plain_house, harbor):
    browser, patient = signed_in(plain_house, "ada", ADA)
    patient.is_linked_to(harbor)
    harbor.stores(*make.a_ct_series(2))
    return browser, patient


@pytest.fixture
def bo(plain_house, harbor):
    browser, patient = signed_in(plain_house, "bo", BO)
    patient.is_linked_to(harbor, BO)
    harbor.stores(make.an_instance(study="two", person=make.ANOTHER_PERSON))
    return browser, patient


def test_a_patient_reads_their_own_record_with_their_session(ada, bo):
    browser, patient = ada
    found = browser.web.get("/fhir/ImagingStudy").json
    assert found["total"] == 1
    assert browser.web.get(f"/fhir/ImagingStudy?patient={bo[1].id}").status_code == 403
    (person,) = [one["resource"] for one in browser.web.get("/fhir/Patient").json["entry"]]
    assert (person["id"], person["name"]) == (patient.id, [{"family": "Example", "given": ["Ada"]}])
    whole = browser.web.get(f"/dicomweb/studies/{STUDY}", headers={"Accept": AS_STORED})
    assert whole.status_code == 200


def test_a_patients_own_thumbnails_are_no_looking_and_their_copies_no_saving(ada):
    browser, patient = ada
    browser.web.get(f"/dicomweb/studies/{STUDY}/thumbnail")
    with patient.services.reading() as work:
        assert Did.VIEWED not in [one.did for one in events(work, patient.keyring.owner)]
    browser.web.get(f"/dicomweb/studies/{STUDY}", headers={"Accept": AS_STORED})
    with patient.services.reading() as work:
        found = [one.did for one in events(work, patient.keyring.owner)]
    assert Did.VIEWED in found
    assert Did.SAVED_COPY not in found


def test_another_pages_request_is_not_taken_for_the_patients(ada):
    browser, _ = ada
    assert browser.web.get("/fhir/Patient", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


def test_a_search_by_form_needs_our_own_page(ada):
    browser, _ = ada
    assert browser.web.post("/fhir/ImagingStudy/_search", data={}).status_code == 403


def test_a_doctor_sees_what_several_patients_gave_and_each_is_told(plain_house, ada, bo):
    doctor, desk = signed_in(plain_house, "doctor", kind="provider")
    services = plain_house.extensions["services"]
    for browser, patient in (ada, bo):
        study = patient.studies()[0]
        with services.work() as work:
            offer = Offer(study.folders, None, view_only=patient is ada[1])
            give_to_provider(work, browser.access_in(work), offer, desk.keyring.vault_id)
    found = [one["resource"] for one in doctor.web.get("/fhir/ImagingStudy").json["entry"]]
    assert {one["subject"]["reference"] for one in found} == {f"Patient/{ada[1].id}", f"Patient/{bo[1].id}"}
    one = doctor.web.get(f"/fhir/ImagingStudy?patient={ada[1].id}").json
    assert one["total"] == 1
    assert doctor.web.get("/fhir/Patient").json["total"] == 2
    whole = [one["resource"] for one in doctor.web.get("/fhir/Patient/$everything?_count=100").json["entry"]]
    assert "AuditEvent" not in {one["resourceType"] for one in whole}
    assert len([one for one in whole if one["resourceType"] == "Provenance"]) == 2
    of_one = doctor.web.get(f"/fhir/Patient/{bo[1].id}/$everything?_type=Patient,ImagingStudy").json["entry"]
    assert {one["resource"].get("subject", {}).get("reference") for one in of_one} == {None, f"Patient/{bo[1].id}"}
    theirs = make.a_uid("study", "two")
    assert doctor.web.get(f"/dicomweb/studies/{STUDY}", headers={"Accept": AS_STORED}).status_code == 403
    assert doctor.web.get(f"/dicomweb/studies/{theirs}", headers={"Accept": AS_STORED}).status_code == 200
    with services.reading() as work:
        adas = [event.did for event in events(work, ada[1].keyring.owner)]
        bos = [event.did for event in events(work, bo[1].keyring.owner)]
    assert Did.SEARCHED in adas
    assert Did.SAVED_COPY not in adas
    assert Did.SAVED_COPY in bos


def test_a_session_that_ended_reads_nothing(ada):
    browser, _ = ada
    with browser.services.work() as work:
        for device in sessions.devices_of(work, browser.access_in(work)):
            sessions.sign_out_device(work, browser.access_in(work), device.id)
    assert browser.web.get("/fhir/ImagingStudy").status_code == 401


def test_a_patient_sees_everything_that_happened_and_who_it_was(ada, harbor):
    browser, patient = ada
    patient.lets_in().matches("ImagingStudy")
    events_told = [one["resource"] for one in browser.web.get("/fhir/AuditEvent?_count=100").json["entry"]]
    codes = {one["subtype"][-1]["code"] for one in events_told}
    assert {"received", "gave", "searched"} <= codes
    (arrived,) = [one for one in events_told if one["subtype"][-1]["code"] == "received"]
    assert arrived["agent"][0]["name"] == harbor.site.details.name
    assert arrived["agent"][0]["who"]["reference"] == f"Organization/{harbor.site.id.hex()}"
    searched = next(one for one in events_told if one["subtype"][-1]["code"] == "searched")
    assert searched["agent"][0]["name"] == "Scan App"
    newest = events_told[0]["id"]
    assert browser.web.get(f"/fhir/AuditEvent/{newest}").json["id"] == newest


def test_an_export_is_for_software_and_not_for_a_browser(ada):
    browser, _ = ada
    assert browser.web.get("/fhir/Patient/$export", headers={"Prefer": "respond-async"}).status_code == 403
    assert browser.web.get("/fhir/Patient/$everything").json["total"] > 3
