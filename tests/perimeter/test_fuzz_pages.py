"""
Whatever is sent to our own pages and to the answers that scripts get from them: never an error of ours.

The machine protocols have their own tests; here is all else that has an address, asked by everyone who may be there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.browser import Browser
from tests.houses import IndoorHouse
from tests.journeys.stories import a_story
from tests.people import Guest, Provider

MACHINES = ("/fhir", "/dicomweb", "/oauth", "/static", "/.well-known", "/shl")
# Sent whole they would end what the others of this test look at, or print for seconds.
ENDS = (
    "leaving.",
    "studies.remove",
    "shares.stop",
    "signing.sign_out",
    "away.leave",
    "provider.sign_out",
    "doctor.end",
    "links.stop",
)
PRINTS = ("paper", "slip", "kit", "zip")
NAMES = [
    "answer",
    "all",
    "before",
    "born-day",
    "born-month",
    "born-year",
    "called",
    "choice",
    "clinic",
    "code",
    "duration",
    "frame",
    "group",
    "h",
    "how",
    "in",
    "kept",
    "kind",
    "label",
    "length",
    "link",
    "login",
    "mail",
    "may",
    "name",
    "next",
    "number",
    "old",
    "opens",
    "page",
    "password",
    "pin",
    "position",
    "q",
    "quality",
    "recipient",
    "scan",
    "scans",
    "shared",
    "size",
    "study",
    "v",
    "w",
    "when",
    "window",
    "word",
]
KNOWN = st.sampled_from(
    ["", "0", "1", "-1", "1e9", "9" * 40, "code", "link", "pdf", "yes", "4h", "30d", "see", "save", "all", "pick", "../..",
     "//evil.example", "\x00", "\ud7ff", "٣", "2026-02-30", "a@b.example", "'", "%00", "{{7*7}}", "x" * 5_000]
)  # fmt: skip
VALUES = st.one_of(KNOWN, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
PAIRS = st.lists(
    st.tuples(st.one_of(st.sampled_from(NAMES), st.text("abc-_[]", min_size=1, max_size=8)), VALUES), max_size=6
)
BODIES = st.sampled_from(["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "text/x"])


@dataclass
class Visitors:
    """Everyone who may stand before our pages, what belongs to the patient, and every address of ours."""

    people: dict[str, Browser]
    ids: list[str]
    rules: list[tuple[str, str]]


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    house = IndoorHouse(tmp_path_factory.mktemp("fuzz"))
    told = a_story(house)
    shared, other = (told.patient.gives_a_code(may=("see", "save"), length="30d") for _ in range(2))
    guest, provider = Guest(house), Provider(house)
    guest.opens(shared.code)
    provider.makes_an_account()
    provider.enters(other.code)
    people = {"nobody": Browser(house), "patient": told.patient, "guest": guest, "provider": provider}
    yield Visitors(people, [told.id, shared.id, other.id], sorted(_rules(house)))
    house.close()


def _rules(house: IndoorHouse) -> Iterator[tuple[str, str]]:
    for rule in house.app.url_map.iter_rules():
        mine = not rule.rule.startswith(MACHINES) and not rule.endpoint.startswith(ENDS)
        if mine and not any(word in rule.rule for word in PRINTS):
            yield from ((method, rule.rule) for method in rule.methods - {"HEAD", "OPTIONS"})


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_page_fails_whatever_is_asked(visitors: Visitors, data: st.DataObject):
    method, rule = data.draw(st.sampled_from(visitors.rules))
    who = visitors.people[data.draw(st.sampled_from(sorted(visitors.people)))]
    places = st.one_of(
        st.sampled_from([*visitors.ids, "0" * 32, "nobody", "%2e%2e"]), st.text("0123456789abcdef", max_size=34)
    )
    path = "/".join(
        (data.draw(places) + part.rpartition(">")[2]) if part.startswith("<") else part for part in rule.split("/")
    )
    form = data.draw(PAIRS)
    if data.draw(st.sampled_from([True, True, False])):
        form = [*form, *_forgery_value(who)]
    more = {"params": data.draw(PAIRS)}
    if method != "GET":
        more |= {"data": form, "Content_Type": data.draw(BODIES)}
    answer = who.ask(method, path, **more)
    assert answer.status_code < 500, (method, path, more, answer.text[:500])
    assert "Traceback" not in answer.text


def _forgery_value(who: Browser) -> list[tuple[str, str]]:
    """What this visitor's forms carry."""
    for path in ("/home", "/pro", "/see/scans", "/sign-in"):
        page = who.open(path)
        found = [(one.name, one.value) for form in page.forms for one in form.fields if one.name == "csrf_token"]
        if found:
            return found[:1]
    return []


@pytest.mark.parametrize("query", ["", "?deep=1", "?%00=%ff", "?" + "x=1&" * 500])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_the_health_check_never_fails_for_how_it_is_asked(visitors: Visitors, method: str, query: str):
    assert visitors.people["nobody"].ask(method, f"/healthz{query}").status_code in {200, 400, 405}
