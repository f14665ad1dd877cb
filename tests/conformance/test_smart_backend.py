"""SMART Backend Services as a site meets them: signed assertions, short tokens that only create."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc.jwk import ECKey

from consent import jwks
from consent.clients import switch_off
from consent.errors import NoKeys
from tests.consent.small_app import (
    FHIR,
    NOW,
    TOKEN_URL,
    a_site_row,
    a_site_system,
    an_ec_key,
    an_rsa_key,
    key_set,
    signed,
)
from vault import sites


@pytest.mark.case("1.11", "1.13", "7.1")
@pytest.mark.parametrize("make", [an_ec_key, an_rsa_key])
def test_a_site_gets_a_short_token_that_creates(app, services, make):
    site = a_site_system(app, services, a_site_row(services), key=make())
    answer = site.asks("system/ImagingStudy.c system/Patient.c")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    token = answer.json
    assert token["token_type"].lower() == "bearer"
    assert token["expires_in"] <= 300
    assert token["scope"] == "system/ImagingStudy.c system/Patient.c"
    assert "refresh_token" not in token
    assert "patient" not in token
    header = {"Authorization": f"Bearer {token['access_token']}"}
    assert site.web.post("/fhir/ImagingStudy", headers=header).json == {"site": "Harbor Scan Center"}
    assert site.web.post("/fhir/DiagnosticReport", headers=header).status_code == 403


def test_a_sites_token_reads_nothing(pacs):
    header = {"Authorization": f"Bearer {pacs.token()}"}
    for path in ("/fhir/Patient/x", "/fhir/ImagingStudy", "/dicomweb/studies"):
        refused = pacs.web.get(path, headers=header)
        assert refused.status_code == 403
        assert "insufficient_scope" in refused.headers["WWW-Authenticate"]


def test_a_site_gets_no_more_than_it_was_given(app, services, pacs):
    few = a_site_system(app, services, a_site_row(services), scopes="system/ImagingStudy.c system/Patient.c")
    assert few.asks("system/*.*").json["scope"] == "system/ImagingStudy.c system/Patient.c"
    for scope in ("system/*.rs", "patient/*.rs", "nonsense", ""):
        assert few.asks(scope).json["error"] == "invalid_scope"
    assert pacs.asks("system/*.cruds").json["scope"] == "system/*.c"


def test_a_sites_token_lasts_five_minutes(pacs, clock):
    header = {"Authorization": f"Bearer {pacs.token()}"}
    clock.advance(seconds=299)
    assert pacs.web.post("/fhir/Patient", headers=header).status_code == 200
    clock.advance(seconds=1)
    assert pacs.web.post("/fhir/Patient", headers=header).status_code == 401


@pytest.mark.case("1.11", "7.2")
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 420},
        {"exp": NOW + 86_400},
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": "soon"},
        {"aud": FHIR},
        {"aud": [TOKEN_URL, "https://other.example.org"]},
        {"aud": None},
        {"iss": "someone-else"},
        {"iss": None},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"iat": NOW + 3600},
        {"nbf": NOW + 3600},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(pacs, claims):
    answer = pacs.asks(client_assertion=signed(pacs.key, pacs.client_id, **claims))
    assert answer.status_code in {400, 401}
    assert answer.json["error"] == "invalid_client"
    assert "access_token" not in answer.json


@pytest.mark.parametrize(
    "header",
    [
        {"kid": None},
        {"kid": "unknown"},
        {"typ": None},
        {"typ": "at+jwt"},
        {"zip": "DEF"},
        {"b64": False, "crit": ["b64"]},
        {"crit": ["exp"], "exp": NOW + 100},
        {"jku": "https://pacs.example.org/keys"},
    ],
)
def test_an_assertion_with_a_wrong_header_is_refused(pacs, header):
    answer = pacs.asks(client_assertion=signed(pacs.key, pacs.client_id, header=header))
    assert answer.json["error"] == "invalid_client"


@pytest.mark.case("1.11", "7.1")
def test_other_algorithms_are_refused(app, services):
    rsa = an_rsa_key()
    site = a_site_system(app, services, a_site_row(services), key=rsa)

    def answer(text):
        return site.asks(client_assertion=text).json["error"]

    for algorithm in ("RS256", "RS512", "PS384", "HS256", "HS384", "none"):
        assert answer(signed(rsa, site.client_id, header={"alg": algorithm})) == "invalid_client"
    assert answer("not.a.jwt") == "invalid_client"
    assert answer("x" * 10_000) == "invalid_client"


def test_somebody_elses_key_does_not_sign_for_the_site(pacs):
    stranger = an_ec_key()
    assert pacs.asks(client_assertion=signed(stranger, pacs.client_id)).json["error"] == "invalid_client"
    inside = signed(stranger, pacs.client_id, header={"jwk": stranger.as_dict(private=False)})
    assert pacs.asks(client_assertion=inside).json["error"] == "invalid_client"
    assert pacs.asks(client_assertion=signed(pacs.key, "f" * 32)).json["error"] == "invalid_client"


@pytest.mark.case("1.11")
def test_an_assertion_counts_once(pacs):
    assertion = signed(pacs.key, pacs.client_id)
    assert pacs.asks(client_assertion=assertion).status_code == 200
    assert pacs.asks(client_assertion=assertion).json["error"] == "invalid_client"


def test_an_assertion_counts_once_even_where_its_request_was_refused(pacs):
    assertion = signed(pacs.key, pacs.client_id)
    assert pacs.asks("nonsense", client_assertion=assertion).json["error"] == "invalid_scope"
    assert pacs.asks(client_assertion=assertion).json["error"] == "invalid_client"


def test_an_assertion_sent_twice_at_once_counts_once(app, pacs):
    assertion = signed(pacs.key, pacs.client_id)

    def ask(_):
        return pacs.asks(client_assertion=assertion).status_code

    with ThreadPoolExecutor(4) as pool:
        assert min(pool.map(ask, range(4))) == 200
        assert sum(status == 200 for status in pool.map(ask, range(4))) == 0


@pytest.mark.case("1.12")
@pytest.mark.parametrize("kind", ["urn:wrong", None])
def test_the_assertion_type_is_the_one_there_is(pacs, kind):
    assert pacs.asks(client_assertion_type=kind).status_code in {400, 401}


@pytest.mark.case("1.12")
def test_a_grant_type_that_is_none_is_said_to_be_unknown(pacs):
    answer = pacs.asks(grant_type="nope")
    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_grant_type")


def test_a_site_asks_no_patient(pacs):
    answer = pacs.asks(grant_type="authorization_code", code="phac_" + "A" * 43)
    assert answer.json["error"] == "unauthorized_client"


def test_an_app_is_no_site(tracker, app, services):
    from tests.consent.small_app import an_app

    signs = an_app(app, services, key=an_ec_key())
    answer = signs.posts(grant_type="client_credentials", scope="system/*.c", **signs.credentials)
    assert answer.json["error"] == "unauthorized_client"
    answer = tracker.posts(grant_type="client_credentials", scope="system/*.c", **tracker.credentials)
    assert answer.json["error"] == "invalid_client"


def test_a_client_switched_off_is_out_at_once(pacs, services):
    header = {"Authorization": f"Bearer {pacs.token()}"}
    with services.work() as w:
        switch_off(w, pacs.client_id)
    assert pacs.asks().json["error"] == "invalid_client"
    assert pacs.web.post("/fhir/Patient", headers=header).status_code == 401


def test_a_site_switched_off_is_out_at_once(pacs, services):
    header = {"Authorization": f"Bearer {pacs.token()}"}
    with services.work() as w:
        sites.switch_off(w, pacs.site_id)
    assert pacs.asks().json["error"] == "invalid_client"
    assert pacs.web.post("/fhir/Patient", headers=header).status_code == 401


# --- keys by address -------------------------------------------------------------------------------------------------


class KeyServer:
    """A site's own web server with its key set."""

    def __init__(self):
        self.body, self.status, self.headers, self.asked, self.drips = b"{}", 200, {}, 0, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                if outer.drips:
                    self.drip()
                    return
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def drip(self):
                """A header that goes on and on, an octet every tenth of a second, until somebody hangs up."""
                for _ in range(200):
                    try:
                        self.wfile.write(b"H")
                    except OSError:
                        return
                    time.sleep(0.1)

            def log_message(self, *words):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def shows(self, *keys):
        self.body = key_set(*keys).encode()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def keys():
    server = KeyServer()
    yield server
    server.close()


