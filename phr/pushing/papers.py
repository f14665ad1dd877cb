"""The FHIR transaction behind a push: the patient, the study, and the report with its documents (R4 Bundle).

Every entry is a conditional create, so that pushing the same again makes no second one. A report with a number of its
own is pushed as it is: other words under the same number are its next version.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fhir_gateway.dicom.facts import PatientFacts
from phr.pushing import WrongFolder
from phr.pushing.config import SiteConfig
from phr.pushing.finding import Found

Json = dict[str, Any]

MEDIA_TYPES = {".pdf": "application/pdf", ".txt": "text/plain", ".html": "text/html", ".htm": "text/html"}
_GENDERS = {"F": "female", "M": "male", "O": "other"}
_SUMMED_UP = re.compile(
    r"^\s*(?:IMPRESSION|CONCLUSION|SUMMARY)\s*:\s*(.+?)(?:^\s*[A-Z][A-Z ]+:|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_REPORT_CODE = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
_CATEGORIES = [
    {"system": "http://loinc.org", "code": "LP29684-5", "display": "Radiology"},
    {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"},
]


@dataclass(frozen=True, slots=True)
class Study:
    """One study of the folder: the objects that belong to it."""

    objects: tuple[Found, ...]

    @property
    def first(self) -> Found:
        """The object that speaks for the study."""
        return self.objects[0]

    @property
    def uid(self) -> str:
        """Its Study Instance UID."""
        return self.first.study_uid


def studies_of(ordered: list[Found]) -> list[Study]:
    """The studies, in the order in which they come."""
    by_uid: dict[str, list[Found]] = {}
    for one in ordered:
        by_uid.setdefault(one.study_uid, []).append(one)
    return [Study(tuple(objects)) for objects in by_uid.values()]


def transaction(config: SiteConfig, study: Study, reports: list[Path], *, born: str, written_by: str) -> Json:
    """The bundle for one study. `born` is YYYY-MM-DD or empty. Raises `WrongFolder` for a report of another kind."""
    if len(reports) == 1 and reports[0].suffix == ".json":
        ready = _ready_made(reports[0])
        if ready["resourceType"] == "Bundle":
            return ready
        report = ready
    elif reports:
        report = _report(study, reports, written_by)
    else:
        report = None
    entries = [
        _entry("urn:uuid:patient", _patient(config, study.first.patient, born)),
        _entry("urn:uuid:study", _imaging_study(study)),
    ]
    if report is not None:
        report = {**report, "subject": {"reference": "urn:uuid:patient"}}
        report.setdefault("imagingStudy", [{"reference": "urn:uuid:study"}])
        entries.append(_report_entry("urn:uuid:report", report, study))
    return _with_real_uuids({"resourceType": "Bundle", "type": "transaction", "entry": entries}, study.uid)


def mrn_identifier(config: SiteConfig, patient: PatientFacts) -> Json:
    """The patient's number at the site, as FHIR has it; the system is the site's, or the DICOM issuer."""
    system = config.mrn_system or patient.issuer
    return {"value": patient.mrn, **({"system": system} if system and not re.search(r"\s", system) else {})}


def human_name(patient: PatientFacts) -> Json:
    """The patient's name as FHIR has it; empty where the files tell none."""
    family, _, given = patient.name.partition("=")[0].partition("^")
    words = [word for word in re.split(r"[\s^]+", given) if word]
    return {**({"family": family} if family else {}), **({"given": words} if words else {})}


