"""Where an answer reads blobs from, and one that stays open while object after object of it is read."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from vault.blobs import BlobReader, BlobStore


class BlobSource(Protocol):
    """Where blobs are read from."""

    def reader(self, blob_id: str) -> AbstractContextManager[BlobReader]:
        """Open a committed blob. Raises `BlobMissing`, `NotABlobId`, `BlobsAway`."""
        ...


class HeldOpen:
    """A store of which the blob read last stays open: a study's objects lie in few packs.

    Of one answer alone, which closes it at its end.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._name = ""
        self._reader: BlobReader | None = None

    @contextmanager
    def reader(self, blob_id: str) -> Generator[BlobReader]:
        """The blob, opened unless it is open. Raises `BlobMissing`, `BlobsAway`."""
        if self._reader is None or self._name != blob_id:
            self.close()
            self._name, self._reader = blob_id, self._blobs.reader(blob_id).__enter__()
        yield self._reader

    def close(self) -> None:
        """Nothing is open any more."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.__exit__(None, None, None)
