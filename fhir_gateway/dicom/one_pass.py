"""
The header of an object in Explicit VR Little Endian, understood in one pass over octets already held.

What a series repeats in every instance is written once and known again by its octets. The pass reads what nearly all
senders write; at anything else it gives up, and the walk (`walk`, `json_model`) reads the header from its beginning.
Both give the same JSON.
"""

from struct import Struct
from typing import Any

from fhir_gateway.dicom.charsets import DEFAULT, Charset, charset_of
from fhir_gateway.dicom.feed import FIRST_PIECE, Feed
from fhir_gateway.dicom.json_model import Writer
from fhir_gateway.dicom.walk import LONG_VRS, PIXEL_TAGS, SHORT_VRS, UNDEFINED, Element

DEEPEST = 8
MOST_ELEMENTS = 100_000
LONGEST_VALUE = 4 << 20
FIRST_LOOK = FIRST_PIECE
_REMEMBERED_OCTETS = 512  # of one element, and
_REMEMBERED = 8192  # elements of one request: some megabytes at most
_UNKNOWN = "UN"  # needs the dictionaries
_SHORT = {vr.encode(): vr for vr in SHORT_VRS}
_LONG = {vr.encode(): vr for vr in LONG_VRS if vr != _UNKNOWN}
_HEAD = Struct("<HH2sH").unpack_from
_LENGTH = Struct("<I").unpack_from
_ITEM_HEAD = Struct("<HHI").unpack_from
_CHARSET = 0x00080005
_BELOW = 0x0002FFFF  # groups up to 2 have no place in a data set
_HIGHEST_PLAIN = 0x7FE00000  # offset tables and pictures begin here

Json = dict[str, Any]
Known = dict[tuple[str, bytes], tuple[str, Json]]
"""Elements of this request that were written before: by character set and octets, their key and JSON."""


class UnusualHeaderError(Exception):
    """Something the pass does not read; never leaves this room."""


class _ShortError(Exception):
    """More octets are needed."""


