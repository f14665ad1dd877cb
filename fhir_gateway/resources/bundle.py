"""Bundles that answer: search sets, and the answer to a transaction or batch (R4 Bundle)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir_gateway.links import Links
from fhir_gateway.resources.codes import SUBSETTED

Json = dict[str, Any]

# What a summary or a choice of elements never leaves out (R4 search 3.1.1.5.8, 3.1.1.5.9).
_MANDATORY: Mapping[str, frozenset[str]] = {
    "ImagingStudy": frozenset({"status", "subject"}),
    "DiagnosticReport": frozenset({"status", "code"}),
    "Consent": frozenset({"status", "scope", "category"}),
    "Endpoint": frozenset({"status", "connectionType", "payloadType", "address"}),
    "ServiceRequest": frozenset({"status", "intent", "subject"}),
}
_NOT_IN_SUMMARY: Mapping[str, frozenset[str]] = {
    "ImagingStudy": frozenset({"contained", "text"}),
    "DiagnosticReport": frozenset({"text", "conclusion", "conclusionCode", "presentedForm"}),
    "Patient": frozenset({"text", "photo", "contact", "communication"}),
}


def search_set(
    links: Links,
    matches: Sequence[Json],
    included: Iterable[Json],
    *,
    total: int,
    addresses: Mapping[str, str],
) -> Json:
    """A page of matches and what was asked to come with them; `total` counts matches alone."""
    entries = [_entry(links, one, "match") for one in matches] + [_entry(links, one, "include") for one in included]
    made: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": [{"relation": relation, "url": url} for relation, url in addresses.items()],
    }
    return made | {"entry": entries} if entries else made


def _entry(links: Links, resource: Json, mode: str) -> Json:
    return {
        "fullUrl": links.resource(resource["resourceType"], resource["id"]),
        "resource": resource,
        "search": {"mode": mode},
    }


def summarised(resource: Json) -> Json:
    """What fits in a list: no narrative, no instances, no documents."""
    kind = resource["resourceType"]
    kept = {name: value for name, value in resource.items() if name not in _NOT_IN_SUMMARY.get(kind, {"text"})}
    if kind == "ImagingStudy":
        kept["series"] = [
            {name: value for name, value in one.items() if name != "instance"} for one in kept.get("series") or []
        ]
        if not kept["series"]:
            del kept["series"]
        kept["endpoint"] = [one for one in kept.get("endpoint") or [] if not one["reference"].startswith("#")]
        if not kept["endpoint"]:
            del kept["endpoint"]
    return _marked(kept)


def only_elements(resource: Json, wanted: Sequence[str]) -> Json:
    """These elements, what no resource of the type can lack, and a mark that more was there."""
    kept = {"resourceType", "id", "meta", *wanted} | _MANDATORY.get(resource["resourceType"], frozenset())
    if "endpoint" in kept:
        kept.add("contained")
    return _marked({name: value for name, value in resource.items() if name in kept})


def _marked(resource: Json) -> Json:
    meta = dict(resource.get("meta") or {})
    meta["tag"] = [*(meta.get("tag") or []), SUBSETTED]
    return {**resource, "meta": meta}


def response(kind: str, answers: Sequence[Json]) -> Json:
    """The answer to a transaction or batch: one entry for each, in the order in which they were sent."""
    return {
        "resourceType": "Bundle",
        "type": f"{kind}-response",
        "entry": [{"response": answer} for answer in answers],
    }
