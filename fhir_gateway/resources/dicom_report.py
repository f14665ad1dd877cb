"""A report that came as a DICOM object, as a DiagnosticReport and as the facts a page shows (PS3.3 A.35, A.45)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fhir_gateway.dicom.facts import accession_issuer, first, text
from fhir_gateway.dicom.structured_report import Block, Code, code_of, items_of, person_words, referenced_instances
from fhir_gateway.resources.codes import DCM, DICOM_UID, LOINC, OID, REPLACES, SNOMED, URIS, accession_identifier
from fhir_gateway.resources.documents import IncomingDocument
from fhir_gateway.resources.drawn import markup_of, sections_from
from fhir_gateway.resources.imaging_study import started_at
from fhir_gateway.resources.narrative import narrative
from vault.facts import DocumentFacts, ReportFacts

Json = dict[str, Any]

_CATEGORY = {"coding": [{"system": LOINC, "code": "LP29684-5", "display": "Radiology"}]}
_IMAGING_REPORT = Code("18748-4", "LN", "Diagnostic imaging study")
_SYSTEMS: Mapping[str, str] = {"LN": LOINC, "DCM": DCM, "SCT": SNOMED}
_ZONE, _COMPLETION, _VERIFICATION, _PRELIMINARY = "00080201", "0040A491", "0040A493", "0040A496"
_PREDECESSORS, _REQUESTS, _VERIFIERS, _AUTHORS = "0040A360", "0040A370", "0040A073", "0040A078"


@dataclass(frozen=True, slots=True)
class DicomReport:
    """What an object holds for people: `blocks` of text, `files`, and `drawn` ones that we made of its text."""

    title: Code
    language: str = ""
    observers: tuple[str, ...] = ()
    conclusion: str = field(default="", repr=False)
    blocks: tuple[Block, ...] = field(default=(), repr=False)
    files: tuple[IncomingDocument, ...] = field(default=(), repr=False)
    drawn: tuple[IncomingDocument, ...] = field(default=(), repr=False)

    @property
    def documents(self) -> tuple[IncomingDocument, ...]:
        """All that is kept beside it."""
        return (*self.files, *self.drawn)


def identifier_of(instance_uid: str) -> tuple[str, str]:
    """What the report inside an instance is known as: system and value."""
    return URIS, f"{OID}{instance_uid}"


def facts_of(report: DicomReport, said: Json, *, kept: Sequence[str], place: str, zone: str) -> ReportFacts:
    """The report, ready to be read. `said` is the instance's whole DICOM JSON, `kept` its documents' ids."""
    drawn = set(report.drawn)
    return ReportFacts(
        title=report.title.meaning or "Report",
        status=status_of(said),
        code=report.title.value,
        issued=_issued(said, zone),
        effective=_taken(said, zone),
        written_by=_written_by(report, said),
        place=text(said, "00080080") or place,
        conclusion=report.conclusion,
        sections=sections_from(report.blocks),
        language=report.language,
        documents=tuple(
            replace(one.facts(document_id), drawn=one in drawn)
            for one, document_id in zip(report.documents, kept, strict=True)
        ),
        study_uids=(text(said, "0020000D"),),
        accession=_accession(said)[0],
        identifiers=("|".join(identifier_of(text(said, "00080018"))),),
        replaces=tuple("|".join(identifier_of(uid)) for _, uid in referenced_instances(said, _PREDECESSORS)),
    )


def resource_of(facts: ReportFacts, report: DicomReport, said: Json, *, scope: str) -> Json:
    """The report as a DiagnosticReport of the site's patient, its files at our addresses."""
    system, value = identifier_of(text(said, "00080018"))
    made: Json = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": system, "value": value}],
        "status": facts.status,
        "category": [_CATEGORY],
        "code": _concept(report.title),
        "subject": {"reference": f"Patient/{scope}"},
        "imagingStudy": [{"identifier": {"system": DICOM_UID, "value": f"{OID}{text(said, '0020000D')}"}}],
    }
    if report.blocks:
        made["text"] = {"status": "generated", "div": narrative(markup_of(report.blocks))}
    if facts.replaces:
        made["extension"] = [_replaced(one) for one in facts.replaces]
    if facts.language:
        made["language"] = facts.language
    number, issuer = _accession(said)
    if number:
        made["basedOn"] = [{"type": "ServiceRequest", "identifier": accession_identifier(number, issuer)}]
    for name, words in (("effectiveDateTime", facts.effective), ("conclusion", facts.conclusion)):
        if words:
            made[name] = words
    if "T" in facts.issued:
        made["issued"] = facts.issued
    made["performer"] = [{"type": "Organization", "display": facts.place}]
    if facts.written_by:
        made["resultsInterpreter"] = [{"type": "Practitioner", "display": facts.written_by}]
    made["presentedForm"] = [_attachment(one, facts.language) for one in facts.documents]
    return {name: told for name, told in made.items() if told}


