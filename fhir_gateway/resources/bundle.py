"""Bundles that answer: search sets, histories, and the answer to a transaction or batch (R4 Bundle)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from fhir.resources.R4B import get_fhir_model_class

from fhir_gateway.links import Links
from fhir_gateway.resources.codes import SUBSETTED

Json = dict[str, Any]

_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})


# --- search sets -----------------------------------------------------------------------------------------------------


def search_set(
    links: Links,
    matches: Sequence[Json],
    included: Iterable[Json],
    *,
    total: int | None,
    addresses: Mapping[str, str],
) -> Json:
    """A page of matches and what was asked to come with them; `total`, if it is wanted, counts matches alone."""
    entries = [_entry(links, one, "match") for one in matches] + [_entry(links, one, "include") for one in included]
    made: Json = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        made["total"] = total
    made["link"] = [{"relation": relation, "url": url} for relation, url in addresses.items()]
    return made | {"entry": entries} if entries else made


def _entry(links: Links, resource: Json, mode: str) -> Json:
    return {
        "fullUrl": links.resource(resource["resourceType"], resource["id"]),
        "resource": resource,
        "search": {"mode": mode},
    }


def joined_search_set(
    links: Links,
    kind: str,
    matches: Iterable[tuple[str, bytes]],
    *,
    total: int | None,
    addresses: Mapping[str, str],
) -> bytes:
    """The same as JSON, of matches of one type that are JSON already, each with its id."""
    entries = [_joined_entry(links.resource(kind, resource_id), octets) for resource_id, octets in matches]
    head = orjson.dumps(search_set(links, [], [], total=total, addresses=addresses))
    return b"".join((head[:-1], b',"entry":[', b",".join(entries), b"]}")) if entries else head


def _joined_entry(full_url: str, octets: bytes) -> bytes:
    return b"".join((b'{"fullUrl":', orjson.dumps(full_url), b',"resource":', octets, b',"search":{"mode":"match"}}'))


# --- parts of resources ----------------------------------------------------------------------------------------------


def shortened(resource: Json, summary: str) -> Json:
    """The resource in one of the summaries: `true`, `text`, `data`; whole for `false` (R4 search 3.1.1.5.8)."""
    kind = resource["resourceType"]
    match summary:
        case "true":
            return _summarised(resource)
        case "text":
            return _only(resource, {"text"} | _mandatory(kind))
        case "data":
            return _marked({name: value for name, value in resource.items() if name != "text"})
        case _:
            return resource


def only_elements(resource: Json, wanted: Sequence[str]) -> Json:
    """These elements, what no resource of the type can lack, and a mark that more was there (3.1.1.5.9)."""
    kept = set(wanted) | _mandatory(resource["resourceType"])
    return _only(resource, kept | {"contained"} if "endpoint" in kept else kept)


def _summarised(resource: Json) -> Json:
    """What fits in a list: no narrative, no instances, no documents, and so no reference into what is contained."""
    kept = _only(resource, _in_summary(resource["resourceType"]))
    if series := kept.get("series"):
        kept["series"] = [{name: value for name, value in one.items() if name != "instance"} for one in series]
    if "endpoint" in kept:
        kept["endpoint"] = [one for one in kept["endpoint"] if not one["reference"].startswith("#")]
    return {name: value for name, value in kept.items() if value != []}


def _only(resource: Json, wanted: Iterable[str]) -> Json:
    kept = _ALWAYS | set(wanted)
    # A primitive's extensions lie beside it, under its name with a line before it (R4 JSON).
    return _marked({name: value for name, value in resource.items() if name.removeprefix("_") in kept})


def _marked(resource: Json) -> Json:
    meta = dict(resource.get("meta") or {})
    meta["tag"] = [*(meta.get("tag") or []), SUBSETTED]
    return {**resource, "meta": meta}


@cache
def _in_summary(kind: str) -> frozenset[str]:
    return frozenset(name for name, told in _elements(kind) if told.get("summary_element_property")) | _mandatory(kind)


@cache
def _mandatory(kind: str) -> frozenset[str]:
    """What a resource of the type cannot lack; `subject` of a study tells whose it is, and always stays."""
    return frozenset(name for name, told in _elements(kind) if told.get("required"))


def _elements(kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The elements of a type as the model knows them."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for name, field in get_fhir_model_class(kind).model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("element_property"):
            required = field.is_required() or bool(extra.get("element_required"))
            found.append((field.alias or name, {**extra, "required": required}))
    return found


# --- histories, and answers to other bundles -------------------------------------------------------------------------


def history(links: Links, versions: Sequence[Json], *, address: str, total: int) -> Json:
    """The versions of one resource, the newest first (R4 http, history): each as it was created or replaced."""
    return {
        "resourceType": "Bundle",
        "type": "history",
        "total": total,
        "link": [{"relation": "self", "url": address}],
        "entry": [_version(links, one) for one in versions],
    }


def _version(links: Links, resource: Json) -> Json:
    kind, meta = resource["resourceType"], resource["meta"]
    created = meta["versionId"] == "1"
    asked = {"method": "POST", "url": kind} if created else {"method": "PUT", "url": f"{kind}/{resource['id']}"}
    told = {"status": "201" if created else "200", "etag": f'W/"{meta["versionId"]}"'}
    if "lastUpdated" in meta:
        told["lastModified"] = meta["lastUpdated"]
    full_url = links.resource(kind, resource["id"])
    return {"fullUrl": full_url, "resource": resource, "request": asked, "response": told}


def response(kind: str, answers: Sequence[Json]) -> Json:
    """The answer to a transaction or batch: one entry for each, in the order in which they were sent."""
    return {
        "resourceType": "Bundle",
        "type": f"{kind}-response",
        "entry": [one if "response" in one else {"response": one} for one in answers],
    }
