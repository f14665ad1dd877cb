"""Where sealed octets lie: write once, read by range, delete (docs/format.md 5, "order of durability")."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Final, NamedTuple, Protocol, Self

from vault.blob_errors import (
    BlobError,
    BlobExists,
    BlobMissing,
    BlobsAway,
    DiskFull,
    NotABlobId,
    StoreFull,
    telling_away,
    telling_disk_full,
)

_BLOB_ID: Final = re.compile(r"[0-9a-f]{32}")
LOOKED_AT: Final = 2000  # blobs in one sweep
_SHELVES: Final = [f"{number:02x}" for number in range(256)]

__all__ = [
    "BlobError", "BlobExists", "BlobMissing", "BlobReader", "BlobStore", "BlobWriter", "BlobsAway",
    "DiskBlobWriter", "DiskBlobs", "DiskFull", "Looked", "NotABlobId", "Octets", "StoreFull", "check_blob_id",
]  # fmt: skip

Octets = bytes | bytearray | memoryview
Keep = Callable[[Sequence[str]], Collection[str]]  # which of these blobs are to stay


class Looked(NamedTuple):
    """How many blobs a sweep removed, and the name it stopped behind: "" at the end, where the next begins anew."""

    gone: int
    last: str


class BlobWriter(Protocol):
    """One blob on its way in. As a context manager it is abandoned unless committed."""

    def write(self, buffer: Octets, /) -> object:
        """All of `buffer` stands at the end of the blob. Raises `StoreFull`."""
        ...

    def tell(self) -> int:
        """Octets written so far."""
        ...

    def truncate(self, length: int) -> None:
        """Only the first `length` octets are kept; the next write goes behind them."""
        ...

    def commit(self) -> None:
        """The blob is in the store and stays there, also if power fails the next moment. Raises `StoreFull`."""
        ...

    def abandon(self) -> None:
        """Nothing of the blob is left. Without effect once committed."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class BlobReader(Protocol):
    """One blob, open for reading."""

    def read_at(self, offset: int, length: int) -> bytes:
        """The `length` octets from `offset`; fewer where the blob ends."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class BlobStore(Protocol):
    """Holds sealed blobs by id. It knows neither owners nor keys."""

    def create(self, blob_id: str) -> BlobWriter:
        """Begin a blob; nobody can read it before its commit. Raises `NotABlobId`, `StoreFull`, `BlobsAway`."""
        ...

    def reader(self, blob_id: str) -> BlobReader:
        """Open a committed blob. Raises `BlobMissing`, `NotABlobId`, `BlobsAway`."""
        ...

    def delete(self, blob_id: str) -> None:
        """The blob is gone; no error if it was not there."""
        ...

    def sweep(self, older_than: datetime, keep: Keep, *, behind: str = "") -> "Looked":
        """Remove what was begun before `older_than` and never committed, and committed blobs `keep` refuses.

        Of the committed ones it looks at some thousand at a time, in the order of their names, beginning behind the
        name `behind`. Blobs younger than `older_than` are left alone: their row may be about to be written.
        """
        ...


def check_blob_id(blob_id: str) -> None:
    """Raise `NotABlobId` unless `blob_id` is 32 lower-case hexadecimal characters."""
    if not _BLOB_ID.fullmatch(blob_id):
        raise NotABlobId("not the name of a blob")


class DiskBlobs:
    """Blobs in a folder: `tmp/<blob>.<random>` while written, `objects/<first two>/<blob>` once committed."""

    def __init__(self, folder: Path) -> None:
        self._tmp = folder / "tmp"
        self._objects = folder / "objects"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for inner in (self._tmp, self._objects):
            inner.mkdir(mode=0o700, exist_ok=True)
            inner.chmod(0o700)
        # All shelves at once: none is ever new at a commit, so one fsync of the shelf makes the name durable.
        for name in _SHELVES:
            (self._objects / name).mkdir(mode=0o700, exist_ok=True)
        _sync_folder(self._objects)
        _sync_folder(folder)

    def create(self, blob_id: str) -> "DiskBlobWriter":
        """Begin a blob in `tmp`."""
        check_blob_id(blob_id)
        return DiskBlobWriter(self._tmp / f"{blob_id}.{token_hex(8)}", self._place(blob_id))

    def reader(self, blob_id: str) -> "DiskBlobReader":
        """Open a committed blob."""
        check_blob_id(blob_id)
        return DiskBlobReader(self._place(blob_id))

    def delete(self, blob_id: str) -> None:
        """Remove the blob's file."""
        check_blob_id(blob_id)
        self._place(blob_id).unlink(missing_ok=True)

    def sweep(self, older_than: datetime, keep: Keep, *, behind: str = "") -> Looked:
        """Remove old leftovers in `tmp`, and of the next part of the old blobs those that `keep` refuses."""
        leftovers = [path for path in self._tmp.iterdir() if _is_older(path, older_than)]
        part = list(islice(self._names(behind), LOOKED_AT))
        old = [name for name in part if _is_older(self._place(name), older_than)]
        kept = keep(old) if old else ()
        unknown = [self._place(name) for name in old if name not in kept]
        for path in leftovers + unknown:
            path.unlink(missing_ok=True)
        return Looked(len(leftovers) + len(unknown), part[-1] if len(part) == LOOKED_AT else "")

    def _place(self, blob_id: str) -> Path:
        return self._objects / blob_id[:2] / blob_id

    def _committed(self) -> Iterator[Path]:
        return (self._place(name) for name in self._names(""))

    def _names(self, behind: str) -> Iterator[str]:
        """Of every committed blob behind this one, in order, shelf by shelf."""
        for shelf in _SHELVES:
            if shelf >= behind[:2]:
                found = sorted(path.name for path in (self._objects / shelf).iterdir())
                yield from (name for name in found if name > behind and _BLOB_ID.fullmatch(name))


