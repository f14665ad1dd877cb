"""What a scan is called in plain words: "MRI of the right knee", from what the site wrote about it.

The kind of scan comes from its series' modalities (DICOM PS3.3 C.7.3.1.1.1), the part of the body from Body Part
Examined (PS3.16 Annex L) or, where that is absent, from a word of the description that we know. What we do not know is
left out rather than guessed: then it is "an MRI", and the site's own words stand under "Details".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Protocol

from babel.numbers import format_decimal

from phr import languages, words_es


class NamedSeries(Protocol):
    """What a title needs of one series."""

    @property
    def modality(self) -> str: ...  # noqa: D102  as DICOM has them
    @property
    def body_part(self) -> str: ...  # noqa: D102
    @property
    def laterality(self) -> str: ...  # noqa: D102
    @property
    def description(self) -> str: ...  # noqa: D102


# Companions of pictures, which never name a scan.
SILENT = frozenset({"PR", "KO", "SR", "SEG", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "DOC", "AU", "PLAN", "FID", "RWV"})
KIND_OF = {
    "CR": "X-ray", "DX": "X-ray", "DR": "X-ray", "RG": "X-ray", "CT": "CT", "MR": "MRI", "US": "Ultrasound",
    "MG": "Mammogram", "NM": "Nuclear medicine scan", "PT": "PET scan", "XA": "X-ray of blood vessels",
    "RF": "X-ray video", "IVUS": "Ultrasound inside a vessel", "OCT": "Light scan", "OPT": "Eye scan",
    "OP": "Eye photo", "OPV": "Eye test", "IO": "Dental X-ray", "PX": "Dental X-ray", "BMD": "Bone density scan",
    "ES": "Endoscopy", "XC": "Photo", "GM": "Microscope pictures", "SM": "Microscope pictures", "ECG": "Heart tracing",
    "HD": "Heart tracing", "EPS": "Heart tracing", "TG": "Heat picture", "DG": "Light scan",
}  # fmt: skip
PART_OF = {
    "ABDOMEN": "belly", "ABDOMENPELVIS": "belly and pelvis", "ADRENAL": "adrenal gland", "ANKLE": "ankle",
    "AORTA": "aorta", "ARM": "arm", "AXILLA": "armpit", "BACK": "back", "BLADDER": "bladder", "BRAIN": "brain",
    "BREAST": "breast", "CALCANEUS": "heel", "CARDIAC": "heart", "CAROTID": "neck arteries", "CEREBELLUM": "brain",
    "CERVIX": "cervix", "CHEST": "chest", "CHESTABDOMEN": "chest and belly",
    "CHESTABDPELVIS": "chest, belly and pelvis",
    "CLAVICLE": "collarbone", "COCCYX": "tailbone", "COLON": "bowel", "CSPINE": "neck",
    "CTSPINE": "neck and upper back",
    "EAR": "ear", "ELBOW": "elbow", "ESOPHAGUS": "gullet", "EXTREMITY": "limb", "EYE": "eye", "FACE": "face",
    "FEMUR": "thigh", "FINGER": "finger", "FOOT": "foot", "FOREARM": "forearm", "GALLBLADDER": "gallbladder",
    "HAND": "hand", "HEAD": "head", "HEADNECK": "head and neck", "HEART": "heart", "HEEL": "heel", "HIP": "hip",
    "HUMERUS": "upper arm", "IAC": "inner ear", "JAW": "jaw", "KIDNEY": "kidney", "KNEE": "knee", "LEG": "leg",
    "LIVER": "liver", "LSPINE": "lower back", "LSSPINE": "lower back", "LUNG": "lungs", "MAXILLA": "jaw",
    "MANDIBLE": "jaw", "MEDIASTINUM": "chest", "NECK": "neck", "NECKCHEST": "neck and chest", "NOSE": "nose",
    "ORBIT": "eye socket", "PANCREAS": "pancreas", "PATELLA": "kneecap", "PELVIS": "pelvis", "PROSTATE": "prostate",
    "RIB": "ribs", "SACRUM": "lower back", "SCAPULA": "shoulder blade", "SCROTUM": "scrotum", "SHOULDER": "shoulder",
    "SINUS": "sinuses", "SKULL": "skull", "SPINE": "spine", "SPLEEN": "spleen", "STERNUM": "breastbone",
    "STOMACH": "stomach", "TEETH": "teeth", "TESTIS": "testicles", "THIGH": "thigh", "THORAX": "chest",
    "THUMB": "thumb",
    "THYROID": "thyroid", "TIBFIB": "lower leg", "TIBIA": "lower leg", "TLSPINE": "back", "TMJ": "jaw joint",
    "TOE": "toe", "TSPINE": "upper back", "UTERUS": "womb", "WHOLEBODY": "whole body", "WRIST": "wrist",
}  # fmt: skip
SIDE_OF = {"R": "right", "L": "left", "B": "both"}
PLURAL_OF = {"foot": "feet", "eye": "eyes", "calf": "calves", "thigh": "thighs", "wrist": "wrists"}

# Sides as descriptions write them; German and French hospitals write "re", "li", "dr", "g" too loosely to trust.
_RIGHT = re.compile(r"\b(right|rt|rechts|derech[oa]|droite?)\b", re.IGNORECASE)
_LEFT = re.compile(r"\b(left|lt|links|izquierd[oa]|gauche)\b", re.IGNORECASE)


def title(series: Iterable[NamedSeries], description: str = "") -> str:
    """The scan's name, such as "MRI of the right knee"; "Scan" where nothing is known."""
    all_of_it = list(series)
    seen = [one for one in all_of_it if one.modality not in SILENT]
    kind = _kind([one.modality for one in seen])
    part = part_of(seen, description)
    side = side_of(seen, description)
    if not part or " of " in kind:
        part = side = ""
    if languages.here().startswith("es"):
        return words_es.title(kind, part, side)
    return f"{kind} of {_with_side(part, side)}" if part else kind


