"""
A ZIP whose length is known before its first octet, streamed without a file (APPNOTE 6.3.10).

Members are stored, not packed: their lengths are known beforehand, their checksums follow each in a data descriptor.
The same members make the same octets, so that a copy that was broken off goes on from where it was.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

_LIMIT = 0xFFFFFFFF
_FLAGS = 0x0808  # a data descriptor follows; names are UTF-8
_NAME = re.compile(r"(?!/)(?:(?!\.\.?/)[^/\\\0:]+/)*(?!\.\.?$)[^/\\\0:]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to be: its path with `/`, its exact length, and a way to its octets; `mark` says which octets."""

    name: str
    length: int
    open: Callable[[], Iterable[bytes]]
    mark: bytes = b""

    @classmethod
    def of(cls, name: str, octets: bytes) -> "Entry":
        """A file whose octets are at hand."""
        return cls(name, len(octets), lambda: (octets,), sha256(octets).digest())


class ZipPlan:
    """What will be in the ZIP; `length` octets in all. Dates are the same for all: they would tell nothing."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = tuple(entries)
        names = [entry.name for entry in self._entries]
        if len(set(map(str.upper, names))) != len(names) or not all(map(_NAME.fullmatch, names)):
            raise ValueError("names in a ZIP are different, relative and plain")
        self._offsets: list[int] = []
        at = 0
        for entry in self._entries:
            self._offsets.append(at)
            at += _span(entry)
        self._directory = at
        size = sum(len(_central(entry, 0, offset)) for entry, offset in self._placed())
        self.length = at + size + len(_end(len(self._entries), at, size))

    def _placed(self) -> Iterator[tuple[Entry, int]]:
        return zip(self._entries, self._offsets, strict=True)

    @property
    def mark(self) -> str:
        """What names these octets and no others, where each member's mark does so for its own."""
        told = sha256()
        for entry in self._entries:
            told.update(struct.pack("<QHH", entry.length, len(entry.name.encode()), len(entry.mark)))
            told.update(entry.name.encode() + entry.mark)
        return told.hexdigest()[:32]

    def __iter__(self) -> Iterator[bytes]:
        """All octets; broken off where a member is not as long as it said."""
        return self.part(0, self.length)

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """The octets from `start` up to `stop`. Of what lies before nothing is sent, but its checksums are needed."""
        sums: dict[int, int] = {}
        for entry, offset in self._placed():
            if offset >= stop:
                return
            if offset + _span(entry) > start:
                yield from _within(_member(entry, offset, sums), offset, start, stop)
        if stop <= self._directory:
            return
        for entry, offset in self._placed():
            if offset not in sums:
                for _ in _member(entry, offset, sums):
                    pass
        central = b"".join(_central(entry, sums[offset], offset) for entry, offset in self._placed())
        end = central + _end(len(self._entries), self._directory, len(central))
        yield from _within([end], self._directory, start, stop)


def _member(entry: Entry, offset: int, sums: dict[int, int]) -> Iterator[bytes]:
    """One member as it lies in the ZIP; its checksum is put among the `sums`."""
    yield _local(entry)
    checksum = given = 0
    for piece in entry.open():
        checksum = zlib.crc32(piece, checksum)
        given += len(piece)
        yield piece
    if given != entry.length:
        raise RuntimeError("a member is not as long as it said")
    sums[offset] = checksum
    yield _descriptor(entry, checksum)


def _within(pieces: Iterable[bytes], at: int, start: int, stop: int) -> Iterator[bytes]:
    """What of the pieces, the first of which lies `at`, is between the two. A member's own end is always reached."""
    for piece in pieces:
        inside = piece[max(0, start - at) : max(0, stop - at)]
        at += len(piece)
        if inside:
            yield inside
        if at >= stop:
            return


def _span(entry: Entry) -> int:
    return len(_local(entry)) + entry.length + len(_descriptor(entry, 0))


def _large(entry: Entry) -> bool:
    return entry.length >= _LIMIT


def _fixed(entry: Entry, checksum: int, size: int) -> bytes:
    # Version needed, flags, stored, 00:00:00 on 1 January 2026, checksum, both sizes, length of the name.
    version, day = 45 if _large(entry) else 20, (2026 - 1980) << 9 | 1 << 5 | 1
    return struct.pack("<HHHHHIIIH", version, _FLAGS, 0, 0, day, checksum, size, size, len(entry.name.encode()))


def _local(entry: Entry) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, 0, 0) if _large(entry) else b""
    size = _LIMIT if _large(entry) else 0
    return b"PK\3\4" + _fixed(entry, 0, size) + struct.pack("<H", len(extra)) + entry.name.encode() + extra


def _descriptor(entry: Entry, checksum: int) -> bytes:
    return b"PK\7\x08" + struct.pack("<IQQ" if _large(entry) else "<III", checksum, entry.length, entry.length)


def _central(entry: Entry, checksum: int, offset: int) -> bytes:
    far = offset >= _LIMIT
    wide = (struct.pack("<QQ", entry.length, entry.length) if _large(entry) else b"") + (
        struct.pack("<Q", offset) if far else b""
    )
    extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
    size = _LIMIT if _large(entry) else entry.length
    return (
        b"PK\1\2"
        + struct.pack("<H", 45)
        + _fixed(entry, checksum, size)
        + struct.pack("<HHHHII", len(extra), 0, 0, 0, 0, _LIMIT if far else offset)
        + entry.name.encode()
        + extra
    )


def _end(count: int, directory: int, size: int) -> bytes:
    end = b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(size, _LIMIT), min(directory, _LIMIT), 0
    )
    if count < 0xFFFF and size < _LIMIT and directory < _LIMIT:
        return end
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, directory)
    return record + b"PK\6\7" + struct.pack("<IQI", 0, directory + size, 1) + end
