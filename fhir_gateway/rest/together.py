"""
Several reads and searches in one request: a batch or transaction of GETs (R4 http, batch).

Each entry is asked as a request of its own, with the same token or session: what it may see, what the history says of
it and how often one may ask are decided where every read and search is decided.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final, Self
from urllib.parse import quote, unquote_to_bytes, urlsplit

import orjson
from flask import Response, current_app, request

from fhir_gateway.outcome import Issue, Refusal, forbidden, malformed, outcome
from fhir_gateway.rest.answers import FHIR_JSON, instant, links

Json = dict[str, Any]

MOST_READS: Final = 50
_PLAIN = "%&=+:/?|,;@!$'()*~#[]"  # in a query as it is
_READING = frozenset({"GET", "HEAD"})
# What of the request is not its entries': they say what they want themselves.
_NOT_PASSED = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_ACCEPT", "HTTP_PREFER", "HTTP_RANGE", "HTTP_EXPECT"})
_CONDITIONS = ("HTTP_IF_", "HTTP_TRANSFER_", "HTTP_CONTENT_")


@dataclass(frozen=True, slots=True)
class Reading:
    """One read or search: an address below the FHIR base, and what of it is known already."""

    method: str
    path: str
    query: str
    known: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, raw: Json, place: str) -> Self:
        """Raises `Refusal` 400 for an address that is none of ours, 403 and 405 for what is no reading."""
        asked = raw.get("request")
        if not isinstance(asked, dict) or not isinstance(asked.get("url"), str):
            raise malformed("An entry says what is to be done in its request.", f"{place}.request")
        method = str(asked.get("method"))
        if method == "POST":
            raise forbidden("Only a site creates.").at(f"{place}.request.method")
        if method not in _READING:
            raise Refusal(405, Issue("not-supported", "This is not offered here.", f"{place}.request.method"))
        try:
            parts = urlsplit(asked["url"].removeprefix(f"{links().fhir}/"))
        except ValueError:
            raise malformed("The address is none.", f"{place}.request.url") from None
        path = unquote_to_bytes(parts.path).decode("latin-1").lstrip("/")
        if parts.scheme or parts.netloc or ".." in path or "$export" in path or path.startswith("exports") or not path:
            raise malformed("The address is none of this server's.", f"{place}.request.url")
        query = quote(parts.query, safe=_PLAIN)
        return cls(method, f"/fhir/{path}", query, tuple(_known(asked, place)))

    def answer(self) -> Json:
        """The entry of the answering Bundle."""
        environ = {name: value for name, value in request.environ.items() if _is_passed(name)}
        environ |= {"REQUEST_METHOD": self.method, "PATH_INFO": self.path, "QUERY_STRING": self.query}
        environ |= {"HTTP_ACCEPT": FHIR_JSON, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
        environ |= dict(self.known)
        # A context of its own, so that nothing this request knows of the asker is taken over unasked.
        with current_app.app_context(), current_app.request_context(environ):
            made = current_app.full_dispatch_request()
            return _entry(made, made.get_data())


def read_together(kind: str, entries: list[Any]) -> list[Json]:
    """The answers, in order. Of a transaction the first refusal is the whole answer (raises `Refusal`)."""
    if len(entries) > MOST_READS:
        raise Refusal(413, Issue("too-costly", "The Bundle has more entries than are read at once.", "Bundle.entry"))
    if kind == "batch":
        return [_alone(raw, f"Bundle.entry[{number}]") for number, raw in enumerate(entries)]
    readings = [Reading.parse(raw, f"Bundle.entry[{number}]") for number, raw in enumerate(entries)]
    answers: list[Json] = []
    for number, one in enumerate(readings):
        told = one.answer()
        status = int(told["response"]["status"].split()[0])
        if status >= 400:
            issue = told["response"]["outcome"]["issue"][0]
            raise Refusal(status, Issue(issue["code"], issue["details"]["text"], f"Bundle.entry[{number}]"))
        answers.append(told)
    return answers


def _alone(raw: Json, place: str) -> Json:
    try:
        return Reading.parse(raw, place).answer()
    except Refusal as refusal:
        return {"response": {"status": str(refusal.status), "outcome": outcome(*refusal.issues)}}


def _is_passed(name: str) -> bool:
    return name not in _NOT_PASSED and not name.startswith((*_CONDITIONS, "werkzeug.", "flask."))


def _known(asked: Json, place: str) -> Iterable[tuple[str, str]]:
    if isinstance(asked.get("ifNoneMatch"), str) and asked["ifNoneMatch"].isprintable():
        yield "HTTP_IF_NONE_MATCH", asked["ifNoneMatch"]
    if isinstance(asked.get("ifModifiedSince"), str):
        try:
            since = datetime.fromisoformat(asked["ifModifiedSince"])
        except ValueError:
            raise malformed("This is no moment.", f"{place}.request.ifModifiedSince") from None
        if since.tzinfo is not None:
            yield "HTTP_IF_MODIFIED_SINCE", format_datetime(since)


def _entry(made: Response, octets: bytes) -> Json:
    told: Json = {"status": made.status}
    if etag := made.headers.get("ETag"):
        told["etag"] = etag
    if made.last_modified is not None:
        told["lastModified"] = instant(made.last_modified)
    if not octets:
        return {"response": told}
    resource = orjson.loads(octets)
    if made.status_code >= 400:
        return {"response": told | {"outcome": resource}}
    return {"resource": resource, "response": told}