def part_of(series: Iterable[NamedSeries], description: str = "") -> str:
    """The part of the body in our words, such as "knee"; empty where it is not known."""
    seen = list(series)
    return _part([one.body_part for one in seen], [description, *(one.description for one in seen)])


def side_of(series: Iterable[NamedSeries], description: str = "") -> str:
    """Right, left or both; empty where it is not known."""
    return _side([one.laterality for one in series], description)


def _kind(modalities: list[str]) -> str:
    found = {KIND_OF[modality]: None for modality in modalities if modality in KIND_OF}
    if {"PET scan", "CT"} <= set(found):
        return "PET and CT"
    if {"PET scan", "MRI"} <= set(found):
        return "PET and MRI"
    return next(iter(found), "Scan")


def _part(codes: list[str], texts: list[str]) -> str:
    for code in codes:
        if part := PART_OF.get(re.sub(r"[^A-Z]", "", code.upper())):
            return part
    words = [word for text in texts for word in re.findall(r"[A-Za-z]+", text.upper())]
    return next((PART_OF[word] for word in words if word in PART_OF), "")


def _side(laterality: list[str], description: str) -> str:
    given = {side for side in laterality if side in SIDE_OF}
    if given == {"R", "L"} or "B" in given:
        return "both"
    if given:
        return SIDE_OF[given.pop()]
    right, left = bool(_RIGHT.search(description)), bool(_LEFT.search(description))
    if right == left:
        return ""
    return "right" if right else "left"


def _with_side(part: str, side: str) -> str:
    if side == "both":
        return f"both {PLURAL_OF.get(part, part if part.endswith('s') else part + 's')}"
    return f"the {side} {part}" if side else f"the {part}"


def day_of(text: str) -> date | None:
    """A DICOM date ("20260303") as a date, or None where it says nothing we can read (PS3.5 6.2, DA)."""
    bare = text.replace(".", "").replace("-", "")
    if len(bare) != 8 or not bare.isdecimal():
        return None
    try:
        return date(int(bare[:4]), int(bare[4:6]), int(bare[6:]))
    except ValueError:
        return None


def person(name: str) -> str:
    """A DICOM name ("Perez^Ana^Maria") as people say it: "Ana Maria Perez" (PS3.5 6.2.1, first group)."""
    family, given, middle, prefix, suffix = _components(name)
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def person_filed(name: str) -> str:
    """The same name as clinics file it: "PEREZ, Ana Maria"."""
    family, given, middle, _, _ = _components(name)
    first = " ".join(part for part in (given, middle) if part)
    return ", ".join(part for part in (family.upper(), first) if part)


def _components(name: str) -> list[str]:
    parts = [part.strip() for part in name.split("=", maxsplit=1)[0].split("^")]
    return [*parts, "", "", "", "", ""][:5]


def count(things: int) -> str:
    """A number as the page's language groups it: "1,200", "1.200"."""
    return format_decimal(things, locale=languages.here())


def size(octets: int) -> str:
    """A size with one decimal, as the page's language writes it: "312.4 MB", "1,2 GB", "180 KB"."""
    language = languages.here()
    for unit, octets_each in (("GB", 1_000_000_000), ("MB", 1_000_000)):
        if octets >= octets_each:
            return f"{format_decimal(octets / octets_each, '0.0', locale=language)} {unit}"
    return f"{format_decimal(max(1, round(octets / 1000)), locale=language)} KB"
