"""The rows a search answers with: the attributes that are always there, by level (PS3.18 10.6.3.3)."""

from collections.abc import Iterable
from typing import Any

from fhir_gateway.dicom.syntaxes import on_the_wire
from fhir_gateway.dicomweb.levels import INSTANCE_ALWAYS, SERIES_IF_KNOWN, SERIES_LISTED, STUDY_LISTED
from fhir_gateway.dicomweb.query import Query
from fhir_gateway.links import Links
from vault.facts import InstanceFacts, PersonFacts
from vault.reading import Instance
from vault.studies import Series, Study

Json = dict[str, Any]


def element(vr: str, value: Any = None) -> Json:
    """One element; without a value where there is none."""
    return {"vr": vr} if value in (None, "", []) else {"vr": vr, "Value": value if isinstance(value, list) else [value]}


def person_of(text: str) -> Json:
    """A name by the ways in which it is written; nothing where it is empty."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    return {kind: group for kind, group in groups if group}


def _person(text: str) -> Json:
    named = person_of(text)
    return element("PN", [named] if named else None)


def _patient(person: PersonFacts) -> Json:
    made = {
        "00100010": _person(person.name),
        "00100020": element("LO", person.mrn),
        "00100030": element("DA", person.born),
        "00100040": element("CS", person.sex),
    }
    return made | {"00100021": element("LO", person.issuer)} if person.issuer else made


def study_row(study: Study, links: Links) -> Json:
    """A study as it is listed."""
    facts = study.facts
    made = {
        "00080020": element("DA", facts.date),
        "00080030": element("TM", facts.time),
        "00080050": element("SH", facts.accession),
        "00080056": element("CS", "ONLINE"),
        "00080061": element("CS", list(study.modalities)),
        "00080090": _person(facts.referrer),
        "00081030": element("LO", facts.description),
        "00081190": element("UR", links.study(facts.uid)),
        "0020000D": element("UI", facts.uid),
        "00200010": element("SH", facts.study_number),
        "00201206": element("IS", len(study.series)),
        "00201208": element("IS", study.instances),
    } | _patient(facts.person)
    if facts.zone:
        made["00080201"] = element("SH", facts.zone)
    if facts.institution:
        made["00080080"] = element("LO", facts.institution)
    return made


def series_row(study: Study, series: Series, links: Links) -> Json:
    """A series as it is listed; with the study's attributes, for they may be asked for and matched."""
    facts = series.facts
    made = {
        "00080060": element("CS", facts.modality),
        "0008103E": element("LO", facts.description),
        "00081190": element("UR", links.series(study.uid, facts.uid)),
        "0020000D": element("UI", study.uid),
        "0020000E": element("UI", facts.uid),
        "00200011": element("IS", facts.number),
        "00201209": element("IS", series.instances),
        "00080021": element("DA", facts.date),
        "00080031": element("TM", facts.time),
    }
    if facts.body_part:
        made["00180015"] = element("CS", facts.body_part)
    if facts.laterality:
        made["00200060"] = element("CS", facts.laterality)
    if study.facts.zone:
        made["00080201"] = element("SH", study.facts.zone)
    return made


def instance_row(study: Study, series: Series, instance: Instance, links: Links) -> Json:
    """An instance as it is listed, with all that its description holds."""
    facts: InstanceFacts = instance.facts
    made = instance.dicom | {
        "00080016": element("UI", facts.sop_class),
        "00080018": element("UI", facts.uid),
        "00080056": element("CS", "ONLINE"),
        "00081190": element("UR", links.instance(study.uid, series.facts.uid, facts.uid)),
        "0020000D": element("UI", study.uid),
        "0020000E": element("UI", series.facts.uid),
        "00200013": element("IS", facts.number),
        "00083002": element("UI", on_the_wire(facts.transfer_syntax)),
    }
    picture = {
        "00280008": element("IS", facts.frames or None),
        "00280010": element("US", facts.rows or None),
        "00280011": element("US", facts.columns or None),
        "00280100": element("US", facts.bits_allocated or None),
    }
    return made | {tag: value for tag, value in picture.items() if "Value" in value}


def told(row: Json, always: Iterable[str], query: Query, held: frozenset[str] | None = None) -> Json:
    """What of a row is always told, and what of it was asked for; tags ascending, and no bulk data in a list.

    `held` are the attributes of its level (None: all); of another level nothing is told (PS3.18 10.6.3.3).
    """
    shown = set(always)
    kept = {
        tag: value
        for tag, value in row.items()
        if tag in shown or (_asked(tag, query) and (held is None or tag in held) and "BulkDataURI" not in value)
    }
    return dict(sorted(kept.items()))


def _asked(tag: str, query: Query) -> bool:
    return query.everything or tag in query.fields


STUDY_ALWAYS = STUDY_LISTED
SERIES_ALWAYS = SERIES_LISTED | frozenset(SERIES_IF_KNOWN)

__all__ = [
    "INSTANCE_ALWAYS",
    "SERIES_ALWAYS",
    "STUDY_ALWAYS",
    "element",
    "instance_row",
    "person_of",
    "series_row",
    "study_row",
    "told",
]
