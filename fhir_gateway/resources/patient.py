"""Patient: who a site says its patient is, and who the record says the reader's patient is (R4 Patient)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir_gateway.outcome import unprocessable
from fhir_gateway.resources.codes import IDENTIFIER_TYPES, SEX, has_type, issuer_system
from vault.facts import PersonFacts

Json = dict[str, Any]

_SEX_OF = {word: letter for letter, word in SEX.items()}
_NAME_ORDER = ("official", "usual", None)


def from_fhir(resource: Json, issuers: Mapping[str, str]) -> PersonFacts:
    """The patient as the site wrote them. `issuers` are the names under which the site knows its own numbers.

    Raises `Refusal` 422 where there is no number to find them by.
    """
    number = number_of(resource.get("identifier") or [], issuers)
    if number is None:
        raise unprocessable("A patient needs an identifier with a value.", "Patient.identifier", "required")
    return PersonFacts(
        name=person_name(resource.get("name") or []),
        born=day_of(resource.get("birthDate")),
        sex=_SEX_OF.get(resource.get("gender", ""), ""),
        mrn=number[0],
        issuer=number[1],
    )


def number_of(identifiers: Sequence[Json], issuers: Mapping[str, str]) -> tuple[str, str] | None:
    """The patient number and its issuer: of type MR, else in a namespace the site registered, else the first."""
    usable = [one for one in identifiers if isinstance(one.get("value"), str) and one["value"].strip()]
    chosen = (
        next((one for one in usable if has_type(one, "MR")), None)
        or next((one for one in usable if one.get("system") in issuers), None)
        or next(iter(usable), None)
    )
    return (chosen["value"].strip(), chosen.get("system") or "") if chosen else None


def day_of(date: str | None) -> str:
    """A full FHIR date as YYYYMMDD; "" for a part of one."""
    return date.replace("-", "") if date and len(date) == 10 else ""


def person_name(names: Sequence[Json]) -> str:
    """The official, else the usual, else the first name, as a DICOM person name."""
    for use in _NAME_ORDER:
        for name in names:
            if use is None or name.get("use") == use:
                return _person_text(name)
    return ""


def _person_text(name: Json) -> str:
    given, prefix, suffix = (_words(name.get(part)) for part in ("given", "prefix", "suffix"))
    parts = [
        name.get("family") or "",
        given[0] if given else "",
        " ".join(given[1:]),
        " ".join(prefix),
        " ".join(suffix),
    ]
    clean = ["".join(" " if letter in "^=\\" else letter for letter in part).strip() for part in parts]
    written = "^".join(clean).rstrip("^")
    return written or str(name.get("text") or "").replace("^", " ").strip()


def _words(parts: Any) -> list[str]:
    """The parts of a name that are written; null stands where there is only an extension (R4 JSON)."""
    return [part for part in parts or [] if isinstance(part, str)]


def human_name(person_text: str) -> Json:
    """A DICOM person name as FHIR writes it."""
    first = person_text.split("=", 1)[0]
    family, given, middle, prefix, suffix = (first.split("^") + [""] * 5)[:5]
    named: Json = {}
    if family.strip():
        named["family"] = family.strip()
    if given_all := [part for part in (*given.split(), *middle.split()) if part]:
        named["given"] = given_all
    if prefix.strip():
        named["prefix"] = [prefix.strip()]
    if suffix.strip():
        named["suffix"] = [suffix.strip()]
    return named


def to_fhir(patient_id: str, people: Iterable[PersonFacts], *, name: str = "", born: str = "") -> Json:
    """The reader's patient, from what they told (`name`, `born`) and what the sites wrote, newest first."""
    known = list(people)
    made: Json = {"resourceType": "Patient", "id": patient_id}
    if numbers := _numbers(known):
        made["identifier"] = numbers
    names = dict.fromkeys(text for text in (name, *(one.name for one in known)) if text)
    shaped = [named for text in names if (named := human_name(text))]
    if shaped:
        made["name"] = shaped[:1] + [one for one in shaped[1:] if one != shaped[0]]
    sex = next((SEX[one.sex] for one in known if one.sex in SEX), None)
    if sex:
        made["gender"] = sex
    day = born or next((one.born for one in known if len(one.born) == 8), "")
    if day:
        made["birthDate"] = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    return made


def _numbers(people: Iterable[PersonFacts]) -> list[Json]:
    kept: dict[tuple[str, str], Json] = {}
    for one in people:
        if not one.mrn:
            continue
        number: Json = {"type": {"coding": [{"system": IDENTIFIER_TYPES, "code": "MR"}]}, "value": one.mrn}
        if system := issuer_system(one.issuer):
            number["system"] = system
        kept.setdefault((one.issuer, one.mrn), number)
    return list(kept.values())
