"""The blueprint of DICOMweb, its errors in its own form, and answers that stream."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from consent.access import Access
from consent.request import access, services
from fhir_gateway.dicomweb.accept import METADATA, choose
from fhir_gateway.dicomweb.arrays import Rows, packed, plainly
from fhir_gateway.dicomweb.multipart import Related
from fhir_gateway.errors import PixelsRefused
from fhir_gateway.links import Links
from fhir_gateway.looking import watched
from fhir_gateway.outcome import refusal_for
from vault.errors import BrokenRecord
from vault.sealing.errors import Tampered

Json = dict[str, Any]

PACKED_FROM = 1400  # octets: what fits into one packet is not worth the work
ALTERED = (Tampered, BrokenRecord)  # what is kept was changed by somebody, or spoiled
JOINED_MOST = 16 << 20  # octets of an array that are held at a time

blueprint = Blueprint("dicomweb", __name__, url_prefix="/dicomweb")


def links() -> Links:
    """Addresses below the configured origin."""
    return Links(current_app.extensions["settings"].base_url)


@blueprint.after_request
def keep_private(answer: Response) -> Response:
    """Nothing of a record stays in a cache, and nothing is taken for what it is not (PS3.18 8.9; RFC 9111)."""
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@blueprint.errorhandler(Exception)
def refuse(error: Exception) -> Response:
    """What was refused, as a short JSON text; a fault of ours says nothing but that it was one."""
    if isinstance(error, HTTPException) and error.code is not None:
        return _problem(error.code, error.name, dict(error.get_headers()) if error.code == 405 else {})
    refusal = refusal_for(error)
    if refusal is not None and isinstance(error, PixelsRefused):
        return _problem(refusal.status, f"{str(error).capitalize()}.", refusal.headers)
    if refusal is not None:
        return _problem(refusal.status, str(refusal), refusal.headers)
    current_app.logger.error("a DICOMweb request failed: %s", type(error).__name__)
    if isinstance(error, ALTERED):
        return _problem(500, "What is kept does not match what was sent.", {}, reason="not-as-sent")
    if current_app.testing:
        raise error
    return _problem(500, "Something went wrong here.", {})


def _problem(status: int, words: str, headers: Mapping[str, str], **more: str) -> Response:
    """RFC 9457, without anything of the question in it."""
    body = orjson.dumps({"status": status, "title": words, **more})
    answer = Response(body, status=status, content_type="application/problem+json")
    answer.headers.extend({name: value for name, value in headers.items() if name != "Content-Type"})
    return answer


def metadata_answer(rows: list[bytes], *, warnings: tuple[str, ...] = ()) -> Response:
    """A JSON array of data sets that are already written."""
    answer = array_answer([Rows.written(rows)] if rows else [])
    for words in warnings:
        warn(answer, words)
    return answer


def array_answer(pieces: list[Rows]) -> Response:
    """A JSON array of rows, its length told; packed with gzip where that is accepted and worth it (RFC 9110 12.5.3)."""
    media_type = choose(accepted(), METADATA)
    length = 1 + sum(piece.length + 1 for piece in pieces) if pieces else 2
    if length >= PACKED_FROM and accepts_gzip():
        return _encoded(Response(b"".join(packed(pieces)), content_type=media_type))
    if length <= JOINED_MOST:
        answer = Response(b"".join(plainly(pieces)), content_type=media_type)
    else:
        answer = streamed(plainly(pieces), length, media_type, access())
    answer.vary.add("Accept-Encoding")
    return answer


def array_stream(pieces: Iterable[Rows]) -> Response:
    """The same of any number of rows, made while they are sent. The first ones are made before the answer begins."""
    media_type = choose(accepted(), METADATA)
    pack = accepts_gzip()
    octets = packed(pieces) if pack else plainly(pieces)
    answer = streamed(chain(list(islice(octets, 2)), octets), None, media_type, access())
    if pack:
        return _encoded(answer)
    answer.vary.add("Accept-Encoding")
    return answer


def accepts_gzip() -> bool:
    """Whether the asker takes an answer packed with gzip."""
    return request.accept_encodings.quality("gzip") > 0


def _encoded(answer: Response) -> Response:
    answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    return answer


def warn(answer: Response, words: str) -> None:
    """Say in a Warning header what was passed over (PS3.18 8.3.4)."""
    answer.headers.add("Warning", f"299 {links().dicomweb}: {words}")


def accepted() -> str | None:
    """What the asker accepts: in the query where a browser cannot set headers (PS3.18 8.3.3.1), else in the header."""
    asked = request.args.get("accept")
    # A plus sign in a query stands for a space.
    return asked.replace("dicom json", "dicom+json") if asked else request.headers.get("Accept")


def related_answer(made: Related, asker: Access) -> Response:
    """A multipart answer, streamed, that stops when the sharing does."""
    return streamed(made.octets, made.length, made.content_type, asker)


def at_once(octets: bytes, content_type: str, *, status: int = 200) -> Response:
    """Octets that are in memory already: the server gets them whole, and sends them in one go."""
    answer = Response([octets], status=status, content_type=content_type, direct_passthrough=True)
    answer.content_length = len(octets)
    return answer


def streamed(
    pieces: Iterator[bytes], length: int | None, content_type: str, asker: Access, *, status: int = 200
) -> Response:
    """Octets as they come, with their exact number where it is known; asked on the way whether they may go on."""
    answer = Response(
        watched(pieces, services(), asker), status=status, content_type=content_type, direct_passthrough=True
    )
    if length is not None:
        answer.content_length = length
    return answer
