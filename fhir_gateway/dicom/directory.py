"""
A DICOMDIR, made from metadata alone (PS3.3 annex F, PS3.10 8.6).

No instance is opened for it, none is written anywhere: a record takes what the sealed metadata already say. Where
an object lacks a key its record must have, the record, never the file, gets a stand-in.
"""

import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fhir_gateway.dicom.reencode import element_head
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, on_the_wire
from fhir_gateway.errors import UnreadableDicom

Json = dict[str, Any]

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_CODE = [{"00080100": {"vr": "SH", "Value": ["18748-4"]}, "00080102": {"vr": "SH", "Value": ["LN"]},
          "00080104": {"vr": "LO", "Value": ["Diagnostic imaging study"]}}]  # fmt: skip
_NUMBER, _DATE, _TIME = ("00200013", "IS", "1"), ("00080023", "DA", "19000101"), ("00080033", "TM", "000000")
_LABEL = (("00700080", "CS", "UNKNOWN"), ("00700081", "LO", ""), ("00700084", "PN", ""))
_CONTENT = (_NUMBER, _DATE, _TIME)

# For each record type its keys: tag, VR, and what stands in where there is no value (empty: may be empty;
# None: left out). PS3.3 tables F.5-1 to F.5-36.
_KEYS: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "PATIENT": (("00100010", "PN", ""), ("00100020", "LO", "UNKNOWN")),
    "STUDY": (
        ("00080020", "DA", "19000101"), ("00080030", "TM", "000000"), ("00080050", "SH", ""),
        ("00081030", "LO", ""), ("0020000D", "UI", ""), ("00200010", "SH", "1"),
    ),
    "SERIES": (("00080060", "CS", "OT"), ("0020000E", "UI", ""), ("00200011", "IS", "1")),
    "IMAGE": (_NUMBER,),
    "SR DOCUMENT": (
        *_CONTENT, ("0040A030", "DT", None), ("0040A043", "SQ", _CODE), ("0040A491", "CS", "PARTIAL"),
        ("0040A493", "CS", "UNVERIFIED"),
    ),
    "KEY OBJECT DOC": (*_CONTENT, ("0040A043", "SQ", _CODE)),
    "ENCAP DOC": (
        _NUMBER, ("00080023", "DA", ""), ("00080033", "TM", ""), ("0040A043", "SQ", []), ("00420010", "ST", ""),
        ("00420012", "LO", "application/octet-stream"),
    ),
    "PRESENTATION": (
        _NUMBER, *_LABEL, ("00081115", "SQ", None), ("00700082", "DA", "19000101"), ("00700083", "TM", "000000"),
    ),
    "RT DOSE": (_NUMBER, ("3004000A", "CS", "PLAN")),
    "RT STRUCTURE SET": (_NUMBER, ("30060002", "SH", "UNKNOWN"), ("30060008", "DA", ""), ("30060009", "TM", "")),
    "RT PLAN": (_NUMBER, ("300A0002", "SH", "UNKNOWN"), ("300A0006", "DA", ""), ("300A0007", "TM", "")),
    "RT TREAT RECORD": (_NUMBER, ("30080250", "DA", ""), ("30080251", "TM", "")),
    "WAVEFORM": _CONTENT,
    "RAW DATA": _CONTENT,
    "REGISTRATION": (*_CONTENT, *_LABEL),
    "FIDUCIAL": (*_CONTENT, *_LABEL),
    "VALUE MAP": (*_CONTENT, *_LABEL),
}  # fmt: skip
# The longest prefix of the SOP class that is listed decides; objects with rows are images.
_TYPES = {
    "88.": "SR DOCUMENT", "88.59": "KEY OBJECT DOC", "104.": "ENCAP DOC", "11.": "PRESENTATION", "9.": "WAVEFORM",
    "66": "RAW DATA", "66.1": "REGISTRATION", "66.2": "FIDUCIAL", "66.3": "REGISTRATION", "67": "VALUE MAP",
    "66.4": "IMAGE", "66.5": "IMAGE", "66.7": "IMAGE", "66.8": "IMAGE", "481.2": "RT DOSE", "481.3": "RT STRUCTURE SET",
    "481.4": "RT TREAT RECORD", "481.5": "RT PLAN", "481.6": "RT TREAT RECORD", "481.7": "RT TREAT RECORD",
    "481.8": "RT PLAN", "481.9": "RT TREAT RECORD",
}  # fmt: skip


@dataclass(slots=True)
class _Record:
    """One record: its keys written, and the records below it."""

    kind: str
    reference: bytes
    keys: bytes
    below: "dict[str, _Record]" = field(default_factory=dict)

    def octets(self, following: int, lower: int) -> bytes:
        """The record as a sequence item of defined length; the two offsets are those of other items' first octets."""
        written = (
            _written("00041400", "UL", [following])
            + _written("00041410", "US", [0xFFFF])
            + _written("00041420", "UL", [lower])
            + _written("00041430", "CS", [self.kind])
            + self.reference
            + _written("00080005", "CS", ["ISO_IR 192"])
            + self.keys
        )
        return struct.pack("<HHI", 0xFFFE, 0xE000, len(written)) + written


