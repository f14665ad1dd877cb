"""Whatever is sent to the authorization server, it refuses in its own words and never stumbles."""

import os
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.consent.small_app import (
    ASSERTION_TYPE,
    CHALLENGE,
    FHIR,
    REDIRECT,
    VERIFIER,
    SmallSettings,
    a_person,
    an_app,
    an_ec_key,
    signed,
    small_app,
)
from tests.fakes import FrozenClock
from vault.blobs import DiskBlobs
from vault.database import Database, Services
from vault.secrets import Secrets
from vault.tables import Row

SHARE_CODE = "urn:keepray:oauth:grant-type:share-code"
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
ODD = [
    "", " ", "\0", "é", "x" * 5_000, "phat_" + "A" * 43, "phrt_" + "A" * 42 + "é", "phrt_", "phac_" + "_" * 43,
    "a.b.c", "..", "e30.e30.e30", "W10.W10.", "9" * 5_000, "-1", "NaN", "'\"\\", "patient/*.rs?category=|", "%00",
    "ABCD-EFGH-JKLM-NPQR-STUV", "javascript:alert(1)", "[::1", "http://[::1", "https://a:b@c:99999/",
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server with a patient who let an app in."""
    folder = tmp_path_factory.mktemp("fuzz")
    database = Database(f"sqlite:///{folder / 'keepray.db'}")
    Row.metadata.create_all(database.engine)
    clock, keys = FrozenClock(), [os.urandom(32) for _ in range(4)]
    secrets = Secrets(peppers={1: keys[0]}, pepper_id=1, index_key=keys[1], mail_key=keys[2], audit_key=keys[3])
    services = Services(database, DiskBlobs(folder / "objects"), clock, secrets)
    app = small_app(services, SmallSettings(open_registration=True))
    person = a_person(app, services, "ana").signs_in()
    smart = an_app(app, services)
    other = an_app(app, services, auth="client_secret")
    key = an_ec_key()
    signs = an_app(app, services, key=key)
    token = smart.gets_tokens(person, "openid launch/patient patient/*.rs offline_access")
    known = [
        smart.added.client_id, other.added.client_id, other.added.secret, token["access_token"],
        token["refresh_token"], smart.is_let_in(person), signed(key, signs.added.client_id), REDIRECT, VERIFIER,
        CHALLENGE, FHIR, ASSERTION_TYPE, SHARE_CODE, "authorization_code", "refresh_token", "client_credentials",
        "code", "S256", "patient/*.rs", "state", "none", "login",
    ]  # fmt: skip
    yield {"web": app.test_client(), "clock": clock, "person": person, "known": known}
    database.dispose()


def fields(names):
    """Pairs of a form, some of them known, some odd, some anything; a number stands for a known value."""
    value = st.one_of(st.integers(0, 21), st.sampled_from(ODD), TEXT)
    name = st.one_of(st.sampled_from(names), st.sampled_from(names), TEXT)
    return st.lists(st.tuples(name, value), max_size=9)


def in_words(world, pairs):
    return [(name, world["known"][value] if isinstance(value, int) else value) for name, value in pairs]


def check(answer):
    assert answer.status_code < 500, answer.text
    if answer.data:
        assert answer.is_json, answer.text[:200]
        if answer.status_code >= 400:
            assert isinstance(answer.json["error"], str)


TOKEN_FIELDS = [
    "grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "client_assertion",
    "client_assertion_type", "refresh_token", "scope", "resource", "token", "token_type_hint",
]  # fmt: skip


@QUICK
@given(
    st.sampled_from(["token", "introspect", "revoke", "userinfo"]),
    fields(TOKEN_FIELDS),
    st.one_of(st.none(), HEADER, st.sampled_from(["Basic ", "Basic Og==", "Basic /////w==", "Bearer ", "Bearer a,b"])),
)
def test_no_form_makes_the_token_endpoints_stumble(world, path, pairs, authorization):
    world["clock"].advance(seconds=61)
    headers = {} if authorization is None else {"Authorization": authorization}
    check(
        world["web"].post(
            f"/oauth/{path}",
            data=urlencode(in_words(world, pairs)),
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )
    )


@QUICK
@given(st.sampled_from(["token", "introspect", "revoke", "register"]), st.binary(max_size=200), HEADER)
def test_no_octets_make_the_token_endpoints_stumble(world, path, body, content_type):
    world["clock"].advance(hours=1)
    for kind in (content_type, "application/x-www-form-urlencoded", "application/json", "multipart/form-data"):
        check(world["web"].post(f"/oauth/{path}", data=body, content_type=kind))


AUTHORIZE_FIELDS = [
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "resource", "launch", "code_challenge",
    "code_challenge_method", "nonce", "prompt", "max_age", "request", "login_hint",
]  # fmt: skip


@QUICK
@given(fields(AUTHORIZE_FIELDS), st.booleans())
def test_no_address_makes_the_question_stumble(world, pairs, rightly):
    world["person"].signs_in()
    usual = world_asks(world) if rightly else []
    query = urlencode([*usual, *in_words(world, pairs)])
    for answer in (
        world["person"].web.get(f"/oauth/authorize?{query}"),
        world["web"].post("/oauth/authorize", data=query, content_type="application/x-www-form-urlencoded"),
    ):
        assert answer.status_code in {200, 302, 303, 400, 413}, answer.text[:300]
        if answer.status_code == 302 and "/check" not in answer.location:
            assert answer.location.startswith((REDIRECT, "/check", "/sign-in"))


def world_asks(world):
    return [
        ("response_type", "code"), ("client_id", world["known"][0]), ("redirect_uri", REDIRECT), ("aud", FHIR),
        ("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), ("state", "x"), ("scope", "patient/*.rs"),
    ]  # fmt: skip


REGISTER_FIELDS = [
    "client_name", "redirect_uris", "token_endpoint_auth_method", "grant_types", "response_types", "scope", "jwks",
    "jwks_uri", "contacts", "client_uri", "logo_uri", "software_id", "client_id",
]  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT, st.sampled_from(ODD)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["keys", "kty", "kid", "n", "x", "crv"]), inner)
    ),
    max_leaves=8,
)


@QUICK
@given(st.dictionaries(st.sampled_from(REGISTER_FIELDS), JSON), st.booleans())
def test_no_json_makes_the_registration_stumble(world, body, rightly):
    world["clock"].advance(hours=1)
    whole = body | ({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"} if rightly else {})
    made = world["web"].post("/oauth/register", json=whole)
    check(made)
    if made.status_code == 201:
        path = made.json["registration_client_uri"].removeprefix("http://localhost")
        header = {"Authorization": f"Bearer {made.json['registration_access_token']}"}
        check(world["web"].put(path, json=body, headers=header))
