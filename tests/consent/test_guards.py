"""No route without a guard, no form from elsewhere."""

import pytest
from flask import Flask

from consent.errors import Unguarded
from consent.forms import safe_return
from consent.guards import guards_of, install_guards, needs_fresh
from tests.consent.small_app import SmallSettings, small_app


def test_every_route_says_who_may_use_it(app):
    unguarded = [name for name, guards in guards_of(app).items() if not guards]
    assert unguarded == []
    public = {name: guards[0].reason for name, guards in guards_of(app).items() if guards[0].kind == "public"}
    assert all(public.values())


def test_a_route_without_a_guard_answers_nobody(services):
    bare = Flask("bare")
    bare.testing = True
    install_guards(bare)
    bare.add_url_rule("/open", view_func=lambda: "secret")
    bare.add_url_rule("/half", "half", needs_fresh(lambda: "secret"))
    for path in ("/open", "/half"):
        with pytest.raises(Unguarded):
            bare.test_client().get(path)


def test_what_is_not_there_is_not_there(web):
    assert web.get("/nothing").status_code == 404
    assert web.delete("/home").status_code == 405


def test_a_form_carries_a_value_of_its_cookie(ana, ben):
    assert ana.web.post("/home", data={}).status_code == 403
    assert ana.web.post("/home", data={"csrf_token": ""}).status_code == 403
    assert ana.web.post("/home", data={"csrf_token": ben.csrf()}).status_code == 403
    assert ana.web.post("/home", data={"csrf_token": ana.csrf()}).status_code == 200
    assert ana.web.post("/home", headers={"X-CSRF-Token": ana.csrf()}).status_code == 200


def test_a_form_before_sign_in_has_a_cookie_of_its_own(app):
    browser = app.test_client()
    assert browser.post("/open", data={"csrf_token": "x"}).status_code == 403
    first = browser.get("/open")
    assert "phr-draft=" in first.headers["Set-Cookie"]
    token = first.json["csrf"]
    assert browser.get("/open").json["csrf"] == token
    assert browser.post("/open", data={"csrf_token": token}).status_code == 200
    assert app.test_client().post("/open", data={"csrf_token": token}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost.evil.org"}, 403),
        ({"Origin": "https://localhost"}, 403),
    ],
)
def test_a_form_from_another_sites_page_is_refused(ana, headers, status):
    assert ana.web.post("/home", data={"csrf_token": ana.csrf()}, headers=headers).status_code == status


def test_a_page_is_not_opened_by_a_token(ana, tracker, knee):
    token = tracker.gets_tokens(ana)["access_token"]
    assert ana.web.get("/home", headers={"Authorization": f"Bearer {token}"}).status_code == 302


def test_a_page_shows_who_is_signed_in_beside_it(ana, app):
    assert ana.web.get("/open").json["csrf"] == ana.csrf()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.org/",
        "//evil.org",
        "/\\evil.org",
        "/\\/evil.org",
        "javascript:x",
        "",
        None,
        "/a\nb",
        " /a",
        "/\tx",
    ],
)
def test_the_way_back_leads_nowhere_else(address):
    assert safe_return(address, "/home") == "/home"


def test_the_way_back_leads_to_our_own_pages():
    assert safe_return("/oauth/authorize?a=b%2F", "/home") == "/oauth/authorize?a=b%2F"


def test_ten_times_too_many_questions_have_to_wait(ana, tracker, knee, services):
    token = tracker.gets_tokens(ana)["access_token"]
    from vault.attempts import PACES, Limit

    statuses = [tracker.reads(token).status_code for _ in range(PACES[Limit.API].tries + 1)]
    assert set(statuses[:-1]) == {200}
    assert statuses[-1] == 429
    assert ana.web.get("/fhir/Patient/x").status_code == 200


def test_pages_over_https_use_names_no_other_host_can_set(services):
    browser = small_app(services, SmallSettings(base_url="https://localhost", secure_cookies=True)).test_client()
    answer = browser.get("/open", base_url="https://localhost")
    assert answer.headers["Set-Cookie"].startswith("__Host-phr-draft=")
