"""
The object format PHO1: octets of any length, sealed in segments, read by range (docs/format.md 6).

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the
segment's number and whether it is the last one are in the nonce. Study, object,
kind and segment size are in the key and in the additional data.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.sealing.errors import Tampered
from vault.sealing.layout import (
    HEADER_LENGTH,
    HEADER_NAMED,
    SEGMENT_LOG2,
    TAG,
    Kind,
    ObjectKeys,
    Sealed,
    Shape,
    additional,
    named_header,
    padded,
    parse_header,
    unpadded,
    whole_header,
)
from vault.sealing.unprintable import Unprintable

__all__ = ["Kind", "Sealed", "SealedObject", "Sealer", "open_octets", "padded", "seal_octets", "unpadded"]

Octets = bytes | bytearray | memoryview

_FETCH: Final = 1 << 20  # octets fetched and opened at once while reading in order

# -- writing ---------------------------------------------------------------------------------------


class Sealer(Unprintable):
    """Seals octets as they come, in constant memory, and hands them to `write` segment by segment.

    `write` gets a buffer that is used again for the next segment: it must have
    taken the octets when it returns. What is written is whole only after `close`.
    """

    def __init__(
        self,
        write: Callable[[Octets], object],
        *,
        key32: bytes,
        study16: bytes,
        object_id16: bytes,
        kind: Kind,
        log2: int = SEGMENT_LOG2,
        salt: bytes | None = None,
    ) -> None:
        """Write the header. `salt` is random unless a test vector gives it: every write has a fresh key."""
        salt = os.urandom(32) if salt is None else salt
        named = named_header(kind, log2, object_id16)
        self._keys = ObjectKeys.derive(key32, named, salt, study16)
        header = whole_header(named, salt, self._keys.commitment)
        self._write, self._size = write, 1 << log2
        self._aead, self._aad = AESGCM(self._keys.key), additional(study16, header)
        self._waiting, self._filled = memoryview(bytearray(self._size)), 0
        self._out = memoryview(bytearray(self._size + TAG))
        self._hash, self._plain_length, self._length, self._index = hashlib.sha256(), 0, len(header), 0
        self._open = True
        write(header)

    def write(self, chunk: Octets) -> None:
        """`chunk` is sealed, or waits in memory for what follows it."""
        if not self._open:
            raise ValueError("this object is closed")
        view = memoryview(chunk).cast("B")
        self._hash.update(view)
        self._plain_length += len(view)
        while view:
            # A full segment leaves only when more follows: the last one is marked as such.
            if self._filled == self._size:
                self._put(self._waiting, last=0)
                self._filled = 0
            if self._filled == 0 and len(view) > self._size:
                self._put(view[: self._size], last=0)  # straight from the caller's buffer
                view = view[self._size :]
                continue
            taken = min(self._size - self._filled, len(view))
            self._waiting[self._filled : self._filled + taken] = view[:taken]
            self._filled, view = self._filled + taken, view[taken:]

    def close(self) -> Sealed:
        """The last segment is written. Answers what the row must keep."""
        if not self._open:
            raise ValueError("this object is closed")
        self._put(self._waiting[: self._filled], last=1)
        self._open = False
        self._waiting[:] = bytes(self._size)
        return Sealed(self._length, self._keys.commitment, self._hash.digest(), self._plain_length)

    def _put(self, plain: memoryview, *, last: int) -> None:
        sealed = self._out[: len(plain) + TAG]
        nonce = self._keys.nonce(self._index, last)
        # Counted before it is written: should `write` fail, no nonce is ever used twice.
        self._index += 1
        # encrypt() would hold the interpreter's lock while it allocates; the _into form releases it.
        self._aead.encrypt_into(nonce, plain, self._aad, sealed)
        self._length += len(sealed)
        self._write(sealed)


# -- reading ---------------------------------------------------------------------------------------


class SealedObject(Unprintable):
    """One sealed object, read by range; nothing leaves it that was not authenticated.

    `read_at(offset, length)` fetches sealed octets, counted from the object's first
    one; `length` is the object's in its row (in a pack other objects follow), never
    that of the file. Raises `Tampered` for a wrong key, another study, object, kind
    or commitment, and for a length no object has.
    """

    def __init__(
        self,
        read_at: Callable[[int, int], bytes | memoryview],
        length: int,
        *,
        key: bytes,
        study: bytes,
        object_id: bytes,
        kind: Kind,
        commitment: bytes,
    ) -> None:
        if length < HEADER_LENGTH + TAG:
            raise Tampered("no object has this length")
        header = bytes(read_at(0, HEADER_LENGTH))
        log2, salt, found = parse_header(header, object_id=object_id, kind=kind)
        self._keys = ObjectKeys.derive(key, header[:HEADER_NAMED], salt, study)
        # GCM commits to no key; the three commitments do, and they tie this row to this one write.
        if not (hmac.compare_digest(found, commitment) & hmac.compare_digest(self._keys.commitment, commitment)):
            raise Tampered("another key, or another write of this object")
        self._shape = Shape.of(length, log2)
        self._read_at = read_at
        self._aead, self._aad = AESGCM(self._keys.key), additional(study, header)

    @property
    def length(self) -> int:
        """Octets that `iter` yields in all."""
        return self._shape.plain_length

    def read(self, offset: int, length: int) -> bytes:
        """The `length` octets from `offset`, or fewer where the object ends; only their segments are fetched.

        Raises `ValueError` for a range that begins outside the object, `Tampered`
        if any segment it touches was changed.
        """
        pieces = list(self.iter(offset, length))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def iter(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The same octets, a mebibyte at a time; each piece is authentic when it is yielded, and its taker's own."""
        if offset < 0 or offset > self.length or (length is not None and length < 0):
            raise ValueError("outside the object")
        end = self.length if length is None else min(offset + length, self.length)
        return self._pieces(offset, end)

    def _pieces(self, offset: int, end: int) -> Iterator[bytes]:
        size, together = self._shape.size, max(1, _FETCH // self._shape.size)
        # An empty range at the very end of whole segments names a segment that is not there.
        last = min(max(offset, end - 1) // size, self._shape.segments - 1)
        for start in range(min(offset // size, last), last + 1, together):
            plain = self._open_segments(start, min(start + together, last + 1))
            # A copy: the server may still be sending a piece while the next one is being opened.
            piece = bytes(plain[max(0, offset - start * size) : max(0, end - start * size)])
            if piece:
                yield piece

    def _open_segments(self, start: int, stop: int) -> memoryview:
        step, size = self._shape.size + TAG, self._shape.size
        wanted = (stop - start - 1) * step + self._shape.plain_of(stop - 1) + TAG
        sealed = memoryview(self._read_at(HEADER_LENGTH + start * step, wanted))
        if len(sealed) != wanted:
            raise Tampered("octets are missing")
        plain = memoryview(bytearray(wanted - TAG * (stop - start)))
        for index in range(start, stop):
            at = index - start
            self._open_segment(index, sealed[at * step : (at + 1) * step], plain[at * size : (at + 1) * size])
        return plain

    def _open_segment(self, index: int, sealed: memoryview, plain: memoryview) -> None:
        nonce = self._keys.nonce(index, int(index == self._shape.segments - 1))
        try:
            self._aead.decrypt_into(nonce, sealed, self._aad, plain)
        except InvalidTag:
            # The library has by now written what it could not authenticate.
            plain[:] = bytes(len(plain))
            raise Tampered("a segment was changed") from None


# -- whole objects ---------------------------------------------------------------------------------


def seal_octets(
    octets: Octets,
    *,
    key32: bytes,
    study16: bytes,
    object_id16: bytes,
    kind: Kind,
    log2: int = SEGMENT_LOG2,
    salt: bytes | None = None,
) -> tuple[bytes, Sealed]:
    """A whole object in memory, and what its row must keep; for records and small pictures."""
    sealed = bytearray()
    sealer = Sealer(
        sealed.extend, key32=key32, study16=study16, object_id16=object_id16, kind=kind, log2=log2, salt=salt
    )
    sealer.write(octets)
    kept = sealer.close()
    return bytes(sealed), kept


def open_octets(sealed: Octets, *, key: bytes, study: bytes, object_id: bytes, kind: Kind, commitment: bytes) -> bytes:
    """What `sealed`, which is one whole object, holds; else `Tampered`."""
    view = memoryview(sealed)

    def read_at(offset: int, length: int) -> memoryview:
        return view[offset : offset + length]

    whole = SealedObject(
        read_at, len(view), key=key, study=study, object_id=object_id, kind=kind, commitment=commitment
    )
    return whole.read(0, whole.length)
