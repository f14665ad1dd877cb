"""Arrays of data sets that are written already, put together plain or as one gzip member."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from fhir_gateway.dicomweb.gzipped import Deflated, deflated, member, stored
from vault.objects import Strip


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of an array with commas between, `length` octets; each form is made when it is asked for."""

    length: int
    plain: Callable[[], bytes]
    packed: Callable[[], Deflated]

    @classmethod
    def written(cls, rows: list[bytes]) -> Self:
        """Rows that were written just now."""
        octets = b",".join(rows)
        return cls(len(octets), lambda: octets, lambda: deflated(octets))

    @classmethod
    def lying(cls, strip: Strip) -> Self:
        """Rows that lie ready."""
        return cls(strip.length, strip.plain, lambda: Deflated(strip.deflated, strip.crc, strip.length))

    @classmethod
    def _mark(cls, octets: bytes) -> Self:
        as_is = stored(octets)
        return cls(len(octets), lambda: octets, lambda: as_is)

    @classmethod
    def array(cls, pieces: Iterable[Self]) -> Iterator[Self]:
        """The pieces, and what makes an array of them before, between and behind; none may be empty."""
        lead = b"["
        for piece in pieces:
            yield cls._mark(lead)
            yield piece
            lead = b","
        yield cls._mark(b"]" if lead == b"," else b"[]")


def plainly(pieces: Iterable[Rows]) -> Iterator[bytes]:
    """The array of these rows."""
    return (piece.plain() for piece in Rows.array(pieces))


def packed(pieces: Iterable[Rows]) -> Iterator[bytes]:
    """The array of these rows as one gzip member."""
    return member(piece.packed() for piece in Rows.array(pieces))
