"""A provider changes a password, makes a recovery kit, and comes back with it and one thing more."""

import re

import pytest

from tests.phr.conftest import Browser
from tests.phr.test_pages_providers import PASSWORD, Provider, six_of
from tests.phr.test_printing import text_of

NEW = "other words for the lists"
RECOVER = "/pro/sign-in/recover"


@pytest.fixture
def provider(app, clock):
    made = Provider(app, "192.0.2.50")
    made.joins(clock)
    return made


def spelled_on(page) -> str:
    return re.sub(r"[^0-9A-Z]", "", re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', page.text)[1])


def makes_a_kit(provider) -> str:
    return spelled_on(provider.post("/pro/recovery-kit", password=PASSWORD))


def six(provider, clock) -> str:
    clock.advance(minutes=1)
    return six_of(provider.letters, clock.now())


def signs_in(app, password, digits):
    someone = Browser(app, "192.0.2.52")
    someone.post("/pro/sign-in", login="dr.lee", password=password, code=digits)
    return someone.path == "/pro"


def test_a_provider_changes_the_password(provider, app, clock):
    assert "This is not your password." in provider.post("/pro/password", old="wrong words", password=NEW).text
    assert "Your password is changed." in provider.post("/pro/password", old=PASSWORD, password=NEW).text
    assert provider.path == "/pro/account"
    assert not signs_in(app, PASSWORD, six(provider, clock))
    assert signs_in(app, NEW, six(provider, clock))


def test_a_kit_is_made_by_whoever_knows_the_password_printed_and_checked(provider):
    assert "You have no recovery kit" in provider.get("/pro").text
    assert "None yet" in provider.get("/pro/account").text
    assert "This is not your password." in provider.post("/pro/recovery-kit", password="wrong words").text
    code = makes_a_kit(provider)
    assert "You have no recovery kit" not in provider.get("/pro").text
    paper = text_of(provider.post("/pro/recovery-kit.pdf", page="/pro/recovery-kit").data)
    assert "/pro/sign-in/recover" in paper
    assert code[:4] in paper
    told = provider.post("/pro/recovery-kit/check", page="/pro/recovery-kit", group=code[8:12]).text
    assert "Your kit works." in told
    assert code[:4] not in told


def test_a_lost_phone_costs_no_list_where_there_are_password_and_kit(ana_with_a_scan, provider, app, clock):
    provider.post("/pro/code", code=ana_with_a_scan.shares(length="30d"))
    code = makes_a_kit(provider)
    back = Provider(app, "192.0.2.53")
    page = back.post(RECOVER, code=code, login="dr.lee", password=PASSWORD)
    assert back.path == "/pro/code-app"
    back.get("/pro")
    assert back.path == "/pro/code-app", "the list stays closed until there is another code app"
    letters = spelled_on(page)
    assert letters != provider.letters
    fresh = back.post("/pro/code-app", code=six_of(letters, clock.now()))
    assert back.path == "/pro/recovery-kit"
    assert spelled_on(fresh) != code
    assert "PEREZ, Ana" in back.get("/pro").text
    assert not signs_in(app, PASSWORD, six(provider, clock)), "the lost phone signs nobody in"
    again = Browser(app, "192.0.2.54")
    assert "These do not go together." in again.post(RECOVER, code=code, login="dr.lee", password=PASSWORD).text


def test_a_forgotten_password_costs_no_list_where_there_are_code_app_and_kit(provider, app, clock):
    code = makes_a_kit(provider)
    back = Browser(app, "192.0.2.53")
    wrong = back.post(RECOVER, code=code, login="dr.lee", six="000000", new=NEW)
    assert "These do not go together." in wrong.text
    assert signs_in(app, PASSWORD, six(provider, clock)), "nothing has changed"
    told = back.post(RECOVER, code=code, login="dr.lee", six=six(provider, clock), new=NEW).text
    assert back.path == "/pro/recovery-kit"
    assert "The kit you used no longer works." in told
    assert signs_in(app, NEW, six(provider, clock))


def test_a_kit_alone_opens_nothing(provider, app):
    code = makes_a_kit(provider)
    thief = Browser(app, "192.0.2.53")
    assert "Type your password. Or," in thief.post(RECOVER, code=code, login="dr.lee").text
    assert "These do not go together." in thief.post(RECOVER, code=code, login="dr.lee", password=NEW + "!").text
    told = thief.post("/sign-in/recover", code=code, login="dr.lee", password=NEW).text
    assert "The name and the code do not go together." in told, "nor at the patients' door"
    thief.get("/pro")
    assert thief.path == "/pro/sign-in"


def test_a_new_code_is_not_shown_to_who_signs_in_next_at_the_same_computer(provider, clock):
    code = makes_a_kit(provider)
    provider.post("/pro/sign-out", page="/pro/account")
    provider.post("/pro/join", name="Dr. B. Two", clinic="Hill Clinic", login="dr.two", password=NEW)
    letters = spelled_on(provider.get("/pro/code-app"))
    provider.post("/pro/code-app", code=six_of(letters, clock.now()))
    shown = provider.get("/pro/recovery-kit").text
    assert "Get my recovery kit" in shown
    assert code[:4] not in shown
