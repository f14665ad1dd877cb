"""
The DICOM JSON model (PS3.18 annex F), made from a walked data set.

Keys ascend, text is Unicode, an empty value among others is null, and no value can make the writing fail: a number
that is none is given as the text it is. Large binary values stay where they are and are named by a relative
`BulkDataURI`, which `with_base` makes absolute.
"""

import base64
import io
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from pydicom.dataset import Dataset, FileMetaDataset

from fhir_gateway.dicom.charsets import CODES, DEFAULT, Charset, charset_of
from fhir_gateway.dicom.feed import Buffer, Feed
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, Syntax, on_the_wire, syntax_of
from fhir_gateway.dicom.walk import PIXEL_TAGS, UNDEFINED, Element, Elements, Walk
from fhir_gateway.errors import BadBody

INLINE_MOST = 1024
PALETTE_MOST = 192 * 1024  # palettes must travel with the metadata, or the viewer has no colours
ENCAPSULATED = 0x00420011
_PALETTES = range(0x00281201, 0x00281224)
_BINARY = {"OB": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "UN": 1}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_EXACT_MOST = 1 << 53
_BULK = "bulkdata/"  # what follows it is tags, numbers and dots
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_TEXT_WHOLE = frozenset({"ST", "LT", "UT", "UR"})  # a backslash in these is a backslash
_TEXT_CODED = frozenset({"LO", "SH", "UC", "PN", "ST", "LT", "UT"})  # these follow (0008,0005)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bulk:
    """Where a value left out of the metadata lies in the data set; `word` octets make one number."""

    start: int
    length: int
    word: int
    big: bool

    def to_json(self) -> list[int]:
        """Four small integers, for the sealed record."""
        return [self.start, self.length, self.word, int(self.big)]

    @classmethod
    def from_json(cls, stored: list[int]) -> "Bulk":
        """The reverse of `to_json`."""
        start, length, word, big = stored
        return cls(start, length, word, bool(big))

    def little(self, octets: bytes) -> bytes:
        """The value as it is served: little endian."""
        return swapped(octets, self.word) if self.big else octets


