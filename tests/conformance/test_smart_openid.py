"""Launch context and signing in to apps (SMART App Launch 2.2, scopes and launch context; OpenID Connect Core)."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from consent import signing_keys, sweeping
from consent.shared import history_of
from consent.tables import LaunchRow, SigningKeyRow, TokenRow
from tests.consent.small_app import BASE, FHIR, NOW, REDIRECT, a_person, an_app
from vault.errors import BrokenRecord

SIGN_IN = "openid fhirUser launch/patient patient/*.rs offline_access"


def the_keys(web):
    published = web.get(urlsplit(web.get("/.well-known/openid-configuration").json["jwks_uri"]).path)
    assert published.status_code == 200
    return published.json["keys"]


def claims_in(web, token):
    """The id token as an app believes it: by the published keys and RS256 alone."""
    read = jwt.decode(token, KeySet.import_key_set({"keys": the_keys(web)}), algorithms=["RS256"])
    assert read.header["alg"] == "RS256"
    assert read.header["kid"]
    return read.claims


# --- who signed in ---------------------------------------------------------------------------------------------------


def test_an_app_is_told_who_signed_in(ana, tracker, knee, web):
    token = tracker.gets_tokens(ana, SIGN_IN, nonce="n-0S6_WzA2Mj")
    said = claims_in(web, token["id_token"])
    assert said["iss"] == BASE == web.get("/.well-known/openid-configuration").json["issuer"]
    assert said["aud"] == tracker.added.client_id
    assert said["fhirUser"] == f"{FHIR}/Patient/{token['patient']}"
    assert said["nonce"] == "n-0S6_WzA2Mj"
    assert said["iat"] == NOW
    assert NOW < said["exp"] <= NOW + 3600
    assert said["auth_time"] == NOW
    assert "name" not in said
    assert "profile" not in said
    assert token["patient"] not in said["sub"]


def test_an_app_is_told_nothing_it_did_not_ask(ana, tracker, knee, web):
    assert "id_token" not in tracker.gets_tokens(ana)
    bare = claims_in(web, tracker.gets_tokens(ana, "openid patient/*.rs")["id_token"])
    assert not {"fhirUser", "profile", "nonce"} & bare.keys()
    first_version = claims_in(web, tracker.gets_tokens(ana, "openid profile patient/*.read")["id_token"])
    assert first_version["profile"] == f"{FHIR}/Patient/{ana.keyring.vault_id.hex()}"


def test_two_apps_know_a_person_by_two_names_and_each_by_one(app, services, ana, tracker, knee, web):
    def known_as(smart, person):
        return claims_in(web, smart.gets_tokens(person, "openid patient/*.rs")["id_token"])["sub"]

    ben = a_person(app, services, "ben").signs_in()
    other = an_app(app, services, name="Other")
    assert known_as(tracker, ana) == known_as(tracker, ana)
    assert len({known_as(tracker, ana), known_as(other, ana), known_as(tracker, ben)}) == 3


def test_refreshing_signs_nobody_in_again(ana, tracker, knee):
    first = tracker.gets_tokens(ana, SIGN_IN)
    again = tracker.refreshes(first["refresh_token"]).json
    assert again["scope"] == first["scope"]
    assert "id_token" not in again


def test_the_access_token_tells_the_same(ana, tracker, knee, web):
    token = tracker.gets_tokens(ana, SIGN_IN)
    said = claims_in(web, token["id_token"])
    for method in ("GET", "POST"):
        header = {"Authorization": f"Bearer {token['access_token']}"}
        told = web.open("/oauth/userinfo", method=method, headers=header)
        assert told.json == {"sub": said["sub"], "fhirUser": said["fhirUser"]}
        assert told.headers["Cache-Control"] == "no-store"


def test_who_signed_in_is_told_to_nobody_else(ana, tracker, knee, web):
    nobody = web.get("/oauth/userinfo")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert ana.web.get("/oauth/userinfo").status_code == 401
    wrong = web.get("/oauth/userinfo", headers={"Authorization": "Bearer phat_" + "A" * 43})
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    plain = tracker.gets_tokens(ana, "patient/*.rs")["access_token"]
    small = web.get("/oauth/userinfo", headers={"Authorization": f"Bearer {plain}"})
    assert small.status_code == 403
    assert small.json["error"] == "insufficient_scope"


def test_introspection_says_who_signed_in(app, services, ana, knee, web):
    smart = an_app(app, services, auth="client_secret")
    token = smart.gets_tokens(ana, SIGN_IN)
    said = claims_in(web, token["id_token"])
    facts = smart.introspects(token["access_token"]).json
    assert {name: facts[name] for name in ("iss", "sub", "fhirUser")} == {
        name: said[name] for name in ("iss", "sub", "fhirUser")
    }
    plain = smart.introspects(smart.gets_tokens(ana, "patient/*.rs")["access_token"]).json
    assert not {"iss", "sub", "fhirUser"} & plain.keys()


def test_a_code_of_a_patient_signs_nobody_in(app, services, ana, tracker, knee):
    _, code = ana.gives_code(knee)
    answer = tracker.posts(
        grant_type="urn:keepray:oauth:grant-type:share-code",
        code=code.reveal(),
        scope=SIGN_IN,
        **tracker.credentials,
    )
    assert answer.status_code == 200
    assert "openid" not in answer.json["scope"]
    assert "id_token" not in answer.json


def error_of(answer):
    return parse_qs(urlsplit(answer.location).query)["error"][0]


def test_what_is_not_done_for_apps_has_the_error_for_it(ana, tracker):
    assert error_of(tracker.begins(ana, prompt="none")) == "interaction_required"
    assert error_of(tracker.begins(ana, request="x.y.z")) == "request_not_supported"
    assert error_of(tracker.begins(ana, request_uri="https://app.example.org/r")) == "request_uri_not_supported"
    assert tracker.begins(ana, prompt="consent").status_code == 200
    said = tracker.web.get("/.well-known/openid-configuration").json
    assert said["request_uri_parameter_supported"] is said["request_parameter_supported"] is False


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "30"}, {"max_age": "100"}])
def test_an_app_may_want_that_the_patient_just_signed_in(ana, tracker, clock, asked):
    assert tracker.begins(ana, **asked).status_code == 200
    clock.advance(seconds=101)
    assert tracker.begins(ana, **asked).status_code == 302
    assert tracker.begins(ana).status_code == 200


# --- the keys --------------------------------------------------------------------------------------------------------


def test_only_public_halves_are_published(web):
    (key,) = the_keys(web)
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()
    assert the_keys(web) == [key]


def test_keys_are_changed_without_a_gap(ana, tracker, knee, web, services, clock):
    before = tracker.gets_tokens(ana, SIGN_IN)["id_token"]
    (old,) = the_keys(web)
    kid = signing_keys.rotate(services)
    assert [one["kid"] for one in the_keys(web)] == [kid, old["kid"]]
    after = tracker.gets_tokens(ana, SIGN_IN)["id_token"]
    assert claims_in(web, before)["sub"] == claims_in(web, after)["sub"]
    assert json.loads(jwt_header(after))["kid"] == kid
    clock.advance(days=8)
    assert [one["kid"] for one in the_keys(web)] == [kid]
    with pytest.raises((JoseError, ValueError)):
        claims_in(web, before)
    sweeping.sweep(services)
    with services.reading() as w:
        assert w.session.query(SigningKeyRow).count() == 1
    signing_keys.rotate(services)
    sweeping.sweep(services)
    assert len(the_keys(web)) == 2


def jwt_header(token):
    from base64 import urlsafe_b64decode

    part = token.split(".")[0]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_key_that_somebody_put_into_the_database_is_believed_by_nobody(services, web):
    (key,) = the_keys(web)
    with services.work() as w:
        row = w.session.scalars(sa.select(SigningKeyRow)).one()
        row.public = json.dumps(key | {"n": "AQAB"})
    with services.reading() as w, pytest.raises(BrokenRecord):
        signing_keys.published(w)


def test_the_private_half_lies_in_the_database_closed(services, web, tmp_path):
    (key,) = the_keys(web)
    with services.work() as w:
        private = signing_keys.current(w).as_dict(private=True)
        row = w.session.get(SigningKeyRow, key["kid"])
        assert private["d"].encode() not in row.private
    assert private["n"] == key["n"]
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("keepray.db*"))
    assert private["d"].encode() not in raw


# --- launch context --------------------------------------------------------------------------------------------------

ONE_SCAN = "launch/patient launch/imagingstudy patient/*.rs offline_access"


def test_an_app_is_launched_for_the_one_scan_that_the_patient_ticked(ana, tracker, knee, head, app, services):
    smart = an_app(app, services, auth="client_secret")
    token = smart.gets_tokens(ana, ONE_SCAN, scans="pick", study=[head.hex()])
    context = [{"reference": f"ImagingStudy/{head.hex()}"}]
    assert token["fhirContext"] == context
    assert "launch/imagingstudy" in token["scope"]
    assert smart.reads(token["access_token"]).json["seen"] == ["2.2"]
    assert smart.introspects(token["access_token"]).json["fhirContext"] == context
    again = smart.refreshes(token["refresh_token"]).json
    assert again["fhirContext"] == context


def test_an_app_is_launched_for_no_scan_where_several_were_chosen(ana, tracker, knee, head):
    token = tracker.gets_tokens(ana, ONE_SCAN)
    assert "fhirContext" not in token
    assert "launch/imagingstudy" not in token["scope"].split()
    assert "fhirContext" not in tracker.gets_tokens(ana, "patient/*.rs", scans="pick", study=[head.hex()])


def test_the_page_asks_for_one_scan_in_plain_words(ana, tracker, knee, head):
    page = tracker.begins(ana, ONE_SCAN).text
    assert "Open one scan that you choose" in page
    assert "The app opens one scan. Tick that one." in page
    assert "Know that you are the same person" not in page
    assert "Know that you are the same person" in tracker.begins(ana, SIGN_IN).text


def test_what_a_launch_began_with_is_forgotten_with_its_tokens(ana, tracker, knee, services, clock):
    tracker.gets_tokens(ana, "openid patient/*.rs", nonce="n1")
    sweeping.sweep(services)
    with services.reading() as w:
        assert w.session.query(LaunchRow).one().auth_time == datetime.fromtimestamp(NOW, tz=UTC)
    clock.advance(days=1)
    sweeping.sweep(services)
    with services.reading() as w:
        assert w.session.query(LaunchRow).count() == 0
        assert w.session.query(TokenRow).count() == 0
        assert [one.ended_by for one in history_of(w, ana.access())] == ["time"]


def test_the_way_back_is_unchanged_by_what_openid_adds(ana, tracker, knee):
    back = tracker.decided(ana, SIGN_IN, decision="allow", nonce="x")
    assert back.location.startswith(REDIRECT)
    assert set(parse_qs(urlsplit(back.location).query)) == {"code", "state", "iss"}
