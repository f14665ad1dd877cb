"""Every answer is FHIR R4: whole, in part, listed, in a history, in a bundle, and the statement itself."""

import json

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests import factories as make
from tests.fhir_gateway.callers import FHIR_JSON
from tests.fhir_gateway.house import nobody
from tests.fhir_gateway.papers import a_push

LENGTHS = [
    (),
    ("_summary", "true"),
    ("_summary", "text"),
    ("_summary", "data"),
    ("_summary", "count"),
    ("_elements", "status"),
]
NAMES = {"self", "first", "previous", "next", "last"}


@pytest.fixture
def app(site, patient):
    site.sends(a_push())
    site.stores(*make.a_ct_series(2))
    site.stores(make.an_instance(study="knee", modality="MR"))
    return patient.lets_in()


def check(resource):
    """The library's own checks; what is `null` or empty is no FHIR either (R4 JSON)."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    written = json.dumps(resource)
    for nothing in (": null", ": {}", ": []", ': ""'):
        assert nothing not in written, nothing
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry", ()):
            if "resource" in entry:
                check(entry["resource"])
        addresses = [entry["fullUrl"] for entry in resource.get("entry", ()) if "fullUrl" in entry]
        if resource["type"] == "searchset":
            assert len(set(addresses)) == len(addresses)
            assert all(link["relation"] in NAMES for link in resource["link"])


def test_the_statement_is_fhir(house):
    check(nobody(house).get("/fhir/metadata").json)


@pytest.mark.parametrize("length", LENGTHS, ids=lambda pair: " ".join(pair) or "whole")
def test_every_search_answers_in_fhir(house, app, length):
    for kind in nobody(house).get("/fhir/metadata").json["rest"][0]["resource"]:
        if "searchParam" in kind:
            asked = [length] if length else [("_include", "*"), ("_revinclude", "DiagnosticReport:*"), ("_count", "2")]
            bundle = app.searches(kind["type"], *asked)
            check(bundle)
            if bundle.get("total") and length != ("_summary", "count"):
                assert bundle["entry"], kind["type"]


def test_every_history_and_batch_answers_in_fhir(app):
    paths = []
    for kind in ("Patient", "ImagingStudy", "DiagnosticReport", "ServiceRequest", "Consent", "Endpoint"):
        known = app.matches(kind)[0]["id"]
        check(app.get(f"/fhir/{kind}/{known}/_history").json)
        paths += [f"{kind}/{known}", f"{kind}?_id={known}", f"{kind}/{known}/_history", f"{kind}/0"]
    sent = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": one}} for one in paths],
    }
    check(app.post("/fhir", json.dumps(sent).encode(), FHIR_JSON).json)
