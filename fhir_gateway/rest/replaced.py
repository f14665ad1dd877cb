"""What took the place of what: a report says which others it replaces, and so do its files (R4 DocumentReference).

The files of versions and reports that were replaced stay documents that can be read; their status says that they are
superseded, and the newer ones lead to them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fhir_gateway.resources import document_reference
from fhir_gateway.resources.codes import REPLACES
from fhir_gateway.rest.found import Json
from vault.errors import NotThere
from vault.facts import DocumentFacts
from vault.studies import Report, Study

if TYPE_CHECKING:
    from fhir_gateway.rest.shelf import Shelf


def with_replaced(shelf: "Shelf", report: Report, drawn: Json) -> Json:
    """The report with references to those it replaces, where the asker sees them."""
    if not report.replaces:
        return drawn
    named = {one.facts.known_as: one.id.hex() for one in _reports_at(shelf, report.replaces)}
    return {**drawn, "extension": [_led_to(one, named) for one in drawn.get("extension") or []]}


def documents_of(shelf: "Shelf", study: Study, drawn: Json) -> Iterator[Json]:
    """Each file of a report as a document: those of the version that stands, then those of the others."""
    report = next((one for one in study.reports if one.id.hex() == drawn["id"]), None)
    made = _as_documents(shelf, study, drawn)
    if report is None:
        yield from made
        return
    yield from (_related(shelf, report, one) for one in made)
    if report.earlier:
        for version in shelf.versions_of("DiagnosticReport", drawn["id"]):
            if version.resource["meta"]["versionId"] != drawn["meta"]["versionId"]:
                yield from (_superseded(one) for one in _as_documents(shelf, study, version.resource))


def _as_documents(shelf: "Shelf", study: Study, drawn: Json) -> list[Json]:
    return document_reference.of_report(
        drawn, shelf.links, study_id=study.id.hex(), study_uid=study.uid, received=drawn["meta"]["lastUpdated"]
    )


def _related(shelf: "Shelf", report: Report, made: Json) -> Json:
    """The document, telling which others it replaces and whether it was replaced itself."""
    older = [file for one in _before(shelf, report) for file in one.facts.documents]
    same = [one for one in older if one.media_type == made["content"][0]["attachment"].get("contentType")] or older
    told = made | {"relatesTo": [_replaces(one) for one in same]} if same else made
    return _superseded(told) if report.replaced_by is not None else told


def _before(shelf: "Shelf", report: Report) -> list[Report]:
    """The versions and reports whose place it took."""
    versions = [one for one in report.earlier if one.version < report.version]
    return [*versions, *_reports_at(shelf, report.replaces)]


def _reports_at(shelf: "Shelf", ids: tuple[bytes, ...]) -> list[Report]:
    found: list[Report] = []
    for report_id in ids:
        try:
            found.append(shelf.catalogue.report(report_id)[1])
        except NotThere:
            continue
    return found


def _led_to(extension: Json, named: dict[str, str]) -> Json:
    if extension.get("url") != REPLACES:
        return extension
    reference = extension.get("valueReference") or {}
    identifier = reference.get("identifier") or {}
    there = named.get(f"{identifier.get('system') or ''}|{identifier.get('value') or ''}")
    if there is None:
        return extension
    return {**extension, "valueReference": {**reference, "reference": f"DiagnosticReport/{there}"}}


def _replaces(document: DocumentFacts) -> Json:
    return {"code": "replaces", "target": {"reference": f"DocumentReference/{document.resource_id}"}}


def _superseded(made: Json) -> Json:
    return made | {"status": "superseded"} if made["status"] == "current" else made
