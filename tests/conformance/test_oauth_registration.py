"""Apps that register themselves, where the operator allows it (RFC 7591 and 7592)."""

import json

import pytest

from consent import sweeping
from consent.clients import AddedClient
from tests.consent.small_app import (
    BASE,
    REDIRECT,
    App,
    SmallSettings,
    a_person,
    an_ec_key,
    key_set,
    small_app,
)
from vault import audit
from vault.audit import Did
from vault.keyring import SYSTEM

FIELDS = {
    "client_name": "Moon Viewer",
    "redirect_uris": [REDIRECT],
    "token_endpoint_auth_method": "none",
    "scope": "launch/patient offline_access patient/*.rs",
    "client_uri": "https://moon.example.org/",
    "logo_uri": "https://moon.example.org/logo.png",
    "contacts": ["help@moon.example.org"],
    "software_id": "moon",
}


@pytest.fixture
def open_app(services):
    return small_app(services, SmallSettings(open_registration=True))


@pytest.fixture
def door(open_app):
    return open_app.test_client()


@pytest.fixture
def cleo(open_app, services):
    return a_person(open_app, services, "cleo").signs_in()


def registers(web, **fields):
    return web.post(
        "/oauth/register", json={name: value for name, value in (FIELDS | fields).items() if value is not None}
    )


def as_app(flask, said, key=None):
    return App(flask, AddedClient(said["client_id"], said.get("client_secret")), key)


def owner(said):
    return {"Authorization": f"Bearer {said['registration_access_token']}"}


def path_of(said):
    return said["registration_client_uri"].removeprefix(BASE)


# --- whether ---------------------------------------------------------------------------------------------------------


def test_apps_are_registered_by_the_operator_unless_that_is_changed(web):
    refused = registers(web)
    assert refused.status_code == 404
    assert refused.is_json
    for path in ("/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration"):
        assert "registration_endpoint" not in web.get(path).json


def test_the_address_to_register_at_is_told(door):
    for path in ("fhir/.well-known/smart-configuration", ".well-known/oauth-authorization-server"):
        assert door.get(f"/{path}").json["registration_endpoint"] == f"{BASE}/oauth/register"


# --- registering -----------------------------------------------------------------------------------------------------


def test_an_app_that_registered_itself_works_and_is_shown_as_not_checked(open_app, door, cleo):
    answer = registers(door)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    said = answer.json
    assert {name: said[name] for name in FIELDS} == FIELDS
    assert said["grant_types"] == ["authorization_code", "refresh_token"]
    assert said["response_types"] == ["code"]
    assert isinstance(said["client_id_issued_at"], int)
    assert "client_secret" not in said
    smart = as_app(open_app, said)
    page = smart.begins(cleo).text
    assert "Moon Viewer" in page
    assert "Not checked by Keepray" in page
    assert "Your answer goes to" in page
    assert "logo.png" not in page
    assert smart.gets_tokens(cleo)["patient"]


def test_an_app_with_a_secret_gets_one_and_one_that_signs_needs_keys(open_app, door, cleo):
    said = registers(door, token_endpoint_auth_method=None).json
    assert said["token_endpoint_auth_method"] == "client_secret_basic"
    assert said["client_secret_expires_at"] == 0
    assert as_app(open_app, said).gets_tokens(cleo)["patient"]
    key = an_ec_key()
    signs = registers(door, token_endpoint_auth_method="private_key_jwt", jwks=json.loads(key_set(key)))
    assert as_app(open_app, signs.json, key).gets_tokens(cleo)["patient"]
    bare = registers(door, token_endpoint_auth_method="private_key_jwt")
    assert (bare.status_code, bare.json["error"]) == (400, "invalid_client_metadata")


