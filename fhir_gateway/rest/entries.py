"""What a site sends, taken apart: single resources, transactions and batches (R4 http, transaction)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fhir_gateway.outcome import Issue, Refusal, forbidden, malformed, unprocessable
from fhir_gateway.resources import imr
from fhir_gateway.resources.attachments import HOLDERS, documents_in, without_octets
from fhir_gateway.resources.diagnostic_report import clean_text
from fhir_gateway.resources.documents import IncomingDocument
from fhir_gateway.resources.references import check_references
from fhir_gateway.resources.shapes import check_shape, check_type

Json = dict[str, Any]

MOST_ENTRIES = 500
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource to be created. `condition` is the identifier (system, value) that must not be there yet."""

    place: str
    full_url: str
    kind: str
    resource: Json
    documents: tuple[IncomingDocument | None, ...] = ()
    condition: tuple[str, str] | None = None


def single_entry(kind: str, resource: Json, if_none_exist: str | None, *, most: int) -> Entry:
    """The one resource of a create. Raises `Refusal`."""
    check_type(resource, kind)
    return _entry(kind, resource, place=kind, full_url="", if_none_exist=if_none_exist, most=most)


def bundle_kind(bundle: Json) -> str:
    """`transaction` or `batch`. Raises `Refusal` 400 or 422 for anything else, and for too many entries."""
    if bundle.get("resourceType") != "Bundle":
        raise malformed("A Bundle is expected here.", "resourceType")
    if bundle.get("type") not in ("transaction", "batch"):
        raise unprocessable("A transaction or a batch is expected here.", "Bundle.type", "value")
    listed = bundle.get("entry")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise malformed("A Bundle needs a list of entries.", "Bundle.entry")
    if len(listed) > MOST_ENTRIES:
        raise Refusal(413, Issue("too-costly", "The Bundle has more entries than are taken in.", "Bundle.entry"))
    urls = [one["fullUrl"] for one in listed if one.get("fullUrl")]
    if len(set(map(str, urls))) != len(urls):
        raise malformed("Two entries have the same address.", "Bundle.entry")
    imr.check_bundle(bundle)
    return str(bundle["type"])


def bundle_entries(bundle: Json, *, most: int) -> Iterator[Entry | Refusal]:
    """Each entry, or why it is none: a transaction fails with the first, a batch goes on."""
    enclosed = bundle["type"] == "transaction"  # files lie in the attachments that named them
    for number, raw in enumerate(bundle["entry"]):
        place = f"Bundle.entry[{number}]"
        if enclosed and isinstance(raw.get("resource"), dict) and raw["resource"].get("resourceType") == "Binary":
            continue
        try:
            yield _bundle_entry(raw, place, most=most)
        except Refusal as refusal:
            yield refusal.at(f"{place}.resource")


def _bundle_entry(raw: Json, place: str, *, most: int) -> Entry:
    asked = raw.get("request")
    if not isinstance(asked, dict):
        raise malformed("An entry says what is to be done in its request.", f"{place}.request")
    method, url = str(asked.get("method")), str(asked.get("url") or "")
    if method in _READING:
        raise forbidden("A site creates, and reads nothing.")
    if method != "POST":
        raise Refusal(405, Issue("not-supported", "A site creates only.", f"{place}.request.method"))
    resource = raw.get("resource")
    kind = check_type(resource)
    assert isinstance(resource, dict)
    if url.strip("/") != kind:
        raise malformed("The request's address is not that of the resource's type.", f"{place}.request.url")
    return _entry(
        kind,
        resource,
        place=f"{place}.resource",
        full_url=str(raw.get("fullUrl") or ""),
        if_none_exist=asked.get("ifNoneExist"),
        most=most,
    )


def _entry(kind: str, resource: Json, *, place: str, full_url: str, if_none_exist: Any, most: int) -> Entry:
    plain = imr.believed(_without_server_fields(clean_text(resource)))
    documents = tuple(documents_in(plain, most=most)) if kind in HOLDERS else ()
    check_shape(without_octets(plain) if documents else plain)
    check_references(plain)
    return Entry(place, full_url, kind, plain, documents, _condition(if_none_exist))


def _without_server_fields(resource: Json) -> Json:
    """Identity, versions and labels are the server's to give; profiles are the sender's claim and stay."""
    kept = {name: value for name, value in resource.items() if name not in ("id", "meta")}
    profiles = (resource.get("meta") or {}).get("profile") if isinstance(resource.get("meta"), dict) else None
    return kept | {"meta": {"profile": profiles}} if profiles else kept


def _condition(text: Any) -> tuple[str, str] | None:
    """`identifier=system|value`. Raises `Refusal` 412 for any other condition: no other is looked for."""
    return None if text is None else condition_in(str(text).removeprefix("?"))


def condition_in(query: str) -> tuple[str, str]:
    """System and value of `identifier=system|value`. Raises `Refusal` 412."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if len(pairs) != 1 or pairs[0][0] != "identifier":
        raise Refusal(412, Issue("not-supported", "A condition is one identifier with its system."))
    return identifier_of(pairs[0][1])


def identifier_of(text: str) -> tuple[str, str]:
    """System and value of a token. Raises `Refusal` 412 without a value."""
    system, bar, value = text.partition("|")
    if not bar:
        system, value = "", text
    if not value:
        raise Refusal(412, Issue("not-supported", "A condition needs an identifier's value."))
    return system, value
