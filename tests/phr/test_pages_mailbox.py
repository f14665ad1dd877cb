"""An email address that is added later, or changed: checked with a code, and told to the old one."""

import re

import pytest

from phr.mail import OutboxMailer
from tests.phr.conftest import PASSWORD


@pytest.fixture
def outbox(settings):
    return OutboxMailer(settings.outbox_folder, settings.mail_key)


def code_in(letter) -> str:
    return re.search(r"\b\d{6}\b", letter.text)[0]


def changes(ana, outbox, address: str):
    assert ana.post("/account/mail", mail=address).request.path == "/account/mail/code"
    [letter, *_] = outbox.letters()
    assert letter.to == address
    return ana.post("/account/mail/code", code=code_in(letter))


def test_who_had_no_address_adds_one_and_goes_on_signing_in_by_name(ana, outbox):
    ana.joins()
    assert "We have no address of yours." in ana.get("/account/mail").text
    assert "Your email address is added." in changes(ana, outbox, "ana@example.org").text
    assert "ana@example.org" in ana.get("/account").text
    assert "We write to ana@example.org." in ana.get("/account/alerts").text
    assert len(outbox.letters()) == 1
    assert "You changed your email address." in ana.get("/history").text
    assert ana.signs_in().request.path == "/home"


def test_who_signs_in_with_the_address_signs_in_with_the_new_one(ana, outbox, another_browser):
    ana.post("/join", mail="ana@example.org")
    ana.post("/join/code", code=code_in(outbox.letters()[0]))
    ana.post("/join/password", password=PASSWORD, called="Ana")
    assert "You sign in with this address." in ana.get("/account/mail").text
    assert "Your email address is changed." in changes(ana, outbox, "ana@new.example").text
    [told, *_] = outbox.letters()
    assert told.to == "ana@example.org"
    assert "Letters about your account go to another address from now on." in told.text
    assert "ana@new.example" not in told.text
    for address, path in (("ana@example.org", "/sign-in"), ("ana@new.example", "/home")):
        another_browser.post("/sign-in", login=address, password=PASSWORD)
        assert another_browser.path == path


def test_a_wrong_or_old_code_changes_nothing(ana, outbox, clock):
    ana.joins()
    ana.post("/account/mail", mail="ana@example.org")
    right = code_in(outbox.letters()[0])
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    assert "This code is not right." in ana.post("/account/mail/code", code=wrong).text
    ana.post("/account/mail/code/again", page="/account/mail/code")
    assert "This code is not right." in ana.post("/account/mail/code", code=right).text
    clock.advance(minutes=11)
    assert "This code is too old." in ana.post("/account/mail/code", code=code_in(outbox.letters()[0])).text
    assert "ana@example.org" not in ana.get("/account").text


def test_an_address_that_another_account_signs_in_with_is_refused(ana, outbox, browser):
    browser.post("/join", mail="bo@example.org")
    browser.post("/join/code", code=code_in(outbox.letters()[0]))
    browser.post("/join/password", password=PASSWORD, called="Bo")
    ana.post("/join", mail="ana@example.org")
    ana.post("/join/code", code=code_in(outbox.letters()[0]))
    ana.post("/join/password", password=PASSWORD, called="Ana")
    assert "Another account signs in with this email." in changes(ana, outbox, "bo@example.org").text
    assert ana.signs_in("ana@example.org").request.path == "/home"


def test_only_who_showed_who_they_are_changes_it(ana, outbox, clock):
    ana.joins()
    clock.advance(seconds=301)
    ana.get("/account/mail")
    assert ana.path == "/check"
    assert "not an email" not in ana.get("/account/mail/code").text
    assert ana.path == "/check"
    assert outbox.letters() == []


def test_a_code_asked_for_in_one_account_changes_nothing_in_another(ana, outbox, clock):
    ana.joins("mallory")
    ana.post("/account/mail", mail="mallory@example.org")
    [letter] = outbox.letters()
    clock.advance(minutes=31)  # the session ran out, and the next one signs in here
    ana.joins()
    for page in ("/account/mail/code", "/account/mail/code/again"):
        ana.post(page, code=code_in(letter), page="/account/mail")
        assert "mallory@example.org" not in ana.get("/account/alerts").text
    assert len(outbox.letters()) == 1


def test_an_address_that_another_took_meanwhile_is_told(ana, outbox, another_browser):
    for browser, address in ((ana, "ana@example.org"), (another_browser, "bo@example.org")):
        browser.post("/join", mail=address)
        browser.post("/join/code", code=code_in(outbox.letters()[0]))
        browser.post("/join/password", password=PASSWORD, called="Me")
    ana.post("/account/mail", mail="bo@example.org")
    page = ana.post("/account/mail/code", code=code_in(outbox.letters()[0]))
    assert "Another account signs in with this email." in page.text
    assert "ana@example.org" in ana.get("/account/alerts").text