@pytest.fixture
def by_address(app, services, keys):
    key = an_ec_key()
    keys.shows(key)
    return a_site_system(app, services, a_site_row(services), key=key, jwks_url=keys.url)


def test_keys_may_lie_at_the_sites_own_address(by_address, keys):
    assert by_address.asks().status_code == 200
    assert by_address.asks().status_code == 200
    assert keys.asked == 1  # kept for a while


def test_what_must_not_be_kept_is_asked_for_again(by_address, keys):
    keys.headers = {"Cache-Control": "no-store"}
    by_address.asks()
    by_address.asks()
    assert keys.asked == 2


def test_a_header_naming_another_address_is_refused(by_address, keys):
    fits = signed(by_address.key, by_address.client_id, header={"jku": keys.url})
    assert by_address.asks(client_assertion=fits).status_code == 200
    other = signed(by_address.key, by_address.client_id, header={"jku": "https://evil.example.org/keys"})
    assert by_address.asks(client_assertion=other).json["error"] == "invalid_client"


@pytest.mark.case("1.11")
def test_two_keys_of_one_name_are_none(by_address, keys):
    keys.shows(by_address.key, an_ec_key(by_address.key.kid))
    assert by_address.asks().json["error"] == "invalid_client"


def test_a_key_of_another_kind_under_the_same_name_does_no_harm(by_address, keys):
    keys.shows(an_rsa_key(by_address.key.kid), by_address.key, ECKey.generate_key("P-256", {"kid": "k1"}))
    assert by_address.asks().status_code == 200


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b"{}"), (200, b"not json"), (200, b"[]"), (200, b"{}"), (200, b'{"keys": [1]}'), (200, b" " * 70_000)],
)
def test_a_key_set_that_cannot_be_read_authenticates_nobody(by_address, keys, status, body):
    keys.status, keys.body = status, body
    assert by_address.asks().json["error"] == "invalid_client"


