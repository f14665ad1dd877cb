"""
Octets as they arrive, held only as long as they are read.

A `Feed` is addressed by absolute position: `need(end)` draws from the source until that many octets have come,
`release(upto)` lets go. A deflated data set goes through `inflated`, which grows under a ceiling.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator

from fhir_gateway.errors import Inflated, TooLarge, TruncatedDicom

Buffer = bytes | bytearray | memoryview
Octets = bytes | memoryview
"""Octets that nobody changes any more."""

MIB = 1 << 20
FIRST_PIECE = 1 << 16
INFLATED_MOST = 256 * MIB
RATIO_MOST = 100
RATIO_FREE = 16 * MIB  # masks of a single organ pack better than 100 to 1; below this size that harms nobody


class Feed:
    """A window on a stream: `held` has the octets from position `base` on."""

    def __init__(self, source: Iterator[Octets], *, most: int) -> None:
        self._source = source
        self._most = most
        self.held = bytearray()
        self.base = 0
        self.ended = False

    @property
    def end(self) -> int:
        """The position behind the last octet held."""
        return self.base + len(self.held)

    def has(self, end: int) -> bool:
        """Draw until position `end` is held; tell whether the source reaches so far. Raises TooLarge."""
        if end - self.base > self._most:
            raise TooLarge("The header of the file is larger than is taken in.")
        while self.end < end:
            piece = next(self._source, None)
            if piece is None:
                self.ended = True
                return False
            self.held += piece
        return True

    def need(self, end: int) -> None:
        """Draw until position `end` is held. Raises TruncatedDicom, TooLarge."""
        if not self.has(end):
            raise TruncatedDicom("The file ends before its last element does.")

    def at_end(self, position: int) -> bool:
        """Tell whether the source ends exactly at `position`."""
        return not self.has(position + 1)

    def cut(self, start: int, end: int) -> bytes:
        """The held octets from `start` to `end`."""
        return bytes(memoryview(self.held)[start - self.base : end - self.base])

    def release(self, upto: int) -> bytes:
        """Let go of everything before `upto` and hand it over."""
        passed = self.cut(self.base, upto)
        del self.held[: upto - self.base]
        self.base = upto
        return passed

    def passing(self, upto: int) -> Iterator[Octets]:
        """Hand over everything before `upto` without ever holding more than a piece. Raises TruncatedDicom."""
        if self.held:
            yield self.release(min(self.end, upto))
        while self.base < upto:
            piece = next(self._source, None)
            if piece is None:
                self.ended = True
                raise TruncatedDicom("The file ends before its last element does.")
            here, rest = piece[: upto - self.base], piece[upto - self.base :]
            self.base += len(here)
            self.held += rest
            yield here


def as_octets(pieces: Iterable[Buffer]) -> Iterator[Octets]:
    """The same octets in pieces that nobody changes, none empty and none above a mebibyte.

    The first one is small: what a header is looked for in is held, and what follows it only passes.
    """
    most = FIRST_PIECE
    for piece in pieces:
        view = memoryview(piece)
        octets = view if isinstance(view.obj, bytes) else memoryview(bytes(piece))  # another's buffer is copied
        while octets:
            yield octets[:most]
            octets, most = octets[most:], MIB


def inflated(source: Iterator[Octets], seen: Callable[[Octets], None]) -> Iterator[bytes]:
    """
    Inflate a raw deflate stream (PS3.5 A.5) piece by piece, telling `seen` every octet taken in.

    What follows the end of the stream (padding) is taken in and not given out.
    Raises Inflated above the ceilings, TruncatedDicom when the stream does not end.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    taken = given = 0
    for piece in source:
        seen(piece)
        taken += len(piece)
        waiting, more = piece, True
        while more and not stream.eof:
            try:
                grown = stream.decompress(waiting, MIB)
            except zlib.error as error:
                raise TruncatedDicom("The deflated data set is damaged.") from error
            given += len(grown)
            if given > INFLATED_MOST or given > max(RATIO_FREE, RATIO_MOST * taken):
                raise Inflated("The deflated data set grows beyond measure.")
            if grown:
                yield grown
            # A full answer may leave more inside the inflater even when no input waits.
            waiting = stream.unconsumed_tail
            more = bool(waiting) or len(grown) == MIB
    if not stream.eof:
        raise TruncatedDicom("The deflated data set has no end.")
