"""
Where each frame of an instance lies in the stored octets, and how to fetch one without the others.

A `FrameTable` is made while the instance streams in and sealed with its metadata; `frame_octets` needs only the
table and a way to read ranges of what is stored.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fhir_gateway.dicom.feed import INFLATED_MOST
from fhir_gateway.dicom.json_model import swapped
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, is_native, is_video, media_type_of, on_the_wire
from fhir_gateway.errors import NoSuchFrame, TooLarge

Read = Callable[[int, int], bytes]
Span = tuple[int, int]

MOST_FRAGMENTS = 1 << 20
MOST_OFFSETS = 16 << 20
# The first octets of a compressed picture: JPEG and JPEG-LS, JPEG 2000, its file format, JPEG XL bare and boxed.
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP", b"\xff\x0a", b"\x00\x00\x00\x0cJXL")


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """What the header says of the picture; sizes in pixels and bits, exactly as named in PS3.3 C.7.6.3."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: int
    photometric: str
    frames: int
    tag: str

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame; YBR_FULL_422 has two samples a pixel on average (PS3.3 C.7.6.3.1.2)."""
        samples = 2 if self.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"} and self.samples == 3 else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def decoded_octets(self) -> int:
        """Octets of one frame after decoding, all samples written out."""
        return (self.rows * self.columns * self.samples * self.bits_allocated + 7) // 8


@dataclass(frozen=True, slots=True)
class FrameTable:
    """
    Where the frames lie. Native: `start`, every `bits` bits one, `count` of them. Encapsulated: `fragments`,
    for each frame its pieces. `header` octets come before the pixel element, the element ends at `end`.

    Positions count from the first stored octet, or, where `deflated`, from that of the file after inflating;
    the deflated part begins at `meta`.
    """

    syntax: str
    header: int
    end: int
    stored: int
    meta: int
    deflated: bool
    count: int
    start: int
    length: int
    bits: int
    word: int
    fragments: tuple[tuple[int, ...], ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """A compact form for the sealed record."""
        kept = {name: getattr(self, name) for name in _PLAIN}
        return kept if self.fragments is None else kept | {"fragments": [list(spans) for spans in self.fragments]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> FrameTable:
        """The reverse of `to_json`."""
        fragments = stored.get("fragments")
        return cls(
            **{name: stored[name] for name in _PLAIN},
            fragments=None if fragments is None else tuple(tuple(spans) for spans in fragments),
        )

    @property
    def aligned(self) -> bool:
        """Tell whether every frame begins on an octet; packed bits of odd sizes do not."""
        return self.bits % 8 == 0

    def spans(self, number: int) -> list[Span]:
        """Ranges of octets that hold frame `number`, counted from 1. Raises NoSuchFrame."""
        if not 1 <= number <= self.count:
            raise NoSuchFrame("The instance has no frame of that number.")
        if self.fragments is not None:
            flat = self.fragments[number - 1]
            return list(zip(flat[::2], flat[1::2], strict=True))
        first, last = (number - 1) * self.bits, number * self.bits
        return [(self.start + first // 8, (last + 7) // 8 - first // 8)]

    def frame_length(self, number: int) -> int:
        """Octets that `frame_octets` will give for this frame. Raises NoSuchFrame."""
        spans = self.spans(number)
        return (self.bits + 7) // 8 if self.fragments is None else sum(length for _, length in spans)


_PLAIN = ("syntax", "header", "end", "stored", "meta", "deflated", "count", "start", "length", "bits", "word")


def frame_octets(table: FrameTable, number: int, read: Read) -> bytes:
    """
    Frame `number` (from 1) as it goes on the wire: native frames little endian, compressed ones whole, without
    the marks between fragments (PS3.18 8.7.3.3.2). Raises NoSuchFrame.
    """
    spans = table.spans(number)
    source = inflated_reader(table, read) if table.deflated else read
    octets = b"".join(source(start, length) for start, length in spans)
    if table.fragments is not None:
        return octets
    if not table.aligned:
        return _shifted(octets, (number - 1) * table.bits % 8, table.bits)
    return swapped(octets, table.word)


def _shifted(octets: bytes, skip: int, bits: int) -> bytes:
    """The packed bits from bit `skip` on, beginning on an octet; the first bit is the lowest (PS3.5 8.1.1)."""
    number = int.from_bytes(octets, "little") >> skip & (1 << bits) - 1
    return number.to_bytes((bits + 7) // 8, "little")


def inflated_reader(table: FrameTable, read: Read) -> Read:
    """A way to read ranges of a deflated instance as if it were not; everything is inflated once, under the ceiling."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    whole = read(0, table.meta) + inflater.decompress(read(table.meta, table.stored - table.meta), INFLATED_MOST)
    return lambda start, length: whole[start : start + length]


def frame_media_type(table: FrameTable) -> str:
    """The Content-Type of one frame as stored, always with its transfer syntax (PS3.18 8.7.3.5)."""
    syntax = EXPLICIT_LITTLE if is_native(table.syntax) else on_the_wire(table.syntax)
    return f"{media_type_of(syntax)}; transfer-syntax={syntax}"


class FragmentScan:
    """Notes the fragments of an encapsulated pixel element as they pass, and sorts them into frames at the end."""

    def __init__(self, syntax: str, frames: int, *, offsets: array[int] | None = None) -> None:
        self._syntax = syntax
        self._frames = frames
        self._offsets = offsets
        self._items = array("Q")  # where each item begins: what offset tables point at
        self._starts = array("Q")
        self._lengths = array("Q")
        self._opens = bytearray()  # 1 where a fragment begins like a picture

    def offset_table(self, octets: bytes) -> None:
        """Take in the Basic Offset Table, unless an Extended one was given (PS3.5 A.4)."""
        if not self._offsets and octets:
            offsets = array("I", octets[: len(octets) - len(octets) % 4])
            self._offsets = array("Q", offsets)

    def fragment(self, *, item: int, start: int, length: int, opening: bytes) -> None:
        """Note one fragment: its item's position, its value's position and length, its first octets."""
        if len(self._starts) >= MOST_FRAGMENTS:
            raise TooLarge("The picture is in more fragments than are taken in.")
        self._items.append(item)
        self._starts.append(start)
        self._lengths.append(length)
        self._opens.append(opening.startswith(_STARTS))

    def frames(self) -> tuple[tuple[int, ...], ...]:
        """Each frame's fragments as start, length, start, length …; fewer frames than named if they cannot be told."""
        total = len(self._starts)
        if is_video(self._syntax) or self._frames <= 1:
            return (self._joined(0, total),) if total else ()
        for firsts in self._ways():
            if len(firsts) == self._frames and firsts[0] == 0:
                ends = [*firsts[1:], total]
                return tuple(self._joined(first, end) for first, end in zip(firsts, ends, strict=True))
        return ()

    def _ways(self) -> Iterator[list[int]]:
        """The ways to tell where frames begin, the most trustworthy first."""
        if self._offsets and self._items:
            at = {item - self._items[0]: number for number, item in enumerate(self._items)}
            firsts = [at.get(offset, -1) for offset in self._offsets]
            if all(one < other for one, other in pairwise(firsts)):
                yield firsts
        if len(self._starts) == self._frames:
            yield list(range(self._frames))
        yield [number for number, opens in enumerate(self._opens) if opens]

    def _joined(self, first: int, end: int) -> tuple[int, ...]:
        return tuple(n for i in range(first, end) for n in (self._starts[i], self._lengths[i]))
