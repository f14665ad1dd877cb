"""Stand-ins that keep the same promises as the real thing; tests/contracts holds them to it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from vault.blobs import LOOKED_AT, BlobExists, BlobMissing, Keep, Looked, Octets, check_blob_id


class FrozenClock:
    """Stands still until told to move."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        """Move on, in the words of timedelta: `clock.advance(days=90)`."""
        self._now += timedelta(**by)


@dataclass
class _Kept:
    octets: bytes
    since: datetime


@dataclass
class MemoryBlobs:
    """A blob store in memory; time for its sweep comes from `clock` (the machine's, unless given)."""

    clock: FrozenClock | None = None
    kept: dict[str, _Kept] = field(default_factory=dict)
    begun: dict[int, datetime] = field(default_factory=dict)

    def create(self, blob_id: str) -> "MemoryBlobWriter":
        check_blob_id(blob_id)
        writer = MemoryBlobWriter(self, blob_id)
        self.begun[id(writer)] = self._now()
        return writer

    def reader(self, blob_id: str) -> "MemoryBlobReader":
        check_blob_id(blob_id)
        if blob_id not in self.kept:
            raise BlobMissing("no such blob")
        return MemoryBlobReader(self.kept[blob_id].octets)

    def delete(self, blob_id: str) -> None:
        check_blob_id(blob_id)
        self.kept.pop(blob_id, None)

    def sweep(self, older_than: datetime, keep: Keep, *, behind: str = "") -> Looked:
        leftovers = [writer for writer, since in self.begun.items() if since < older_than]
        part = sorted(name for name in self.kept if name > behind)[:LOOKED_AT]
        old = [name for name in part if self.kept[name].since < older_than]
        unknown = set(old) - set(keep(old))
        for writer in leftovers:
            del self.begun[writer]
        for name in unknown:
            del self.kept[name]
        return Looked(len(leftovers) + len(unknown), part[-1] if len(part) == LOOKED_AT else "")

    def _now(self) -> datetime:
        return datetime.now(UTC) if self.clock is None else self.clock.now()


class MemoryBlobWriter:
    def __init__(self, store: MemoryBlobs, blob_id: str) -> None:
        self._store = store
        self._blob_id = blob_id
        self._octets: bytearray | None = bytearray()

    def write(self, buffer: Octets, /) -> None:
        self._open().extend(buffer)

    def tell(self) -> int:
        return len(self._octets or b"")

    def truncate(self, length: int) -> None:
        if not 0 <= length <= self.tell():
            raise ValueError("a cut lies within what was written")
        del self._open()[length:]

    def commit(self) -> None:
        octets = bytes(self._open())
        self.abandon()
        if self._blob_id in self._store.kept:
            raise BlobExists("this blob is already kept")
        self._store.kept[self._blob_id] = _Kept(octets, self._store._now())

    def abandon(self) -> None:
        self._octets = None
        self._store.begun.pop(id(self), None)

    def _open(self) -> bytearray:
        if self._octets is None:
            raise ValueError("this blob is committed or abandoned")
        return self._octets

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()


class MemoryBlobReader:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def read_at(self, offset: int, length: int) -> bytes:
        return self._octets[offset : offset + length]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None
