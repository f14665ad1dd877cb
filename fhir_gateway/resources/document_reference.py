"""DocumentReference: what a site sends as a document, and each file of a report as a document (R4; US Core; IHE MHD).

US Core wants a report's file found both ways under one address. So every file that came with a DiagnosticReport is a
document as well, drawn from the report when somebody asks; what a site sent as a document stays as it sent it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fhir_gateway.links import Links
from fhir_gateway.resources.attachments import at_our_addresses, attachments_of, file_id, with_attachments
from fhir_gateway.resources.codes import URIS, study_identifier
from fhir_gateway.resources.diagnostic_report import NameOf, names_of, study_uid_named
from fhir_gateway.resources.documents import IncomingDocument, sections_of
from fhir_gateway.resources.imaging_study import accession_of, first_text
from vault.facts import ReportFacts

Json = dict[str, Any]

CLINICAL_NOTE = {
    "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "code": "clinical-note",
    "display": "Clinical Note",
}
# IHE's word for "the media type says it all" (MHD: content.format).
PLAIN_FORMAT = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
}


def from_fhir(
    resource: Json, documents: Sequence[tuple[IncomingDocument, str]], study_uids: Sequence[str], name_of: NameOf
) -> ReportFacts:
    """The document, ready to be read. `documents` come with the ids they are kept under."""
    number, _ = accession_of(resource)
    kind = resource.get("type") or {}
    authors = resource.get("author")
    text = next((document.text for document, _ in documents if document.text), "")
    master = resource.get("masterIdentifier")
    identifiers = [*(resource.get("identifier") or []), *([master] if master else [])]
    return ReportFacts(
        title=str(resource.get("description") or first_text([kind]) or "Document"),
        status="entered-in-error" if resource["status"] == "entered-in-error" else "final",
        code=next((str(one["code"]) for one in kind.get("coding") or [] if one.get("code")), ""),
        issued=str(resource.get("date") or ""),
        effective=str(((resource.get("context") or {}).get("period") or {}).get("start") or ""),
        written_by=names_of(authors, name_of, only="Practitioner"),
        place=names_of(authors, name_of, only="Organization"),
        sections=sections_of(text) if text else (),
        documents=tuple(document.facts(kept) for document, kept in documents),
        study_uids=tuple(study_uids),
        accession=number,
        identifiers=tuple(f"{one.get('system') or ''}|{one['value']}" for one in identifiers if one.get("value")),
    )


def of_report(report: Json, links: Links, *, study_id: str, study_uid: str, received: str) -> list[Json]:
    """Each file of a report, as its reader gets the report, as a document of its own; its id is the file's."""
    made: list[Json] = []
    for _, attachment in attachments_of(report):
        if document_id := file_id(attachment, links):
            made.append(_document(report, attachment, document_id, received) | _context(report, study_id, study_uid))
    return made


def _document(report: Json, attachment: Json, document_id: str, received: str) -> Json:
    wrong = report["status"] == "entered-in-error"
    made: Json = {
        "resourceType": "DocumentReference",
        "id": document_id,
        "masterIdentifier": {"system": URIS, "value": UUID(hex=document_id).urn},
        "status": "entered-in-error" if wrong else "current",
        "type": report["code"],
        "category": [{"coding": [CLINICAL_NOTE]}],
        "subject": report["subject"],
        "date": report.get("issued") or received,
        "content": [{"attachment": attachment, "format": PLAIN_FORMAT}],
    }
    if authors := [*(report.get("resultsInterpreter") or []), *(report.get("performer") or [])]:
        made["author"] = authors
    if words := attachment.get("title") or first_text([report["code"]]):
        made["description"] = words
    return made


def _context(report: Json, study_id: str, study_uid: str) -> Json:
    """What it is about: the report itself, and the study with its UID."""
    related: list[Json] = []
    if study_uid:
        related.append({"reference": f"ImagingStudy/{study_id}", "identifier": study_identifier(study_uid)})
    related.append({"reference": f"DiagnosticReport/{report['id']}"})
    made: Json = {"related": related}
    period = report.get("effectivePeriod") or {}
    if start := report.get("effectiveDateTime") or period.get("start"):
        made["period"] = {"start": start} | ({"end": period["end"]} if period.get("end") else {})
    if report.get("encounter"):
        made["encounter"] = [report["encounter"]]
    return {"context": made}


@dataclass(frozen=True, slots=True)
class Telling:
    """What is needed to draw a document that a site sent: whose it is, the study it was found with, and `twins`, the
    addresses of files of the study's reports by their hash.
    """

    patient: str
    study_id: str
    study_uid: str
    links: Links
    twins: Mapping[str, str] = field(default_factory=dict[str, str])


def to_fhir(stored: Json, document_id: str, telling: Telling) -> Json:
    """A document as its site sent it, for its reader; a file that a report has too is at the report's address."""
    subject = {**(stored.get("subject") or {}), "reference": f"Patient/{telling.patient}"}
    made = at_our_addresses({**stored, "id": document_id, "subject": subject}, telling.links)
    twins = telling.twins
    if telling.study_uid:
        made["context"] = _with_study(stored.get("context") or {}, telling)
    same = [
        {**one, "url": twins[one["hash"]]} if file_id(one, telling.links) and one["hash"] in twins else one
        for _, one in attachments_of(made)
    ]
    return with_attachments(made, same) | {"category": _found_as_note(made.get("category") or [])}


def _with_study(context: Json, telling: Telling) -> Json:
    """Its context, which refers to the study it was found with."""
    reference = f"ImagingStudy/{telling.study_id}"
    related = list(context.get("related") or [])
    if any(one.get("reference") == reference for one in related):
        return context
    told = {"reference": reference, "identifier": study_identifier(telling.study_uid)}
    others = [one for one in related if "reference" in one or study_uid_named(one) != telling.study_uid]
    return {**context, "related": [*others, told]}


def _found_as_note(categories: list[Json]) -> list[Json]:
    """The sender's categories, and US Core's, so that whoever searches for clinical notes finds it."""
    codings = [coding for one in categories for coding in one.get("coding") or []]
    there = any(
        one.get("system") == CLINICAL_NOTE["system"] and one.get("code") == CLINICAL_NOTE["code"] for one in codings
    )
    return categories if there else [*categories, {"coding": [CLINICAL_NOTE]}]
