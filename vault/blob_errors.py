"""
What a store of octets can raise, and what a file system says turned into it.

BlobError
├── NotABlobId      a blob is named by 32 lower-case hexadecimal characters
├── BlobMissing     no blob of that name
├── BlobExists      a blob is written once and never again
├── BlobsAway       the store does not answer now; the same again may succeed
└── StoreFull       the store takes no more octets
    └── DiskFull    the disk has no room, or the quota is used up
"""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from vault.errors import StoreAway

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
# What a network folder says while its server is gone, a disk while it cannot be read, and we when too much is open.
_AWAY: Final = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EMFILE,
    errno.ENFILE,
}


class BlobError(Exception):
    """Root of everything a blob store raises on purpose."""


class NotABlobId(BlobError):
    """A blob is named by 32 lower-case hexadecimal characters and nothing else."""


class BlobMissing(BlobError):
    """No blob of that name is in the store."""


class BlobExists(BlobError):
    """A blob is written once; its name is never used for other octets."""


class BlobsAway(BlobError, StoreAway):
    """The store of octets does not answer now: not mounted, cut off, or busy bringing them from afar."""

    retry_after = 30  # seconds


class StoreFull(BlobError):
    """The store takes no more octets; nothing was acknowledged."""


class DiskFull(StoreFull):
    """The disk has no room left, or the quota is used up."""


@contextmanager
def telling_disk_full() -> Generator[None]:
    """Inside, a disk without room is `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("no room on the disk") from None
        raise


@contextmanager
def telling_away() -> Generator[None]:
    """Inside, a store that cannot be reached is `BlobsAway`."""
    try:
        yield
    except OSError as error:
        if error.errno in _AWAY:
            raise BlobsAway("the store does not answer") from None
        raise
