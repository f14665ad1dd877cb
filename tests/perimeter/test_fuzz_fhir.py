"""Whatever a program sends to a FHIR route, the answer is FHIR's and no fault of ours.

The app is under test, so that a fault is raised here with its place instead of being answered with 500.
"""

import copy
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.resources.parameters import EVERYWHERE
from tests import factories as make
from tests.fhir_gateway.callers import FHIR_JSON
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.papers import a_push

QUICKLY = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SEARCHED = sorted(name for name, kind in KINDS.items() if kind.searches)
CONTROLS = [
    "_count",
    "_sort",
    "_include",
    "_include:iterate",
    "_revinclude",
    "_summary",
    "_elements",
    "_total",
    "_page",
]
CONTROLS += ["_format", "_pretty", "_has:DiagnosticReport:study:status", "_has", "_filter", "_since", "_type"]
MODIFIERS = [
    "",
    ":not",
    ":missing",
    ":text",
    ":exact",
    ":contains",
    ":identifier",
    ":Patient",
    ":below",
    ":in",
    ":",
    ":x",
]
CHAINS = ["", "", "", ".identifier", ".name", ".status", "._id", ".birthdate", ".x", ".patient.name", "."]
VALUES = ["", "x", "2024", "ge2024-01-01", "ap0001", "sa9999-12-31", "eb0001-01-01T00:00:00Z", "true", "1", "-1", "a|b"]
VALUES += [
    "|",
    "a|",
    "|b",
    r"\|",
    r"\,",
    "\\",
    "a,b",
    ",",
    "Patient/1",
    "a/b/c",
    "https://x.example.org/Patient/1",
    "#e",
]
VALUES += ["ImagingStudy:*", "DiagnosticReport:study:ImagingStudy", "*", "-started,_id", "-", "ap", "lt", "2024-02-30"]
VALUES += ["9999", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "urn:oid:1", "\u0000", "\ud7ff", "İ", "é"]


@pytest.fixture
def app(site, patient):  # noqa: F811
    site.sends(a_push())
    site.stores(make.an_instance())
    return patient.lets_in(seconds=7200)


def is_fhir(answer) -> None:
    """Nothing that is no answer, and every refusal in FHIR's own form."""
    assert answer.status_code < 500, (answer.status_code, answer.text)
    if answer.status_code >= 400:
        assert answer.json["resourceType"] == "OperationOutcome"
        assert answer.json["issue"][0]["details"]["text"]


text = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.one_of(st.sampled_from(VALUES), text)


@st.composite
def questions(draw):
    kind = draw(st.sampled_from(SEARCHED))
    known = st.sampled_from([one.name for one in (*EVERYWHERE, *KINDS[kind].params)])
    plain = st.builds(lambda *parts: "".join(parts), known, st.sampled_from(MODIFIERS), st.sampled_from(CHAINS))
    names = st.one_of(plain, plain, st.sampled_from(CONTROLS), text)
    return kind, draw(st.lists(st.tuples(names, values), min_size=1, max_size=4))


@QUICKLY
@given(questions(), st.booleans())
def test_no_question_is_a_fault(app, asked, by_form):
    kind, pairs = asked
    headers = {"Authorization": f"Bearer {app.token}"}
    if by_form:
        body = urlencode(pairs).encode()
        form = "application/x-www-form-urlencoded"
        is_fhir(app.http.post(f"/fhir/{kind}/_search", data=body, content_type=form, headers=headers))
    else:
        is_fhir(app.http.get(f"/fhir/{kind}?{urlencode(pairs)}", headers=headers))


words = st.sampled_from(["Patient", "x", "", "urn:uuid:p", "Patient/1", "2024", "final", "\u0000", "a" * 300, "<div>"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def places(value, before=()):
    """The way to everything in a resource."""
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*before, name))


def changed(resource, place, new):
    made = copy.deepcopy(resource)
    holder = made
    for step in place[:-1]:
        holder = holder[step]
    if place:
        holder[place[-1]] = new
        return made
    return new


PUSH = a_push()
PLACES = list(places(PUSH))


@QUICKLY
@given(st.sampled_from(PLACES), anything)
@example(("entry", 3, "request", "method"), [])
@example(("entry", 2, "resource", "presentedForm", 0, "data"), None)
@example(("entry", 4, "resource", "name", 0, "prefix", 0), None)
@example(("entry", 2, "resource", "code"), None)
def test_no_push_with_something_wrong_in_it_is_a_fault(site, place, new):  # noqa: F811
    is_fhir(site.post("/fhir", json.dumps(changed(PUSH, place, new)).encode(), FHIR_JSON))


OPERATIONS = [f"/fhir/Patient/${name}" for name in KINDS["Patient"].operations or ()]
POSTED = ["/fhir", *(f"/fhir/{name}" for name, kind in KINDS.items() if kind.creates), *OPERATIONS]


@QUICKLY
@given(st.sampled_from(POSTED), anything | st.binary(max_size=40), st.sampled_from(sorted(KINDS)))
def test_no_body_is_a_fault(site, app, path, sent, kind):  # noqa: F811
    if isinstance(sent, dict):
        sent = {"resourceType": kind} | sent
    octets = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    is_fhir(site.post(path, octets, FHIR_JSON))
    is_fhir(app.post(path, octets, FHIR_JSON))


@QUICKLY
@given(st.lists(anything | st.builds(lambda url: {"request": {"method": "GET", "url": url}}, values), max_size=4))
def test_no_bundle_of_reads_is_a_fault(app, entries):
    sent = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    is_fhir(app.post("/fhir", json.dumps(sent).encode(), FHIR_JSON))


steps = st.one_of(st.sampled_from([*KINDS, "_history", "_search", "$everything", "metadata", "1", "0" * 32]), text)
headers = st.dictionaries(
    st.sampled_from(["Accept", "If-None-Match", "If-Modified-Since", "Prefer", "Range", "Content-Type"]),
    st.sampled_from(
        ["*", "", ",;,", "W/", "return=x;y", "handling=strict", "bytes=1-", "a/b;q=x", "x" * 300, FHIR_JSON]
    ),
    max_size=3,
)


@QUICKLY
@given(st.lists(steps, max_size=4), st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]), headers)
def test_no_address_is_a_fault(app, ways, method, more):
    path = "/fhir/" + "/".join(quote(one, safe="") for one in ways)
    answer = app.http.open(path, method=method, headers=more | {"Authorization": f"Bearer {app.token}"})
    if method == "HEAD":
        assert answer.status_code < 500
    elif answer.status_code not in (301, 308):
        is_fhir(answer)


@pytest.mark.parametrize("path", ["/fhir/Patient", "/fhir/metadata", "/fhir/nonsense"])
def test_an_address_of_other_letters_is_refused(app, path):
    answer = app.http.get(path, environ_overrides={"QUERY_STRING": "name=\x80"}, headers={"Accept": FHIR_JSON})
    assert answer.status_code == 400
    is_fhir(answer)


def test_a_line_feed_in_an_address_is_refused_in_fhirs_form(app):
    answer = app.get("/fhir/Patient/1%0A")
    assert answer.status_code == 404
    is_fhir(answer)
