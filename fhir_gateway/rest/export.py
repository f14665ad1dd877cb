"""
Bulk export of the patient's own record (HL7 Bulk Data Access): asked for, asked after, fetched file by file.

An export is ready at once, because nothing is copied for it: each file is written from the sealed record while it is
fetched, with a token of the grant it was asked under. What came after the export was asked for is not in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from flask import Response, current_app, request

from consent.access import Access
from consent.guards import needs
from consent.request import access, services
from fhir_gateway.errors import BadParameter
from fhir_gateway.links import Links
from fhir_gateway.looking import question_told, tell_read, watched
from fhir_gateway.outcome import Issue, Refusal, forbidden, malformed
from fhir_gateway.resources.bundle import only_elements
from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.rest.answers import blueprint, body, check_accepted, instant, links, prefers
from fhir_gateway.rest.everything import SCOPE
from fhir_gateway.rest.found import Found
from fhir_gateway.rest.question import Question
from fhir_gateway.rest.shelf import Shelf
from fhir_gateway.rest.sight import Sight
from fhir_gateway.rest.whole import Part, of_kind, values_of
from vault.audit import Did
from vault.database import Services, Work
from vault.exports import Export, ask_after_export, begin_export, end_export, open_export
from vault.ids import parse_id
from vault.keyring import GrantKeyring

NDJSON: Final = "application/fhir+ndjson"
FORMATS: Final = frozenset({NDJSON, "application/ndjson", "ndjson"})
KNOWN: Final = frozenset({"_outputFormat", "_since", "_until", "_type", "_elements", "_typeFilter"})
PAUSE: Final = timedelta(seconds=1)
_PATIENT = "patient"
_AT_ONCE: Final = 16  # studies with all their instances in memory

Values = Mapping[str, list[str]]


# --- asking for it ---------------------------------------------------------------------------------------------------


@blueprint.route("/Patient/$export", methods=["GET", "POST"])
@blueprint.route("/Patient/<patient_id>/$export", methods=["GET", "POST"])
@needs(SCOPE)
def export(patient_id: str = "") -> Response:
    """202 with the address to ask after. Raises `Refusal` 400 without `Prefer: respond-async`, 403 for another's."""
    check_accepted()
    asker, grant = access(), _grant()
    if "respond-async" not in request.headers.get("Prefer", "").lower():
        raise malformed("An export is asked for with Prefer: respond-async.")
    patient = parse_id(patient_id).hex() if patient_id else ""
    if patient and patient != asker.patient:
        raise forbidden("The access does not cover this patient.")
    values = _checked(values_of(_items()), asker)
    told = {**values, _PATIENT: [patient] if patient else [], "request": [f"{links().origin}{_address()}"]}
    with services().work() as work:
        made = begin_export(work, grant, told)
    asked = question_told("Patient/$export", ((name, one) for name, many in values.items() for one in many))
    tell_read(services(), asker, Did.SEARCHED, of="Patient", asked=asked)
    return Response(status=202, headers={"Content-Location": f"{links().fhir}/exports/{made.id.hex()}"})


def _grant() -> GrantKeyring:
    """Whose token it is. Raises `Refusal` 403 for a browser: an export is fetched by software."""
    found = access()
    if found.token_id is None or not isinstance(found.keyring, GrantKeyring):
        raise forbidden("An export is for software with a token of its own.")
    return found.keyring


def _address() -> str:
    """The request as it came."""
    return request.full_path.rstrip("?")


def _items() -> list[tuple[str, str]]:
    """What was asked: the query, or a Parameters resource."""
    items = list(request.args.items(multi=True))
    if request.method == "GET" or not request.content_length:
        return items
    sent = body()
    listed = sent.get("parameter") or []
    if sent.get("resourceType") != "Parameters" or not isinstance(listed, list):
        raise malformed("A Parameters resource is expected here.", "resourceType")
    return items + [_item(one) for one in listed]


def _item(parameter: Any) -> tuple[str, str]:
    if isinstance(parameter, dict):
        values = [value for name, value in parameter.items() if name.startswith("value")]
        if len(values) == 1 and isinstance(values[0], str) and isinstance(parameter.get("name"), str):
            return parameter["name"], values[0]
    raise malformed("A parameter has a name and one value, which is text.", "Parameters.parameter")


def _checked(values: Values, asker: Access) -> dict[str, list[str]]:
    """What was asked, if all of it can be done. Raises `Refusal` 400, `ScopeTooSmall`, `BadParameter`.

    What is not known is left out for whoever prefers `handling=lenient`.
    """
    if set(values) - KNOWN and prefers("handling") != "lenient":
        raise Refusal(400, Issue("not-supported", "An export has no such parameter here."))
    if any(one not in FORMATS for one in values.get("_outputFormat", ())):
        raise Refusal(400, Issue("not-supported", "Exports are written as application/fhir+ndjson."))
    known = {name: list(many) for name, many in values.items() if name in KNOWN and name != "_outputFormat"}
    for kind in Part.parse(known).types:
        asker.check_scope(f"patient/{kind}.r")
    _filters(known)
    return known


