"""What a health link holds: the chosen studies and reports as one Bundle, and a token for the pictures.

Both are made anew each time, from what the link opens then: what was erased is gone, what was corrected is right.
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import orjson

from consent.health_links import Opening, live_token
from consent.jwe import encrypted_file
from fhir_gateway.links import Links
from fhir_gateway.resources.attachments import file_id
from fhir_gateway.rest.answers import instant
from fhir_gateway.rest.shelf import Shelf
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.ids import parse_id
from vault.reading import open_document

Json = dict[str, Any]

SUMMARY, TOKEN = "summary", "access"
_IN_SUMMARY = ("Patient", "ImagingStudy", "DiagnosticReport", "Endpoint")
_REPORTS_ONLY = ("Patient", "DiagnosticReport")


@dataclass(frozen=True, slots=True)
class LinkFile:
    """One file of a link, opened."""

    content_type: str
    body: Json

    def encrypted(self, opening: Opening) -> str:
        """The file under the link's key, as a compact JWE."""
        return encrypted_file(orjson.dumps(self.body), key=opening.link.key, content_type=self.content_type)


def names_of(opening: Opening) -> tuple[str, ...]:
    """The files a link has."""
    return (SUMMARY, TOKEN) if opening.has_pictures else (SUMMARY,)


def content_type_of(what: str) -> str:
    """What a file is, by its name."""
    return {SUMMARY: "application/fhir+json", TOKEN: "application/smart-api-access"}[what]


def last_changed(work: Work, opening: Opening) -> str:
    """When anything of the link last came; when it was made, where nothing did."""
    studies = open_catalogue(work, opening.access.opened()).studies
    arrived = [one.received for one in studies] + [one.received for study in studies for one in study.reports]
    return instant(max([opening.link.created, *arrived]))


def file_of(work: Work, opening: Opening, what: str, *, links: Links, brand: str) -> LinkFile:
    """One file, by its name."""
    body = _summary(work, opening, links, brand) if what == SUMMARY else _api_access(work, opening, links)
    return LinkFile(content_type_of(what), body)


def _summary(work: Work, opening: Opening, links: Links, brand: str) -> Json:
    shelf = Shelf(work, opening.access, links, brand)
    entries: list[Json] = []
    for kind in _IN_SUMMARY if opening.has_pictures else _REPORTS_ONLY:
        for found in shelf.all_of(kind):
            resource = found.resource
            if kind == "DiagnosticReport":
                resource = _with_files(work, opening, resource, links)
            entries.append({"fullUrl": links.resource(kind, resource["id"]), "resource": resource})
    made: Json = {"resourceType": "Bundle", "type": "collection", "timestamp": instant(work.now)}
    return made | {"entry": entries} if entries else made


def _with_files(work: Work, opening: Opening, report: Json, links: Links) -> Json:
    """The report with its files inside, for receivers that fetch nothing more."""
    forms = [_inline(work, opening, one, links) for one in report.get("presentedForm") or []]
    return {**report, "presentedForm": forms} if forms else report


def _inline(work: Work, opening: Opening, form: Json, links: Links) -> Json:
    document_id = file_id(form, links)
    if not document_id:
        return form
    try:
        media_type, octets = open_document(work, opening.access.opened(), parse_id(document_id))
    except (NoKey, NotThere):  # an address that only looks like ours does not keep the rest from whoever has the link
        return form
    kept = {name: value for name, value in form.items() if name != "url"}
    return kept | {"contentType": media_type, "data": b64encode(octets).decode("ascii")}


def _api_access(work: Work, opening: Opening, links: Links) -> Json:
    token = live_token(work, opening)
    patient = token["patient"]
    asked = (
        f"ImagingStudy?patient={patient}&_include=ImagingStudy:endpoint",
        f"DiagnosticReport?patient={patient}",
        f"Patient/{patient}",
    )
    return token | {"aud": links.fhir, "query": list(asked)}
