"""Ways in by the lock of a device, and what a lock that is forged, copied or late does not open (experience P7, T3)."""

import json
import os

import pytest

from phr.mail import OutboxMailer
from tests.authenticator import PERSON_PRESENT, Device
from tests.houses import IndoorHouse
from tests.people import ANA, Patient, Site
from vault.audit import Did

REFUSED = "This device lock did not open your account."
PASSWORD = "another four words here"


@pytest.fixture
def lock(indoors: IndoorHouse) -> Device:
    return Device(indoors.base_url)


@pytest.fixture
def ana(indoors: IndoorHouse) -> Patient:
    return Patient(indoors, ANA)


def test_a_slip_an_account_by_lock_and_back_again(indoors: IndoorHouse, ana: Patient, lock: Device):
    site = Site(indoors)
    assert ana.types_a_slip(site.hands_out_a_slip(ANA)).path == "/join"
    page = ana.joins_by_lock(lock)
    assert page.path == "/home"
    assert page.says("Your slip worked.")
    ana.signs_out()
    lock.signed += 1
    assert ana.signs_in_by_lock(lock).path == "/home"
    page = ana.open("/account")
    assert page.says("None. A device lock opens your account")
    assert not ana.open("/sign-in").says(REFUSED)
    assert ana.another_browser().open("/sign-in").send("Sign in", login=ana.login, password=ana.password).status == 422


def test_showing_again_who_one_is_takes_the_lock(indoors: IndoorHouse, ana: Patient, lock: Device):
    ana.joins_by_lock(lock)
    indoors.clock.advance(seconds=301)
    page = ana.open("/account/delete/confirm")
    assert page.path == "/check"
    assert page.says("Your account has no password.")
    assert ana.shows_again_by_lock(lock).path == "/account/delete/confirm"
    indoors.clock.advance(seconds=301)
    stranger, other = Device(indoors.base_url), Patient(indoors, ANA)
    other.joins_by_lock(stranger)
    assert ana.shows_again_by_lock(stranger).says(REFUSED)
    assert ana.open("/account/delete/confirm").path == "/check"


def test_an_answer_counts_once_for_its_own_question_and_for_five_minutes(
    indoors: IndoorHouse, ana: Patient, lock: Device
):
    ana.joins_by_lock(lock)
    thief = Patient(indoors, ANA)
    sent: dict = {}

    def overheard(question):
        sent.update(lock.shows(question))
        return sent

    assert thief._answers("/sign-in", "/sign-in/passkey", overheard).path == "/home"
    thief.signs_out()
    assert thief._answers("/sign-in", "/sign-in/passkey", lambda _question: sent).says(REFUSED)
    assert Patient(indoors, ANA)._answers("/sign-in", "/sign-in/passkey", lambda _question: sent).says(REFUSED)

    def late(question):
        indoors.clock.advance(seconds=301)
        return lock.shows(question)

    assert ana.another_browser()._answers("/sign-in", "/sign-in/passkey", late).says("That took too long. Try again.")
    ana.signs_in_by_lock(lock)
    token = ana.open("/account/devices").forms[0].fields[0].value
    question = ana.ask("POST", "/account/devices/lock/ask", data={"csrf_token": token}).json()
    asked_for_another_purpose = lock.shows({"challenge": question["challenge"], "rpId": question["rp"]["id"]})
    page = ana.open("/check/passkey", method="POST", data={"csrf_token": token, **asked_for_another_purpose})
    assert page.says(REFUSED)


def test_a_right_signature_with_a_wrong_key_opens_nothing(indoors: IndoorHouse, ana: Patient, lock: Device):
    ana.joins_by_lock(lock)
    ana.signs_out()
    right, lock.seed = lock.seed, os.urandom(32)
    assert ana.signs_in_by_lock(lock).says(REFUSED)
    assert ana.open("/home").path == "/sign-in"
    lock.seed = right
    ana.signs_in_by_lock(lock)
    assert ana.open("/history").says("Someone tried to sign in to your account, and could not.")


def test_a_device_that_did_not_check_its_person_neither_joins_nor_enters(
    indoors: IndoorHouse, ana: Patient, lock: Device
):
    careless = Device(indoors.base_url, flags=PERSON_PRESENT)
    assert ana.joins_by_lock(careless).says("The device lock could not be set up.")
    ana.joins_by_lock(lock)
    ana.signs_out()
    lock.flags = PERSON_PRESENT
    assert ana.signs_in_by_lock(lock).says(REFUSED)


