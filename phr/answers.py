"""The three ways a page answers: shown again with its mistakes, onward to the next page, or with a file."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from flask import Response, redirect, render_template

from phr.forms import Mistakes

Answer = Response | str | tuple[str, int]


def again(template: str, wrong: Mistakes, **values: object) -> tuple[str, int]:
    """The same page with what was typed, its summary of mistakes on top."""
    return render_template(template, errors=wrong.at, **values), 422


def onward(address: str) -> Response:
    """To the next page, which the browser asks for anew: going back or reloading sends nothing twice."""
    answer = redirect(address, 303, Response=Response)
    assert isinstance(answer, Response)
    return answer


def file(name: str, octets: bytes, media_type: str, *, shown: str = "attachment") -> Response:
    """One file to save; `shown` is "inline" where the browser may show it."""
    answer = Response(octets, mimetype=media_type)
    answer.headers["Content-Disposition"] = disposition(name, shown)
    return answer


def stream(name: str, pieces: Iterable[bytes], length: int, media_type: str) -> Response:
    """A file whose octets are made while they are sent; its length is known beforehand."""
    answer = Response(pieces, mimetype=media_type, direct_passthrough=True)
    answer.content_length = length
    answer.headers["Content-Disposition"] = disposition(name, "attachment")
    return answer


def disposition(name: str, shown: str) -> str:
    """The header that names a file, for every alphabet (RFC 6266 4.3)."""
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
