"""The three ways a page answers: shown again with its mistakes, onward to the next page, or with a file or a part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol
from urllib.parse import quote, urlsplit

from flask import Response, current_app, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing.exceptions import RoutingException

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


def page_at(address: str) -> str:
    """This address where it is a page's; else, where only a form leads there, the page above it; else the scans."""
    path = urlsplit(address).path
    if _can_be_asked(path):
        return address
    above = path.rpartition("/")[0]
    return above if above and _can_be_asked(above) else "/home"


def _can_be_asked(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        adapter.match(path, method="GET")
    except (HTTPException, RoutingException):
        return False
    return True


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


class Copy(Protocol):
    """A file made while it is sent, whose octets are the same each time."""

    length: int

    @property
    def mark(self) -> str:
        """What names these octets and no others."""
        ...

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """The octets from `start` up to `stop`."""
        ...


def ranged(name: str, copy: Copy, over: Callable[[Iterator[bytes]], Iterable[bytes]], media_type: str) -> Response:
    """The copy, or the one part of it that was asked for, so that a broken-off download goes on (RFC 9110 14).

    `over` is what watches the octets while they are sent. Several parts at once are answered with all of it, and so is
    a part of a copy that is another one by now (13.1.5).
    """
    part = _part_asked_for(copy)
    if part is None:
        answer = Response(status=416)
        answer.headers["Content-Range"] = f"bytes */{copy.length}"
        return answer
    start, stop = part
    answer = stream(name, over(copy.part(start, stop)), stop - start, media_type)
    if (start, stop) != (0, copy.length):
        answer.status_code = 206
        answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{copy.length}"
    answer.headers["Accept-Ranges"] = "bytes"
    answer.set_etag(copy.mark)
    return answer


def goes_on_with(copy: Copy) -> bool:
    """Whether the asker has the beginning of this very copy already."""
    return request.headers.get("If-Range", "") == f'"{copy.mark}"' and request.range is not None


def _part_asked_for(copy: Copy) -> tuple[int, int] | None:
    """Where the part begins and ends; all of it where none was asked for; None where there is no such part."""
    asked = request.range if request.method == "GET" else None  # 14.2
    is_other = "If-Range" in request.headers and not goes_on_with(copy)
    if asked is None or is_other or asked.units != "bytes" or len(asked.ranges) != 1:
        return 0, copy.length
    return asked.range_for_length(copy.length)


def disposition(name: str, shown: str) -> str:
    """The header that names a file, for every alphabet (RFC 6266 4.3)."""
    plain = name.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
