"""FHIR read, and the files behind reports (R4 http, read; R4 Binary)."""

from base64 import b64encode
from collections.abc import Callable

from flask import Response, current_app, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.dicomweb.accept import choose
from fhir_gateway.errors import NotAcceptable
from fhir_gateway.looking import tell_read
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.rest.answers import FHIR_JSON, blueprint, check_accepted, links, resource_answer, versioned
from fhir_gateway.rest.shelf import Shelf
from vault.audit import Did
from vault.database import Work
from vault.ids import parse_id
from vault.reading import open_document
from vault.studies import Report, Resource

_DRAWN_INLINE = frozenset({"application/pdf"})


def _shelf(work: Work) -> Shelf:
    return Shelf(work, access(), links(), current_app.extensions["settings"].brand)


def _read(kind: Kind, resource_id: str) -> Response:
    check_accepted()
    with services().reading() as work:
        found = _shelf(work).one_of(kind.name, resource_id)
    with services().work() as work:
        study = found.study
        to = parse_id(resource_id) if kind.name != "Endpoint" else None
        tell_read(work, access(), Did.READ, of=kind.name, to=to, study=None if study is None else study.id)
    return resource_answer(found.resource)


@blueprint.get("/Binary/<resource_id>")
@needs("patient/Binary.r")
def read_document(resource_id: str) -> Response:
    """A file that came with a report or document the asker sees: bare, or as a Binary where FHIR was asked for."""
    with services().reading() as work:
        study, paper = _shelf(work).document(resource_id)
        media_type, octets = open_document(work, access().opened(), parse_id(resource_id))
    with services().work() as work:
        tell_read(work, access(), Did.READ, of="Binary", to=paper.id, study=study.id)
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


def _route(kind: Kind) -> Callable[[str], Response]:
    @needs(f"patient/{kind.name}.r")
    def read(resource_id: str) -> Response:
        return _read(kind, resource_id)

    return read


for _kind in KINDS.values():
    if _kind.reads and _kind.name != "Binary":
        blueprint.add_url_rule(f"/{_kind.name}/<resource_id>", f"read_{_kind.name}", _route(_kind), methods=["GET"])
