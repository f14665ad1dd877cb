"""ImagingStudy: what a site tells of a study, and a study as its reader gets it (R4, SMART Imaging Access)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.outcome import unprocessable
from fhir_gateway.resources import endpoint
from fhir_gateway.resources.codes import (
    DCM,
    DICOM_UID,
    OID,
    SMART_STUDY,
    SNOMED,
    URIS,
    accession_identifier,
    bare_uid,
    has_type,
    study_identifier,
)
from vault.facts import PersonFacts, StudyFacts
from vault.studies import Listed, Series, Study

Json = dict[str, Any]

SIDES = {"L": "7771000", "R": "24028007", "B": "51440002"}
# What a site may say better than its pictures do; all else is counted or computed.
_FROM_SITE = (
    "basedOn",
    "referrer",
    "interpreter",
    "procedureReference",
    "procedureCode",
    "location",
    "reasonCode",
    "reasonReference",
    "note",
    "encounter",
)
_SERIES_FROM_SITE = ("performer", "specimen")


def from_fhir(resource: Json, person: PersonFacts) -> StudyFacts:
    """The study as its resource tells it. Raises `Refusal` 422 without a DICOM study UID."""
    identifiers = resource.get("identifier") or []
    uid = next((bare_uid(one.get("value") or "") for one in identifiers if one.get("system") == DICOM_UID), "")
    if not is_uid(uid):
        raise unprocessable(
            "A study needs an identifier of system urn:dicom:uid.", "ImagingStudy.identifier", "required"
        )
    number, issuer = accession_of(resource)
    started = str(resource.get("started") or "")
    zone = started[19:].lstrip(".0123456789") if len(started) > 19 else ""
    return StudyFacts(
        uid=uid,
        date=started[:10].replace("-", "") if len(started) >= 10 else "",
        time=started[11:19].replace(":", "") if len(started) >= 19 else "",
        zone="+0000" if zone == "Z" else zone.replace(":", ""),
        description=str(resource.get("description") or first_text(resource.get("procedureCode")) or ""),
        accession=number,
        accession_issuer=issuer,
        referrer=str((resource.get("referrer") or {}).get("display") or ""),
        person=person,
    )


def accession_of(resource: Json) -> tuple[str, str]:
    """The accession number and its issuer, from the resource's own identifiers or its order's."""
    orders = [one.get("identifier") for one in resource.get("basedOn") or []]
    for one in [*(resource.get("identifier") or []), *orders]:
        if isinstance(one, dict) and has_type(one, "ACSN") and one.get("value"):
            return str(one["value"]), str(one.get("system") or "")
    return "", ""


def first_text(concepts: Any) -> str:
    """The words of the first CodeableConcept."""
    for concept in concepts or []:
        if words := concept.get("text") or next((one.get("display") for one in concept.get("coding") or []), ""):
            return str(words)
    return ""


def started_at(date: str, time: str, zone: str, site_zone: str) -> str:
    """A DICOM date and time as a FHIR dateTime: the date alone where no zone is known."""
    if len(date) != 8 or not date.isdigit():
        return ""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    digits = time.partition(".")[0]
    offset = _offset(zone)
    if len(digits) not in (2, 4, 6) or not digits.isdigit():
        return day
    try:
        hour, minute, second = (int(digits[at : at + 2] or "0") for at in (0, 2, 4))
        month, of_month = int(date[4:6]), int(date[6:])
        zoned = offset or ZoneInfo(site_zone)
        return datetime(int(date[:4]), month, of_month, hour, minute, second, tzinfo=zoned).isoformat()
    except (ValueError, ZoneInfoNotFoundError):
        return day


def _offset(zone: str) -> timezone | None:
    if len(zone) != 5 or zone[0] not in "+-" or not zone[1:].isdigit() or int(zone[1:3]) > 14:
        return None
    span = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    return timezone(span if zone[0] == "+" else -span)


@dataclass(frozen=True, slots=True)
class Telling:
    """What is needed to draw a study: whose it is, where it is served, and what its site said of it.

    `address` is the DICOMweb base, `zone` that of the site.
    """

    patient: str
    address: str
    zone: str = "UTC"
    site_resource: Json = field(default_factory=dict[str, Any])


def to_fhir(study: Study, telling: Telling) -> Json:
    """The study: counts and series from what is kept, the rest also from what its site said."""
    facts, said = study.facts, telling.site_resource
    made: Json = {
        "resourceType": "ImagingStudy",
        "id": study.id.hex(),
        "meta": {"profile": [SMART_STUDY]} if study.series else {},
        "identifier": _identifiers(study, said.get("identifier") or []),
        "status": "available" if study.series else said.get("status", "registered"),
        "subject": {"reference": f"Patient/{telling.patient}"},
    }
    if study.series:
        made["contained"] = [endpoint.contained(telling.address)]
        made["endpoint"] = [{"reference": "#e"}]
    if modalities := [_modality(one) for one in study.modalities] or said.get("modality"):
        made["modality"] = modalities
    if started := started_at(facts.date, facts.time, facts.zone, telling.zone) or said.get("started"):
        made["started"] = started
    made |= {name: said[name] for name in _FROM_SITE if said.get(name)}
    if facts.referrer and "referrer" not in made:
        made["referrer"] = {"display": readable(facts.referrer)}
    if facts.description or said.get("description"):
        made["description"] = facts.description or said["description"]
    made["numberOfSeries"] = len(study.series)
    made["numberOfInstances"] = study.instances
    if study.series:
        made["series"] = [_series(one, study, telling) for one in study.series]
    return made


def name_endpoint(made: Json, endpoint_id: str) -> None:
    """A drawn study refers to this Endpoint resource besides the one it contains."""
    if "endpoint" in made:
        made["endpoint"] = [*made["endpoint"], {"reference": f"Endpoint/{endpoint_id}"}]


def add_instances(made: Json, instances: Mapping[str, Iterable[Listed]]) -> None:
    """Each series of a drawn study tells its instances, which are given by its UID."""
    if "series" in made:
        made["series"] = [one | {"instance": [_instance(it) for it in instances[one["uid"]]]} for one in made["series"]]


def _identifiers(study: Study, said: list[Json]) -> list[Json]:
    facts = study.facts
    made: list[Json] = [study_identifier(facts.uid)] if facts.uid else []
    if facts.accession:
        made.append(accession_identifier(facts.accession, facts.accession_issuer))
    known = {(one.get("system"), one.get("value")) for one in made} | {(None, facts.accession)}
    for one in said:
        same_number = has_type(one, "ACSN") and one.get("value") == facts.accession
        if one.get("system") != DICOM_UID and not same_number and (one.get("system"), one.get("value")) not in known:
            made.append(one)
        elif same_number and one.get("system"):
            made = [one if has_type(other, "ACSN") else other for other in made]
    return made


def _modality(code: str) -> Json:
    return {"system": DCM, "code": code or "OT"}


def _series(series: Series, study: Study, telling: Telling) -> Json:
    facts = series.facts
    made: Json = {"uid": facts.uid}
    if facts.number is not None and facts.number >= 0:
        made["number"] = facts.number
    made["modality"] = _modality(facts.modality)
    if facts.description:
        made["description"] = facts.description
    made["numberOfInstances"] = series.instances
    if facts.body_part:
        made["bodySite"] = {"display": facts.body_part}
    if facts.laterality in SIDES:
        made["laterality"] = {"system": SNOMED, "code": SIDES[facts.laterality]}
    if started := started_at(facts.date, facts.time, study.facts.zone, telling.zone):
        made["started"] = started
    said = next((one for one in telling.site_resource.get("series") or [] if one.get("uid") == facts.uid), {})
    made |= {name: said[name] for name in _SERIES_FROM_SITE if said.get(name)}
    return made


def _instance(listed: Listed) -> Json:
    made: Json = {"uid": listed.uid, "sopClass": {"system": URIS, "code": f"{OID}{listed.sop_class}"}}
    if listed.number is not None and listed.number >= 0:
        made["number"] = listed.number
    return made


def readable(person_text: str) -> str:
    """A person's name in the order in which it is spoken."""
    family, given, middle, prefix, suffix = (person_text.split("=", 1)[0].split("^") + [""] * 5)[:5]
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part.strip())