def _filters(values: Values) -> dict[str, list[Question]]:
    """The searches of `_typeFilter` by type: a resource of such a type is there if one of them finds it."""
    found: dict[str, list[Question]] = {}
    for text in values.get("_typeFilter", ()):
        for one in text.split(","):
            name, _, query = one.partition("?")
            kind = KINDS.get(name)
            if kind is None or not kind.searches:
                raise BadParameter("A filter is for no type that can be searched.")
            pairs = parse_qsl(query, keep_blank_values=True)
            found.setdefault(name, []).append(Question.parse(kind, pairs, base=links().fhir, strict=True))
    return found


# --- asking after it -------------------------------------------------------------------------------------------------


@blueprint.get("/exports/<export_id>")
@needs(SCOPE)
def export_status(export_id: str) -> Response:
    """The manifest. 429 for whoever asks again within a second."""
    room, grant = services(), _grant()
    with room.work() as work:
        may = ask_after_export(work, grant, parse_id(export_id), pause=PAUSE)
    if not may:
        headers = {"Retry-After": str(int(PAUSE.total_seconds()))}
        raise Refusal(429, Issue("throttled", "It was asked for a moment ago."), headers=headers)
    writing = _Writing(room, access(), links(), current_app.extensions["settings"].brand)
    with room.reading() as work:
        made = open_export(work, grant, parse_id(export_id))
        counts = writing.counts(work, made)
    files = f"{links().fhir}/exports/{made.id.hex()}"
    manifest = {
        "transactionTime": instant(made.created),
        "request": made.asked["request"][0],
        "requiresAccessToken": True,
        "outputFormat": NDJSON,
        "output": [
            {"type": kind, "url": f"{files}/{kind}.ndjson", "count": count} for kind, count in counts.items() if count
        ],
        "deleted": [],
        "error": [],
    }
    told = Response(orjson.dumps(manifest), content_type="application/json")
    told.headers["Expires"] = format_datetime(made.expires, usegmt=True)
    if "separate-export-status" in request.headers.get("Prefer", ""):
        told.headers["X-Export-Status"] = "complete"
    return told


@blueprint.delete("/exports/<export_id>")
@needs(SCOPE)
def forget_export(export_id: str) -> Response:
    """The export is not there any more."""
    with services().work() as work:
        end_export(work, _grant(), parse_id(export_id))
    return Response(status=202)


# --- fetching it -----------------------------------------------------------------------------------------------------


@blueprint.get("/exports/<export_id>/<kind>.ndjson")
@needs(SCOPE)
def export_file(export_id: str, kind: str) -> Response:
    """One type of an export, a resource a line."""
    room, asker = services(), access()
    with room.reading() as work:
        made = open_export(work, _grant(), parse_id(export_id))
    if kind not in Part.parse(made.asked).kinds:
        raise Refusal(404, Issue("not-found", "There is no such file."))
    asker.check_scope(f"patient/{kind}.r")
    tell_read(room, asker, Did.SEARCHED, of=kind, asked=f"Patient/$export?_type={kind}")
    writing = _Writing(room, asker, links(), current_app.extensions["settings"].brand)
    return Response(watched(writing.lines(made, kind, _filters(made.asked)), room, asker), content_type=NDJSON)


class _Writing:
    """Writes an export from the record, as long as the answer takes."""

    def __init__(self, room: Services, asker: Access, address: Links, brand: str) -> None:
        self._room, self._asker, self._links, self._brand = room, asker, address, brand

    def counts(self, work: Work, made: Export) -> dict[str, int]:
        """How many resources of each type there are."""
        shelf, filters = self._shelf(work), _filters(made.asked)
        return {
            kind: sum(1 for _ in self._of_kind(shelf, made, kind, filters)) for kind in Part.parse(made.asked).kinds
        }

    def lines(self, made: Export, kind: str, filters: Mapping[str, list[Question]]) -> Iterator[bytes]:
        """Each resource in a line of its own; no transaction is open while a line is on its way."""
        wanted = _elements(made.asked, kind)
        with self._room.reading() as work:
            listed = list(self._of_kind(self._shelf(work), made, kind, filters))
        for at in range(0, len(listed), _AT_ONCE):
            with self._room.reading() as work:
                shelf = self._shelf(work)
                drawn = [shelf.whole(one).resource for one in listed[at : at + _AT_ONCE]]
            for one in drawn:
                yield orjson.dumps(only_elements(one, wanted) if wanted else one) + b"\n"

    def _shelf(self, work: Work) -> Shelf:
        return Shelf(work, self._asker, self._links, self._brand)

    def _of_kind(self, shelf: Shelf, made: Export, kind: str, filters: Mapping[str, list[Question]]) -> Iterator[Found]:
        part, patient = Part.parse(made.asked), next(iter(made.asked[_PATIENT]), "")
        part = replace(part, until=_earlier(part.until, made.created))
        sight = Sight(shelf, self._asker)
        ids = {one.resource["id"] for question in filters.get(kind, ()) for one in question.matches(sight)}
        for found in of_kind(shelf, kind, patient):
            if part.has(found.resource) and (kind not in filters or found.resource["id"] in ids):
                yield found


def _earlier(until: datetime | None, asked: datetime) -> datetime:
    return asked if until is None else min(until, asked)


def _elements(values: Values, kind: str) -> list[str]:
    """The elements asked for of this type: `id`, or `Patient.name` for one type alone."""
    listed = [one.strip() for text in values.get("_elements", ()) for one in text.split(",") if one.strip()]
    split = [one.rpartition(".") for one in listed]
    return [element for of, _, element in split if of in ("", kind)]