class OnePass:
    """Reads the top level of one data set. Without an `UnusualHeaderError` the JSON is what the walk would write."""

    def __init__(self, feed: Feed, writer: Writer, known: Known) -> None:
        self._feed, self._writer, self._known = feed, writer, known
        self._budget = MOST_ELEMENTS
        self._data = b""
        self._look(FIRST_LOOK)

    def header(self, at: int) -> tuple[Json, int]:
        """The elements from `at` to the picture or the end, and where that is. Raises UnusualHeaderError."""
        written: Json = {}
        charset, last = DEFAULT, _BELOW
        while True:
            try:
                tag, end, charset = self._element(at, written, charset, last, "", 0)
            except _ShortError:
                if at == len(self._data) and not self._feed.has(at + 1):
                    return written, at
                self._look(2 * len(self._data))
                continue
            if end == at:
                return written, at
            at, last = end, tag

    def file_meta(self, at: int) -> tuple[Json, int]:
        """The elements of the file meta group from `at`, and where the data set begins. Raises UnusualHeaderError."""
        written: Json = {}
        last = 0
        try:
            while self._data[at : at + 2] == b"\x02\0":
                last, at, _ = self._element(at, written, DEFAULT, last, "", 0)
        except _ShortError:
            raise UnusualHeaderError from None
        return written, at

    def _look(self, size: int) -> None:
        """Hold more of the header. Raises UnusualHeaderError when there is no more."""
        before = len(self._data)
        self._feed.has(size)
        self._data = bytes(memoryview(self._feed.held)[:size])
        if len(self._data) == before:
            raise UnusualHeaderError

    def _element(
        self, at: int, into: Json, charset: Charset, last: int, path: str, depth: int
    ) -> tuple[int, int, Charset]:
        """Write one element: its tag, the position behind it (its own, where a picture stops the header), the set."""
        tag, vr, start, length = self._head(at, last)
        if tag >= _HIGHEST_PLAIN:
            if depth == 0 and tag in PIXEL_TAGS:
                return tag, at, charset
            raise UnusualHeaderError
        if length == UNDEFINED and vr == "SQ":
            return tag, self._sequence(tag, start, None, into, charset, path, depth), charset
        if length > LONGEST_VALUE:
            raise UnusualHeaderError
        end = start + length
        if end > len(self._data):
            raise _ShortError
        if not tag & 0xFFFF:
            return tag, end, charset
        known = self._known.get((charset.first, self._data[at:end])) if length <= _REMEMBERED_OCTETS else None
        if known is not None:
            into[known[0]] = known[1]
        elif vr == "SQ":
            self._sequence(tag, start, end, into, charset, path, depth)
            self._remember(at, end, f"{tag:08X}", into, charset)
        else:
            self._plain(tag, vr, at, start, length, into, charset, path)
        return tag, end, _charset_of(into) if tag == _CHARSET else charset

    def _head(self, at: int, last: int) -> tuple[int, str, int, int]:
        """Tag, VR, value position and value length of the element at `at`, which comes behind the tag `last`."""
        data = self._data
        if at + 8 > len(data):
            raise _ShortError
        group, number, letters, length = _HEAD(data, at)
        tag, start, vr = group << 16 | number, at + 8, _SHORT.get(letters)
        if vr is None:
            vr = _LONG.get(letters)
            if vr is None:
                raise UnusualHeaderError
            if at + 12 > len(data):
                raise _ShortError
            (length,) = _LENGTH(data, start)
            start += 4
        self._budget -= 1
        if tag <= last or self._budget < 0 or (tag == _CHARSET and vr != "CS"):
            raise UnusualHeaderError
        return tag, vr, start, length

    def _plain(
        self, tag: int, vr: str, at: int, start: int, length: int, into: Json, charset: Charset, path: str
    ) -> None:
        key = f"{tag:08X}"
        into[key] = self._writer.element(Element(tag, vr, start, length), charset, path)
        if tag == 0x00280103 and length == 2:  # a choice of the walk's, should an element behind the picture need it
            self._writer.signed = self._data[start : start + 2] != b"\0\0"
        elif tag == 0x00280100 and length == 2:
            self._writer.allocated = int.from_bytes(self._data[start : start + 2], "little")
        self._remember(at, start + length, key, into, charset)

    def _remember(self, at: int, end: int, key: str, into: Json, charset: Charset) -> None:
        """What names no position in this one file."""
        if end - at <= _REMEMBERED_OCTETS and len(self._known) < _REMEMBERED and not _names_places(into[key]):
            self._known[charset.first, self._data[at:end]] = (key, into[key])

    def _sequence(self, tag: int, at: int, end: int | None, into: Json, charset: Charset, path: str, depth: int) -> int:
        """Write a sequence with its items, to `end` or to its delimiter; the position behind it."""
        if depth == DEEPEST:
            raise UnusualHeaderError
        key = f"{tag:08X}"
        items: list[Json] = []
        while end is None or at < end:
            if at + 8 > len(self._data):
                raise _ShortError
            group, number, length = _ITEM_HEAD(self._data, at)
            at += 8
            if (group, number, end) == (0xFFFE, 0xE0DD, None):
                break
            self._budget -= 1
            if (group, number) != (0xFFFE, 0xE000) or self._budget < 0:
                raise UnusualHeaderError
            stop = None if length == UNDEFINED else at + length
            item, at = self._item(at, stop, charset, f"{path}{key}.{len(items)}.", depth + 1)
            items.append(item)
        if end is not None and at != end:
            raise UnusualHeaderError
        into[key] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        return at

    def _item(self, at: int, stop: int | None, charset: Charset, path: str, depth: int) -> tuple[Json, int]:
        item: Json = {}
        last = _BELOW
        while stop is None or at < stop:
            if stop is None:
                if at + 8 > len(self._data):
                    raise _ShortError
                if self._data[at : at + 4] == b"\xfe\xff\x0d\xe0":
                    return item, at + 8
            last, at, charset = self._element(at, item, charset, last, path, depth)
        if at != stop:
            raise UnusualHeaderError
        return item, at


def _charset_of(written: Json) -> Charset:
    return charset_of([str(value or "") for value in written["00080005"].get("Value", [""])])


def _names_places(element: Json) -> bool:
    """Tell whether a value was left out, and so is found by where it lies in this file."""
    if "BulkDataURI" in element:
        return True
    if element["vr"] != "SQ":
        return False
    return any(_names_places(inner) for item in element.get("Value", ()) for inner in item.values())