def test_a_redirect_is_not_followed(by_address, keys):
    keys.status, keys.headers = 302, {"Location": "http://127.0.0.1:1/"}
    assert by_address.asks().json["error"] == "invalid_client"
    assert keys.asked == 1


def test_a_private_key_that_was_published_is_no_key(by_address, keys):
    keys.body = json.dumps({"keys": [by_address.key.as_dict(private=True)]}).encode()
    assert by_address.asks().json["error"] == "invalid_client"


def test_a_key_that_is_new_at_the_address_is_found_and_the_old_one_goes(by_address, keys, monkeypatch):
    assert by_address.asks().status_code == 200
    fresh = an_ec_key("k2")
    keys.shows(fresh)
    turned = signed(fresh, by_address.client_id)
    assert by_address.asks(client_assertion=turned).json["error"] == "invalid_client"  # the set was fetched just now
    monkeypatch.setattr(jwks, "AGAIN_AFTER", 0.0)
    assert by_address.asks(client_assertion=turned).status_code == 200
    assert by_address.asks().json["error"] == "invalid_client"
    assert keys.asked == 3


def test_a_key_nobody_has_does_not_make_us_ask_again_and_again(by_address, keys):
    for _ in range(5):
        unknown = signed(an_ec_key("k9"), by_address.client_id)
        assert by_address.asks(client_assertion=unknown).json["error"] == "invalid_client"
    assert keys.asked == 1


def test_keys_change_as_soon_as_their_owner_lets_them(by_address, keys):
    keys.headers = {"Cache-Control": "max-age=0"}
    assert by_address.asks().status_code == 200
    fresh = an_ec_key("k2")
    keys.shows(fresh)
    assert by_address.asks(client_assertion=signed(fresh, by_address.client_id)).status_code == 200
    assert by_address.asks().json["error"] == "invalid_client"


def test_an_address_that_does_not_answer_is_not_asked_at_once_again(by_address, keys):
    keys.status = 500
    for _ in range(3):
        assert by_address.asks().json["error"] == "invalid_client"
    assert keys.asked == 1


def test_an_address_that_answers_drop_by_drop_is_hung_up(by_address, keys, monkeypatch):
    monkeypatch.setattr(jwks, "MOST_SECONDS", 0.5)
    keys.drips = True
    began = time.monotonic()
    assert by_address.asks().json["error"] == "invalid_client"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/keys", "https://127.0.0.1/keys", "https://[::1]/keys", "https://10.0.0.1/keys",
        "https://169.254.169.254/keys", "https://[::ffff:10.0.0.1]/keys", "https://[64:ff9b::a00:1]/keys",
        "https://[fd00::1]/keys", "https://localhost/keys", "https://user@pacs.example.org/keys",
        "https://pacs.example.org:8443/keys", "file:///etc/passwd", "https://0.0.0.0/keys", "https://[2002:a00:1::]/keys",
    ],
)  # fmt: skip
def test_nothing_is_fetched_from_our_own_network(address):
    with pytest.raises(NoKeys):
        jwks.fetch(address, jwks.Reach.INTERNET)
