"""Several reads in one request, and what is refused in them as it is alone."""

import json

import pytest

from tests import factories as make
from tests.fhir_gateway.callers import FHIR_JSON
from tests.fhir_gateway.house import BO, a_patient, nobody
from tests.fhir_gateway.papers import a_patient_resource, a_push, an_entry
from vault.audit import Did, events


@pytest.fixture
def pushed(site, patient):
    site.sends(a_push())
    site.stores(*make.a_ct_series(2))
    return patient


@pytest.fixture
def app(pushed):
    return pushed.lets_in()


def getting(*urls, kind="batch", **more):
    asked = [{"request": {"method": "GET", "url": url} | more} for url in urls]
    return {"resourceType": "Bundle", "type": kind, "entry": asked}


def sends(caller, bundle):
    return caller.post("/fhir", json.dumps(bundle).encode(), FHIR_JSON)


def statuses(answer):
    return [one["response"]["status"][:3] for one in answer.json["entry"]]


def test_a_batch_reads_as_each_read_alone(app, pushed):
    study = app.matches("ImagingStudy")[0]
    asked = [
        f"ImagingStudy/{study['id']}",
        "DiagnosticReport?status=final",
        "metadata",
        f"Patient/{pushed.id}/_history",
    ]
    answer = sends(app, getting(*asked))
    assert (answer.status_code, answer.json["type"]) == (200, "batch-response")
    assert statuses(answer) == ["200"] * 4
    assert answer.json["entry"][0]["resource"] == study
    assert answer.json["entry"][0]["response"]["etag"] == f'W/"{study["meta"]["versionId"]}"'
    for told, url in zip(answer.json["entry"], asked, strict=True):
        assert told["resource"] == app.get(f"/fhir/{url}", FHIR_JSON).json


def test_a_file_is_read_as_binary(app):
    (report,) = app.matches("DiagnosticReport")
    answer = sends(app, getting(report["presentedForm"][0]["url"]))
    assert answer.json["entry"][0]["resource"]["resourceType"] == "Binary"


def test_each_entry_is_refused_for_itself(house, site, app, pushed):
    study = app.matches("ImagingStudy")[0]["id"]
    narrow = pushed.lets_in(scopes="patient/ImagingStudy.r")
    asked = [f"ImagingStudy/{study}", "ImagingStudy", "Patient/x", "DiagnosticReport?_count=x", "Observation?x", "$y"]
    answer = sends(narrow, getting(*asked))
    assert statuses(answer)[:2] == ["200", "403"]
    assert all(one.startswith("4") for one in statuses(answer)[2:])
    assert all(one["response"]["outcome"]["resourceType"] == "OperationOutcome" for one in answer.json["entry"][1:])
    other = a_patient(house).is_linked_to(site, BO).lets_in(studies=())
    assert statuses(sends(other, getting(f"ImagingStudy/{study}", f"ImagingStudy?patient={pushed.id}"))) == [
        "404",
        "403",
    ]


def test_a_version_that_is_known_is_not_sent_again(app):
    study = app.matches("ImagingStudy")[0]
    path = f"ImagingStudy/{study['id']}"
    answer = sends(app, getting(path, ifNoneMatch=f'W/"{study["meta"]["versionId"]}"'))
    assert statuses(answer) == ["304"]
    assert "resource" not in answer.json["entry"][0]
    answer = sends(app, getting(path, ifModifiedSince="2030-01-01T00:00:00Z"))
    assert statuses(answer) == ["304"]
    assert statuses(sends(app, getting(path, ifModifiedSince="soon"))) == ["400"]


def test_of_a_transaction_the_first_refusal_is_the_answer(app, pushed):
    good = sends(app, getting(f"Patient/{pushed.id}", "Consent", kind="transaction"))
    assert (good.json["type"], statuses(good)) == ("transaction-response", ["200", "200"])
    bad = sends(app, getting(f"Patient/{pushed.id}", "Patient/" + "0" * 32, kind="transaction"))
    assert (bad.status_code, bad.json["resourceType"]) == (404, "OperationOutcome")
    assert bad.json["issue"][0]["expression"] == ["Bundle.entry[1]"]


def test_a_reader_writes_nothing(app):
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [an_entry(a_patient_resource(), "p")]}
    assert statuses(sends(app, bundle)) == ["403"]
    assert sends(app, bundle | {"type": "transaction"}).status_code == 403
    for method in ("PUT", "PATCH", "DELETE"):
        assert statuses(sends(app, getting("Patient/x", method=method))) == ["405"]


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example.org/Patient/1", "//x/y", "../oauth/token", "", "Patient/../../x", "%2e%2e/x", "http://["]
)  # fmt: skip
def test_an_address_leads_nowhere_else(app, url):
    assert statuses(sends(app, getting(url))) == ["400"]


def test_what_is_no_bundle_of_reads_is_refused(app):
    for entries in ([{}], [{"request": {"method": "GET"}}], [{"request": {"method": 5, "url": "Patient"}}]):
        assert statuses(sends(app, getting() | {"entry": entries}))[0] in ("400", "405")
    assert sends(app, getting(*["Patient"] * 51)).status_code == 413
    assert sends(app, getting() | {"type": "message"}).status_code == 422


def test_every_read_of_a_batch_is_an_event(app, pushed):
    sends(app, getting("Patient", "Consent", "ImagingStudy"))
    with pushed.services.reading() as work:
        found = events(work, pushed.keyring.owner)
    assert [one.did for one in found].count(Did.SEARCHED) == 3


def test_without_a_token_there_is_no_bundle(house, site):
    assert sends(nobody(house), getting("Patient")).status_code == 401
    assert statuses(sends(site, getting("Patient"))) == ["403"]


@pytest.mark.case("3.3")
def test_what_is_not_offered_says_what_is(app, pushed):
    study = app.matches("ImagingStudy")[0]["id"]
    for method in ("PUT", "PATCH", "DELETE"):
        answer = app.asks(method, f"/fhir/ImagingStudy/{study}", If_Match='W/"old"')
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.json["issue"][0]["code"] == "not-supported"
        assert app.asks(method, f"/fhir/ImagingStudy/{study}/_history/1").status_code == 405
    by_search = app.asks("PUT", "/fhir/ImagingStudy?identifier=1")
    assert (by_search.status_code, by_search.headers["Allow"]) == (405, "GET, HEAD, POST")
    everything = app.get("/fhir?_type=Patient")
    assert (everything.status_code, everything.json["resourceType"]) == (404, "OperationOutcome")
    assert app.get("/fhir/_history").status_code == 404
    assert app.get("/fhir/Binary").status_code == 404
