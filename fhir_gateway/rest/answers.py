"""The blueprint of FHIR: which formats it speaks, how it answers, and how it refuses (R4 http)."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.http import parse_options_header

from fhir_gateway.dicomweb.accept import parse_accept
from fhir_gateway.errors import NotAcceptable, UnsupportedMediaType
from fhir_gateway.links import Links
from fhir_gateway.outcome import Issue, Refusal, outcome, refusal_for
from fhir_gateway.resources.reading import read_json, too_long

Json = dict[str, Any]

FHIR_JSON = "application/fhir+json"
_JSON = (FHIR_JSON, "application/json", "text/json", "json")
FORM = "application/x-www-form-urlencoded"
_VERSIONS = re.compile(r"fhirversion\s*=\s*\"?([\w.]+)", re.IGNORECASE)
BASE64 = 4 / 3

blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")


def links() -> Links:
    """Addresses below the configured origin."""
    return Links(current_app.extensions["settings"].base_url)


def document_octets() -> int:
    """The largest file in a report that is taken in."""
    return current_app.extensions["settings"].document_octets


# --- what comes in ---------------------------------------------------------------------------------------------------


def body() -> Json:
    """The JSON of the request. Raises `UnsupportedMediaType`, `Refusal` 400 or 413."""
    kind = (request.mimetype or "").lower()
    if kind not in _JSON[:2] or not _is_r4(_version_in(request.mimetype_params)):
        raise UnsupportedMediaType("The body must be application/fhir+json of FHIR R4.")
    if request.content_encoding:
        raise UnsupportedMediaType("The body may not be encoded.")
    most = int(document_octets() * BASE64) + (4 << 20)
    if request.content_length is not None and request.content_length > most:
        raise too_long()
    return read_json(request.stream.read(most + 1), most=most)


def check_accepted() -> None:
    """Raise `NotAcceptable` unless the asker takes FHIR R4 as JSON; `_format` counts before Accept (R4 http)."""
    wanted = request.values.get("_format") if request.mimetype == FORM else request.args.get("_format")
    if wanted is not None:
        head, _, rest = wanted.partition(";")
        kind, options = parse_options_header(f"{head.strip().replace(' ', '+')};{rest}")
        if kind.lower() not in _JSON or not _is_r4(_version_in(options)):
            raise NotAcceptable("FHIR is spoken here as JSON.")
        return
    header = request.headers.get("Accept")
    ranges = parse_accept(header)
    spoken = [one for one in ranges if one.quality > 0 and any(one.covers(kind) for kind in _JSON[:2])]
    if not spoken:
        raise NotAcceptable("FHIR is spoken here as JSON.")
    versions = _VERSIONS.findall(header or "")
    if versions and not any(map(_is_r4, versions)):
        raise NotAcceptable("FHIR is spoken here as R4.")


def _version_in(options: Mapping[str, str]) -> str | None:
    return next((value for name, value in options.items() if name.lower() == "fhirversion"), None)


def _is_r4(version: str | None) -> bool:
    return version in (None, "4.0", "4.0.1")


def prefers(what: str) -> str:
    """A value of the Prefer header (RFC 7240): `return`, `handling`."""
    for part in request.headers.get("Prefer", "").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == what:
            return value.strip('" ')
    return ""


# --- what goes out ---------------------------------------------------------------------------------------------------


def versioned(resource: Json, updated: datetime | None = None, version: str = "") -> Json:
    """The resource with its version and the time it last changed.

    What a site sent has the number of its version, which `version` tells; the version of what we draw follows from its
    content.
    """
    plain = {name: value for name, value in resource.items() if name != "meta"}
    meta: Json = {"versionId": version or version_of(plain, None)}
    if updated is not None:
        meta["lastUpdated"] = instant(updated)
    return {
        "resourceType": resource["resourceType"],
        "id": resource["id"],
        "meta": meta | (resource.get("meta") or {}),
    } | plain


def version_of(resource: Json, updated: datetime | None) -> str:
    """The version that follows from a resource's content, and from when it changed."""
    told = {name: value for name, value in resource.items() if name != "meta"}
    octets = orjson.dumps([told, None if updated is None else instant(updated)], option=orjson.OPT_SORT_KEYS)
    return sha256(octets).hexdigest()[:16]


