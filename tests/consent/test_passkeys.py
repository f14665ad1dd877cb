"""A passkey counts when its device signed this question, for this page, after checking its person; else not at all."""

import json
import os
from collections.abc import Callable
from functools import partial

import pytest

from consent import passkeys
from consent.errors import PasskeyRefused
from consent.passkeys import Door
from tests.authenticator import PERSON_CHECKED, PERSON_PRESENT, Device
from tests.vault.people import a_patient
from vault import audit
from vault.audit import Did
from vault.database import Services
from vault.passkeys import NewPasskey, add_passkey, passkeys_of

DOOR = Door.of("https://phr.example.org", "Keepray")
ELSEWHERE = "https://phr.example.org.evil.example"


def a_device(**changed) -> Device:
    return Device(DOOR.origin, **changed)


def made(device: Device, *, challenge: bytes | None = None, asked_by: Door = DOOR) -> passkeys.MadePasskey:
    asked = os.urandom(32)
    question = passkeys.ask_to_make(asked_by, challenge=asked, account_id=bytes(16), login="ana", known=())
    return passkeys.made(DOOR, device.makes(question)["answer"], challenge=challenge or asked)


def shown(services: Services, device: Device, *, challenge: bytes | None = None, asked_by: Door = DOOR):
    asked = os.urandom(32)
    answer = device.shows(passkeys.ask_to_show(asked_by, challenge=asked))["answer"]
    return passkeys.shown(services, DOOR, answer, challenge=challenge or asked)


@pytest.fixture
def ana(services: Services):
    return a_patient(services)


@pytest.fixture
def device(services: Services, ana) -> Device:
    """Ana's, known here."""
    hers = a_device(signed=1)
    found = made(hers)
    hers.user = ana.account_id
    with services.work() as work:
        new = NewPasskey(found.credential, found.public_key, found.signed, synced=found.synced, name="Mac", prf=None)
        add_passkey(work, ana.keyring, ana.account_id, new)
    hers.signed = 2
    return hers


def test_browsers_are_asked_for_a_passkey_that_checks_its_person():
    question = passkeys.ask_to_make(DOOR, challenge=b"c" * 32, account_id=b"a" * 16, login="ana", known=[b"k" * 32])
    assert question["rp"] == {"id": "phr.example.org", "name": "Keepray"}
    assert question["attestation"] == "none"
    assert [one["alg"] for one in question["pubKeyCredParams"]] == [-8, -7, -257]
    wanted = question["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "required")
    assert len(question["excludeCredentials"]) == 1
    asked = passkeys.ask_to_show(DOOR, challenge=b"c" * 32)
    assert (asked["userVerification"], asked["rpId"]) == ("required", "phr.example.org")
    assert not asked["allowCredentials"]


def test_browsers_make_passkeys_for_names_only():
    assert DOOR.is_open
    assert Door.of("http://localhost:8080", "Keepray").is_open
    assert not Door.of("http://127.0.0.1:8080", "Keepray").is_open
    assert not Door.of("http://[::1]:8080", "Keepray").is_open


def test_a_device_that_signed_says_who_is_there_and_its_count_goes_on(services: Services, ana, device: Device):
    found = shown(services, device)
    assert (found.account_id, found.opens) == (ana.account_id, False)
    with services.reading() as work:
        assert [one.signed for one in passkeys_of(work, ana.account_id)] == [2]


CHANGES: dict[str, Callable[[Device], object]] = {
    "its person was not checked": lambda one: setattr(one, "flags", PERSON_PRESENT),
    "nobody was there": lambda one: setattr(one, "flags", PERSON_CHECKED),
    "another page": lambda one: setattr(one, "origin", ELSEWHERE),
    "without encryption": lambda one: setattr(one, "origin", "http://phr.example.org"),
    "inside somebody else's page": lambda one: one.said_besides.update(crossOrigin=True),
    "below somebody else's page": lambda one: one.said_besides.update(topOrigin=ELSEWHERE),
    "another kind of answer": lambda one: one.said_besides.update(type="payment.get"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_not_signed_for_this_page_and_person_is_refused(services: Services, ana, device: Device, change: str):
    new = a_device()
    CHANGES[change](new)
    with pytest.raises(PasskeyRefused):
        made(new)
    CHANGES[change](device)
    with pytest.raises(PasskeyRefused):
        shown(services, device)
    with services.reading() as work:
        assert audit.events(work, ana.keyring.owner)[0].did is Did.SIGN_IN_FAILED


def test_an_answer_to_another_question_or_for_another_domain_is_refused(services: Services, device: Device):
    elsewhere = Door.of(ELSEWHERE, "Keepray")
    for refused in (
        lambda: made(a_device(), challenge=os.urandom(32)),
        lambda: made(a_device(), asked_by=elsewhere),
        lambda: shown(services, device, challenge=os.urandom(32)),
        lambda: shown(services, device, asked_by=elsewhere),
    ):
        with pytest.raises(PasskeyRefused):
            refused()


@pytest.mark.parametrize("count", [0, 1])
def test_a_count_that_goes_back_is_a_copys_and_is_told(services: Services, ana, device: Device, count: int):
    device.signed = count
    with pytest.raises(PasskeyRefused):
        shown(services, device)
    with services.reading() as work:
        assert audit.events(work, ana.keyring.owner)[0].did is Did.SIGN_IN_FAILED


def test_somebody_elses_key_or_name_under_a_known_passkey_is_refused(services: Services, device: Device):
    with pytest.raises(PasskeyRefused):
        shown(services, a_device(credential=device.credential, signed=9, user=device.user))
    device.user = os.urandom(16)
    with pytest.raises(PasskeyRefused):
        shown(services, device)


def test_an_unknown_passkey_is_refused(services: Services):
    with pytest.raises(PasskeyRefused):
        shown(services, a_device())


def test_what_nobody_can_read_is_refused(services: Services, device: Device):
    question = passkeys.ask_to_show(DOOR, challenge=b"c" * 32)
    good = json.loads(device.shows(question)["answer"])
    broken = [
        "", "{", "[]", "null", "[" * 5000, '"text"', "{}", "x" * 20_000, json.dumps(good | {"rawId": 7}),
        json.dumps(good | {"id": "other"}), json.dumps(good | {"type": None}), json.dumps(good | {"response": []}),
        *(json.dumps(good | {"response": good["response"] | {part: bad}})
          for part in good["response"] for bad in (None, 5, "", "%%%", "AAAA", ["x"])),
    ]  # fmt: skip
    for answer in broken:
        for read in (
            partial(passkeys.made, DOOR, answer, challenge=b"c" * 32),
            partial(passkeys.shown, services, DOOR, answer, challenge=b"c" * 32),
        ):
            try:
                read()
            except PasskeyRefused:
                continue
            said = json.loads(answer)["response"]
            assert not said["userHandle"], "only who it is may be left out, since the passkey tells"


def test_a_key_that_came_inside_the_answer_is_dropped(services: Services, device: Device):
    asked = os.urandom(32)
    answer = json.loads(device.shows(passkeys.ask_to_show(DOOR, challenge=asked))["answer"])
    answer["clientExtensionResults"] = {"prf": {"results": {"first": device.key}}}
    assert device.key not in repr(passkeys.shown(services, DOOR, json.dumps(answer), challenge=asked))
