"""What a site is told of what it sent, and what it is known by."""

from typing import Any

from fhir_gateway.reporting import REPORT
from fhir_gateway.resources import imaging_study
from fhir_gateway.resources.codes import DICOM_UID
from fhir_gateway.resources.patient import person_name
from fhir_gateway.rest.entries import Entry
from vault.pushed import Pushed

Json = dict[str, Any]


def told_id(kind: str, resource_id: bytes, study_id: bytes, scope_id: bytes) -> str:
    """The id under which a site knows it: a patient by scope, a study by study, else the resource's own."""
    return {"Patient": scope_id, "ImagingStudy": study_id}.get(kind, resource_id).hex()


def told_of(kind: str, found: list[Pushed]) -> dict[str, Pushed]:
    """By what the site was told, what it means; all versions of one patient's report have the first one's id."""
    if kind == REPORT:
        first = {one.scope_id: one for one in found}  # found are the newest first
        return {one.id.hex(): one for one in first.values()}
    return {told_id(kind, one.id, one.study_id, one.scope_id): one for one in found}


def first_identifier(entry: Entry) -> tuple[str, str] | None:
    """System and value of its first identifier; of a study, its UID."""
    listed = entry.resource.get("identifier") or []
    if entry.kind == "ImagingStudy":
        listed = [one for one in listed if one.get("system") == DICOM_UID]
    first = next((one for one in listed if one.get("value")), None)
    return None if first is None else (str(first.get("system") or ""), str(first["value"]))


def name_of(resource: Json) -> str:
    """What an organisation is called, or a person in the order in which it is spoken."""
    name = resource.get("name")
    if isinstance(name, str):
        return name
    return imaging_study.readable(person_name(name)) if isinstance(name, list) else ""
