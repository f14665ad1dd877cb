"""SMART App Launch 2.2 as an app meets it: discovery, the question to the patient, tokens, what they open."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.consent.small_app import BASE, FHIR, REDIRECT, a_person, an_app, an_ec_key, an_rsa_key


def query_of(answer):
    assert answer.status_code == 302, answer.text
    assert answer.location.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


# --- discovery -------------------------------------------------------------------------------------------------------


@pytest.mark.case("1.1")
def test_the_smart_configuration_is_json_for_everyone_who_asks(web):
    answer = web.get(
        "/fhir/.well-known/smart-configuration",
        headers={"Accept": "application/xml", "Origin": "https://x.example.org"},
    )
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] in {"*", "https://x.example.org"}
    said = answer.json
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert ("issuer" in said) == ("sso-openid-connect" in said["capabilities"])
    assert {"authorization_code", "client_credentials"} <= set(said["grant_types_supported"])
    assert all(said[name].startswith(BASE) for name in said if name.endswith("_endpoint"))


@pytest.mark.case("7.4")
def test_the_servers_metadata_names_the_issuer_that_answers_carry(web, ana, tracker, knee):
    said = web.get("/.well-known/oauth-authorization-server").json
    assert said["authorization_response_iss_parameter_supported"] is True
    assert query_of(tracker.decided(ana, decision="allow"))["iss"] == said["issuer"]
    assert query_of(tracker.decided(ana, decision="deny"))["iss"] == said["issuer"]
    assert query_of(tracker.begins(ana, aud="https://evil.example.org/fhir"))["iss"] == said["issuer"]


def test_every_listed_scope_can_be_had(app, services, ana, knee):
    from consent.oauth.discovery import discovery
    from consent.scopes import Scopes

    listed = [scope for scope in discovery(BASE)["scopes_supported"] if not scope.startswith("system/")]
    tokens = an_app(app, services).gets_tokens(ana, " ".join(listed))
    assert Scopes.parse(tokens["scope"]).covers_all(Scopes.parse(" ".join(listed)))


# --- the question ----------------------------------------------------------------------------------------------------


@pytest.mark.case("1.2", "1.3", "1.4", "7.3")
@pytest.mark.parametrize("auth", ["none", "client_secret", "private_key_jwt"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
        {"aud": "https://evil.example.org/fhir"},
        {"aud": None},
        {"aud": FHIR + "//"},
        {"state": None},
        {"launch": "abc"},
        {"max_age": "soon"},
        {"nonce": "n" * 1_001},
    ],
)
def test_a_question_that_is_not_in_order_goes_back_to_the_app(app, services, ana, auth, wrong):
    key = an_ec_key() if auth == "private_key_jwt" else None
    answer = query_of(an_app(app, services, auth=auth, key=key).begins(ana, **wrong))
    assert answer["error"] == "invalid_request"
    assert answer["iss"] == BASE
    assert answer.get("state") == (None if "state" in wrong else "state-of-at-least-122-bits")


def test_one_slash_more_or_the_word_resource_is_still_our_address(ana, tracker):
    assert tracker.begins(ana, aud=FHIR + "/").status_code == 200
    assert tracker.begins(ana, aud=None, resource=FHIR).status_code == 200


def test_an_unknown_response_type_goes_back_to_the_app(ana, tracker):
    assert query_of(tracker.begins(ana, response_type="token"))["error"] == "unsupported_response_type"


def test_scopes_of_which_none_can_be_given_go_back_to_the_app(ana, tracker):
    for scope in ("system/*.cruds", "openid", "", "patient/*.c", "patient/DiagnosticReport.rs?code=a|b"):
        assert query_of(tracker.begins(ana, scope))["error"] == "invalid_scope"


@pytest.mark.case("1.4")
@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example.org/back",
        "https://app.example.org/back/",
        "https://app.example.org/back/more",
        "https://app.example.org/other/../back",
        "https://APP.example.org/back",
        "https://app.example.org/back#part",
        "https://app.example.org@evil.example.org/back",
        "http://app.example.org/back",
        "https://app.example.org:8443/back",
        "org.example.app:/back",
        'https://app.example.org/"back"',
        "javascript:alert(1)",
        "",
    ],
)
def test_an_answer_is_never_sent_elsewhere(ana, tracker, uri):
    answer = tracker.begins(ana, redirect_uri=uri)
    assert answer.status_code == 400
    assert answer.location is None
    assert answer.mimetype == "text/html"


def test_an_app_that_is_not_known_is_sent_nowhere(ana, tracker, services):
    assert tracker.begins(ana, client_id="f" * 32).status_code == 400
    from consent.clients import switch_off

    with services.work() as w:
        switch_off(w, tracker.added.client_id)
    assert tracker.begins(ana).status_code == 400


def test_an_installed_app_may_wait_on_any_port_of_its_own_machine(app, services, ana):
    native = an_app(app, services, redirect_uris=("http://127.0.0.1:4000/back",))
    assert native.begins(ana, redirect_uri="http://127.0.0.1:55555/back").status_code == 200
    assert native.begins(ana, redirect_uri="http://127.0.0.1:55555/other").status_code == 400
    confidential = an_app(app, services, auth="client_secret", redirect_uris=("http://127.0.0.1:4000/back",))
    assert confidential.begins(ana, redirect_uri="http://127.0.0.1:55555/back").status_code == 400


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(web, tracker):
    answer = tracker.begins(None)
    assert answer.status_code == 303
    parts = urlsplit(answer.location)
    assert parts.path == "/sign-in"
    back = parse_qs(parts.query)["next"][0]
    assert back.startswith("/oauth/authorize?")
    assert parse_qs(urlsplit(back).query)["client_id"] == [tracker.added.client_id]


def test_an_app_may_ask_by_form(tracker, ana):
    answer = ana.web.post(
        "/oauth/authorize", data=tracker.asking("patient/*.rs"), headers={"Origin": "https://app.example.org"}
    )
    assert answer.status_code == 303
    assert ana.web.get(answer.location).status_code == 200


def test_a_parameter_sent_twice_is_refused(ana, tracker):
    from urllib.parse import urlencode

    for name in ("scope", "state", "aud", "code_challenge"):
        twice = urlencode([*tracker.asking().items(), (name, "x")])
        answer = ana.web.get(f"/oauth/authorize?{twice}")
        assert answer.status_code == 400 or query_of(answer)["error"] == "invalid_request"


@pytest.mark.case("7.10")
def test_the_page_cannot_be_framed_kept_or_watched(ana, tracker):
    answer = tracker.begins(ana)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example.org" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_page_says_in_plain_words_what_the_app_asks(ana, tracker, knee, head):
    page = tracker.begins(ana, "patient/*.rs offline_access").text
    for words in ("Heart Tracker", "We have not checked this app", "name and date of birth", "See your reports",
                  "See your pictures", "All 2 scans, and new ones when they come", "Knee MRI, 1 March 2026", "90 days",
                  "Do not allow", "may keep a copy"):  # fmt: skip
        assert words in page
    page = tracker.begins(ana, "patient/DiagnosticReport.rs").text
    assert "See your pictures" not in page
    assert "new ones when they come" not in page
    assert "can look for 15 minutes" in page


def test_an_apps_name_is_shown_as_letters_and_nothing_else(app, services, ana):
    name = "<b>Bold</b>\u202eevil" + "x" * 10_000
    page = an_app(app, services, name=name).begins(ana).text
    assert "<b>Bold" not in page
    assert "\u202e" not in page
    assert "x" * 100 not in page


def test_a_decision_needs_our_own_form(ana, tracker):
    answer = tracker.decided(ana, decision="allow", csrf_token="wrong")
    assert answer.status_code == 403
    data = tracker.asking() | {"csrf_token": ana.csrf(), "decision": "allow"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.org"}):
        assert ana.web.post("/oauth/authorize/decide", data=data, headers=headers).status_code == 403


def test_no_means_no(ana, tracker, knee, services):
    assert query_of(tracker.decided(ana, decision="deny"))["error"] == "access_denied"
    from consent.shared import live_for

    with services.reading() as w:
        assert live_for(w, ana.access()) == []


def test_picking_without_ticking_is_asked_again(ana, tracker, knee):
    answer = tracker.decided(ana, decision="allow", scans="pick")
    assert answer.status_code == 422
    assert "Tick at least one scan." in answer.text


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.case("1.7")
@pytest.mark.parametrize("auth", ["none", "client_secret", "ES384", "RS384"])
def test_a_code_becomes_a_token(app, services, ana, knee, auth):
    key = {"ES384": an_ec_key(), "RS384": an_rsa_key()}.get(auth)
    smart = an_app(app, services, auth=auth, key=key) if key is None else an_app(app, services, key=key)
    answer = smart.exchanges(smart.is_let_in(ana))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    token = answer.json
    assert token["token_type"] == "Bearer"
    assert token["scope"] == "launch/patient offline_access patient/*.rs"
    assert token["patient"] == ana.keyring.vault_id.hex()
    assert token["need_patient_banner"] is True
    assert 0 < token["expires_in"] <= 900
    assert token["refresh_token"].startswith("phrt_")
    seen = smart.reads(token["access_token"])
    assert seen.json == {"seen": ["1.2.3"], "patient": token["patient"]}


def test_the_patients_context_is_inferred_and_no_refresh_token_comes_unasked(ana, tracker, knee):
    token = tracker.gets_tokens(ana, "patient/ImagingStudy.rs")
    assert token["patient"] == ana.keyring.vault_id.hex()
    assert "refresh_token" not in token


@pytest.mark.case("1.5", "1.12")
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "https://app.example.org/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "phac_" + "A" * 43}, "invalid_grant"),
        ({"code": "nonsense"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": "nope"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_bound_to_what_it_was_asked_with(ana, tracker, knee, wrong, error):
    answer = tracker.exchanges(tracker.is_let_in(ana), **wrong)
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_a_code_is_for_the_app_that_asked(app, services, ana, tracker, knee):
    other = an_app(app, services, name="Other")
    code = tracker.is_let_in(ana)
    assert other.exchanges(code).json["error"] == "invalid_grant"
    assert tracker.exchanges(code).status_code == 200


def test_a_code_lasts_a_minute(ana, tracker, knee, clock):
    code = tracker.is_let_in(ana)
    clock.advance(seconds=61)
    assert tracker.exchanges(code).json["error"] == "invalid_grant"


@pytest.mark.case("1.6")
def test_a_code_used_twice_ends_what_came_of_it(ana, tracker, knee, app, services):
    confidential = an_app(app, services, auth="client_secret")
    code = confidential.is_let_in(ana)
    token = confidential.exchanges(code).json
    assert confidential.introspects(token["access_token"]).json["active"] is True
    again = confidential.exchanges(code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert confidential.introspects(token["access_token"]).json == {"active": False}
    assert confidential.reads(token["access_token"]).status_code == 401
    assert confidential.refreshes(token["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.case("1.8")
def test_a_question_in_the_first_version_is_answered_in_it(ana, tracker, knee):
    token = tracker.gets_tokens(ana, "patient/ImagingStudy.read")
    assert token["scope"] == "patient/ImagingStudy.read"
    assert tracker.reads(token["access_token"], "/fhir/ImagingStudy?patient=p1").status_code == 200


@pytest.mark.case("1.9")
def test_reading_is_not_searching(ana, tracker, knee):
    token = tracker.gets_tokens(ana, "patient/ImagingStudy.r")["access_token"]
    assert tracker.reads(token, "/fhir/ImagingStudy/s1").status_code == 200
    refused = tracker.reads(token, "/fhir/ImagingStudy?patient=p1")
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert 'scope="patient/ImagingStudy.s"' in refused.headers["WWW-Authenticate"]
    for path in ("/fhir/DiagnosticReport/x", "/fhir/Binary/x"):
        assert tracker.reads(token, path).status_code == 403


def test_more_than_can_be_given_is_reduced_and_said(ana, tracker, knee):
    asked = "openid fhirUser user/*.rs patient/*.cruds system/*.* launch/patient"
    assert tracker.gets_tokens(ana, asked)["scope"] == "openid fhirUser launch/patient patient/*.rs"
    assert tracker.gets_tokens(ana, "fhirUser profile launch patient/*.rs")["scope"] == "patient/*.rs"


def test_a_category_is_granted_and_a_filter_nobody_applies_is_left_out(ana, tracker, knee):
    radiology = "patient/DiagnosticReport.rs?category=http://loinc.org|LP29684-5"
    asked = (
        f"patient/ImagingStudy.rs {radiology} patient/ImagingStudy.rs?modality=CT patient/DocumentReference.rs?type=x"
    )
    token = tracker.gets_tokens(ana, asked + " offline_access")
    assert token["scope"] == f"offline_access patient/ImagingStudy.rs {radiology}"
    again = tracker.refreshes(token["refresh_token"], scope=radiology)
    assert again.json["scope"] == radiology
    wider = tracker.refreshes(again.json["refresh_token"], scope="patient/DiagnosticReport.rs")
    assert wider.json["error"] == "invalid_scope"


def test_the_page_says_that_only_some_reports_are_asked_for(ana, tracker, knee):
    page = tracker.begins(ana, "patient/DiagnosticReport.rs?category=http://loinc.org|LP29684-5,http://x.org|odd").text
    assert "See some of your reports, and no others:" in page
    assert "<bdi>radiology (scans)</bdi>, <bdi>odd</bdi>" in page
    assert "See your reports" not in page
    page = tracker.begins(ana, "patient/DiagnosticReport.rs?category=a|b patient/DocumentReference.rs").text
    assert "See your reports" in page


def test_only_picked_scans_are_seen(ana, tracker, knee, head):
    token = tracker.gets_tokens(ana, "patient/*.rs", scans="pick", study=[head.hex()])["access_token"]
    assert tracker.reads(token).json["seen"] == ["2.2"]


# --- refreshing ------------------------------------------------------------------------------------------------------


def test_refreshing_gives_a_new_pair_and_the_same_record(ana, tracker, knee):
    first = tracker.gets_tokens(ana)
    second = tracker.refreshes(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    assert second["patient"] == first["patient"]
    assert tracker.reads(second["access_token"]).json["seen"] == ["1.2.3"]


@pytest.mark.case("1.14")
def test_a_refresh_token_used_again_ends_the_family(ana, tracker, knee, clock):
    first = tracker.gets_tokens(ana)
    second = tracker.refreshes(first["refresh_token"]).json
    clock.advance(seconds=11)
    again = tracker.refreshes(first["refresh_token"])
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert tracker.reads(second["access_token"]).status_code == 401
    assert tracker.refreshes(second["refresh_token"]).json["error"] == "invalid_grant"


def test_within_the_grace_a_used_successor_still_ends_the_family(ana, tracker, knee):
    first = tracker.gets_tokens(ana)
    second = tracker.refreshes(first["refresh_token"]).json
    assert tracker.reads(second["access_token"]).status_code == 200
    assert tracker.refreshes(first["refresh_token"]).status_code == 400
    assert tracker.reads(second["access_token"]).status_code == 401


@pytest.mark.case("1.14", "7.7")
def test_an_answer_that_was_lost_can_be_asked_for_again(ana, tracker, knee, clock):
    first = tracker.gets_tokens(ana)
    lost = tracker.refreshes(first["refresh_token"]).json
    clock.advance(seconds=5)
    third = tracker.refreshes(first["refresh_token"])
    assert third.status_code == 200
    assert tracker.reads(third.json["access_token"]).status_code == 200
    # and whoever has the lost answer shows by using it that there are two
    assert tracker.reads(lost["access_token"]).status_code == 401
    assert tracker.reads(third.json["access_token"]).status_code == 401


def test_refreshing_narrows_and_never_widens(ana, tracker, knee):
    first = tracker.gets_tokens(ana, "patient/ImagingStudy.rs offline_access")
    wider = tracker.refreshes(first["refresh_token"], scope="patient/*.rs")
    assert (wider.status_code, wider.json["error"]) == (400, "invalid_scope")
    narrower = tracker.refreshes(first["refresh_token"], scope="patient/ImagingStudy.r")
    assert narrower.json["scope"] == "patient/ImagingStudy.r"
    whole = tracker.refreshes(narrower.json["refresh_token"]).json
    assert whole["scope"] == "offline_access patient/ImagingStudy.rs"


def test_a_refresh_token_is_the_apps_own(app, services, ana, tracker, knee):
    other = an_app(app, services, name="Other")
    first = tracker.gets_tokens(ana)
    assert other.refreshes(first["refresh_token"]).json["error"] == "invalid_grant"
    assert tracker.refreshes(first["refresh_token"]).status_code == 200


@pytest.mark.case("7.9")
def test_no_secret_is_good_for_another_use(ana, tracker, knee):
    token = tracker.gets_tokens(ana)
    access, refresh = token["access_token"], token["refresh_token"]
    assert tracker.refreshes(access).json["error"] == "invalid_grant"
    assert tracker.exchanges(access).json["error"] == "invalid_grant"
    for stranger in (refresh, "phat_" + refresh.removeprefix("phrt_"), "phac_" + access.removeprefix("phat_")):
        assert tracker.reads(stranger).status_code == 401


def test_an_access_token_lasts_a_quarter_of_an_hour(ana, tracker, knee, clock):
    token = tracker.gets_tokens(ana)
    clock.advance(seconds=899)
    assert tracker.reads(token["access_token"]).status_code == 200
    clock.advance(seconds=1)
    refused = tracker.reads(token["access_token"])
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert tracker.refreshes(token["refresh_token"]).status_code == 200


def test_what_the_patient_stops_is_over_at_the_next_request(ana, tracker, knee, services):
    token = tracker.gets_tokens(ana)
    from consent.shared import live_for

    with services.reading() as w:
        live = live_for(w, ana.access())
    assert [one.who for one in live] == ["Heart Tracker"]
    ana.ends(live[0].grant_id)
    assert tracker.reads(token["access_token"]).status_code == 401
    assert tracker.refreshes(token["refresh_token"]).json["error"] == "invalid_grant"


# --- introspection and revocation ------------------------------------------------------------------------------------


def test_introspection_says_what_a_token_is_worth(app, services, ana, knee):
    smart = an_app(app, services, auth="client_secret")
    token = smart.gets_tokens(ana)
    said = smart.introspects(token["access_token"]).json
    assert said["active"] is True
    assert said["scope"] == token["scope"]
    assert said["client_id"] == smart.added.client_id
    assert said["patient"] == token["patient"]
    assert isinstance(said["exp"], int)
    assert smart.introspects(token["refresh_token"]).json["active"] is True


@pytest.mark.case("1.15")
def test_introspection_tells_strangers_nothing(app, services, ana, knee):
    smart, other = an_app(app, services, auth="client_secret"), an_app(app, services, auth="client_secret")
    token = smart.gets_tokens(ana)["access_token"]
    assert other.introspects(token).json == {"active": False}
    assert other.introspects("phat_" + "A" * 43).json == {"active": False}
    resource = an_app(app, services, auth="client_secret", rights=frozenset({"introspect"}))
    assert resource.introspects(token).json["active"] is True


@pytest.mark.case("7.5")
def test_introspection_needs_a_caller(app, services, ana, tracker, knee):
    token = tracker.gets_tokens(ana)["access_token"]
    nobody = app.test_client().post("/oauth/introspect", data={"token": token})
    assert nobody.status_code == 401
    assert "WWW-Authenticate" in nobody.headers
    assert tracker.introspects(token).status_code == 401  # naming oneself is not showing who one is
    own = {"Authorization": f"Bearer {token}"}
    asked = app.test_client().post("/oauth/introspect", data={"token": token}, headers=own)
    assert asked.json["active"] is True


def test_revoking_a_refresh_token_ends_its_access_tokens(ana, tracker, knee, services):
    token = tracker.gets_tokens(ana)
    answer = tracker.revokes(token["refresh_token"], token_type_hint="refresh_token")
    assert (answer.status_code, answer.data) == (200, b"")
    assert tracker.reads(token["access_token"]).status_code == 401
    from consent.shared import history_of, live_for

    with services.reading() as w:
        assert live_for(w, ana.access()) == []
        assert [one.ended_by for one in history_of(w, ana.access())] == ["app"]


@pytest.mark.case("7.5")
def test_revoking_what_is_no_token_is_fine(app, services, ana, tracker, knee):
    assert tracker.revokes("random").status_code == 200
    unknown_hint = tracker.revokes("random", token_type_hint="id_token")
    assert (unknown_hint.status_code, unknown_hint.json["error"]) == (400, "unsupported_token_type")
    other = an_app(app, services, auth="client_secret")
    token = tracker.gets_tokens(ana)["access_token"]
    assert other.revokes(token).status_code == 400
    assert tracker.reads(token).status_code == 200
    wrong = other.web.post(
        "/oauth/revoke",
        data={"token": token, "client_id": other.added.client_id, "client_secret": "wrong"},
    )
    assert wrong.status_code == 401


# --- where a token may stand -----------------------------------------------------------------------------------------


@pytest.mark.case("1.16")
def test_a_token_in_an_address_is_refused(ana, tracker, knee, web):
    token = tracker.gets_tokens(ana)["access_token"]
    assert web.get(f"/fhir/ImagingStudy?access_token={token}").status_code == 400


def test_a_token_stands_in_one_header_and_nowhere_else(ana, tracker, knee, web):
    token = tracker.gets_tokens(ana)["access_token"]

    def status(*values):
        return web.get("/fhir/Patient/x", headers=[("Authorization", value) for value in values]).status_code

    assert status(f"Bearer {token}") == 200
    assert status(f"bearer {token}") == 200
    assert status(f"Bearer {token}", f"Bearer {token}") == 400
    assert status(f"Bearer {token},Bearer {token}") == 400
    assert status(f"Basic {token}") == 401
    assert status("Bearer") == 401
    assert status(f"Bearer {token}=") == 401
    assert web.post("/fhir/Patient", data={"access_token": token}).status_code == 401


def test_no_token_is_told_without_an_error_code(web):
    refused = web.get("/fhir/Patient/x")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_with_a_header_cookies_count_for_nothing(ana, knee):
    assert ana.web.get("/dicomweb/studies").json == ["1.2.3"]
    assert ana.web.get("/dicomweb/studies", headers={"Authorization": "Bearer x"}).status_code == 401
    assert ana.web.get("/dicomweb/studies", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.case("7.6")
def test_no_token_lies_in_the_database(ana, tracker, knee, services, tmp_path):
    import base64

    tracker_two = tracker
    code = tracker_two.is_let_in(ana)
    token = tracker_two.exchanges(code).json
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("keepray.db*"))
    for text in (code, token["access_token"], token["refresh_token"]):
        body = text.split("_", 1)[1]
        octets = base64.urlsafe_b64decode(body + "=")
        assert body.encode() not in kept
        assert octets not in kept
        assert octets.hex().encode() not in kept


def test_every_step_is_in_the_patients_history(ana, tracker, knee, services, clock):
    from vault import audit

    token = tracker.gets_tokens(ana)
    tracker.refreshes(token["refresh_token"])
    clock.advance(seconds=60)
    tracker.refreshes(token["refresh_token"])
    with services.reading() as w:
        did = [event.did.value for event in audit.events(w, ana.keyring.owner)]
        audit.verify_chain(w, ana.keyring.owner)
    assert did[:4] == ["token-reused", "token-refreshed", "token-issued", "gave"]


def test_a_wrong_secret_opens_nothing(app, services, ana, knee):
    smart = an_app(app, services, auth="client_secret")
    code = smart.is_let_in(ana)
    assert smart.exchanges(code, client_secret="wrong").status_code == 401
    assert smart.exchanges(code, client_secret=None).status_code == 401
    from base64 import b64encode

    basic = b64encode(f"{smart.added.client_id}:{smart.added.secret}".encode()).decode()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    form["code_verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    both = smart.web.post("/oauth/token", data=form | smart.credentials, headers={"Authorization": f"Basic {basic}"})
    assert both.status_code == 401  # one way to authenticate, not two
    answer = smart.web.post("/oauth/token", data=form, headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 200


def test_parameters_of_the_token_endpoint_stand_in_its_body_once(ana, tracker, knee):
    code = tracker.is_let_in(ana)
    assert tracker.web.post("/oauth/token?grant_type=refresh_token", data={"code": code}).status_code == 400
    assert tracker.web.post("/oauth/token", json={"grant_type": "authorization_code"}).status_code == 400
    twice = [("grant_type", "authorization_code"), ("grant_type", "refresh_token")]
    from urllib.parse import urlencode

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert tracker.web.post("/oauth/token", data=urlencode(twice), headers=form).status_code == 400


def test_sixty_requests_a_minute_are_enough(ana, tracker):
    answers = [tracker.exchanges("phac_" + "A" * 43).status_code for _ in range(62)]
    assert answers[:60] == [400] * 60
    assert answers[60:] == [429, 429]


def test_only_pages_of_registered_apps_may_read_answers(app, services, ana, tracker, knee, web):
    token = tracker.gets_tokens(ana)["access_token"]

    def allowed(origin, method="GET"):
        headers = {"Origin": origin, "Authorization": f"Bearer {token}", "Access-Control-Request-Method": "GET"}
        answer = web.open("/fhir/Patient/x", method=method, headers=headers)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        return answer.headers.get("Access-Control-Allow-Origin")

    for method in ("GET", "OPTIONS"):
        assert allowed("https://app.example.org", method) == "https://app.example.org"
        for stranger in (
            "https://evil.example.org",
            "null",
            "https://app.example.org.evil.org",
            "http://app.example.org",
        ):
            assert allowed(stranger, method) is None


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/oauth/jwks.json",
    ],
)
def test_what_is_told_to_everyone_may_be_read_by_every_page(web, path):
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": "https://x.example.org", "Access-Control-Request-Method": "GET"}
        answer = web.open(path, method=method, headers=headers)
        assert answer.status_code in {200, 204}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["token", "introspect", "revoke", "userinfo"])
def test_an_apps_own_page_asks_for_its_tokens(tracker, web, path):
    headers = {
        "Origin": "https://app.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    asked = web.options(f"/oauth/{path}", headers=headers)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "Content-Type"} <= set(asked.headers["Access-Control-Allow-Headers"].split(", "))
    assert (
        "Access-Control-Allow-Origin"
        not in web.options(f"/oauth/{path}", headers=headers | {"Origin": "https://evil.example.org"}).headers
    )
    answer = web.post(f"/oauth/{path}", headers={"Origin": "https://app.example.org"}, data={"token": "x"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert "Origin" in answer.headers["Vary"]
    shown = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert shown == {
        "Location", "Content-Location", "ETag", "Last-Modified", "Retry-After", "Warning", "Content-Range",
        "Accept-Ranges", "X-Request-Id", "WWW-Authenticate",
    }  # fmt: skip


def test_another_patient_sees_nothing_of_it(app, services, ana, tracker, knee):
    ben = a_person(app, services, "ben").signs_in()
    token = tracker.gets_tokens(ben)
    assert tracker.reads(token["access_token"]).json["seen"] == []