def swapped(octets: bytes, word: int) -> bytes:
    """The octets with those of each word in reverse; a rest shorter than a word stays."""
    if word == 1:
        return octets
    whole = len(octets) - len(octets) % word
    return np.frombuffer(octets, f">u{word}", whole // word).astype(f"<u{word}").tobytes() + octets[whole:]


@lru_cache(maxsize=16384)
def _key(tag: int) -> str:
    return f"{tag:08X}"


def settled_vr(vr: str, tag: int, *, signed: bool, allocated: int, length: int) -> str:
    """One VR where the dictionary leaves a choice (PS3.5 annex A.1)."""
    if " " not in vr:
        return vr
    if "SS" in vr and length <= 8:
        return "SS" if signed else "US"
    if vr == "OB or OW":
        return "OB" if tag == 0x7FE00010 and allocated <= 8 else "OW"
    if vr == "US or OW":
        return "US" if length <= 2 else "OW"
    return "OW" if vr.endswith("OW") else vr[:2]


@dataclass(slots=True)
class Writer:
    """Writes walked elements as JSON; `bulk` fills with what was left out."""

    cut: Callable[[int, int], bytes]
    big: bool
    signed: bool = False
    allocated: int = 16
    bulk: dict[str, Bulk] = field(default_factory=dict)

    def dataset(self, elements: Elements, charset: Charset = DEFAULT, path: str = "") -> Json:
        """One data set or item, keys ascending."""
        for element in elements:
            if element.tag == 0x00080005:
                charset = charset_of(self.strings(element))
            elif element.tag == 0x00280103 and element.length == 2:
                self.signed = self.cut(element.at, element.at + 2).strip(b"\0") != b""
            elif element.tag == 0x00280100 and element.length == 2:
                self.allocated = int.from_bytes(self.cut(element.at, element.at + 2), "big" if self.big else "little")
        written = {
            _key(element.tag): self.element(element, charset, path)
            for element in elements
            if element.tag & 0xFFFF and element.tag >> 16 > 2
        }
        return dict(sorted(written.items()))

    def element(self, element: Element, charset: Charset, path: str = "") -> Json:
        """One element: its VR, and its value if it has one."""
        tag, vr, at, length, items = element
        if items is not None:
            here = path + _key(tag)
            values = [self.dataset(item, charset, f"{here}.{number}.") for number, item in enumerate(items)]
            return {"vr": "SQ", "Value": values} if values else {"vr": "SQ"}
        vr = settled_vr(vr, tag, signed=self.signed, allocated=self.allocated, length=length)
        if length == 0:
            return {"vr": vr}
        if vr in _BINARY:
            return self._binary(element, vr, path)
        octets = self.cut(at, at + length)
        if vr in _NUMBERS:
            return _with_values(vr, self._numbers(octets, vr))
        if vr == "AT":
            pairs = struct.iter_unpack(">HH" if self.big else "<HH", octets[: length - length % 4])
            return _with_values(vr, [f"{group:04X}{number:04X}" for group, number in pairs])
        return _with_values(vr, _texts(octets, vr, charset))

    def strings(self, element: Element) -> list[str]:
        """The values of an element of plain text."""
        return [text or "" for text in _texts(self.cut(element.at, element.at + element.length), "CS", DEFAULT)]

    def left_out(self, element: Element, vr: str, path: str = "") -> Json:
        """A placeholder for a value that stays in the file."""
        name = path + _key(element.tag)
        if element.length != UNDEFINED:
            self.bulk[name] = Bulk(element.at, element.length, _BINARY.get(vr, 1), self.big)
        return {"vr": vr, "BulkDataURI": f"{_BULK}{name}"}

    def _binary(self, element: Element, vr: str, path: str) -> Json:
        tag, _, at, length, _ = element
        most = PALETTE_MOST if tag in _PALETTES else INLINE_MOST
        if length > most or tag in PIXEL_TAGS or tag == ENCAPSULATED:
            return self.left_out(element, vr, path)
        octets = self.cut(at, at + length)
        little = swapped(octets, _BINARY[vr]) if self.big else octets
        return {"vr": vr, "InlineBinary": base64.b64encode(little).decode("ascii")}

    def _numbers(self, octets: bytes, vr: str) -> list[int | float | str | None]:
        letter = _NUMBERS[vr]
        size = struct.calcsize(letter)
        count = len(octets) // size
        values = struct.unpack_from(f"{'>' if self.big else '<'}{count}{letter}", octets)
        if vr in {"FL", "FD"}:
            return [value if math.isfinite(value) else None for value in values]
        if vr in {"UV", "SV"}:
            return [value if -_EXACT_MOST <= value <= _EXACT_MOST else str(value) for value in values]
        return list(values)


def _with_values(vr: str, values: list[Any]) -> Json:
    return {"vr": vr, "Value": values} if any(value is not None for value in values) else {"vr": vr}


def _texts(octets: bytes, vr: str, charset: Charset) -> list[Any]:
    octets = octets.rstrip(b"\0 ")  # PS3.5 6.2: padding; no character of any set ends in these
    if vr == "PN":
        return [_person(name) for name in charset.text(octets, name=True).split("\\")]
    text = charset.text(octets) if vr in _TEXT_CODED else CODES.text(octets)
    if vr in _TEXT_WHOLE:
        return [text or None]
    parts = text.split("\\")
    if vr == "IS":
        return [_whole(part.strip()) for part in parts]
    if vr == "DS":
        return [_decimal(part.strip()) for part in parts]
    if vr in _TEXT_CODED:
        return [part.rstrip(" ") or None for part in parts]
    return [part.strip(" ") or None for part in parts]


def _person(name: str) -> dict[str, str] | None:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    return {kind: group.rstrip(" ") for kind, group in groups if group.strip(" ^")} or None


def _whole(text: str) -> int | str | None:
    if not text:
        return None
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text


def _decimal(text: str) -> float | str | None:
    if not text:
        return None
    number = float(text) if len(text) <= 64 and _DECIMAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def with_syntax(metadata: Json, syntax: str) -> Json:
    """The metadata with AvailableTransferSyntaxUID (0008,3002): what the instance is served in, asked for as stored."""
    return dict(sorted({**metadata, "00083002": {"vr": "UI", "Value": [on_the_wire(syntax)]}}.items()))


def with_base(metadata: Mapping[str, Any], base: str) -> Json:
    """The same metadata with every BulkDataURI absolute, below the instance's own address `base`, whatever it was."""
    root = base.rstrip("/") + "/"
    return {tag: _rooted(element, root) for tag, element in metadata.items()}


def _rooted(element: Mapping[str, Any], root: str) -> Mapping[str, Any]:
    if "BulkDataURI" in element:
        where: str = element["BulkDataURI"]
        return {**element, "BulkDataURI": root + where[where.rfind(_BULK) :]}
    if element.get("vr") == "SQ" and "Value" in element:
        return {
            **element,
            "Value": [{tag: _rooted(inner, root) for tag, inner in item.items()} for item in element["Value"]],
        }
    return element


def to_dicom_json(dataset: Dataset, bulk_uri: str | None = None) -> Json:
    """The JSON of a data set made by the library; with `bulk_uri`, its BulkDataURIs are absolute below it."""
    sink = io.BytesIO()
    plain = Dataset({tag: dataset[tag] for tag in dataset.keys() if tag.group > 2})  # noqa: SIM118 - keys() keeps raw elements raw
    plain.file_meta = FileMetaDataset()
    plain.save_as(sink, implicit_vr=False, little_endian=True)
    written = elements_to_json(sink.getvalue(), syntax_of(EXPLICIT_LITTLE))
    return with_base(written, bulk_uri) if bulk_uri else written


def loads(octets: bytes) -> Json:
    """DICOM JSON as it came from outside: one object, UTF-8, no NaN, no endless nesting. Raises BadBody."""
    try:
        found = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        raise BadBody("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise BadBody("The body is not one JSON object.")
    return found


def elements_to_json(octets: Buffer, syntax: Syntax) -> Json:
    """The JSON of a bare data set (no preamble, no file meta) held in memory. Raises UnreadableDicom."""
    data = bytes(octets)
    feed = Feed(iter((data,)), most=len(data) + 16)
    walked = [element for element, _ in Walk(feed, syntax).top(0, lambda *_: False) if element]
    return Writer(feed.cut, syntax.big).dataset(walked)
