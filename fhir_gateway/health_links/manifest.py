"""The manifest of a link, its files, and the way on to our own pages (SMART Health Links 1.0).

Every dead link answers 404, whatever it died of. Nothing is asked but the address, the reader's name and the passcode;
the link's key never comes here.
"""

from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from consent.guards import for_clients, needs
from consent.health_links import (
    FILE_SECONDS,
    Opening,
    begin_visit,
    file_opening,
    flags_of,
    open_for,
)
from consent.refusals import refusal_of
from consent.request import access, services, set_cookie
from consent.tokens import text_of
from fhir_gateway.errors import BadRequest
from fhir_gateway.health_links import asked
from fhir_gateway.health_links.files import SUMMARY, LinkFile, content_type_of, file_of, last_changed, names_of
from fhir_gateway.health_links.payload import MANIFESTS
from fhir_gateway.links import Links
from vault.database import Work
from vault.errors import WrongPasscode
from vault.health_links import LONG_TERM, SINGLE_FILE, add_file
from vault.health_links import spend_file as spend

Json = dict[str, Any]

blueprint = Blueprint("health_links", __name__, url_prefix=MANIFESTS)

WITH_A_LINK = for_clients("whoever has a health link's address may ask there; it says nothing without the link's key")
JWE = "application/jose"
ASK_AGAIN = 3600  # seconds; what a link that changes says to whoever keeps asking


@blueprint.post("/<address>")
@WITH_A_LINK
def manifest(address: str) -> Response:
    """The files of a link, each inside the answer or at an address of its own, good once and for an hour."""
    where = asked.address(address)
    request.max_content_length = asked.LONGEST_BODY
    flags = flags_of(services(), where)
    if SINGLE_FILE in flags:
        return _said({"message": "This link is one file. Fetch it by GET."}, 405, {"Allow": "GET"})
    wanted = asked.wanted(request.get_data())
    opening = open_for(services(), where, wanted.reader)
    files = [_listed(opening, what, wanted.longest_embedded or 0) for what in names_of(opening)]
    headers = {"Retry-After": str(ASK_AGAIN)} if LONG_TERM in flags else {}
    return _said({"files": files}, 200, headers)


@blueprint.get("/<address>")
@WITH_A_LINK
def single_file(address: str) -> Response:
    """The one file of a link without a manifest (flag U)."""
    where = asked.address(address)
    if SINGLE_FILE not in flags_of(services(), where):
        return _said({"message": "Ask for the manifest by POST."}, 405, {"Allow": "POST"})
    opening = open_for(services(), where, asked.reader(request.args.get("recipient")))
    with services().reading() as work:
        return _file(_drawn(work, opening, names_of(opening)[0]), opening)


@blueprint.get("/files/<address>")
@WITH_A_LINK
def file(address: str) -> Response:
    """One file from a manifest; its address is used up by this."""
    where = asked.address(address)
    with services().reading() as work:
        opening, what = file_opening(work, where)
        answer = _file(_drawn(work, opening, what), opening)
    with services().work() as work:
        spend(work, where)
    return answer


@blueprint.post("/visit")
@needs("patient/Patient.r")
def visit() -> Response:
    """Whoever has the link's token goes on as a guest of our own pages; the cookie ends with the link."""
    with services().work() as work:
        cookie = begin_visit(work, access())
    return set_cookie(_said({"address": "/see/scans"}, 200), cookie)


def _listed(opening: Opening, what: str, longest: int) -> Json:
    told: Json = {"contentType": content_type_of(what)}
    with services().reading() as work:
        told["lastUpdated"] = last_changed(work, opening)
        inside = _drawn(work, opening, what).encrypted(opening) if longest else ""
    if what == SUMMARY:
        told["fhirVersion"] = "4.0.1"
    if LONG_TERM in opening.link.flags:
        told["status"] = "can-change"
    if inside and len(inside) <= longest:
        return told | {"embedded": inside}
    with services().work() as work:
        secret = add_file(work, opening.link, what, seconds=FILE_SECONDS)
    return told | {"location": f"{_links().origin}{MANIFESTS}/files/{text_of(secret)}"}


def _drawn(work: Work, opening: Opening, what: str) -> LinkFile:
    return file_of(work, opening, what, links=_links(), brand=current_app.extensions["settings"].brand)


def _links() -> Links:
    return Links(current_app.extensions["settings"].base_url)


# --- answers ---------------------------------------------------------------------------------------------------------


def _said(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status=status, headers=headers, content_type="application/json")


def _file(made: LinkFile, opening: Opening) -> Response:
    return Response(made.encrypted(opening), content_type=JWE)


@blueprint.errorhandler(Exception)
def refuse(error: Exception) -> Response:
    """What was refused, as JSON. A fault of ours says nothing but that it was one."""
    if isinstance(error, WrongPasscode):
        return _said({"remainingAttempts": error.tries_left}, 401)
    if isinstance(error, BadRequest):
        return _said({"message": str(error)}, 400)
    if isinstance(error, HTTPException):
        return _said({"message": error.name}, error.code or 500)
    told = refusal_of(error)
    if told is not None:
        return _said({"message": told.words}, told.status, told.headers)
    current_app.logger.error("a health link failed: %s", type(error).__name__)
    if current_app.testing:
        raise error
    return _said({"message": "Something went wrong here."}, 500)
