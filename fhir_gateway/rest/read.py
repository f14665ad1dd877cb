"""FHIR read, versions and their history, and the files behind reports (R4 http: read, vread, history; R4 Binary)."""

from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from flask import Response, current_app, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicomweb.accept import choose
from fhir_gateway.errors import NotAcceptable
from fhir_gateway.looking import tell_read, was_forgotten
from fhir_gateway.outcome import gone, not_found
from fhir_gateway.params import DateTest, Span, whole
from fhir_gateway.resources.bundle import history
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.rest.answers import (
    FHIR_JSON,
    answer,
    blueprint,
    check_accepted,
    links,
    resource_answer,
    version_answer,
    versioned,
)
from fhir_gateway.rest.came_with import what_came_with
from fhir_gateway.rest.prepared import STUDY, Prepared
from fhir_gateway.rest.question import PAGE_MOST
from fhir_gateway.rest.shelf import Found, Shelf
from vault.audit import Did
from vault.database import Work
from vault.errors import NotThere
from vault.ids import parse_id
from vault.reading import open_document
from vault.studies import Report, Resource

Json = dict[str, Any]

_DRAWN_INLINE = frozenset({"application/pdf"})


def _shelf(work: Work) -> Shelf:
    return Shelf(work, access(), links(), current_app.extensions["settings"].brand)


def _read(kind: Kind, resource_id: str) -> Response:
    if kind.name == STUDY:
        return _read_study(resource_id)
    return resource_answer(_looked_up(kind, resource_id, lambda shelf: [shelf.one_of(kind.name, resource_id)])[0])


def _read_study(resource_id: str) -> Response:
    """A study as it was drawn before, or is drawn now."""
    check_accepted()
    study_id = parse_id(resource_id)
    with services().reading() as work, _or_gone(work, STUDY, resource_id):
        drawn = Prepared.of(_shelf(work), "r").one(study_id)
    tell_read(services(), access(), Did.READ, of=STUDY, to=study_id, study=study_id)
    return version_answer(drawn.octets, drawn.version, drawn.arrived)


def _vread(kind: Kind, resource_id: str, version: str) -> Response:
    for one in _looked_up(kind, resource_id, lambda shelf: shelf.versions_of(kind.name, resource_id)):
        if one["meta"]["versionId"] == version:
            return resource_answer(one)
    raise not_found()


def _history(kind: Kind, resource_id: str) -> Response:
    most = whole(request.args.get("_count", str(PAGE_MOST)), most=PAGE_MOST)
    since = DateTest.parse(f"ge{request.args['_since']}") if request.args.get("_since") else None
    found = _looked_up(kind, resource_id, lambda shelf: shelf.versions_of(kind.name, resource_id))
    if since is not None:
        found = [one for one in found if since.fits(Span.parse(one["meta"].get("lastUpdated") or "0001"))]
    address = f"{links().resource(kind.name, resource_id)}/_history"
    return answer(history(links(), found[:most], address=address, total=len(found)))


def _looked_up(kind: Kind, resource_id: str, look: Callable[[Shelf], list[Found]]) -> list[Json]:
    """What was looked for, and written into the patient's history. Raises `NotThere`; 410 for a study they deleted."""
    check_accepted()
    with services().reading() as work, _or_gone(work, kind.name, resource_id):
        found = look(_shelf(work))
    study = found[0].study if found else None
    to = parse_id(resource_id) if kind.name != "Endpoint" else None
    tell_read(services(), access(), Did.READ, of=kind.name, to=to, study=None if study is None else study.id)
    return [one.resource for one in found]


@contextmanager
def _or_gone(work: Work, kind: str, resource_id: str) -> Generator[None]:
    """What is not there because the patient deleted it is gone, to whoever may know that. Raises `Refusal` 410."""
    try:
        yield
    except NotThere:
        if kind == STUDY and was_forgotten(work, access(), parse_id(resource_id)):
            raise gone() from None
        raise


@blueprint.get("/Binary/<resource_id>")
@needs("patient/Binary.r")
def read_document(resource_id: str) -> Response:
    """A file that came with a report or document the asker sees: bare, or as a Binary where FHIR was asked for."""
    with services().reading() as work:
        study, paper = what_came_with(_shelf(work), resource_id)
        media_type, octets = open_document(work, access().opened(), parse_id(resource_id))
    tell_read(services(), access(), Did.READ, of="Binary", to=paper.id, study=study.id)
    if _wants_bare(media_type):
        return _bare(resource_id, media_type, octets)
    made = {
        "resourceType": "Binary",
        "id": resource_id,
        "contentType": media_type,
        "securityContext": {"reference": f"{_type_of(paper)}/{paper.id.hex()}"},
        "data": b64encode(octets).decode("ascii"),
    }
    return resource_answer(versioned(made, paper.received))


def _type_of(paper: Report | Resource) -> str:
    return paper.type if isinstance(paper, Resource) else "DiagnosticReport"


def _wants_bare(media_type: str) -> bool:
    """Whether the file itself is wanted. Raises `NotAcceptable` where neither it nor FHIR is."""
    if "_format" in request.args:
        check_accepted()
        return False
    chosen = choose(request.headers.get("Accept"), (media_type, FHIR_JSON, "application/json"))
    if chosen not in (media_type, FHIR_JSON, "application/json"):
        raise NotAcceptable("The file can be given as it is, or as a FHIR Binary.")
    return chosen == media_type


def _bare(resource_id: str, media_type: str, octets: bytes) -> Response:
    """The file, or the part of it that Range names (RFC 9110 14)."""
    text = media_type.startswith("text/")
    answer = Response(octets, content_type=f"{media_type}; charset=utf-8" if text else media_type)
    how = "inline" if media_type in _DRAWN_INLINE else "attachment"
    ending = {"application/pdf": "pdf", "text/html": "html"}.get(media_type, "txt")
    answer.headers["Content-Disposition"] = f'{how}; filename="report-{resource_id[:8]}.{ending}"'
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.make_conditional(request.environ, accept_ranges=True, complete_length=len(octets))
    return answer


def _routes(kind: Kind) -> None:
    guard = needs(f"patient/{kind.name}.r")

    @guard
    def read(resource_id: str) -> Response:
        return _read(kind, resource_id)

    @guard
    def vread(resource_id: str, version: str) -> Response:
        return _vread(kind, resource_id, version)

    @guard
    def versions(resource_id: str) -> Response:
        return _history(kind, resource_id)

    path = f"/{kind.name}/<resource_id>"
    blueprint.add_url_rule(path, f"read_{kind.name}", read, methods=["GET"])
    if kind.versions:
        blueprint.add_url_rule(f"{path}/_history/<version>", f"vread_{kind.name}", vread, methods=["GET"])
        blueprint.add_url_rule(f"{path}/_history", f"history_{kind.name}", versions, methods=["GET"])


for _kind in KINDS.values():
    if _kind.reads and _kind.name != "Binary":
        _routes(_kind)
