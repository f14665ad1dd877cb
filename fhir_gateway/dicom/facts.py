"""What the top of a data set says: whose it is, where it belongs, how its picture is laid out."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from fhir_gateway.dicom.frames import PixelLayout
from fhir_gateway.dicom.walk import DOUBLE_PIXELS, FLOAT_PIXELS, PIXELS

Json = dict[str, Any]

# docs/format.md 6, class `rep`: structured reports with key object selections, and encapsulated documents.
_REPORT_CLASSES = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.")
_REPORT_MARKS = ("0040A730", "00420011")
# What of a report may be read with the metadata key alone: patient, study, series and instance, none of its text.
_REPORT_OPEN = frozenset(
    {
        "00080005", "00080012", "00080013", "00080016", "00080018", "00080020", "00080021", "00080022", "00080023",
        "0008002A", "00080030", "00080031", "00080032", "00080033", "00080050", "00080051", "00080056", "00080060",
        "00080061", "00080070", "00080080", "00080090", "00080201", "00081030", "0008103E", "00081090", "00083002",
        "00100010", "00100020", "00100021", "00100022", "00100030", "00100040", "00180015", "0020000D", "0020000E",
        "00200010", "00200011", "00200013", "00200060", "00280301", "0040A491", "0040A493", "0040A496", "00420012",
    }
)  # fmt: skip
_DIGITS = re.compile(r"([0-9]{4})[.\-]?([0-9]{2})[.\-]?([0-9]{2})")


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Whom the object names; empty text where it does not say. `name` is a DICOM person name, decoded."""

    mrn: str
    issuer: str
    name: str
    born: str | None
    sex: str


def first(metadata: Json, tag: str) -> Any:
    """The first value of an element, or None."""
    values = metadata.get(tag, {}).get("Value") or [None]
    return values[0]


def text(metadata: Json, tag: str) -> str:
    """The first value as text, empty if there is none."""
    value = first(metadata, tag)
    return "" if value is None or isinstance(value, dict) else str(value)


def only(metadata: Json, tag: str) -> str:
    """The value as text if there is exactly one; several are as good as none."""
    return text(metadata, tag) if len(metadata.get(tag, {}).get("Value") or []) == 1 else ""


def patient_of(metadata: Json) -> PatientFacts:
    """The patient as the object names them."""
    qualifiers = first(metadata, "00100024")
    issuer = text(metadata, "00100021") or (text(qualifiers, "00400032") if isinstance(qualifiers, dict) else "")
    return PatientFacts(
        mrn=text(metadata, "00100020"),
        issuer=issuer,
        name=_person(first(metadata, "00100010")),
        born=_day(text(metadata, "00100030")),
        sex=text(metadata, "00100040"),
    )


def accession_issuer(metadata: Json) -> str:
    """Who gave the accession number: the universal id, else the local name (0008,0051)."""
    issuer = first(metadata, "00080051")
    return (text(issuer, "00400032") or text(issuer, "00400031")) if isinstance(issuer, dict) else ""


def _person(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    return "=".join(value.get(kind, "") for kind in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=")


def _day(written: str) -> str | None:
    """A real calendar day as YYYYMMDD; also from the older form with dots."""
    match = _DIGITS.fullmatch(written)
    try:
        return date(*map(int, match.groups())).strftime("%Y%m%d").zfill(8) if match else None
    except ValueError:
        return None


def is_report(sop_class: str, metadata: Json) -> bool:
    """Tell whether the object is a report or a document, which a grant of pictures does not open."""
    return sop_class.startswith(_REPORT_CLASSES) or any(mark in metadata for mark in _REPORT_MARKS)


def open_part(metadata: Json) -> Json:
    """What of a report's metadata tells nothing of its text."""
    return {tag: element for tag, element in metadata.items() if tag in _REPORT_OPEN}


def layout_of(metadata: Json, pixel_tag: int) -> PixelLayout:
    """How the picture is laid out; sizes that are missing or no numbers are 0, which no decoder is asked for."""
    allocated = {FLOAT_PIXELS: 32, DOUBLE_PIXELS: 64}.get(pixel_tag) or _count(metadata, "00280100", 0)
    return PixelLayout(
        rows=_count(metadata, "00280010", 0),
        columns=_count(metadata, "00280011", 0),
        samples=_count(metadata, "00280002", 1),
        bits_allocated=allocated,
        bits_stored=_count(metadata, "00280101", allocated),
        signed=_count(metadata, "00280103", 0) == 1,
        planar=_count(metadata, "00280006", 0),
        photometric=text(metadata, "00280004"),
        frames=max(1, _count(metadata, "00280008", 1)) if pixel_tag in {FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS} else 0,
        tag=f"{pixel_tag:08X}",
    )


def _count(metadata: Json, tag: str, missing: int) -> int:
    value = first(metadata, tag)
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else missing
