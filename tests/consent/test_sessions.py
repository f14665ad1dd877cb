"""Signing in, staying, being away, and leaving."""

import pytest

from consent import sessions
from consent.devices import device_words, shape_of
from consent.errors import Area, SignInNeeded
from tests.consent.small_app import a_person, cookie_text
from vault import audit
from vault.errors import NotThere


def test_a_signed_in_patient_sees_their_own(ana, knee):
    assert ana.web.get("/home").json["actor"] == "patient"
    assert ana.web.get("/dicomweb/studies").json == ["1.2.3"]


def test_whoever_is_not_signed_in_is_sent_to_the_sign_in(web):
    assert web.get("/home").location == "/sign-in"
    assert web.get("/dicomweb/studies").status_code == 401


@pytest.mark.parametrize(("area", "minutes"), [("patient", 30), ("provider", 15)])
def test_who_is_away_too_long_is_signed_out(app, services, clock, area, minutes):
    kind, page = ("person", "/home") if area == "patient" else ("provider", "/pro")
    person = a_person(app, services, "x", kind).signs_in(area=Area(area))
    clock.advance(minutes=minutes - 1)
    assert person.web.get(page).status_code == 200
    clock.advance(minutes=minutes - 1)
    assert person.web.get(page).status_code == 200
    clock.advance(minutes=minutes)
    assert person.web.get(page).status_code == 302


def test_a_device_that_others_use_too_is_left_sooner(ana, services, clock):
    with services.work() as w:
        cookie = sessions.sign_in(w, ana.person, device="x", place=sessions.Place.SHARED)
    ana.web.set_cookie("phr", cookie_text(cookie), domain="localhost")
    clock.advance(minutes=4)
    assert ana.web.get("/home").status_code == 200
    clock.advance(minutes=5)
    assert ana.web.get("/home").status_code == 302


def test_nobody_stays_longer_than_twelve_hours(ana, clock):
    for _ in range(12 * 60 // 20 - 1):
        clock.advance(minutes=20)
        assert ana.web.get("/home").status_code == 200
    clock.advance(minutes=20)
    assert ana.web.get("/home").status_code == 302


def test_a_copied_cookie_dies_with_the_sign_out(ana, app):
    value = ana.web.get_cookie("phr", domain="localhost").value
    assert ana.web.post("/leave", data={"csrf_token": ana.csrf()}).status_code == 200
    thief = app.test_client()
    thief.set_cookie("phr", value, domain="localhost")
    assert thief.get("/home").status_code == 302


def test_a_cookie_set_before_signing_in_is_worth_nothing(ana, app, services):
    planted = "A" * 43
    browser = app.test_client()
    browser.set_cookie("phr", planted, domain="localhost")
    assert browser.get("/home").status_code == 302
    with services.work() as w:
        assert cookie_text(sessions.sign_in(w, ana.person, device="x")) != planted


def test_a_cookie_counts_in_its_own_area_only(ana, doctor, app):
    patients = ana.web.get_cookie("phr", domain="localhost").value
    doctors = doctor.web.get_cookie("phr-pro", domain="localhost").value
    for name, value in (("phr-pro", patients), ("phr-guest", patients), ("phr", doctors), ("phr-guest", doctors)):
        browser = app.test_client()
        browser.set_cookie(name, value, domain="localhost")
        for page in ("/home", "/pro", "/see/view"):
            assert browser.get(page).status_code == 302
        assert browser.get("/dicomweb/studies").status_code == 401


def test_dangerous_things_want_a_sign_in_of_the_last_five_minutes(ana, services, clock):
    csrf = ana.csrf()
    assert ana.web.post("/dangerous", data={"csrf_token": csrf}).status_code == 200
    clock.advance(minutes=6)
    assert ana.web.post("/dangerous", data={"csrf_token": csrf}).location == "/check"
    before = ana.web.get_cookie("phr", domain="localhost").value
    with services.work() as w:
        from consent.tokens import octets_of

        _, access = sessions.open_session(w, octets_of(before), Area.PATIENT)
        renewed = sessions.renew(w, access, device="x")
        with pytest.raises(SignInNeeded):
            sessions.open_session(w, octets_of(before), Area.PATIENT)
    ana.web.set_cookie("phr", cookie_text(renewed), domain="localhost")
    assert ana.web.post("/dangerous", data={"csrf_token": ana.csrf()}).status_code == 200


def test_showing_oneself_again_does_not_lengthen_the_twelve_hours(ana, services, clock):
    access = ana.access()
    clock.advance(hours=11)
    with services.work() as w:
        renewed = sessions.renew(w, access, device="x")
        session, _ = sessions.open_session(w, renewed.octets(), Area.PATIENT)
    assert session.expires == access.expires


def test_devices_are_listed_in_plain_words_and_can_be_signed_out(ana, ben, services, clock):
    clock.advance(minutes=1)
    this = ana.access()
    with services.work() as w:
        listed = sessions.devices_of(w, this)
        assert [(one.words, one.is_this) for one in listed] == [("test", True), ("Windows computer", False)]
        with pytest.raises(NotThere):
            sessions.sign_out_device(w, ben.access_in(w), listed[1].id)
        sessions.sign_out_device(w, this, listed[1].id)
    assert ana.web.get("/home").status_code == 302


def test_sign_out_everywhere_else_leaves_this_one(ana, services):
    this = ana.access()
    with services.work() as w:
        assert sessions.sign_out_everywhere_else(w, this) == 1
        assert [one.is_this for one in sessions.devices_of(w, this)] == [True]
        assert audit.events(w, ana.keyring.owner)[0].did is audit.Did.SIGNED_OUT_EVERYWHERE
    assert ana.web.get("/home").status_code == 302


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0", "Windows computer"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605", "Mac"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148", "iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X)", "iPad"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 8) Mobile Safari/537.36", "Android phone"),
        ("Mozilla/5.0 (Linux; Android 15; Tab) Safari/537.36", "Android tablet"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)", "Chromebook"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux computer"),
        ("curl/8", "Another device"),
        ("", "Another device"),
    ],
)
def test_a_device_is_called_what_people_call_it(user_agent, words):
    assert device_words(user_agent) == words
    assert shape_of(words)


def test_over_https_the_cookie_belongs_to_this_host_alone(services):
    from flask import Response

    from consent.cookies import Cookie

    response = Response()
    Cookie("patient", bytes(32)).put(response, secure=True)
    header = response.headers["Set-Cookie"]
    for word in ("__Host-phr=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in header
    assert "Domain" not in header
    assert "Max-Age" not in header
    assert repr(Cookie("patient", bytes(32))) == "Cookie(…)"
