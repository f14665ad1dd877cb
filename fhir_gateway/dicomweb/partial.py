"""Answers that need not be whole: a range of octets, or none where the asker has them already (RFC 9110 13, 14)."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response, request

from fhir_gateway.dicomweb.answers import at_once, streamed
from fhir_gateway.dicomweb.found import Shown

# One range alone; several, or of another unit, are answered with the whole (RFC 9110 14.2).
_RANGE = re.compile(r"bytes=(?=\d|-\d)([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Body:
    """Octets of a known length that can be given from any place on; `tag` names exactly these octets.

    `memory` holds them where they need not be read any more.
    """

    content_type: str
    length: int
    octets: Callable[[int, int], Iterator[bytes]]
    tag: str | None = None
    memory: bytes | None = None


def tag_of(one: Shown, *form: object) -> str | None:
    """A strong entity tag for an instance in some form; None where the digest of what came was not noted."""
    noted = one.found.layout.get("sha256")
    return None if noted is None else digest_tag(f"{noted} {form!r}".encode())


def digest_tag(octets: bytes) -> str:
    """A strong entity tag for exactly these octets."""
    return f'"{hashlib.sha256(octets).hexdigest()[:32]}"'


def known(tag: str | None) -> Response | None:
    """304 where the asker says that they have what `tag` names, else None (RFC 9110 13.1.2)."""
    if tag is None or not request.if_none_match.contains_weak(tag.strip('"')):
        return None
    answer = Response(status=304)
    answer.headers["ETag"] = tag
    return answer


def partial(body: Body, one: Shown) -> Response:
    """The octets, the one range of them that was asked for, 304, or 416."""
    if (nothing_new := known(body.tag)) is not None:
        return nothing_new
    asked = _asked(body.tag)
    span = (0, body.length) if asked is None else _span(asked, body.length)
    if span is None:
        answer = Response(status=416)
        answer.headers["Content-Range"] = f"bytes */{body.length}"
        return answer
    start, end = span
    status = 200 if asked is None else 206
    if body.memory is not None:
        answer = at_once(body.memory[start:end], body.content_type, status=status)
    else:
        answer = streamed(body.octets(start, end - start), end - start, body.content_type, one.asker, status=status)
    answer.headers["Accept-Ranges"] = "bytes"
    if body.tag is not None:
        answer.headers["ETag"] = body.tag
    if asked is not None:
        answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{body.length}"
    return answer


def held(content_type: str, octets: bytes, tag: str | None = None) -> Body:
    """A body that is in memory."""
    return Body(
        content_type, len(octets), lambda start, length: iter((octets[start : start + length],)), tag, memory=octets
    )


def _asked(tag: str | None) -> re.Match[str] | None:
    """The range asked for, unless it was only meant for octets that are no more the same (RFC 9110 13.1.5)."""
    condition = request.headers.get("If-Range", "").strip()
    if condition and condition != tag:
        return None
    return _RANGE.fullmatch(request.headers.get("Range", "").strip())


def _span(asked: re.Match[str], length: int) -> tuple[int, int] | None:
    """Start and end of the one range asked for; None where it lies outside."""
    first, last = asked.groups()
    if not first:
        start, end = max(0, length - int(last)), length
    else:
        start, end = int(first), min(length, int(last) + 1 if last else length)
    return (start, end) if start < end and start < length else None