def instant(moment: datetime) -> str:
    """A FHIR instant, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer(resource: Json | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A resource as JSON, which octets are already; `_pretty=true` for people."""
    wanted = request.query_string.isascii() and request.args.get("_pretty") == "true"
    if wanted or not isinstance(resource, bytes):
        told = orjson.loads(resource) if isinstance(resource, bytes) else resource
        resource = orjson.dumps(told, option=orjson.OPT_INDENT_2 if wanted else None)
    made = Response(resource, status=status, content_type=f"{FHIR_JSON}; charset=utf-8")
    made.headers.extend(dict(headers or {}))
    return made


def resource_answer(resource: Json) -> Response:
    """One resource with its ETag; 304 where the asker has it already (R4 http, conditional read).

    Raises `Refusal` 412 where `If-Match` asks for a version that is no longer the newest.
    """
    updated = resource["meta"].get("lastUpdated")
    return version_answer(resource, resource["meta"]["versionId"], datetime.fromisoformat(updated) if updated else None)


def version_answer(resource: Json | bytes, version: str, updated: datetime | None) -> Response:
    """The same of a resource whose version, and the time it last changed, are told beside it."""
    etag = f'W/"{version}"'
    if "If-Match" in request.headers and not _names(request.headers["If-Match"], etag):
        raise Refusal(412, Issue("conflict", "This is no longer the newest version."))
    headers = {"ETag": etag}
    if updated is not None:
        headers["Last-Modified"] = format_datetime(updated, usegmt=True)
    if _is_known(etag, headers.get("Last-Modified")):
        return Response(status=304, headers=headers)
    return answer(resource, headers=headers)


def _is_known(etag: str, modified: str | None) -> bool:
    """Whether the asker has this version (RFC 9110 13.2.2: a tag counts before a time)."""
    if "If-None-Match" in request.headers:
        return _names(request.headers["If-None-Match"], etag)
    since = request.if_modified_since
    return since is not None and modified is not None and parsedate_to_datetime(modified) <= since


def _names(listed: str, etag: str) -> bool:
    """Whether a list of tags names this one. All of ours are weak, and are compared so."""
    tags = [one.strip() for one in listed.split(",")]
    return "*" in tags or etag.removeprefix("W/") in (one.removeprefix("W/") for one in tags)


@blueprint.after_request
def keep_private(made: Response) -> Response:
    """Nothing of a record stays in a cache."""
    if "Cache-Control" not in made.headers:
        made.headers["Cache-Control"] = "private, no-store"
    made.headers["X-Content-Type-Options"] = "nosniff"
    return made


@blueprint.before_app_request
def refuse_strange_addresses() -> Response | None:
    """Below the FHIR base, what no route can be made of is refused in FHIR's form as well."""
    problem = request.routing_exception
    if isinstance(problem, (NotFound, MethodNotAllowed)) and f"{request.path}/".startswith("/fhir/"):
        return refused(_http_refusal(problem))
    return None


@blueprint.errorhandler(Exception)
def refuse(error: Exception) -> Response:
    """What was refused, as an OperationOutcome; a fault of ours says nothing but that it was one."""
    if isinstance(error, HTTPException) and error.code is not None:
        return refused(_http_refusal(error))
    refusal = refusal_for(error)
    if refusal is not None:
        return refused(refusal)
    current_app.logger.error("a FHIR request failed: %s", type(error).__name__)
    if current_app.testing:
        raise error
    return refused(Refusal(500, Issue("exception", "Something went wrong here.")))


def refused(refusal: Refusal) -> Response:
    """A refusal in FHIR's form."""
    return answer(outcome(*refusal.issues), refusal.status, refusal.headers)


def _http_refusal(error: HTTPException) -> Refusal:
    codes = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported"}
    told = {name: value for name, value in error.get_headers() if name in {"Allow", "Content-Range"}}
    code = error.code or 500
    return Refusal(code, Issue(codes.get(code, "invalid"), error.name), headers=told)
