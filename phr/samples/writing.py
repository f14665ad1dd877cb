"""Writes DICOM files in Explicit VR Little Endian (PS3.5 7.1.2, PS3.10 7.1): as little of it as the samples need."""

import base64
import hashlib
import struct
from collections.abc import Mapping
from typing import Any

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLEMENTATION = "2.25.188424510853224963126441127049190351553"  # our own, made from a random UUID (PS3.5 B.2)

_LONG = {"OB", "OW", "OF", "OD", "OL", "UN", "UT", "UC", "UR", "SQ"}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_BINARY = {"OB", "OW", "OF", "OD", "OL", "UN"}

Element = tuple[str, Any]  # VR and value: one value, or a list of them
Dataset = Mapping[str, Element]  # by tag, eight hexadecimal digits


def uid_of(*words: object) -> str:
    """The UID that belongs to these words alone, the same at every run (PS3.5 B.2)."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def part_10(dataset: Dataset, pixels: bytes, *, syntax: str = EXPLICIT_LITTLE) -> bytes:
    """A whole file. `pixels` is the Pixel Data element as it stands in the file, with tag, VR and length."""
    meta = {
        "00020001": ("OB", b"\x00\x01"),
        "00020002": ("UI", dataset["00080016"][1]),
        "00020003": ("UI", dataset["00080018"][1]),
        "00020010": ("UI", syntax),
        "00020012": ("UI", IMPLEMENTATION),
    }
    head = _written(meta)
    length = _element("00020000", ("UL", len(head)))
    return bytes(128) + b"DICM" + length + head + _written(dataset) + pixels


def native_pixels(octets: bytes) -> bytes:
    """The Pixel Data element of a picture that is not packed."""
    return _element("7FE00010", ("OW", octets))


def from_json(metadata: Mapping[str, Any], tags: tuple[str, ...]) -> dict[str, Element]:
    """Those elements of a DICOM JSON data set (PS3.18 F), to be written again. Sequences are left out."""
    found: dict[str, Element] = {}
    for tag in tags:
        element = metadata.get(tag)
        if element is None or element["vr"] == "SQ":
            continue
        if "InlineBinary" in element:
            found[tag] = (element["vr"], base64.b64decode(element["InlineBinary"]))
        elif "Value" in element:
            found[tag] = (element["vr"], element["Value"])
    return found


def _written(dataset: Dataset) -> bytes:
    return b"".join(_element(tag, dataset[tag]) for tag in sorted(dataset))


def _element(tag: str, element: Element) -> bytes:
    vr, value = element
    octets = _octets(vr, value if isinstance(value, list) else [value])
    head = struct.pack("<HH2s", int(tag[:4], 16), int(tag[4:], 16), vr.encode())
    return head + (struct.pack("<HI", 0, len(octets)) if vr in _LONG else struct.pack("<H", len(octets))) + octets


def _octets(vr: str, values: list[Any]) -> bytes:
    if vr in _NUMBERS:
        return struct.pack(f"<{len(values)}{_NUMBERS[vr]}", *values)
    if vr in _BINARY:
        octets = b"".join(values)
        return octets + bytes(len(octets) % 2)
    if vr == "AT":
        return b"".join(struct.pack("<HH", int(one[:4], 16), int(one[4:], 16)) for one in values)
    text = "\\".join(_text(vr, one) for one in values).encode()
    return text + (b"\0" if vr == "UI" else b" ") * (len(text) % 2)


def _text(vr: str, value: Any) -> str:
    if vr == "PN" and isinstance(value, dict):
        return str(value.get("Alphabetic", ""))
    if vr == "DS" and isinstance(value, float):
        return f"{value:.10g}"[:16]
    return "" if value is None else str(value)
