"""OAuth's own rules, where programs of other makers rely on them (RFC 6749, 7009, 7662, 8707, 9700)."""

import pytest

from tests.consent.small_app import FHIR, an_app, small_app
from vault.blobs import DiskBlobs
from vault.database import Database, Services
from vault.tables import Row


@pytest.fixture
def another_services(tmp_path, clock, secrets):
    """Another server's store; even one that has the same keys."""
    database = Database(f"sqlite:///{tmp_path / 'other.db'}")
    Row.metadata.create_all(database.engine)
    yield Services(database, DiskBlobs(tmp_path / "others"), clock, secrets)
    database.dispose()


@pytest.mark.parametrize("path", ["token", "introspect", "revoke"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_an_address_asked_in_another_way_says_so_in_json(web, path, method):
    answer = web.open(f"/oauth/{path}", method=method)
    assert answer.status_code == 405
    assert answer.is_json
    assert answer.json["error"] == "invalid_request"
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_error_of_the_authorization_server_is_json(web):
    for answer in (
        web.get("/oauth/nothing"),
        web.post("/oauth/jwks.json"),
        web.post("/oauth/token?access_token=x", data={"grant_type": "refresh_token"}),
        web.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": "x" * 70_000}),
        web.post("/oauth/token", data=b"\xff\xfe", content_type="application/x-www-form-urlencoded"),
    ):
        assert 400 <= answer.status_code < 500
        assert answer.is_json
        assert {"error"} <= set(answer.json) <= {"error", "error_description"}


def test_an_app_without_a_secret_may_leave_its_name_out_when_it_refreshes(ana, tracker, knee):
    first = tracker.gets_tokens(ana)
    again = tracker.posts(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status_code == 200
    assert tracker.reads(again.json["access_token"]).status_code == 200


def test_an_app_with_a_secret_does_not_refresh_without_it(app, services, ana, knee):
    confidential = an_app(app, services, auth="client_secret")
    first = confidential.gets_tokens(ana)
    nameless = confidential.posts(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (nameless.status_code, nameless.json["error"]) == (401, "invalid_client")
    unknown = confidential.posts(grant_type="refresh_token", refresh_token="phrt_" + "A" * 43)
    assert unknown.json["error"] == "invalid_client"
    assert confidential.refreshes(first["refresh_token"]).status_code == 200


def test_what_a_token_is_for_may_be_named_twice_and_must_be_ours(ana, tracker, knee):
    assert tracker.begins(ana, aud=FHIR, resource=FHIR).status_code == 200
    refused = tracker.begins(ana, aud=FHIR, resource="https://other.example.org/fhir")
    assert "error=invalid_request" in refused.location
    code = tracker.is_let_in(ana)
    other = tracker.exchanges(code, resource="https://other.example.org/fhir")
    assert (other.status_code, other.json["error"]) == (400, "invalid_target")
    assert tracker.exchanges(code, resource=FHIR).status_code == 200


@pytest.mark.case("7.9")
def test_a_token_is_worth_nothing_at_another_server(ana, tracker, knee, another_services):
    token = tracker.gets_tokens(ana)["access_token"]
    elsewhere = small_app(another_services).test_client()
    refused = elsewhere.get("/fhir/Patient/x", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
