"""The files inside a report or a document on their way in and out (R4 Attachment).

A DiagnosticReport has them in `presentedForm`, a DocumentReference in `content.attachment`. On their way in their
octets go where they are sealed and an address of ours takes their place.
"""

import re
from collections.abc import Sequence
from typing import Any

from fhir_gateway.links import Links
from fhir_gateway.outcome import malformed, unprocessable
from fhir_gateway.resources.documents import IncomingDocument, incoming_document

Json = dict[str, Any]

HOLDERS = ("DiagnosticReport", "DocumentReference")
_OURS = "Binary/"
_ID = re.compile(r"[0-9a-f]{32}")


def attachments_of(resource: Json) -> list[tuple[str, Json]]:
    """Each attachment with its FHIRPath. Raises `Refusal` 400 where it is none."""
    kind = resource.get("resourceType")
    listed: list[tuple[str, Any]] = []
    if kind == "DiagnosticReport":
        listed = [(f"{kind}.presentedForm[{at}]", one) for at, one in enumerate(_list(resource, "presentedForm"))]
    elif kind == "DocumentReference":
        listed = [
            (f"{kind}.content[{at}].attachment", one.get("attachment") if isinstance(one, dict) else None)
            for at, one in enumerate(_list(resource, "content"))
        ]
    for place, one in listed:
        if not isinstance(one, dict):
            raise malformed("An attachment is expected here.", place)
    return listed


def _list(resource: Json, name: str) -> list[Any]:
    found = resource.get(name) or []
    if not isinstance(found, list):
        raise malformed("A list is expected here.", f"{resource['resourceType']}.{name}")
    return found


def with_attachments(resource: Json, attachments: Sequence[Json]) -> Json:
    """The resource with these in the places of those it had, in their order."""
    if not attachments:
        return resource
    if resource["resourceType"] == "DiagnosticReport":
        return {**resource, "presentedForm": list(attachments)}
    contents = [
        {**content, "attachment": attachment}
        for content, attachment in zip(resource["content"], attachments, strict=True)
    ]
    return {**resource, "content": contents}


def documents_in(resource: Json, *, most: int) -> list[IncomingDocument | None]:
    """The files that came with it, one for each attachment; None where it only names an address.

    Raises `Refusal` 413 above `most` octets, 422 for what is no PDF, text or HTML, or an address that is none.
    """
    found: list[IncomingDocument | None] = []
    for place, attachment in attachments_of(resource):
        if "data" in attachment:
            found.append(incoming_document(attachment, place, most=most))
            continue
        if not str(attachment.get("url") or "https:").startswith("https:"):
            raise unprocessable(
                "A document elsewhere needs an address that begins with https.", f"{place}.url", "value"
            )
        found.append(None)
    if not found and resource["resourceType"] == "DocumentReference":
        raise unprocessable("A document has a content.", "DocumentReference.content", "required")
    return found


def without_octets(resource: Json) -> Json:
    """The resource as it is checked for its shape: attachments lighter by their octets."""
    light = [{name: value for name, value in one.items() if name != "data"} for _, one in attachments_of(resource)]
    return with_attachments(resource, light)


def with_addresses(resource: Json, documents: Sequence[tuple[IncomingDocument | None, str]]) -> Json:
    """The resource as it is kept: each file behind its address, with its true size and hash."""
    forms: list[Json] = []
    for (_, attachment), (document, kept) in zip(attachments_of(resource), documents, strict=True):
        if document is None:
            forms.append(attachment)
            continue
        plain = {name: value for name, value in attachment.items() if name not in ("data", "_data")}
        forms.append(
            plain
            | {
                "contentType": document.media_type,
                "url": f"{_OURS}{kept}",
                "size": len(document.octets),
                "hash": document.sha1,
            }
        )
    return with_attachments(resource, forms)


def at_our_addresses(resource: Json, links: Links) -> Json:
    """The resource as its reader gets it: files of ours at absolute addresses."""
    forms = [
        {**one, "url": f"{links.fhir}/{one['url']}"} if str(one.get("url", "")).startswith(_OURS) else one
        for _, one in attachments_of(resource)
    ]
    return with_attachments(resource, forms)


def file_id(attachment: Json, links: Links) -> str:
    """The id of the Binary behind an attachment that is kept here; "" for one elsewhere, on whatever FHIR server.

    The attachment is as its reader gets it (`at_our_addresses`).
    """
    before, _, after = str(attachment.get("url") or "").rpartition("/")
    ours = before == f"{links.fhir}/Binary" and _ID.fullmatch(after) and attachment.get("hash")
    return after if ours else ""
