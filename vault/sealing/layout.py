"""
What a PHO1 object looks like: header, keys, segment counts; and how records are padded (docs/format.md 6).

    header (80)  "PHO1" version suite kind log2 object_id(16) salt(32) commitment(16) zero(8)
    segments     AES-256-GCM, 64 KiB each but the last, every one with its tag of 16
"""

import hashlib
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple, Self

from vault.sealing.derive import hkdf, lp
from vault.sealing.errors import Tampered, UnknownSuite
from vault.sealing.labels import Label
from vault.sealing.unprintable import Unprintable

SEGMENT_LOG2: Final = 16
LOG2_RANGE: Final = range(14, 23)
TAG: Final = 16

_MAGIC: Final = b"PHO1"
_VERSION: Final = 1
_SUITE: Final = 1
_ZERO: Final = bytes(8)
_HEADER: Final = struct.Struct(">4sBBBB16s32s16s8s")
HEADER_LENGTH: Final = _HEADER.size
HEADER_NAMED: Final = 24  # magic to object id: what the key depends on
_PREFIX: Final = 4


class Kind(IntEnum):
    """What an object holds; part of its key, so that none passes for another."""

    INSTANCE = 1
    METADATA = 2
    SERIES_INDEX = 3
    RESOURCE = 4
    DOCUMENT = 5
    THUMBNAIL = 6
    QUICK_VIEW = 7
    CATALOGUE = 8


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a row keeps of a sealed object.

    `length` counts sealed octets, `plain_length` those that went in; `commitment`
    has 16 octets, `sha256` is of what went in.
    """

    length: int
    commitment: bytes
    sha256: bytes = field(repr=False)
    plain_length: int


@dataclass(frozen=True, slots=True, repr=False)
class ObjectKeys(Unprintable):
    """What one write of one object is sealed with."""

    key: bytes
    commitment: bytes
    prefix: bytes

    @classmethod
    def derive(cls, key32: bytes, named: bytes, salt: bytes, study16: bytes) -> Self:
        """The keys of the object with this beginning of its header, and no other's."""
        if (len(key32), len(salt), len(study16)) != (32, 32, 16):
            raise ValueError("a key has 32 octets, a salt 32, a study's id 16")
        okm = hkdf(key32, salt=salt, info=lp(Label.OBJECT, named, study16), length=55)
        return cls(okm[:32], okm[32:48], okm[48:])

    def nonce(self, index: int, last: int) -> bytes:
        """Of segment `index`; `last` is 1 for the object's last one. Raises `OverflowError` beyond 2^32 segments."""
        return self.prefix + index.to_bytes(4, "big") + bytes([last])


def additional(study16: bytes, header: bytes) -> bytes:
    """What every segment is authenticated together with."""
    return lp(Label.SEGMENT, study16, hashlib.sha256(header).digest())


def named_header(kind: Kind, log2: int, object_id16: bytes) -> bytes:
    """The header's first 24 octets."""
    if log2 not in LOG2_RANGE or len(object_id16) != 16:
        raise ValueError("an id has 16 octets, a segment 2^14 to 2^22")
    return _MAGIC + bytes([_VERSION, _SUITE, kind, log2]) + object_id16


def whole_header(named: bytes, salt: bytes, commitment: bytes) -> bytes:
    """The header's 80 octets."""
    return named + salt + commitment + _ZERO


def parse_header(header: bytes, *, object_id: bytes, kind: Kind) -> tuple[int, bytes, bytes]:
    """Answers log2 of the segment size, salt and commitment."""
    if len(header) != HEADER_LENGTH:
        raise Tampered("no header")
    magic, version, suite, found_kind, log2, found_id, salt, commitment, zero = _HEADER.unpack(header)
    if (magic, zero) != (_MAGIC, _ZERO):
        raise Tampered("not an object")
    if (version, suite) != (_VERSION, _SUITE):
        raise UnknownSuite("unknown suite")
    if (found_kind, found_id) != (kind, object_id) or log2 not in LOG2_RANGE:
        raise Tampered("another object")
    return log2, salt, commitment


class Shape(NamedTuple):
    """How many segments an object of a given length has."""

    size: int
    segments: int
    plain_length: int

    @classmethod
    def of(cls, length: int, log2: int) -> "Shape":
        """Raises `Tampered` for a length no object has."""
        size, body = 1 << log2, length - HEADER_LENGTH
        count = max(1, -(-body // (size + TAG)))
        tail = body - (count - 1) * (size + TAG)
        # Only an empty object ends in a segment that is all tag: else one octet cut off would go unseen.
        if tail < (TAG + 1 if count > 1 else TAG):
            raise Tampered("no object has this length")
        return cls(size, count, body - TAG * count)

    def plain_of(self, index: int) -> int:
        """Octets in segment `index` once it is opened."""
        return self.size if index < self.segments - 1 else self.plain_length - index * self.size


# -- padding ---------------------------------------------------------------------------------------


def padded(octets: bytes, multiple: int) -> bytes:
    """`octets` behind their length as u32 big-endian, filled with zeros to a multiple of `multiple`.

    Hides the exact length: metadata records are padded to 1,024, FHIR resources to 4,096.
    """
    joined = len(octets).to_bytes(_PREFIX, "big") + octets
    return joined + bytes(-len(joined) % multiple)


def unpadded(octets: bytes) -> bytes:
    """What was padded. Raises `Tampered` unless it is exactly that, zeros included."""
    end = _PREFIX + int.from_bytes(octets[:_PREFIX], "big")
    if len(octets) < end or any(octets[end:]):
        raise Tampered("not padded so")
    return octets[_PREFIX:end]
