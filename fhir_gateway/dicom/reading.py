"""
The state of one reading: the header is held and understood, then the rest of the file passes through.

On its way the rest is noted: where the frames lie, and what follows the picture.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain
from typing import Any

from fhir_gateway.dicom import facts
from fhir_gateway.dicom.charsets import DEFAULT, charset_of
from fhir_gateway.dicom.feed import MIB, Feed, Octets, inflated
from fhir_gateway.dicom.frames import MOST_OFFSETS, FragmentScan, FrameTable, PixelLayout
from fhir_gateway.dicom.json_model import Writer, settled_vr, with_syntax
from fhir_gateway.dicom.one_pass import Known, OnePass, UnusualHeaderError
from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, Syntax, is_native, syntax_of
from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.dicom.walk import ITEM, PIXEL_TAGS, SEQUENCE_END, UNDEFINED, Element, Walk, as_written
from fhir_gateway.errors import NotDicom, TruncatedDicom

HEADER_MOST = 16 * MIB
TAIL_VALUE_MOST = 64 * 1024
PREAMBLE = 128
_EXTENDED_OFFSETS = 0x7FE00001
Json = dict[str, Any]


class Reading:
    """The state of one reading: the header held, then the rest passing through."""

    def __init__(self, source: Iterator[Octets], known: Known | None = None) -> None:
        self._raw: list[Octets] = []
        self._known: Known = {} if known is None else known
        self._file = Feed(source, most=HEADER_MOST)
        self.meta, self.meta_end = _file_meta(self._file, self._known)
        self.blanked = self._file.cut(0, PREAMBLE) != bytes(PREAMBLE)
        self.syntax = syntax_of(facts.text(self.meta, "00020010"))
        self._feed = self._data_feed(source)
        self._walk = Walk(self._feed, as_written(self._feed, self.meta_end, self.syntax))
        self.writer = Writer(self._feed.cut, self.syntax.big)
        self.layout: PixelLayout | None = None
        self.cut_short = False
        self.given = 0
        self._scan: FragmentScan | None = None
        self._extended: array[int] | None = None
        self._pixel = (0, 0, 0, "")  # where its element begins, its value begins, it ends; its VR
        self._done = False
        self.seen, self._stopped = self._header()
        self._charset = charset_of([str(v) for v in self.seen.get("00080005", {}).get("Value", []) if v])

    def _data_feed(self, source: Iterator[Octets]) -> Feed:
        """The file itself, or, where its data set is deflated, what comes out of it; positions run on."""
        if not self.syntax.deflated:
            return self._file
        held = self._file.cut(self.meta_end, self._file.end)
        self._raw.append(self._file.release(self.meta_end))
        feed = Feed(inflated(chain((held,), source), self._raw.append), most=HEADER_MOST)
        feed.base = self.meta_end
        return feed

    def _header(self) -> tuple[Json, int]:
        """The JSON of what comes before the picture, and where that begins."""
        try:
            seen, at = self._in_one_pass()
        except UnusualHeaderError:
            seen, at = self._walked()
        written = with_syntax(seen, self.syntax.uid)
        if not self._feed.at_end(at):
            self._look_at_pixels(at, written)
        return written, at

    def _in_one_pass(self) -> tuple[Json, int]:
        syntax = self._walk.syntax
        if syntax.implicit or syntax.big or syntax.deflated:
            raise UnusualHeaderError
        return OnePass(self._feed, self.writer, self._known).header(self.meta_end)

    def _walked(self) -> tuple[Json, int]:
        self.writer.bulk.clear()
        elements: list[Element] = []
        at = self.meta_end
        for element, end in self._walk.top(self.meta_end, self._stops):
            at = end
            if element is None:
                break
            if element.tag == _EXTENDED_OFFSETS:
                octets = self._feed.cut(element.at, element.at + element.length - element.length % 8)
                self._extended = array("Q", octets)
            elements.append(element)
        return self.writer.dataset(elements), at

    def _stops(self, tag: int, vr: str, start: int, length: int) -> bool:
        """The header ends at the picture, and at a value too large to hold."""
        if tag in PIXEL_TAGS:
            return True
        large = length != UNDEFINED and vr != "SQ" and start + length > HEADER_MOST - MIB
        self.cut_short = self.cut_short or large
        return large

    def _look_at_pixels(self, at: int, written: Json) -> None:
        if self._feed.has(at + 12) or self._feed.has(at + 8):
            tag, *_ = self._walk.head(at, implicit=self._walk.syntax.implicit)
            if tag in PIXEL_TAGS:
                self.layout = facts.layout_of(written, tag)

    def octets(self) -> Iterator[Octets]:
        """Everything that is to be stored."""
        deflated = self.syntax.deflated
        if not deflated:
            yield self._counted(bytes(PREAMBLE) + self._feed.release(self._stopped)[PREAMBLE:])
        else:
            self._raw[0] = bytes(PREAMBLE) + self._raw[0][PREAMBLE:]
            self._feed.release(self._stopped)
        for passed in self._rest(self._stopped):
            if not deflated:
                yield self._counted(passed)
                continue
            yield from map(self._counted, self._raw)
            self._raw.clear()
        yield from map(self._counted, self._raw)
        self._raw.clear()
        ordered = sorted(self.seen.items())
        self.seen.clear()
        self.seen.update(ordered)
        self._done = True

    def _counted(self, octets: Octets) -> Octets:
        self.given += len(octets)
        return octets

    def _rest(self, at: int) -> Iterator[Octets]:
        """The picture and what follows it, passing through."""
        feed, walk = self._feed, self._walk
        creators: dict[int, str] = {}
        while not feed.at_end(at):
            if walk.only_padding(at):
                yield from self._drained()
                return
            tag, vr, start, length = walk.head(at, implicit=walk.syntax.implicit)
            if tag in PIXEL_TAGS and not self._pixel[1]:
                yield feed.release(start)
                end = yield from self._pixels(at, tag, vr, start, length)
            elif length != UNDEFINED and vr != "SQ" and length > TAIL_VALUE_MOST:
                self.seen[f"{tag:08X}"] = self.writer.left_out(Element(tag, vr, start, length), vr)
                yield from feed.passing(start + length)
                end = start + length
            else:
                element, end = walk.element(at, creators, implicit=walk.syntax.implicit, depth=0)
                if tag & 0xFFFF:
                    self.seen[f"{tag:08X}"] = self.writer.element(element, self._charset or DEFAULT)
                yield feed.release(end)
            at = end
        yield from self._drained()

    def _drained(self) -> Iterator[Octets]:
        """What is left of the source: padding, and what stands behind a deflated data set."""
        feed = self._feed
        while True:
            if feed.held:
                yield feed.release(feed.end)
            if not feed.has(feed.end + 1):
                return

    def _pixels(self, at: int, tag: int, vr: str, start: int, length: int) -> Iterator[Octets]:
        """Pass the picture through, noting where its frames lie; returns the position behind it."""
        self.layout = layout = self.layout or facts.layout_of(self.seen, tag)
        vr = settled_vr(vr, tag, signed=False, allocated=layout.bits_allocated, length=length)
        self.seen[f"{tag:08X}"] = self.writer.left_out(Element(tag, vr, start, length), vr)
        if length == UNDEFINED:
            self._scan = FragmentScan(self.syntax.uid, layout.frames, offsets=self._extended)
            end = yield from self._fragments(start, self._scan)
        else:
            yield from self._feed.passing(start + length)
            end = start + length
        self._pixel = (at, start, end, vr)
        return end

    def _fragments(self, at: int, scan: FragmentScan) -> Iterator[Octets]:
        """Pass the items of an encapsulated picture through (PS3.5 A.4)."""
        feed = self._feed
        offsets = True
        while True:
            tag, _, start, length = self._walk.head(at, implicit=True)
            if tag == SEQUENCE_END:
                yield feed.release(start)
                return start
            if tag != ITEM or (offsets and length > MOST_OFFSETS):
                raise NotDicom("The picture holds something that is no fragment.")
            if offsets:
                feed.need(start + length)
                scan.offset_table(feed.cut(start, start + length))
                offsets = False
            else:
                feed.has(start + min(length, 8))
                scan.fragment(item=at, start=start, length=length, opening=feed.cut(start, min(start + 8, feed.end)))
            at = start + length
            yield from feed.passing(at)

    def check_done(self) -> None:
        """Raise unless everything has been read."""
        if not self._done:
            raise RuntimeError("the octets have not been used up")

    def table(self) -> FrameTable | None:
        """Where the frames lie."""
        self.check_done()
        at, start, end, vr = self._pixel
        layout = self.layout
        if not start or layout is None:
            return None
        bits = layout.frame_bits
        fragments = self._scan.frames() if self._scan else None
        if fragments is None and not is_native(self.syntax.uid):
            fragments = ((start, end - start),) if layout.frames == 1 and end > start else ()
        fits = (end - start) * 8 // bits if bits else 0
        word = 2 if vr == "OW" and layout.bits_allocated <= 8 else max(1, layout.bits_allocated // 8)
        return FrameTable(
            syntax=self.syntax.uid,
            header=at,
            end=end,
            stored=self.given,
            meta=self.meta_end,
            deflated=self.syntax.deflated,
            count=min(layout.frames, fits) if fragments is None else len(fragments),
            start=start,
            length=end - start,
            bits=bits,
            word=word if self.syntax.big else 1,
            fragments=fragments,
        )


def _file_meta(feed: Feed, known: Known) -> tuple[Json, int]:
    """The file meta group as JSON, and where the data set begins (PS3.10 7.1)."""
    if not feed.has(PREAMBLE + 4) or feed.cut(PREAMBLE, PREAMBLE + 4) != b"DICM":
        raise NotDicom("No DICOM file: octets 128 to 131 are not the letters DICM.")
    writer = Writer(feed.cut, big=False)
    try:
        meta, at = OnePass(feed, writer, known).file_meta(PREAMBLE + 4)
    except UnusualHeaderError:
        meta, at = _walked_meta(feed, writer)
    if not is_uid(facts.text(meta, "00020010")):
        if feed.ended:
            raise TruncatedDicom("The file ends within its first group.")
        raise NotDicom("The file meta group names no transfer syntax (0002,0010).")
    return meta, at


def _walked_meta(feed: Feed, writer: Writer) -> tuple[Json, int]:
    walk = Walk(feed, Syntax(EXPLICIT_LITTLE, implicit=False, big=False, deflated=False))
    at, meta = PREAMBLE + 4, {}
    while feed.has(at + 8) and feed.cut(at, at + 2) == b"\x02\0":
        element, at = walk.element(at, {}, implicit=False, depth=0)
        meta[f"{element.tag:08X}"] = writer.element(element, DEFAULT)
    return meta, at
