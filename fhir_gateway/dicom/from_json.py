"""
A Part 10 file out of DICOM JSON (PS3.18 annex F), for what is stored as metadata with its bulk data beside it.

Written in Explicit VR Little Endian, text in UTF-8. Nothing is fetched: a value that is only named must be at hand.
"""

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.dicom.facts import text
from fhir_gateway.dicom.reencode import element_head
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, is_native
from fhir_gateway.dicom.walk import DEEPEST, PIXEL_TAGS, UNDEFINED
from fhir_gateway.errors import TooDeep, UnreadableDicom

Json = dict[str, Any]

_TAG = re.compile(r"[0-9A-F]{8}")
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_PLAIN = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NO_JSON = "The metadata is not DICOM JSON (PS3.18 annex F)."
_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}


@dataclass(frozen=True, slots=True)
class Packed:
    """The frames of a packed picture as they came, and the transfer syntax they are in."""

    syntax: str
    frames: tuple[bytes, ...]


Bulk = Mapping[str, bytes | Packed]


def bulk_uris(metadata: Json, depth: int = 0) -> Iterator[str]:
    """The address of every value that the metadata only names. Raises TooDeep, UnreadableDicom."""
    if depth > DEEPEST:
        raise TooDeep("The sequences of the file are nested deeper than is followed.")
    for element in metadata.values():
        if not isinstance(element, dict):
            raise UnreadableDicom(_NO_JSON)
        uri = element.get("BulkDataURI")
        if isinstance(uri, str):
            yield uri
        for item in _items(element) if element.get("vr") == "SQ" else ():
            yield from bulk_uris(item, depth + 1)


def file_of(metadata: Json, bulk: Bulk) -> bytes:
    """The metadata and the values it names as one Part 10 file. Raises TooDeep, UnreadableDicom."""
    try:
        return _file(metadata, bulk)
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        struct.error,
        binascii.Error,
        OverflowError,
        RecursionError,
    ) as error:
        raise UnreadableDicom(_NO_JSON) from error


def _file(metadata: Json, bulk: Bulk) -> bytes:
    kept = {tag: element for tag, element in metadata.items() if int(tag[:4], 16) > 2 and tag[4:] != "0000"}
    body = _dataset(kept, bulk, 0)
    if not body.isascii() and not _only_binary(kept):
        body = _dataset(kept | {"00080005": _UTF8}, bulk, 0)
    packed = [one.syntax for one in bulk.values() if isinstance(one, Packed)]
    syntax = packed[0] if packed else EXPLICIT_LITTLE
    group = b"".join(
        _written(tag, vr, value)
        for tag, vr, value in (
            ("00020001", "OB", b"\0\1"),
            ("00020002", "UI", text(metadata, "00080016").encode("ascii")),
            ("00020003", "UI", text(metadata, "00080018").encode("ascii")),
            ("00020010", "UI", syntax.encode("ascii")),
            ("00020012", "UI", b"2.25.1"),
        )
    )
    return bytes(128) + b"DICM" + _written("00020000", "UL", struct.pack("<I", len(group))) + group + body


def _only_binary(metadata: Json) -> bool:
    """Tell whether no text of the metadata needs more than ASCII."""
    return all(one.isascii() for one in _texts(metadata))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _dataset(metadata: Json, bulk: Bulk, depth: int) -> bytes:
    if depth > DEEPEST:
        raise TooDeep("The sequences of the file are nested deeper than is followed.")
    return b"".join(_element(tag, metadata[tag], bulk, depth) for tag in sorted(metadata))


def _element(tag: str, element: Json, bulk: Bulk, depth: int) -> bytes:
    if not _TAG.fullmatch(tag):
        raise UnreadableDicom(_NO_JSON)
    vr = element["vr"]
    if vr == "SQ":
        return _sequence(tag, _items(element), bulk, depth)
    if "BulkDataURI" in element:
        value = bulk[element["BulkDataURI"]]
        if isinstance(value, Packed):
            return _encapsulated(tag, value)
        return _written(tag, vr, value)
    if "InlineBinary" in element:
        return _written(tag, vr, base64.b64decode(element["InlineBinary"], validate=True))
    return _written(tag, vr, _value(vr, element.get("Value") or []))


def _sequence(tag: str, items: Sequence[Json], bulk: Bulk, depth: int) -> bytes:
    written = b"".join(
        struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item
        for item in (_dataset(one, bulk, depth + 1) for one in items)
    )
    return element_head(int(tag, 16), "SQ", len(written)) + written


def _encapsulated(tag: str, packed: Packed) -> bytes:
    """Each frame one fragment, behind an empty offset table (PS3.5 A.4)."""
    if int(tag, 16) not in PIXEL_TAGS or is_native(packed.syntax):
        raise UnreadableDicom(_NO_JSON)
    pieces = [b"", *(frame + b"\0" * (len(frame) % 2) for frame in packed.frames)]
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(piece)) + piece for piece in pieces)
    return element_head(int(tag, 16), "OB", UNDEFINED) + items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def _written(tag: str, vr: str, value: bytes) -> bytes:
    padding = b"\0" if vr in _BINARY or vr == "UI" else b" "
    value += padding * (len(value) % 2)
    return element_head(int(tag, 16), vr, len(value)) + value


def _value(vr: str, values: list[Any]) -> bytes:
    if vr in _NUMBERS:
        return b"".join(struct.pack(f"<{_NUMBERS[vr]}", _number(one, vr)) for one in values)
    if vr == "AT":
        return b"".join(struct.pack("<HH", int(one[:4], 16), int(one[4:], 16)) for one in values)
    if vr == "PN":
        return "\\".join(_person(one or {}) for one in values).encode("utf-8")
    if vr not in _PLAIN:
        if values:
            raise UnreadableDicom(_NO_JSON)
        return b""
    return "\\".join("" if one is None else _plain(one, vr) for one in values).encode("utf-8")


def _number(value: Any, vr: str) -> int | float:
    """JSON has no number that is none; large ones may come as text (PS3.18 F.2.3)."""
    if value is None:
        value = "nan"
    return float(value) if vr in {"FL", "FD"} else int(value)


def _plain(value: Any, vr: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UnreadableDicom(_NO_JSON)
    if vr == "DS" and isinstance(value, float):
        short = (repr(value), *(f"{value:.{digits}g}" for digits in range(14, 8, -1)))
        return next((one for one in short if len(one) <= 16), short[-1])
    return str(value)


def _person(groups: Json) -> str:
    return "=".join(str(groups.get(kind) or "") for kind in _GROUPS).rstrip("=")


def _items(element: Json) -> list[Json]:
    items = element.get("Value") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnreadableDicom(_NO_JSON)
    return items
