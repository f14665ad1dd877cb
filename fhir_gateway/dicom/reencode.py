"""
A stored instance served in Explicit VR Little Endian.

Implicit VR and big endian never go on the wire, and who cannot read a compressed picture may ask for a plain one
(PS3.18 8.7.3.5.2). Values are copied octet for octet, only their order and their frame of VR and length change;
the picture streams through, and the length is known before the first octet.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fhir_gateway.dicom.feed import INFLATED_MOST, MIB, Feed
from fhir_gateway.dicom.frames import FrameTable, PixelLayout, Read, frame_octets, inflated_reader
from fhir_gateway.dicom.json_model import settled_vr, swapped
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, is_native, is_referenced, is_video, syntax_of
from fhir_gateway.dicom.walk import LONG_VRS, PIXEL_TAGS, UNDEFINED, Element, Elements, Walk, as_written
from fhir_gateway.errors import NotAcceptable, PixelsRefused, WhyRefused

Decode = Callable[[bytes, bytes], bytes]
_WORDS = {"US": 2, "SS": 2, "OW": 2, "AT": 2, "UL": 4, "SL": 4, "FL": 4, "OL": 4, "OF": 4}
_WORDS |= dict.fromkeys(("FD", "OD", "UV", "SV", "OV"), 8)
_PREFIX = 132
_PIXEL_VR = {"7FE00008": "OF", "7FE00009": "OD"}
_PLANAR, _PHOTOMETRIC, _OFFSETS = 0x00280006, 0x00280004, frozenset({0x7FE00001, 0x7FE00002})


@dataclass(frozen=True, slots=True)
class Plain:
    """An instance about to be served: how long it will be, and its octets."""

    length: int
    octets: Iterator[bytes]


def meta_with_syntax(meta: bytes, syntax: str) -> bytes:
    """Preamble, magic and file meta group with another transfer syntax and the group length that follows."""
    walk = Walk(Feed(iter((meta,)), most=len(meta) + 16), syntax_of(EXPLICIT_LITTLE))
    group = bytearray()
    at = _PREFIX
    while at < len(meta):
        element, at = walk.element(at, {}, implicit=False, depth=0)
        value = meta[element.at : element.at + element.length]
        if element.tag == 0x00020010:
            value = syntax.encode("ascii") + b"\0" * (len(syntax) % 2)
        if element.tag != 0x00020000:
            group += element_head(element.tag, element.vr, len(value)) + value
    return meta[:_PREFIX] + element_head(0x00020000, "UL", 4) + struct.pack("<I", len(group)) + bytes(group)


def header_octets(table: FrameTable, read: Read) -> bytes:
    """The file up to its pixel element, as a Part 10 file that is not deflated; what the darkroom needs."""
    if not table.deflated:
        return read(0, table.header)
    whole = inflated_reader(table, read)(0, table.header)
    return meta_with_syntax(whole[: table.meta], EXPLICIT_LITTLE) + whole[table.meta :]


def as_explicit_little(
    read: Read,
    *,
    stored: int,
    table: FrameTable | None,
    layout: PixelLayout | None = None,
    decode: Decode | None = None,
) -> Plain:
    """
    The instance in Explicit VR Little Endian; `stored` is its length, `read` reads ranges of it.

    A compressed picture is unpacked frame by frame with `decode`, its first one at once, so that a refusal comes
    before any octet. Raises NotAcceptable when there is no way to unpack it, PixelsRefused.
    """
    if table is None or layout is None:
        return _whole(read(0, stored))
    source = inflated_reader(table, read) if table.deflated else read
    header = source(0, table.header)
    packed = table.fragments is not None or not is_native(table.syntax)
    rewriter = Rewriter.of(header, table.syntax, unpacked=packed)
    before = rewriter.file(header)
    after = b""
    if not table.deflated and table.end < stored:
        after = rewriter.tail(read(table.end, stored - table.end))
    if packed:
        length, pixels = _unpacked(table, layout, source, header_octets(table, read), decode)
        vr = "OB" if layout.bits_allocated <= 8 else "OW"
    else:
        length, pixels = table.length + table.length % 2, _native(table, source)
        vr = _PIXEL_VR.get(layout.tag, "OW")
    head = element_head(int(layout.tag, 16), vr, length)

    def octets() -> Iterator[bytes]:
        yield before + head
        yield from pixels
        yield after

    return Plain(len(before) + len(head) + length + len(after), octets())


def can_be_plain(table: FrameTable | None, layout: PixelLayout | None) -> bool:
    """Tell whether the instance could be served unpacked: every frame found, none a video, the whole not too large."""
    if table is None or layout is None or (table.fragments is None and is_native(table.syntax)):
        return True
    size = layout.decoded_octets
    whole_octets = layout.bits_allocated != 1 or size * 8 == layout.frame_bits
    found = table.count >= layout.frames and not is_video(table.syntax) and not is_referenced(table.syntax)
    return found and whole_octets and size * layout.frames < UNDEFINED - 1


def _native(table: FrameTable, read: Read) -> Iterator[bytes]:
    """The pixel value, little endian, a mebibyte at a time."""
    for start in range(0, table.length, MIB):
        yield swapped(read(table.start + start, min(MIB, table.length - start)), table.word)
    yield b"\0" * (table.length % 2)


def _unpacked(
    table: FrameTable, layout: PixelLayout, read: Read, header: bytes, decode: Decode | None
) -> tuple[int, Iterator[bytes]]:
    """Every frame unpacked, one after another, and how many octets that is."""
    if decode is None or not can_be_plain(table, layout):
        raise NotAcceptable("The picture is stored in a packed form and cannot be unpacked here.")
    size = layout.decoded_octets
    length = size * layout.frames

    def one(number: int) -> bytes:
        pixels = decode(header, frame_octets(table, number, read))
        if len(pixels) != size:
            raise PixelsRefused(WhyRefused.CANNOT_DECODE, "unexpected size")
        return pixels

    first = one(1)

    def pixels() -> Iterator[bytes]:
        yield first
        yield from (one(number) for number in range(2, layout.frames + 1))
        yield b"\0" * (length % 2)

    return length + length % 2, pixels()


def _whole(file: bytes) -> Plain:
    """An object without a picture, rewritten in memory; read_instance has bounded what its header may be."""
    meta_end, syntax = _syntax_in(file)
    if syntax_of(syntax).deflated:
        file = file[:meta_end] + zlib.decompressobj(-zlib.MAX_WBITS).decompress(file[meta_end:], INFLATED_MOST)
    written = Rewriter.of(file, syntax, meta_end=meta_end, unpacked=False).file(file)
    return Plain(len(written), iter((written,)))


def _syntax_in(file: bytes) -> tuple[int, str]:
    walk = Walk(Feed(iter((file,)), most=len(file) + 16), syntax_of(EXPLICIT_LITTLE))
    at, syntax = _PREFIX, EXPLICIT_LITTLE
    while file[at : at + 2] == b"\2\0":
        element, at = walk.element(at, {}, implicit=False, depth=0)
        if element.tag == 0x00020010:
            syntax = file[element.at : element.at + element.length].decode("latin-1").strip(" \0")
    return at, syntax


@dataclass(slots=True)
class Rewriter:
    """Writes walked elements anew; what a picture's own attributes say is adapted when it was unpacked."""

    syntax: str
    meta_end: int
    unpacked: bool
    signed: bool = False
    allocated: int = 16

    @classmethod
    def of(cls, file: bytes, syntax: str, *, unpacked: bool, meta_end: int | None = None) -> "Rewriter":
        """A rewriter for a file that begins with `file`."""
        return cls(syntax, _syntax_in(file)[0] if meta_end is None else meta_end, unpacked)

    def file(self, file: bytes) -> bytes:
        """Preamble, file meta and data set."""
        return meta_with_syntax(file[: self.meta_end], EXPLICIT_LITTLE) + self._rewritten(file, self.meta_end)

    def tail(self, octets: bytes) -> bytes:
        """What stands behind the picture."""
        return self._rewritten(octets, 0)

    def _rewritten(self, octets: bytes, at: int) -> bytes:
        feed = Feed(iter((octets,)), most=len(octets) + 16)
        syntax = syntax_of(EXPLICIT_LITTLE if syntax_of(self.syntax).deflated else self.syntax)
        walk = Walk(feed, as_written(feed, at, syntax))
        elements = [element for element, _ in walk.top(at, lambda tag, *_: tag in PIXEL_TAGS) if element]
        return b"".join(self._elements(elements, octets, big=syntax.big))

    def _elements(self, elements: Elements, octets: bytes, *, big: bool) -> Iterator[bytes]:
        for element in elements:
            tag, vr, at, length, items = element
            if tag & 0xFFFF == 0 or (self.unpacked and tag in _OFFSETS):
                continue
            if items is not None:
                yield element_head(tag, "SQ", UNDEFINED)
                for item in items:
                    yield struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
                    yield from self._elements(item, octets, big=big)
                    yield struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
                yield struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
                continue
            value = octets[at : at + length]
            if tag in {0x00280100, 0x00280103} and length == 2:
                self._note(tag, int.from_bytes(value, "big" if big else "little"))
            vr = settled_vr(vr, tag, signed=self.signed, allocated=self.allocated, length=length)
            yield from self._value(element, vr, swapped(value, _WORDS.get(vr, 1)) if big else value)

    def _value(self, element: Element, vr: str, value: bytes) -> Iterator[bytes]:
        if self.unpacked and element.tag == _PLANAR:
            value = b"\0\0"
        if self.unpacked and element.tag == _PHOTOMETRIC and value.startswith(b"YBR"):
            value = b"RGB "  # the darkroom gives all colours so
        value += b"\0" * (len(value) % 2)
        yield element_head(element.tag, vr, len(value)) + value

    def _note(self, tag: int, value: int) -> None:
        if tag == 0x00280103:
            self.signed = value == 1
        else:
            self.allocated = value


def element_head(tag: int, vr: str, length: int) -> bytes:
    """Tag, VR and length; a value too long for a short VR is UN (PS3.5 6.2.2, note 6)."""
    if vr not in LONG_VRS and length > 0xFFFF:
        vr = "UN"
    if vr in LONG_VRS:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode("ascii"), 0, length)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode("ascii"), length)
