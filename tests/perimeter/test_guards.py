"""Every route says who may use it, or stands in this list with its reason; a route that says nothing answers nobody."""

import pytest

from consent.guards import OPEN_ENDPOINTS, guards_of
from tests.houses import IndoorHouse
from tests.people import Software

# What everyone may ask for, written here a second time so that nobody opens a door by accident.
PUBLIC_PAGES = {
    "front": {"front", "help_page", "privacy", "terms", "accessibility", "for_doctors", "for_scan_centers", "outbox", "healthz"},
    "accounts": {"join", "take_mail", "name", "take_name", "code", "code_again", "take_code", "password", "take_password"},
    "signing": {"sign_in", "take_sign_in", "sign_out"},
    "away": {"stay", "leave"},
    "passkeys": {"ask_at_joining", "take_at_joining", "ask_at_the_door", "take_at_the_door", "password", "take_password"},
    "claims": {"add", "take_pin", "birth", "take_birth"},
    "recovery": {"ways", "none", "use_kit"},
    "doctor": {"see", "take_code", "who", "begin", "goodbye", "end", "ended"},
    "provider": {"sign_in", "take_sign_in", "sign_out", "join", "take_join"},
    "provider_ways": {"recover", "take_recover"},
    "leaving": {"goodbye"},
    "languages": {"choose", "take"},
    "oauth": {"authorize", "authorize_by_form"},
    "oauth.machines": {"token", "introspect", "revoke", "keys", "userinfo", "register", "registered", "nothing_here"},
    "oauth_well_known": {"metadata", "openid"},
    "links": {"view"},
    "health_links": {"manifest", "single_file", "file"},
    "fhir": {"metadata", "smart_configuration", "nothing_here"},
    "dicomweb": {"nothing_here", "manifest_keys"},
}  # fmt: skip


def test_every_route_has_a_guard(indoors: IndoorHouse) -> None:
    guards = guards_of(indoors.app)
    bare = [name for name, found in guards.items() if not any(one.kind != "needs_fresh" for one in found)]
    assert bare == []


def test_public_routes_stand_in_the_list_and_have_a_reason(indoors: IndoorHouse) -> None:
    listed = {f"{room}.{name}" for room, names in PUBLIC_PAGES.items() for name in names}
    found = {
        name: one.reason
        for name, guards in guards_of(indoors.app).items()
        for one in guards
        if one.kind in {"public", "for_clients"}
    }
    assert set(found) - listed == set(), "a route was opened to everyone; does it have to be?"
    assert all(len(reason) > 5 for reason in found.values())
    assert {"static"} == OPEN_ENDPOINTS


def test_machine_routes_name_their_scopes(indoors: IndoorHouse) -> None:
    vague = [
        name
        for name, guards in guards_of(indoors.app).items()
        for one in guards
        if one.kind == "needs" and not one.scopes and not name.startswith("fhir.nothing")
    ]
    assert vague == [], "a read route whose scope nobody sees from outside"


def test_a_new_route_without_a_guard_answers_nobody(indoors: IndoorHouse) -> None:
    indoors.app.add_url_rule("/forgotten", "forgotten", lambda: "the patient's name")
    answer = Software(indoors).get("/forgotten")
    assert answer.status_code in {403, 500}
    assert "the patient's name" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_methods_nobody_needs_are_refused_everywhere(indoors: IndoorHouse, method: str) -> None:
    nobody = Software(indoors)
    for path in ("/", "/home", "/see", "/oauth/token", "/fhir/Patient/1", "/dicomweb/studies", "/account"):
        assert nobody.ask(method, path).status_code in {401, 403, 404, 405}, (method, path)