def fhir_day(day: str | None) -> str:
    """YYYYMMDD as YYYY-MM-DD; empty for anything less."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day and len(day) == 8 else ""


def _entry(address: str, resource: Json) -> Json:
    identifier = (resource.get("identifier") or [{}])[0]
    wanted = f"{identifier.get('system', '')}|{identifier.get('value', '')}"
    condition = {"ifNoneExist": urlencode({"identifier": wanted})} if identifier.get("value") else {}
    request = {"method": "POST", "url": resource["resourceType"], **condition}
    return {"fullUrl": address, "resource": resource, "request": request}


def _patient(config: SiteConfig, patient: PatientFacts, born: str) -> Json:
    name = human_name(patient)
    day = born or fhir_day(patient.born)
    return {
        "resourceType": "Patient",
        "identifier": [mrn_identifier(config, patient)],
        **({"name": [{"use": "official", **name}]} if name else {}),
        **({"gender": _GENDERS[patient.sex]} if patient.sex in _GENDERS else {}),
        **({"birthDate": day} if day else {}),
    }


def _imaging_study(study: Study) -> Json:
    first = study.first
    identifiers: list[Json] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{study.uid}"}]
    if first.accession:
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}
        identifiers.append({"type": {"coding": [kind]}, "value": first.accession})
    series = _series(study)
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": identifiers,
        "modality": [_modality(code) for code in dict.fromkeys(one.modality for one in study.objects if one.modality)],
        "subject": {"reference": "urn:uuid:patient"},
        **({"started": _moment(first)} if first.study_date else {}),
        **({"description": first.description} if first.description else {}),
        "numberOfSeries": len(series),
        "numberOfInstances": len({one.instance_uid for one in study.objects}),
        "series": series,
    }


def _series(study: Study) -> list[Json]:
    by_uid: dict[str, list[Found]] = {}
    for one in study.objects:
        by_uid.setdefault(one.series_uid, []).append(one)
    return [
        {
            "uid": uid,
            "modality": _modality(objects[0].modality or "OT"),
            **({"number": objects[0].series_number} if objects[0].series_number > 0 else {}),
            **({"description": objects[0].series_description} if objects[0].series_description else {}),
            "numberOfInstances": len({one.instance_uid for one in objects}),
        }
        for uid, objects in by_uid.items()
    ]


def _modality(code: str) -> Json:
    return {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": code}


def _moment(one: Found) -> str:
    """The day the study began. DICOM gives no zone that could be relied on, so the time is left out (R4 dateTime)."""
    return fhir_day(one.study_date) or one.study_date[:4]


def _report(study: Study, reports: list[Path], written_by: str) -> Json:
    texts = [path.read_text(errors="replace") for path in reports if path.suffix.lower() == ".txt"]
    summed_up = next((found[1].strip() for text in texts if (found := _SUMMED_UP.search(text))), "")
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": _CATEGORIES}],
        "code": {"coding": [_REPORT_CODE], "text": study.first.description or "Imaging report"},
        **({"effectiveDateTime": _moment(study.first)} if study.first.study_date else {}),
        "issued": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"resultsInterpreter": [{"display": written_by}]} if written_by else {}),
        **({"conclusion": summed_up} if summed_up else {}),
        "presentedForm": [_document(path) for path in reports],
    }


def _document(path: Path) -> Json:
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise WrongFolder(f"{path}: a report is a PDF, text or HTML file, or one FHIR resource as JSON.")
    octets = path.read_bytes()
    return {
        "contentType": f"{media_type}; charset=utf-8" if media_type != "application/pdf" else media_type,
        "title": path.stem.replace("-", " ").replace("_", " ").capitalize(),
        "data": base64.b64encode(octets).decode(),
        "size": len(octets),
        "hash": base64.b64encode(hashlib.sha1(octets, usedforsecurity=False).digest()).decode(),
    }


def _ready_made(path: Path) -> Json:
    try:
        found = json.loads(path.read_text())
    except ValueError:
        raise WrongFolder(f"{path} is not JSON.") from None
    if not isinstance(found, dict) or found.get("resourceType") not in {"DiagnosticReport", "Bundle"}:
        raise WrongFolder(f"{path} holds neither a DiagnosticReport nor a Bundle.")
    return found


def _report_entry(address: str, report: Json, study: Study) -> Json:
    if not report.get("identifier"):
        return _entry(address, _with_identifier(report, study))
    return {"fullUrl": address, "resource": report, "request": {"method": "POST", "url": report["resourceType"]}}


def _with_identifier(report: Json, study: Study) -> Json:
    """A report without a number of its own gets one that follows from its words, so that it is not kept twice."""
    told = json.dumps({**report, "issued": ""}, sort_keys=True).encode()
    number = hashlib.sha256(study.uid.encode() + b"\0" + told).digest()[:16]
    return {**report, "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{_uuid(number)}"}]}


def _with_real_uuids(bundle: Json, study_uid: str) -> Json:
    text = json.dumps(bundle)
    for name in ("patient", "study", "report"):
        number = _uuid(hashlib.sha256(f"{study_uid}/{name}".encode()).digest()[:16])
        text = text.replace(f'"urn:uuid:{name}"', f'"urn:uuid:{number}"')
    return json.loads(text)


def _uuid(octets: bytes) -> str:
    digits = octets.hex()
    return "-".join((digits[:8], digits[8:12], f"4{digits[13:16]}", f"8{digits[17:20]}", digits[20:32]))