@pytest.mark.case("7.8")
@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example.org/*",
        "https://evil.example.org/*",
        "https://*.example.org/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://app.example.org/back",
        "https://app.example.org/back#part",
        "https://user@app.example.org/back",
        "org.example.app:/back",
        "/back",
        "",
        "https://app.example.org/ü",
    ],
)
def test_an_app_returns_to_an_address_of_its_own_and_nowhere_else(door, uri):
    answer = registers(door, redirect_uris=[REDIRECT, uri])
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_types": ["implicit"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", "password"]},
        {"response_types": ["token"]},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"scope": "system/*.cruds"},
        {"scope": "patient/*.cu"},
        {"scope": 7},
        {"client_name": ["x"]},
        {"client_name": "\u202e"},
        {"client_name": "\ud800"},
        {"client_uri": "javascript:alert(1)"},
        {"contacts": "me"},
        {"contacts": ["x"] * 50},
        {"jwks": "x", "token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": {"keys": []}, "token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [1]}, "jwks_uri": "https://x.example.org/", "token_endpoint_auth_method": "private_key_jwt"},
        {"jwks_uri": "ftp://app.example.org/keys", "token_endpoint_auth_method": "private_key_jwt"},
    ],
)
def test_what_an_app_may_not_be_is_told_it(door, fields):
    answer = registers(door, **fields)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata"), answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 5_000, b'"x"', b"\xff", b"{}"])
def test_what_is_no_registration_is_refused(door, body):
    answer = door.post("/oauth/register", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}
    as_form = door.post("/oauth/register", data={"client_name": "x"})
    assert as_form.json["error"] == "invalid_client_metadata"


def test_a_network_registers_some_apps_and_then_has_to_wait(door):
    statuses = [registers(door).status_code for _ in range(21)]
    assert statuses[:20] == [201] * 20
    assert statuses[20] == 429


# --- managing --------------------------------------------------------------------------------------------------------


def test_who_has_the_registration_token_reads_changes_and_ends_the_registration(open_app, door, cleo, services):
    said = registers(door).json
    assert door.get(path_of(said), headers=owner(said)).json == said
    moved = FIELDS | {"client_id": said["client_id"], "redirect_uris": ["https://moon.example.org/back"]}
    changed = door.put(path_of(said), json=moved, headers=owner(said))
    assert changed.status_code == 200, changed.text
    assert changed.json["redirect_uris"] == ["https://moon.example.org/back"]
    smart = as_app(open_app, said)
    assert smart.begins(cleo).status_code == 400
    smart.redirect_uri = "https://moon.example.org/back"
    token = smart.gets_tokens(cleo)["access_token"]
    ended = door.delete(path_of(said), headers=owner(said))
    assert (ended.status_code, ended.data) == (204, b"")
    assert smart.reads(token).status_code == 401
    assert smart.begins(cleo).status_code == 400
    assert door.get(path_of(said), headers=owner(said)).status_code == 401
    with services.reading() as work:
        done = [event.did for event in audit.events(work, SYSTEM) if event.by.kind == "app"]
    assert done == [Did.CLIENT_SWITCHED_OFF, Did.CLIENT_CHANGED, Did.CLIENT_ADDED]


def test_an_app_keeps_the_name_that_patients_have_read(door):
    said = registers(door).json
    for change in (
        {"client_name": "Harbor Scan Center"},
        {"client_id": "another"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"scope": "system/*.c"},
    ):
        body = FIELDS | {"client_id": said["client_id"]} | change
        answer = door.put(path_of(said), json=body, headers=owner(said))
        assert answer.status_code == 400, change
    assert door.get(path_of(said), headers=owner(said)).json == said


def test_nobody_else_learns_of_a_registration(door, tracker, services):
    said, other = registers(door).json, registers(door).json
    for headers in ({}, owner(other), {"Authorization": "Bearer phrg_" + "A" * 43}, {"Authorization": "Basic x"}):
        for method in ("GET", "PUT", "DELETE"):
            answer = door.open(path_of(said), method=method, headers=headers, json=FIELDS)
            assert answer.status_code == 401
            assert "invalid_token" in answer.headers["WWW-Authenticate"]
        by_operator = door.get(f"/oauth/register/{tracker.added.client_id}", headers=headers)
        assert by_operator.status_code == 401
        break_after = door.get("/oauth/register/nobody", headers=headers)
        assert break_after.status_code == 401


def test_the_registration_token_lies_nowhere(door, services, tmp_path):
    said = registers(door).json
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("keepray.db*"))
    assert said["client_id"].encode() in raw
    assert said["registration_access_token"].removeprefix("phrg_").encode() not in raw


def test_an_app_that_nobody_let_in_is_forgotten_after_a_month(open_app, door, cleo, services, clock):
    unused, used = registers(door).json, registers(door).json
    as_app(open_app, used).gets_tokens(cleo)
    clock.advance(days=29)
    sweeping.sweep(services)
    assert door.get(path_of(unused), headers=owner(unused)).status_code == 200
    clock.advance(days=2)
    sweeping.sweep(services)
    assert door.get(path_of(unused), headers=owner(unused)).status_code == 401
    assert door.get(path_of(used), headers=owner(used)).status_code == 200
