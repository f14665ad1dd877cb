"""
The walk through a data set: which elements there are, and where their values lie.

Values are not looked at here, so that nothing a sender writes into one can make the walk fail (PS3.5 chapter 7).
The depth, the number of elements and the size are bounded before anything is built from them.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR, private_dictionary_VR

from fhir_gateway.dicom.feed import Feed
from fhir_gateway.dicom.syntaxes import Syntax
from fhir_gateway.errors import NotDicom, TooDeep, TooLarge

DEEPEST = 32
MOST_ELEMENTS = 500_000
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
PIXEL_TAGS = frozenset({FLOAT_PIXELS, DOUBLE_PIXELS, PIXELS})

# PS3.5 7.1.2: these carry a length of 32 bits behind two reserved octets.
LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
SHORT_VRS = frozenset("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())  # noqa: SIM905
_VR_TEXT = {bytes(vr, "ascii"): vr for vr in SHORT_VRS | LONG_VRS}


class Element(NamedTuple):
    """One element; `at` and `length` say where its value lies, `items` are the data sets of a sequence."""

    tag: int
    vr: str
    at: int
    length: int
    items: "list[Elements] | None" = None


Elements = list[Element]


@lru_cache(maxsize=8192)
def standard_vr(tag: int) -> str:
    """The VR the dictionary gives (PS3.6); UN for a tag it does not know; the first where it leaves a choice."""
    if tag & 0xFFFF == 0:
        return "UL"
    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


@lru_cache(maxsize=8192)
def private_vr(tag: int, creator: str) -> str:
    """The VR the dictionary gives a maker's own element, or UN."""
    try:
        return private_dictionary_VR(tag, creator)
    except (KeyError, ValueError):
        return "UN"


