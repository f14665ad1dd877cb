"""DiagnosticReport: a report as it is taken in, and as its reader gets it (R4 DiagnosticReport)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fhir_gateway.links import Links
from fhir_gateway.outcome import unprocessable
from fhir_gateway.resources.attachments import at_our_addresses
from fhir_gateway.resources.codes import DICOM_UID, LOINC, NOT_KNOWN, REPLACES, bare_uid
from fhir_gateway.resources.documents import IncomingDocument, sections_of
from fhir_gateway.resources.imaging_study import accession_of, first_text
from fhir_gateway.resources.narrative import narrative, plain_text
from vault.facts import ReportFacts, Section

Json = dict[str, Any]
RADIOLOGY = {"system": LOINC, "code": "LP29684-5", "display": "Radiology"}
_US_CORE = frozenset({"LP29684-5", "LP29708-2", "LP7839-6"})  # radiology, cardiology, pathology
# A report of these states says something, so it must say of when (us-core-10).
_SPEAKS = frozenset({"partial", "preliminary", "final", "amended", "corrected", "appended"})
NameOf = Callable[[str], str]


def from_fhir(
    resource: Json, documents: Sequence[tuple[IncomingDocument, str]], study_uids: Sequence[str], name_of: NameOf
) -> ReportFacts:
    """The report, ready to be read. `documents` come with the ids they are kept under; `name_of` knows whom a
    reference means.
    """
    number, _ = accession_of(resource)
    code = resource["code"]
    return ReportFacts(
        title=first_text([code]) or "Report",
        status=resource["status"],
        code=next((str(one.get("code")) for one in code.get("coding") or [] if one.get("code")), ""),
        issued=str(resource.get("issued") or ""),
        effective=str(resource.get("effectiveDateTime") or (resource.get("effectivePeriod") or {}).get("start") or ""),
        written_by=names_of(resource.get("resultsInterpreter"), name_of)
        or names_of(resource.get("performer"), name_of, only="Practitioner"),
        place=names_of(resource.get("performer"), name_of, only="Organization"),
        conclusion=str(resource.get("conclusion") or ""),
        sections=_sections(resource, [document for document, _ in documents]),
        language=_language(resource),
        documents=tuple(document.facts(kept) for document, kept in documents),
        study_uids=tuple(study_uids),
        accession=number,
        identifiers=tuple(
            f"{one.get('system') or ''}|{one['value']}" for one in resource.get("identifier") or [] if one.get("value")
        ),
        replaces=tuple(_replaced_in(resource)),
    )


def _replaced_in(resource: Json) -> Iterator[str]:
    """The reports it says it replaces: the ids their site was told, else their identifiers."""
    for extension in resource.get("extension") or []:
        reference = extension.get("valueReference") or {}
        kind, _, report_id = str(reference.get("reference") or "").partition("/")
        identifier = reference.get("identifier") or {}
        if extension.get("url") != REPLACES:
            continue
        if kind == "DiagnosticReport" and report_id:
            yield report_id
        elif identifier.get("value"):
            yield f"{identifier.get('system') or ''}|{identifier['value']}"


def with_time(resource: Json, started: str | None) -> Json:
    """The report with the time it speaks of, from its study where it says none itself (US Core, us-core-10).

    `started` is "" where the study is named and its time not yet told. Raises `Refusal` 422 where there is none (None).
    """
    if not _lacks_time(resource):
        return resource
    if started is None:
        raise unprocessable(
            "us-core-10: a report that says something says of when: effective[x], or a study that has its time.",
            "DiagnosticReport.effective",
            "business-rule",
        )
    return {**resource, "effectiveDateTime": started} if started else resource


def _lacks_time(resource: Json) -> bool:
    told = ("effectiveDateTime", "_effectiveDateTime", "effectivePeriod")
    return resource["status"] in _SPEAKS and not any(resource.get(one) for one in told)


def to_fhir(stored: Json, *, report_id: str, patient: str, links: Links, started: str) -> Json:
    """The report as its reader gets it: their patient, documents at absolute addresses of ours, the time of its study
    where it says none, and the category under which imaging reports are found.
    """
    made = {**stored, "id": report_id, "subject": {**stored.get("subject", {}), "reference": f"Patient/{patient}"}}
    if _lacks_time(made):
        made |= {"effectiveDateTime": started} if started else {"_effectiveDateTime": {"extension": [NOT_KNOWN]}}
    return at_our_addresses(made, links) | {"category": _found_as_imaging(stored.get("category") or [])}


def _found_as_imaging(categories: list[Json]) -> list[Json]:
    """The sender's categories; with US Core's for radiology where none of US Core's is among them."""
    codings = [coding for one in categories for coding in one.get("coding") or []]
    there = any(one.get("system") == LOINC and one.get("code") in _US_CORE for one in codings)
    return categories if there else [*categories, {"coding": [RADIOLOGY]}]


def study_references(resource: Json) -> list[Json]:
    """What the resource says it is about: a report's `imagingStudy`, a document's `context.related`, and of an
    observation what it was derived from or is part of.
    """
    match resource["resourceType"]:
        case "DocumentReference":
            context = resource.get("context")
            listed = context.get("related") if isinstance(context, dict) else None
        case "Observation":
            listed = [*(resource.get("derivedFrom") or []), *(resource.get("partOf") or [])]
        case _:
            listed = resource.get("imagingStudy")
    return [one for one in listed or [] if isinstance(one, dict)]


def study_uid_named(reference: Json) -> str:
    """The study UID of a logical reference, or ""."""
    identifier = reference.get("identifier")
    if isinstance(identifier, dict) and identifier.get("system") == DICOM_UID:
        return bare_uid(str(identifier.get("value") or ""))
    return ""


def clean_text(resource: Json) -> Json:
    """The resource and what it contains, each narrative reduced to what is safe to show; gone if nothing is left."""
    contained = resource.get("contained")
    if not isinstance(contained, list):
        return _with_clean_text(resource)
    clean = [_with_clean_text(one) if isinstance(one, dict) else one for one in contained]
    return _with_clean_text({**resource, "contained": clean})


def _with_clean_text(resource: Json) -> Json:
    text = resource.get("text")
    if not isinstance(text, dict):
        return resource
    words = str(text.get("div") or "")
    rest = {name: value for name, value in resource.items() if name != "text"}
    return rest | {"text": {**text, "div": narrative(words)}} if plain_text(words) else rest


def names_of(references: Any, name_of: NameOf, only: str = "") -> str:
    """Whom the references mean, as text; `only` those of one type."""
    named: list[str] = []
    for one in references or []:
        target = str(one.get("reference") or "")
        if (
            only
            and only not in (target.rpartition("/")[0].rpartition("/")[2], one.get("type"))
            and not (only == "Practitioner" and not target)
        ):
            continue
        named.append(str(one.get("display") or "") or name_of(target))
    return ", ".join(dict.fromkeys(name for name in named if name))


def _sections(resource: Json, documents: Sequence[IncomingDocument]) -> tuple[Section, ...]:
    for document in documents:
        if document.text:
            return sections_of(document.text)
    words = plain_text(str((resource.get("text") or {}).get("div") or ""))
    return sections_of(words) if words and words != resource.get("conclusion") else ()


def _language(resource: Json) -> str:
    forms = resource.get("presentedForm") or []
    return str(resource.get("language") or next((one["language"] for one in forms if one.get("language")), ""))