class DiskBlobWriter:
    """A blob being written to a file of its own, readable by this user alone."""

    def __init__(self, path: Path, place: Path) -> None:
        self._path = path
        self._place = place
        self._length = 0
        try:
            with telling_disk_full():
                self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the folder itself
            raise BlobsAway("the store is not there") from None

    def write(self, buffer: Octets, /) -> None:
        """All of `buffer` stands in the file; a short write is continued."""
        left = memoryview(buffer).cast("B")
        with telling_disk_full():
            while left:
                written = os.write(self._open_file(), left)
                left = left[written:]
                self._length += written

    def tell(self) -> int:
        """Octets written so far."""
        return self._length

    def truncate(self, length: int) -> None:
        """Cut the file; the next write goes behind the cut."""
        if not 0 <= length <= self._length:
            raise ValueError("a cut lies within what was written")
        os.ftruncate(self._open_file(), length)
        os.lseek(self._open_file(), length, os.SEEK_SET)
        self._length = length

    def commit(self) -> None:
        """The file is synced, then named, then its folder is synced; only then does this return."""
        file = self._open_file()
        try:
            with telling_disk_full():
                os.fsync(file)
                # A link, not a rename: it fails where the name is taken, and a rename would overwrite.
                os.link(self._path, self._place)
                _sync_folder(self._place.parent)
        except FileExistsError:
            raise BlobExists("this blob is already kept") from None
        finally:
            # Where the last sync failed the name may stand: no row will name it, and the sweep removes it.
            self._let_go()

    def abandon(self) -> None:
        """Nothing of the blob is left; without effect once committed."""
        self._let_go()

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
            self._path.unlink(missing_ok=True)

    def _open_file(self) -> int:
        if self._file is None:
            raise ValueError("this blob is committed or abandoned")
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()


class DiskBlobReader:
    """A committed blob's file; several threads may read at once. It reads on after a delete."""

    def __init__(self, place: Path) -> None:
        try:
            with telling_away():
                self._file: int | None = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if not place.parent.is_dir():  # its shelf is missing too: the folder is not mounted
                raise BlobsAway("the store is not there") from None
            raise BlobMissing("no such blob") from None

    def read_at(self, offset: int, length: int) -> bytes:
        """The `length` octets from `offset`; fewer where the file ends."""
        if self._file is None:
            raise ValueError("this blob is closed")
        with telling_away():
            piece = os.pread(self._file, length, offset)
        if len(piece) == length or not piece:  # it may stop early (a signal, 2 GiB); what it gave is kept
            return piece
        return piece + self.read_at(offset + len(piece), length - len(piece))

    def close(self) -> None:
        """Close the file; a second time is no error."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _sync_folder(folder: Path) -> None:
    # A name is durable only when its folder is (fsync(2), NOTES).
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_older(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False  # committed or abandoned while we looked