@dataclass(slots=True)
class Walk:
    """Walks what a feed brings, in one transfer syntax."""

    feed: Feed
    syntax: Syntax
    budget: int = MOST_ELEMENTS
    _order: str = field(init=False)

    def __post_init__(self) -> None:
        self._order = ">" if self.syntax.big else "<"

    def head(self, at: int, *, implicit: bool) -> tuple[int, str, int, int]:
        """Tag, VR, value position and value length of the element at `at`. Raises TruncatedDicom."""
        feed = self.feed
        feed.need(at + 8)
        group, number = struct.unpack_from(f"{self._order}HH", feed.held, at - feed.base)
        tag = group << 16 | number
        if group == 0xFFFE or implicit:
            (length,) = struct.unpack_from(f"{self._order}I", feed.held, at - feed.base + 4)
            return tag, "" if group == 0xFFFE else standard_vr(tag), at + 8, length
        letters = feed.cut(at + 4, at + 6)
        vr = _VR_TEXT.get(letters)
        if vr is None:
            return self._odd_head(at, tag, letters)
        if vr in LONG_VRS:
            feed.need(at + 12)
            (length,) = struct.unpack_from(f"{self._order}I", feed.held, at - feed.base + 8)
            return tag, vr, at + 12, length
        (length,) = struct.unpack_from(f"{self._order}H", feed.held, at - feed.base + 6)
        return tag, vr, at + 8, length

    def _odd_head(self, at: int, tag: int, letters: bytes) -> tuple[int, str, int, int]:
        """An element whose VR is none: two capitals are a VR unknown to us, anything else an element without VR."""
        feed = self.feed
        if letters.isalpha() and letters.isupper():
            (length,) = struct.unpack_from(f"{self._order}H", feed.held, at - feed.base + 6)
            return tag, "UN", at + 8, length
        (length,) = struct.unpack_from(f"{self._order}I", feed.held, at - feed.base + 4)
        return tag, standard_vr(tag), at + 8, length

    def element(self, at: int, creators: dict[int, str], *, implicit: bool, depth: int) -> tuple[Element, int]:
        """The element at `at`, its sequence items walked, and the position behind it."""
        tag, vr, start, length = self.head(at, implicit=implicit)
        if tag >> 16 == 0xFFFE:
            raise NotDicom("A delimiter stands where an element should.")
        self.budget -= 1
        if self.budget < 0:
            raise TooLarge("The file has more elements than are taken in.")
        if length == UNDEFINED:
            # PS3.5 6.2.2: an UN of undefined length is a sequence written in Implicit VR Little Endian.
            unknown = vr == "UN"
            items, end = self._items(start, None, implicit=implicit or unknown, depth=depth + 1)
            return Element(tag, "SQ", start, UNDEFINED, items), end
        if vr == "SQ" and (length == 0 or self._is_item(start)):
            items, end = self._items(start, start + length, implicit=implicit, depth=depth + 1)
            return Element(tag, "SQ", start, length, items), end
        if vr == "UN" and length and not implicit and standard_vr(tag) == "SQ" and self._is_item(start):
            items, end = self._items(start, start + length, implicit=True, depth=depth + 1)
            return Element(tag, "SQ", start, length, items), end
        self.feed.need(start + length)
        vr = self._settled(tag, vr, start, length, creators)
        return Element(tag, vr, start, length), start + length

    def _is_item(self, at: int) -> bool:
        """Tell whether an item stands here; old objects hold plain values under tags that are sequences today."""
        return self.head(at, implicit=True)[0] == ITEM

    def _settled(self, tag: int, vr: str, start: int, length: int, creators: dict[int, str]) -> str:
        """The VR after asking the dictionaries about an element that came without one."""
        if tag >> 16 & 1:
            number = tag & 0xFFFF
            if 0x10 <= number <= 0xFF:
                block = tag & 0xFFFF0000 | number << 8
                creators[block] = self.feed.cut(start, start + min(length, 64)).decode("latin-1").strip(" \0")
                return "LO" if vr == "UN" else vr
            creator = creators.get(tag & 0xFFFFFF00) if vr == "UN" else None
            vr = private_vr(tag, creator) if creator else vr
        elif vr == "UN":
            vr = standard_vr(tag)
        return "UN" if vr == "SQ" else vr

    def _items(self, at: int, end: int | None, *, implicit: bool, depth: int) -> tuple[list[Elements], int]:
        """The items of a sequence from `at`, to `end` or to its delimiter."""
        if depth > DEEPEST:
            raise TooDeep("The sequences of the file are nested deeper than is followed.")
        items: list[Elements] = []
        while end is None or at < end:
            tag, _, start, length = self.head(at, implicit=True)
            self.budget -= 1
            if tag == SEQUENCE_END:
                return items, start
            if tag != ITEM or self.budget < 0:
                raise NotDicom("A sequence holds something that is not an item.")
            stop = None if length == UNDEFINED else start + length
            elements, at = self.dataset(start, stop, implicit=implicit, depth=depth)
            items.append(elements)
        return items, at

    def dataset(self, at: int, end: int | None, *, implicit: bool, depth: int) -> tuple[Elements, int]:
        """The elements of one item from `at`, to `end` or to its delimiter."""
        elements: Elements = []
        creators: dict[int, str] = {}
        while end is None or at < end:
            if end is None:
                tag, _, start, _ = self.head(at, implicit=True)
                if tag == ITEM_END:
                    return elements, start
            element, at = self.element(at, creators, implicit=implicit, depth=depth)
            elements.append(element)
        return elements, at

    def top(self, at: int, stop: Callable[[int, str, int, int], bool]) -> Iterator[tuple[Element | None, int]]:
        """
        Walk the top level from `at`, giving each element and the position behind it.

        Where `stop` (asked with tag, VR, value position and length) says so, or where nothing is left but
        padding, the last answer is (None, position of what was not walked).
        """
        creators: dict[int, str] = {}
        while not self.feed.at_end(at):
            if self.only_padding(at):
                yield None, at
                return
            tag, vr, start, length = self.head(at, implicit=self.syntax.implicit)
            if stop(tag, vr, start, length):
                yield None, at
                return
            element, at = self.element(at, creators, implicit=self.syntax.implicit, depth=0)
            yield element, at
        yield None, at

    def only_padding(self, at: int) -> bool:
        """Tell whether zeros follow where an element should; senders that pad to a block do that."""
        feed = self.feed
        feed.has(at + 8)
        rest = feed.cut(at, min(at + 8, feed.end))
        return not rest.strip(b"\0")


def as_written(feed: Feed, at: int, syntax: Syntax) -> Syntax:
    """The syntax the data set at `at` is really in: some senders announce implicit VRs and write explicit ones."""
    if not syntax.implicit or not feed.has(at + 6) or feed.cut(at + 4, at + 6) not in _VR_TEXT:
        return syntax
    return replace(syntax, implicit=False)
