"""
Files that come as entries of their own: a Binary in a transaction, and whoever refers to it (IHE MHD, RAD-141).

A Binary belongs to the report or document whose attachment names its `fullUrl`; there its octets go before anything
else is looked at, so that they are checked, sealed and served like every file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_gateway.outcome import malformed, unprocessable
from fhir_gateway.resources.attachments import attachments_of, with_attachments
from fhir_gateway.rest.entries import Json


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A Binary: the number of its entry, and the first attachment that it is in, by entry's place and number."""

    number: int
    place: str
    attachment: int


def is_binary(raw: Json) -> bool:
    """Tell whether an entry of a bundle is a Binary."""
    resource = raw.get("resource")
    return isinstance(resource, dict) and resource.get("resourceType") == "Binary"


def enclose(bundle: Json) -> tuple[Json, list[Enclosed]]:
    """The transaction with each Binary in the attachments that name it, and where each is.

    Raises `Refusal` 400 for a Binary that is none, 422 for one that nothing refers to.
    """
    files = dict(_files(bundle))
    if not files:
        return bundle, []
    entries: list[Json] = []
    where: dict[str, tuple[str, int]] = {}
    for number, raw in enumerate(bundle["entry"]):
        resource = raw.get("resource")
        if not isinstance(resource, dict) or is_binary(raw):
            entries.append(raw)
            continue
        listed = [one for _, one in attachments_of(resource)]
        for at, one in enumerate(listed):
            if isinstance(one.get("url"), str) and one["url"] in files:
                where.setdefault(one["url"], (f"Bundle.entry[{number}].resource", at))
        filled = [_filled(one, files) for one in listed]
        entries.append({**raw, "resource": with_attachments(resource, filled)})
    return {**bundle, "entry": entries}, [_place(url, number, where) for url, (number, _) in files.items()]


def _files(bundle: Json) -> Iterator[tuple[str, tuple[int, Json]]]:
    """Each Binary with its number, by its address."""
    for number, raw in enumerate(bundle["entry"]):
        if not is_binary(raw):
            continue
        place = f"Bundle.entry[{number}]"
        asked, resource = raw.get("request"), raw["resource"]
        if not isinstance(asked, dict) or asked.get("method") != "POST" or str(asked.get("url")).strip("/") != "Binary":
            raise malformed("A file is created by POST to Binary.", f"{place}.request")
        if not isinstance(raw.get("fullUrl"), str) or not raw["fullUrl"]:
            raise malformed("A file needs an address by which it is named.", f"{place}.fullUrl")
        if not isinstance(resource.get("data"), str) or not isinstance(resource.get("contentType"), str):
            raise unprocessable("A file has a type and data.", f"{place}.resource", "required")
        yield raw["fullUrl"], (number, resource)


def _filled(attachment: Json, files: dict[str, tuple[int, Json]]) -> Json:
    url = attachment.get("url")
    if not isinstance(url, str) or url not in files:
        return attachment
    _, resource = files[url]
    plain = {name: value for name, value in attachment.items() if name != "url"}
    return {"contentType": resource["contentType"]} | plain | {"data": resource["data"]}


def _place(url: str, number: int, where: dict[str, tuple[str, int]]) -> Enclosed:
    if url not in where:
        raise unprocessable("Nothing refers to this file.", f"Bundle.entry[{number}].resource")
    return Enclosed(number, *where[url])