class Directory:
    """Collects instances by patient, study and series, then writes the DICOMDIR."""

    def __init__(self) -> None:
        self._known = sha256()
        self._patients: dict[str, _Record] = {}
        self._count = 0

    def put(self, metadata: Json, syntax: str) -> str:
        """
        List one instance, which will lie on the medium in transfer syntax `syntax`; return its path.

        Raises UnreadableDicom for an object that is neither an image nor of a kind a record is made for.
        """
        kind = _kind_of(metadata)
        path = f"DICOM/P{self._count // 1000:05d}/I{self._count % 1000:05d}"
        reference = (
            _written("00041500", "CS", path.split("/"))
            + _written("00041510", "UI", [_plain(metadata, "00080016")])
            + _written("00041511", "UI", [_plain(metadata, "00080018")])
            + _written("00041512", "UI", [on_the_wire(syntax)])
        )
        level = self._patients
        for above, name in (("PATIENT", ""), ("STUDY", "0020000D"), ("SERIES", "0020000E")):
            keys = _keys(above, metadata)
            # Two spellings of one patient's name are one patient; the identifier decides.
            key = _plain(metadata, name) if name else _plain(metadata, "00100020") or keys.decode("latin-1")
            level = level.setdefault(key, _Record(above, b"", keys)).below
        level[path] = _Record(kind, reference, _keys(kind, metadata))
        self._known.update(reference)
        self._count += 1
        return path

    def octets(self) -> bytes:
        """The DICOMDIR itself: the same octets for the same instances, so that a copy broken off can go on."""
        uid = f"2.25.{int.from_bytes(self._known.digest()[:15])}"
        meta = (
            element_head(0x00020001, "OB", 2) + b"\0\1"
            + _written("00020002", "UI", [_MEDIA_DIRECTORY])
            + _written("00020003", "UI", [uid])
            + _written("00020010", "UI", [EXPLICIT_LITTLE])
            + _written("00020012", "UI", ["2.25.1"])
        )  # fmt: skip
        lead = bytes(128) + b"DICM" + _written("00020000", "UL", [len(meta)]) + meta + _written("00041130", "CS", [])
        # Between here and the first record: two offsets (12 each), the flag (10), the sequence's head (12).
        records = _laid_out(self._patients, len(lead) + 46)
        body = b"".join(record for _, record in records)
        roots = _places(self._patients, len(lead) + 46)
        first, last = (roots[0], roots[-1]) if roots else (0, 0)
        return (
            lead
            + _written("00041200", "UL", [first])
            + _written("00041202", "UL", [last])
            + _written("00041212", "US", [0])
            + element_head(0x00041220, "SQ", len(body))
            + body
        )


def _size(record: _Record) -> int:
    return len(record.octets(0, 0))


def _span(record: _Record) -> int:
    """Octets of a record with all below it."""
    return _size(record) + sum(map(_span, record.below.values()))


def _places(level: dict[str, _Record], at: int) -> list[int]:
    """Where each record of a level begins, if the first begins at `at`; each is followed by those below it."""
    places: list[int] = []
    for record in level.values():
        places.append(at)
        at += _span(record)
    return places


def _laid_out(level: dict[str, _Record], at: int) -> list[tuple[int, bytes]]:
    records: list[tuple[int, bytes]] = []
    places = _places(level, at)
    for record, place, following in zip(level.values(), places, [*places, 0][1:], strict=True):
        lower = place + _size(record) if record.below else 0
        records.append((place, record.octets(following, lower)))
        records += _laid_out(record.below, lower)
    return records


def _kind_of(metadata: Json) -> str:
    sop_class = _plain(metadata, "00080016").removeprefix(_STORAGE)
    fitting = [prefix for prefix in _TYPES if sop_class == prefix or sop_class.startswith(prefix.rstrip(".") + ".")]
    if fitting:
        return _TYPES[max(fitting, key=len)]
    if _plain(metadata, "00280010"):
        return "IMAGE"
    raise UnreadableDicom("The object cannot be listed in a directory.")


def _plain(metadata: Json, tag: str) -> str:
    values = metadata.get(tag, {}).get("Value") or [""]
    return str(values[0] or "")


def _keys(kind: str, metadata: Json) -> bytes:
    """The keys of a record of that kind, in ascending order."""
    written = b""
    for tag, vr, stand_in in sorted(_KEYS[kind]):
        values = [value for value in metadata.get(tag, {}).get("Value") or [] if value not in (None, "", {})]
        if not values:
            if stand_in is None:
                continue
            values = stand_in if isinstance(stand_in, list) else [stand_in] if stand_in else []
        written += _written(tag, vr, values)
    return written


def _written(tag: str, vr: str, values: list[Any]) -> bytes:
    """One element in Explicit VR Little Endian."""
    if vr == "SQ":
        value = b"".join(map(_item, values))
    elif vr in {"US", "UL"}:
        value = b"".join(struct.pack("<H" if vr == "US" else "<I", number) for number in values)
    else:
        value = "\\".join(map(_text, values)).encode("utf-8")
        value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return element_head(int(tag, 16), vr, len(value)) + value


def _item(item: Json) -> bytes:
    """A sequence item with what a record needs of it: text and further items."""
    written = b"".join(
        _written(tag, element["vr"], element.get("Value") or [])
        for tag, element in sorted(item.items())
        if element["vr"] in {"SQ", "SH", "LO", "UI", "CS", "IS", "DA", "TM", "DT", "UC", "UR"}
    )
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(written)) + written


def _text(value: Any) -> str:
    if isinstance(value, dict):
        groups = [value.get(kind, "") for kind in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)
