"""
multipart/related in and out (RFC 2387, PS3.18 8.6.1.2), streamed both ways.

Nothing is buffered beyond one chunk, and nothing ever goes to a temporary file.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from fhir_gateway.errors import BadBody, UnsupportedMediaType

CHUNK = 1 << 18
SMALL, GATHERED = 1 << 16, 1 << 18  # octets: a copy of more costs more than a turn of the server
MOST_PARTS = 20_000
CONTENT_TYPE_MOST = 1024
# The letters of RFC 2046 5.1.1. It allows 70 of them; archives in the field send more (Orthanc: 73), and mean no harm.
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,127}[0-9A-Za-z'()+_,\-./:=?]")


class Readable(Protocol):
    """What a request's body is: octets come out until none are left."""

    def read(self, size: int, /) -> bytes:
        """At most `size` octets; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer. `length` is None where it is not known before the part is made."""

    content_type: str
    length: int | None
    open: Callable[[], Iterable[bytes]]
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What a part of a body says of itself."""

    content_type: str
    location: str


@dataclass(frozen=True, slots=True)
class Related:
    """A multipart/related answer: its octets, their exact number if it is known, and its Content-Type."""

    octets: Iterator[bytes]
    length: int | None
    content_type: str


def boundary_of(content_type: str | None) -> tuple[bytes, str]:
    """
    The boundary and the `type` parameter of a multipart/related Content-Type, quoted or bare.

    Raises UnsupportedMediaType for another type, BadBody for a boundary that is missing or out of its grammar.
    """
    if not content_type or len(content_type) > CONTENT_TYPE_MOST or not content_type.isascii():
        raise UnsupportedMediaType("The body must be multipart/related.")
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/related":
        raise UnsupportedMediaType("The body must be multipart/related.")
    boundary = options.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise BadBody("The Content-Type must name a boundary of 1 to 128 characters.")
    return boundary, options.get(b"type", b"").decode("latin-1").strip().lower()


def parts(
    stream: Readable, content_type: str | None, *, chunk: int = CHUNK
) -> Iterator[tuple[str, Iterator[memoryview]]]:
    """
    Each part as its Content-Type and its pieces; what of a part is not read is passed over.

    Raises BadBody where the body is not what it should be or ends too early, UnsupportedMediaType as `boundary_of`.
    """
    for head, pieces in located_parts(stream, content_type, chunk=chunk):
        yield head.content_type, pieces


def located_parts(
    stream: Readable, content_type: str | None, *, chunk: int = CHUNK
) -> Iterator[tuple[Head, Iterator[memoryview]]]:
    """As `parts`, each with its Content-Location too."""
    boundary, _ = boundary_of(content_type)
    flow = _Flow(stream, boundary, chunk).events()
    count = 0
    for kind, head, _data in flow:
        if kind != "begin":
            continue
        count += 1
        if count > MOST_PARTS:
            raise BadBody("The body has more parts than are taken in.")
        pieces = _pieces(flow)
        yield head, pieces
        for _ in pieces:
            pass


_Event = tuple[str, Head, memoryview]
_NOTHING = memoryview(b"")
_NAMELESS = Head("", "")


def _pieces(flow: Iterator[_Event]) -> Iterator[memoryview]:
    for kind, _, data in flow:
        if kind == "end of part":
            return
        yield data


class _Flow:
    """The parser's callbacks turned into events in their order."""

    def __init__(self, stream: Readable, boundary: bytes, chunk: int) -> None:
        self._stream, self._chunk, self._boundary = stream, chunk, boundary
        self._events: list[_Event] = []
        self._name, self._value = bytearray(), bytearray()
        self._content_type = self._location = ""
        self._closed = False

    def _parser(self) -> MultipartParser:
        """A parser that tells us. We do not keep it: it keeps us, and a circle would hold the body's last pieces."""
        return MultipartParser(
            self._boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": lambda: self._events.append(("end of part", _NAMELESS, _NOTHING)),
                "on_end": self._body_ends,
            },
        )

    def _part_begins(self) -> None:
        self._content_type = self._location = ""

    def _headers_finished(self) -> None:
        self._events.append(("begin", Head(self._content_type, self._location), _NOTHING))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(("data", _NAMELESS, memoryview(data)[start:end]))

    def _header_ends(self) -> None:
        if bytes(self._name).lower() == b"content-type":
            self._content_type = self._value.decode("latin-1").strip()
        elif bytes(self._name).lower() == b"content-location":
            self._location = self._value.decode("latin-1").strip()
        self._name.clear()
        self._value.clear()

    def _body_ends(self) -> None:
        self._closed = True

    def events(self) -> Iterator[_Event]:
        """Every event until the closing boundary; what follows it is read and dropped."""
        parser = self._parser()
        while octets := self._stream.read(self._chunk):
            if self._closed:
                continue
            try:
                parser.write(octets)
            except MultipartParseError as error:
                raise BadBody("The body is not the multipart that was announced.") from error
            # Taken one by one, so that an abandoned reader leaves nothing to be told twice.
            waiting, self._events = self._events, []
            yield from waiting
        # The parser's own end does not tell a body that was cut off.
        if not self._closed:
            raise BadBody("The body ends before its closing boundary.")


def related(members: Iterable[Part], kind: str) -> Related:
    """
    A multipart/related answer of type `kind`, with its exact length if every part knows its own.

    A part that gives more or fewer octets than it said, or fails, breaks the answer off before the closing
    boundary, so that whoever reads it can see that it is not whole.
    """
    boundary = secrets.token_hex(16)
    listed = list(members)
    heads = [_head(part, boundary, first=number == 0) for number, part in enumerate(listed)]
    tail = f"\r\n--{boundary}--\r\n".encode("ascii") if listed else f"--{boundary}--\r\n".encode("ascii")
    lengths = [part.length for part in listed]
    known = [length for length in lengths if length is not None]
    length = sum(map(len, heads)) + sum(known) + len(tail) if len(known) == len(lengths) else None

    def octets() -> Iterator[bytes]:
        for head, part in zip(heads, listed, strict=True):
            yield head
            yield from _measured(part)
        yield tail

    return Related(octets(), length, f'multipart/related; type="{kind}"; boundary={boundary}')


def gathered(octets: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets, small pieces joined: each piece costs the server a turn of its own."""
    waiting: list[bytes] = []
    length = 0
    for piece in octets:
        if len(piece) < SMALL:
            waiting.append(piece)
            length += len(piece)
        if waiting and (length >= GATHERED or len(piece) >= SMALL):
            yield b"".join(waiting)
            waiting, length = [], 0
        if len(piece) >= SMALL:
            yield piece
    if waiting:
        yield b"".join(waiting)


def _head(part: Part, boundary: str, *, first: bool) -> bytes:
    """A part's headers; viewers look for `Content-Type:` in exactly this spelling."""
    lead = "" if first else "\r\n"
    location = f"Content-Location: {part.location}\r\n" if part.location else ""
    return f"{lead}--{boundary}\r\nContent-Type: {part.content_type}\r\n{location}\r\n".encode("latin-1")


def _measured(part: Part) -> Iterator[bytes]:
    given = 0
    for piece in part.open():
        given += len(piece)
        yield piece
    if part.length is not None and given != part.length:
        raise RuntimeError("a part is not as long as it said")
