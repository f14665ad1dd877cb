"""
One gzip member out of pieces that were deflated before (RFC 1951, RFC 1952): nothing is packed again.

A piece refers to nothing before it, ends on an octet and has no final block, so that pieces can follow each other. The
checksum of the whole is reckoned from theirs: a CRC is a polynomial over GF(2), and octets behind it multiply it by a
power of x.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # deflate, no flags, no time, system unknown (RFC 1952 2.3)
LAST = b"\x03\0"  # an empty final block (RFC 1951 3.2.6)
QUICK = 1
_STORED = struct.Struct("<BHH")
_POLYNOMIAL = 0xEDB88320  # bit 31 is the coefficient of 1, bit 0 that of x^31
_ONE, _X_8 = 1 << 31, 1 << 23


@dataclass(frozen=True, slots=True)
class Deflated:
    """A piece; `crc` and `length` are of what comes out of it."""

    octets: bytes
    crc: int
    length: int


def stored(octets: bytes) -> Deflated:
    """At most 65,535 octets as they are."""
    head = _STORED.pack(0, len(octets), len(octets) ^ 0xFFFF)
    return Deflated(head + octets, zlib.crc32(octets), len(octets))


def deflated(octets: bytes) -> Deflated:
    """Octets deflated now, in little time."""
    packer = zlib.compressobj(QUICK, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(octets) + packer.flush(zlib.Z_FULL_FLUSH)
    return Deflated(packed, zlib.crc32(octets), len(octets))


def member(pieces: Iterable[Deflated]) -> Iterator[bytes]:
    """One gzip member of all pieces, in as many octets strings."""
    crc = length = 0
    lead = HEADER
    for piece in pieces:
        yield lead + piece.octets
        crc, length, lead = crc_of_both(crc, piece.crc, piece.length), length + piece.length, b""
    yield lead + LAST + struct.pack("<II", crc, length & 0xFFFFFFFF)


def crc_of_both(first: int, second: int, length: int) -> int:
    """The CRC-32 of octets with the CRC `first`, followed by `length` octets with the CRC `second`."""
    return _times(_moved(length), first) ^ second


def _times(one: int, other: int) -> int:
    """The product of two polynomials, modulo that of the CRC."""
    product = 0
    for place in range(31, -1, -1):
        if one >> place & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product


@lru_cache(maxsize=8192)
def _moved(length: int) -> int:
    """By what `length` more octets multiply: x^(8 · length)."""
    product = _ONE
    for bit in range(length.bit_length()):
        if length >> bit & 1:
            product = _times(product, _doubled(bit))
    return product


@cache
def _doubled(times: int) -> int:
    """x^(8 · 2^times)."""
    if times == 0:
        return _X_8
    half = _doubled(times - 1)
    return _times(half, half)
