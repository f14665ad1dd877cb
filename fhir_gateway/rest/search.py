"""FHIR search, by GET and by POST (R4 search)."""

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request

from consent.guards import needs
from consent.request import access, services
from fhir_gateway.errors import BadParameter, UnsupportedMediaType
from fhir_gateway.looking import question_told, tell_read
from fhir_gateway.outcome import forbidden
from fhir_gateway.resources import endpoint
from fhir_gateway.resources.bundle import only_elements, search_set, shortened
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.rest.answers import FORM, answer, blueprint, check_accepted, links, prefers
from fhir_gateway.rest.includes import coming_along
from fhir_gateway.rest.pages import Page, Pages, whose
from fhir_gateway.rest.prepared import Prepared
from fhir_gateway.rest.question import PASSED, Question
from fhir_gateway.rest.shelf import Found, Shelf
from fhir_gateway.rest.sight import Sight
from vault.audit import Did

Json = dict[str, Any]


def _search(kind: Kind) -> Response:
    check_accepted()
    asker = access()
    pages = Pages(services().secrets, whose(asker), services().clock.now())
    question, page = _asked(kind, pages)
    with services().reading() as work:
        named = endpoint.ENDPOINT_ID if question.asks_for_endpoints else ""
        shelf = Shelf(work, asker, links(), current_app.extensions["settings"].brand, named_endpoint=named)
        if not question.patients <= shelf.covered:
            raise forbidden("The access does not cover this patient.")
        made = _answered(question, page, pages, Sight(shelf, asker))
    tell_read(services(), asker, Did.SEARCHED, of=kind.name, asked=question_told(kind.name, _items()))
    return answer(made)


def _items() -> list[tuple[str, str]]:
    return [*request.args.items(multi=True), *(request.form.items(multi=True) if request.method == "POST" else ())]


def _asked(kind: Kind, pages: Pages) -> tuple[Question, Page | None]:
    """The question, and the page of it that a link means. Raises `UnsupportedMediaType` for a body that is no form."""
    if request.method == "POST" and request.mimetype not in ("", FORM):
        raise UnsupportedMediaType("A question is posted as a form.")
    items = _items()
    linked = [text for name, text in items if name == "_page"]
    strict = prefers("handling") == "strict"
    if not linked:
        return Question.parse(kind, items, base=links().fhir, strict=strict), None
    if any(name not in PASSED | {"_page"} for name, _ in items) or len(linked) > 1:
        raise BadParameter("A page's address stands alone.")
    page = pages.read(kind.name, linked[0])
    return Question.parse(kind, page.used, base=links().fhir, strict=False), page


def _answered(question: Question, page: Page | None, pages: Pages, sight: Sight) -> Json | bytes:
    prepared = Prepared.of(sight.shelf, "s")
    if prepared.answers(question):
        return prepared.page(question, page, pages)
    base = links().fhir
    found = question.matches(sight)
    total = None if question.total == "none" else len(found)
    if question.summary == "count" or question.count == 0:
        return search_set(links(), [], [], total=len(found), addresses={"self": question.address(base)})
    at = page.begins(found) if page is not None else 0
    own = question.address(base) if page is None else pages.address(base, question, found, at)
    addresses = {"self": own} | pages.around(base, question, found, at)
    matches = found[at : at + question.count]
    if question.summary in {"false", "data"}:
        sight.shelf.look_into(matches)
    brought = coming_along(matches, question.includes, sight)
    return search_set(
        links(),
        [_cut(question, sight.shelf, one) for one in matches],
        [sight.shelf.whole(one).resource for one in brought],
        total=total,
        addresses=addresses,
    )


def _cut(question: Question, shelf: Shelf, one: Found) -> Json:
    """The resource as it was asked for: whole, in summary, or some elements of it."""
    if question.elements:
        whole = shelf.whole(one) if "series" in question.elements else one
        return only_elements(whole.resource, question.elements)
    if question.summary in ("true", "text"):
        return shortened(one.resource, question.summary)
    return shortened(shelf.whole(one).resource, question.summary)


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
