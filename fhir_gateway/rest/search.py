"""FHIR search, by GET and by POST (R4 search)."""

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request

from consent.access import Access
from consent.guards import needs
from consent.request import access, services
from fhir_gateway.looking import tell_read
from fhir_gateway.outcome import forbidden
from fhir_gateway.resources.bundle import only_elements, search_set, summarised
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.rest.answers import answer, blueprint, check_accepted, links, prefers
from fhir_gateway.rest.question import Question
from fhir_gateway.rest.shelf import Found, Shelf
from vault.audit import Did

Json = dict[str, Any]


def _search(kind: Kind) -> Response:
    check_accepted()
    items = [*request.args.items(multi=True), *(request.form.items(multi=True) if request.method == "POST" else ())]
    question = Question.parse(kind, items, base=links().fhir, strict=prefers("handling") == "strict")
    asker = access()
    with services().reading() as work:
        shelf = Shelf(work, asker, links(), current_app.extensions["settings"].brand)
        if not question.patients <= shelf.patients.keys():
            raise forbidden("The access does not cover this patient.")
        made = _answered(question, shelf, asker)
    with services().work() as work:
        tell_read(work, asker, Did.SEARCHED, of=kind.name)
    return answer(made)


def _answered(question: Question, shelf: Shelf, asker: Access) -> Json:
    whose = _whose(asker)
    base = links().fhir
    addresses = {"self": question.address(base, question.page)}
    offset = question.offset(whose)
    wants_endpoint = bool(question.includes)
    found = [
        one for one in shelf.all_of(question.kind.name, named_endpoint=wants_endpoint) if question.fits(one.resource)
    ]
    if question.summary == "count" or question.count == 0:
        return search_set(links(), [], [], total=len(found), addresses=addresses)
    page = question.sorted(found, lambda one: one.resource)[offset : offset + question.count]
    if offset + question.count < len(found):
        addresses["next"] = question.address(base, question.page_at(whose, offset + question.count))
    matches = [_cut(question, shelf, one) for one in page]
    refers = any(one.study is not None and one.study.series for one in page)
    included = [shelf.endpoint()] if wants_endpoint and refers else []
    return search_set(links(), matches, included, total=len(found), addresses=addresses)


def _cut(question: Question, shelf: Shelf, one: Found) -> Json:
    """The resource as it was asked for: whole, in summary, or some elements of it."""
    if question.elements:
        whole = shelf.whole(one) if "series" in question.elements else one
        return only_elements(whole.resource, question.elements)
    if question.summary == "true":
        return summarised(one.resource)
    return shelf.whole(one).resource


def _whose(asker: Access) -> bytes:
    """Whom a page link is good for: the same record under the same sharing, with whatever token."""
    return b"".join((one.grant.grant_id if one.grant is not None else one.vault_id) or b"" for one in asker.each)


def _route(kind: Kind) -> Callable[[], Response]:
    @needs(f"patient/{kind.name}.s")
    def search() -> Response:
        return _search(kind)

    return search


for _kind in KINDS.values():
    if _kind.searches:
        view = _route(_kind)
        blueprint.add_url_rule(f"/{_kind.name}", f"search_{_kind.name}", view, methods=["GET"])
        blueprint.add_url_rule(f"/{_kind.name}/_search", f"search_{_kind.name}_by_form", view, methods=["POST"])
