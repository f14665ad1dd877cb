"""Guessing is slow, fair, and bound to one row."""

import threading

import pytest

from vault.sealing import slow
from vault.sealing.errors import Busy, PasswordTooLong, UnknownSuite

PEPPER, SALT = b"p" * 32, b"s" * 16
VAULT, SLOT, CLAIM, SITE = (letter * 16 for letter in (b"v", b"l", b"c", b"t"))


def password(typed="correct horse battery staple", **other):
    return slow.stretch_password(typed, **{"salt": SALT, "pepper": PEPPER, "vault": VAULT, "slot": SLOT} | other)


def claim(secret="456789ABCDE", born="19460201", **other):
    return slow.stretch_claim(secret, born, **{"salt": SALT, "pepper": PEPPER, "claim_id": CLAIM} | other)


def share(secret="456789ABCDEFGHJ", extra="", **other):
    return slow.stretch_share_code(secret, extra, **{"salt": SALT, "pepper": PEPPER, "holder_id": CLAIM} | other)


@pytest.mark.usefixtures("true_cost")
def test_the_profiles_cost_what_the_design_says():
    assert slow.PROFILES[1] == slow.Profile(65_536, 3, 1)
    assert slow.PROFILES[2] == slow.Profile(19_456, 2, 1)


def test_a_password_opens_only_its_own_slot():
    same = password()
    assert same == password()
    others = [
        password("another horse"),
        password(salt=b"x" * 16),
        password(pepper=b"x" * 32),
        password(vault=b"x" * 16),
        password(slot=b"x" * 16),
    ]
    assert len({same, *others}) == 6


def test_a_password_is_the_same_on_every_keyboard():
    assert password("caf\u00e9 ﬁve") == password("cafe\u0301 five")
    assert password("Cafe") != password("cafe")
    assert password(" cafe") != password("cafe")


def test_a_password_over_256_characters_costs_us_nothing(monkeypatch):
    monkeypatch.setattr(slow, "stretch", lambda *_, **__: pytest.fail("work was done"))
    with pytest.raises(PasswordTooLong):
        password("x" * 257)


def test_a_password_of_256_characters_is_taken():
    assert len(password("\ufdfa" * 256)) == 32


def test_a_wrong_birth_date_is_as_wrong_as_a_wrong_pin():
    others = [claim("456789ABCDF"), claim(born="19460202"), claim(born=slow.UNKNOWN_BIRTH), claim(claim_id=b"x" * 16)]
    assert len({claim(), *others}) == 5


@pytest.mark.parametrize("born", ["", "1946-02-01", "1946021", "194602011", "１９４６０２０１", "1946020x"])
def test_a_birth_date_has_one_form(born):
    with pytest.raises(ValueError):
        claim(born=born)
    with pytest.raises(ValueError):
        slow.birth_check(PEPPER, SITE, "", "1", born)


def test_a_share_code_with_a_passcode_needs_the_passcode():
    assert len({share(), share(extra="1234"), share("456789ABCDEFGHK"), share(holder_id=b"x" * 16)}) == 4


def test_a_pin_a_share_code_and_a_password_never_meet():
    typed = "456789ABCDE"
    assert len({claim(typed, "00000000"), share(typed, "00000000", profile=1), password(typed)}) == 3


def test_recovery_and_passkey_are_bound_to_their_slot():
    for secret, length in ((slow.recovery_secret, 17), (slow.passkey_secret, 32)):
        found = {
            secret(bytes(length), VAULT, SLOT),
            secret(bytes(length), SLOT, VAULT),
            secret(b"x" * length, VAULT, SLOT),
        }
        assert len(found) == 3


def test_a_prf_result_has_32_octets():
    with pytest.raises(ValueError):
        slow.passkey_secret(bytes(31), VAULT, SLOT)


@pytest.mark.parametrize("typed", ["00ab12", " 00AB 12\u00a0", "００ａｂ１２", "00\tAB\n12"])
def test_a_patient_number_is_the_same_however_a_system_writes_it(typed):
    assert slow.normalise_mrn(typed) == "00AB12"
    assert slow.patient_index(PEPPER, SITE, "", typed) == slow.patient_index(PEPPER, SITE, "", "00AB12")


def test_leading_zeros_and_dashes_are_part_of_a_patient_number():
    assert len({slow.normalise_mrn(number) for number in ("12", "012", "1-2")}) == 3


def test_indexes_meet_only_for_the_same_patient_of_the_same_site():
    found = [
        slow.patient_index(PEPPER, SITE, "", "12345"),
        slow.patient_index(PEPPER, SITE, "urn:x", "12345"),
        slow.patient_index(PEPPER, VAULT, "", "12345"),
        slow.patient_index(b"x" * 32, SITE, "", "12345"),
        slow.accession_index(PEPPER, SITE, "", "12345"),
        slow.conditional_index(PEPPER, SITE, "ImagingStudy", "", "12345"),
        slow.conditional_index(PEPPER, SITE, "DiagnosticReport", "", "12345"),
    ]
    assert len(set(found)) == 7
    assert {len(index) for index in found} == {32}


def test_a_birth_check_is_one_octet():
    checks = {slow.birth_check(PEPPER, SITE, "", "1", f"19460{month}01") for month in range(1, 10)}
    assert checks <= set(range(256))
    assert len(checks) > 1


def test_a_profile_nobody_knows_is_refused():
    with pytest.raises(UnknownSuite):
        slow.stretch(77, b"x", salt16=SALT, pepper=PEPPER)


def test_as_many_work_as_there_are_cores_some_wait_and_the_rest_come_back_later():
    gate, inside, leave = slow.Gate(at_once=1, queue=2), threading.Event(), threading.Event()
    finished = []

    def work() -> None:
        with gate.held():
            inside.set()
            leave.wait(10)
            finished.append(1)

    people = [threading.Thread(target=work) for _ in range(3)]
    people[0].start()
    assert inside.wait(10)
    for person in people[1:]:
        person.start()
    while gate._places._value:
        pass
    assert finished == []
    with pytest.raises(Busy) as told, gate.held():
        pass
    assert told.value.retry_after >= 1
    leave.set()
    for person in people:
        person.join()
    assert len(finished) == 3
    with gate.held():
        pass


def test_a_place_is_given_back_when_the_work_fails():
    gate = slow.Gate(at_once=1, queue=0)
    for _ in range(3):
        with pytest.raises(KeyError), gate.held():
            raise KeyError
    with gate.held():
        pass


def test_processes_of_one_machine_share_its_cores(monkeypatch):
    monkeypatch.setattr(slow, "_gate", slow._gate)
    slow.share_cores(among=1000)
    assert slow._gate.at_once == 1