def test_a_lock_without_a_key_needs_the_password_at_joining_and_ever_after(indoors: IndoorHouse, ana: Patient):
    lock = Device(indoors.base_url, holds_key=False)
    page = ana.joins_by_lock(lock)
    assert page.path == "/join/password"
    assert page.says("it cannot unlock scans. Please make a password too.")
    page.send("Use a password", password=ana.password)
    assert ana.open("/account/devices").says("It can sign you in, but it cannot unlock scans.")
    ana.signs_out()
    page = ana.signs_in_by_lock(lock)
    assert page.path == "/sign-in/password"
    assert ana.open("/home").path == "/sign-in", "a signature alone signs nobody in"
    page = page.send("Sign in", password="not that one")
    assert page.says("This is not your password.")
    assert page.send("Sign in", password=ana.password).path == "/home"


def test_a_device_that_has_lost_the_key_of_the_only_way_in_says_what_to_do(
    indoors: IndoorHouse, ana: Patient, lock: Device
):
    ana.joins_by_lock(lock)
    kit = ana.makes_a_recovery_kit()
    ana.signs_out()
    lock.holds_key = False
    page = ana.signs_in_by_lock(lock)
    assert page.says("your account has no password")
    page = page.follow("Cannot sign in?").send("Use it", login=ana.login, code=kit, password=PASSWORD)
    assert page.path == "/account/recovery-kit"


def test_the_last_way_in_stays_until_there_is_another(indoors: IndoorHouse, ana: Patient, lock: Device):
    ana.joins_by_lock(lock)
    page = ana.open("/account/devices").follow("Remove").send("Remove")
    assert page.says("Without it nothing opens your account. Make a password first.")
    page = ana.open("/account").follow("Make one").send("Make a password", password="passwordpassword")
    assert page.says("Many people use this password.")
    page = page.send("Make a password", password=PASSWORD)
    assert page.says("Your password is changed.")
    page = ana.open("/account/devices").follow("Remove").send("Remove")
    assert page.says("The device lock is removed.")
    ana.signs_out()
    assert ana.signs_in_by_lock(lock).says(REFUSED)
    assert ana.signs_in(PASSWORD).path == "/home"


def test_another_lock_beside_the_password_is_told_by_letter(indoors: IndoorHouse, ana: Patient, lock: Device):
    outbox = OutboxMailer(indoors.app.extensions["settings"].outbox_folder, indoors.app.extensions["settings"].mail_key)
    ana.login = "ana@example.org"
    page = ana.open("/join").send("Send me a code", mail=ana.login)
    six = next(word.strip(".") for word in outbox.letters()[0].text.split() if word.strip(".").isdigit())
    page.send("Continue", code=six).send("Use a password", password=ana.password)
    page = ana.sets_up_a_lock(lock)
    assert page.says("This device's lock opens your account now.")
    assert "A device lock was set up" in outbox.letters()[0].text
    assert ana.sets_up_a_lock(lock).says("This device lock is set up already.")
    indoors.clock.advance(seconds=301)
    assert ana.sets_up_a_lock(Device(indoors.base_url)).path == "/check"
    ana.open("/check").send("Continue", password=ana.password)
    ana.open("/account/devices").follow("Remove").send("Remove")
    assert "A device lock was removed" in outbox.letters()[0].text
    with indoors.services.reading() as work:
        from vault.tables_sharing import AuditRow

        told = [json.loads(row.event)["did"] for row in work.session.query(AuditRow)]
    assert {Did.PASSKEY_ADDED, Did.PASSKEY_REMOVED} <= set(told)


def test_without_a_name_chosen_first_no_device_is_asked(indoors: IndoorHouse, ana: Patient, lock: Device):
    token = ana.open("/join").forms[0].fields[0].value
    assert ana.ask("POST", "/join/passkey/ask", data={"csrf_token": token}).status_code == 409
    assert ana.open("/join/passkey", method="POST", data={"csrf_token": token}).path == "/join"
    assert ana.open("/sign-in/password").path == "/sign-in"
    assert ana.open("/sign-in/password", method="POST", data={"csrf_token": token}).path == "/sign-in"