def status_of(said: Json) -> str:
    """R4's word for the flags of a document (PS3.3 C.17.2, C.24.2): what nobody verified is not signed."""
    if text(said, _COMPLETION) == "PARTIAL":
        return "partial"
    structured = _COMPLETION in said
    verified = text(said, _VERIFICATION) == "VERIFIED" or (not structured and not text(said, _VERIFICATION))
    if not verified or text(said, _PRELIMINARY) == "PRELIMINARY":
        return "preliminary"
    return "amended" if any(referenced_instances(said, _PREDECESSORS)) else "final"


def _concept(title: Code) -> Json:
    coded = title if title.value and title.scheme in _SYSTEMS else _IMAGING_REPORT
    coding = {"system": _SYSTEMS[coded.scheme], "code": coded.value}
    if coded.meaning:
        coding["display"] = coded.meaning
    return {"coding": [coding], "text": title.meaning or _IMAGING_REPORT.meaning}


def _replaced(name: str) -> Json:
    system, _, value = name.partition("|")
    logical = {"type": "DiagnosticReport", "identifier": {"system": system, "value": value}}
    return {"url": REPLACES, "valueReference": logical}


def _attachment(document: DocumentFacts, language: str) -> Json:
    made: Json = {"contentType": document.media_type, "url": f"Binary/{document.resource_id}"}
    if language:
        made["language"] = language
    made |= {"size": document.size, "hash": document.sha1}
    return made | {"title": document.title} if document.title else made


def _issued(said: Json, zone: str) -> str:
    """When it was verified, else when it was written."""
    verified = first(said, _VERIFIERS)
    moment = text(verified, "0040A030") if isinstance(verified, dict) else ""
    digits, offset = _split(moment)
    if len(digits) >= 8:
        return started_at(digits[:8], digits[8:14], offset or text(said, _ZONE), zone)
    return started_at(text(said, "00080023"), text(said, "00080033"), text(said, _ZONE), zone)


def _taken(said: Json, zone: str) -> str:
    when = started_at(text(said, "00080020"), text(said, "00080030"), text(said, _ZONE), zone)
    return when or started_at(text(said, "00080023"), text(said, "00080033"), text(said, _ZONE), zone)


def _split(moment: str) -> tuple[str, str]:
    """A DICOM date and time, and its distance from UTC."""
    at = max(moment.find("+"), moment.find("-"))
    whole, offset = (moment[:at], moment[at:]) if at > 0 else (moment, "")
    return whole.partition(".")[0], offset


def _written_by(report: DicomReport, said: Json) -> str:
    """Who answers for it: who verified, else who wrote, else who read the study."""
    verified = [person_words(first(one, "0040A075")) for one in items_of(said, _VERIFIERS)]
    authors = [person_words(first(one, "0040A123")) for one in items_of(said, _AUTHORS)]
    readers = [person_words(one) for one in said.get("00081060", {}).get("Value") or []]
    for names in (verified, list(report.observers), authors, readers):
        if told := ", ".join(dict.fromkeys(name for name in names if name)):
            return told
    return ""


def _accession(said: Json) -> tuple[str, str]:
    """Number and issuer: the study's own, else that of the request the report answers."""
    if number := text(said, "00080050"):
        return number, accession_issuer(said)
    asked = first(said, _REQUESTS)
    return (text(asked, "00080050"), accession_issuer(asked)) if isinstance(asked, dict) else ("", "")


def title_from(said: Json, title: str) -> Code:
    """What a document calls itself, and the code of its kind where it has one."""
    named = code_of(first(said, "0040A043"))
    if named is None:
        return Code("", "", title)
    return Code(named.value, named.scheme, title or named.meaning)
