"""`Patient/$everything`: a patient's whole record, page by page (R4 Patient operations)."""

from collections.abc import Sequence

from flask import Response, current_app, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.looking import question_told, tell_read
from fhir_gateway.outcome import Issue, Refusal, forbidden
from fhir_gateway.params import whole as whole_number
from fhir_gateway.resources.bundle import search_set
from fhir_gateway.rest.answers import answer, blueprint, check_accepted, links, prefers
from fhir_gateway.rest.found import Found
from fhir_gateway.rest.pages import Page, Pages, whose
from fhir_gateway.rest.question import PAGE, PAGE_MOST
from fhir_gateway.rest.shelf import Shelf
from fhir_gateway.rest.whole import Part, record, values_of
from vault.audit import Did
from vault.ids import parse_id

SCOPE = "patient/Patient.r"
KNOWN = frozenset({"_since", "_type", "start", "end", "_count", "_page", "_format", "_pretty"})


@blueprint.get("/Patient/$everything")
@needs(SCOPE)
def everything() -> Response:
    """All records that the asker sees: of a patient, their own."""
    return _everything("")


@blueprint.get("/Patient/<patient_id>/$everything")
@needs(SCOPE)
def everything_of(patient_id: str) -> Response:
    """The record of one patient. 403 for a patient whose record the access does not cover."""
    return _everything(parse_id(patient_id).hex())


def _everything(patient: str) -> Response:
    check_accepted()
    asker, address = access(), f"Patient/{patient}/$everything" if patient else "Patient/$everything"
    pages = Pages(services().secrets, whose(asker), services().clock.now())
    linked = request.args.get("_page")
    page = pages.read(address, linked) if linked else Page(tuple(request.args.items(multi=True)))
    asked = values_of(page.used)
    if prefers("handling") == "strict" and set(asked) - KNOWN:
        raise Refusal(400, Issue("not-supported", "A parameter is not known here."))
    size = max(1, whole_number((asked.get("_count") or [str(PAGE)])[0], most=PAGE_MOST))
    with services().reading() as work:
        shelf = Shelf(work, asker, links(), current_app.extensions["settings"].brand)
        if patient and patient not in shelf.covered:
            raise forbidden("The access does not cover this patient.")
        found = record(shelf, Part.parse(asked), patient)
        at = _begins(page, found)
        shelf.look_into(found[at : at + size])
        shown = [shelf.whole(one).resource for one in found[at : at + size]]
    told = question_told(address, request.args.items(multi=True))
    tell_read(services(), asker, Did.SEARCHED, of="Patient", asked=told)

    def linked_to(offset: int) -> str:
        name = _name(found[offset]) if offset < len(found) else ""
        return f"{links().fhir}/{address}?_page={pages.sealed(address, Page(page.used, offset, name))}"

    addresses = {"self": linked_to(at)}
    if at:
        addresses["previous"] = linked_to(max(at - size, 0))
    if at + size < len(found):
        addresses["next"] = linked_to(at + size)
    return answer(search_set(links(), shown, [], total=len(found), addresses=addresses))


def _begins(page: Page, found: Sequence[Found]) -> int:
    """Where the page begins now, whatever arrived before it."""
    names = [_name(one) for one in found]
    return names.index(page.first) if page.first in names else min(page.offset, len(found))


def _name(found: Found) -> str:
    return f"{found.resource['resourceType']}/{found.resource['id']}"
