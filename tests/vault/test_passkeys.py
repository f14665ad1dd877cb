"""A passkey opens the vault by what its PRF extension gives; its signature alone opens nothing."""

import os

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FrozenClock
from tests.vault.people import PASSWORD, a_patient
from vault import accounts, audit, openers, slots
from vault.accounts import SignedIn
from vault.audit import Did
from vault.database import Services
from vault.errors import BrokenRecord, Expired, LastWayIn, LoginTaken, NotThere, PasskeyTaken, Wait, WrongSecret
from vault.ids import new_id
from vault.keyring import VaultKeyring
from vault.passkeys import (
    NewPasskey,
    Passkey,
    add_passkey,
    drop_passkey,
    name_of,
    note_signed,
    open_account_with_passkey,
    passkey_called,
    passkeys_of,
    sign_in_with_passkey,
)
from vault.tables import PasskeyRow, SlotRow

HERE = "192.0.2.7"
PRF = bytes(range(32))


def a_passkey(prf: bytes | None = PRF, *, name: str = "iPhone") -> NewPasskey:
    return NewPasskey(os.urandom(32), b"public", 0, synced=True, name=name, prf=prf)


def an_account(services: Services, passkey: NewPasskey, login: str = "ana@example.org") -> SignedIn:
    return open_account_with_passkey(services, account_id=new_id(), login=login, passkey=passkey, name="Ana Perez")


def called(services: Services, passkey: NewPasskey) -> Passkey:
    with services.reading() as work:
        return passkey_called(work, passkey.credential)


def added(services: Services, ana: SignedIn, passkey: NewPasskey) -> None:
    with services.work() as work:
        add_passkey(work, ana.keyring, ana.account_id, passkey)


def test_who_joined_with_a_device_lock_comes_back_to_the_same_vault(services: Services):
    passkey = a_passkey()
    opened = an_account(services, passkey)
    back = sign_in_with_passkey(services, called(services, passkey), prf=PRF, source=HERE)
    assert (back.account_id, back.kind, back.keyring.vault_id) == (opened.account_id, "person", opened.keyring.vault_id)
    with services.reading() as work:
        assert back.keyring.field(work, "name") == "Ana Perez"
        assert name_of(work, back.keyring, called(services, passkey).id) == "iPhone"
        assert [event.did for event in audit.events(work, back.keyring.owner)] == [Did.SIGNED_IN, Did.SIGNED_UP]
        assert not accounts.has_password(work, back.account_id)


def test_no_password_opens_an_account_that_has_none(services: Services):
    an_account(services, a_passkey())
    with pytest.raises(WrongSecret):
        accounts.sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)


@given(prf=st.binary(min_size=32, max_size=32).filter(lambda prf: prf != PRF))
def test_a_slot_opens_for_what_it_was_made_with_and_nothing_else(prf: bytes):
    keyring = VaultKeyring(new_id(), bytes(32))
    made = slots.new_passkey_slot(keyring.vault_id, PRF)
    seal = keyring.seal_master_to(made.public, "slot", made.vault_id, made.id, made.kind)
    row = SlotRow(id=made.id, vault=made.vault_id, kind=made.kind, spk=made.public, seal=seal)
    opened = slots.open_with_passkey(row, PRF)
    assert opened is not None
    assert opened.pair.public == keyring.pair.public
    assert slots.open_with_passkey(row, prf) is None
    row.id = new_id()  # another row's key pair
    assert slots.open_with_passkey(row, PRF) is None


def test_a_wrong_key_opens_nothing_is_told_to_the_owner_and_soon_waits(services: Services, clock: FrozenClock):
    passkey = a_passkey()
    ana = an_account(services, passkey)
    for _ in range(5):
        with pytest.raises(WrongSecret):
            sign_in_with_passkey(services, called(services, passkey), prf=bytes(32), source=HERE)
    with pytest.raises(Wait) as met:
        sign_in_with_passkey(services, called(services, passkey), prf=PRF, source=HERE)
    clock.advance(seconds=met.value.seconds)
    sign_in_with_passkey(services, called(services, passkey), prf=PRF, source=HERE)
    with services.reading() as work:
        assert Did.SIGN_IN_FAILED in {event.did for event in audit.events(work, ana.keyring.owner)}


def test_a_passkey_that_holds_no_key_makes_no_account(services: Services):
    with pytest.raises(WrongSecret):
        an_account(services, a_passkey(None))


def test_a_passkey_that_holds_no_key_says_who_is_there_and_opens_nothing(services: Services):
    ana, passkey = a_patient(services), a_passkey(None)
    added(services, ana, passkey)
    found = called(services, passkey)
    assert (found.account_id, found.opens) == (ana.account_id, False)
    with pytest.raises(WrongSecret):
        sign_in_with_passkey(services, found, prf=PRF, source=HERE)
    assert accounts.sign_in_to(services, found.account_id, password=PASSWORD, source=HERE).account_id == ana.account_id
    with pytest.raises(WrongSecret):
        accounts.sign_in_to(services, new_id(), password=PASSWORD, source=HERE)


def test_password_and_several_passkeys_open_one_vault(services: Services):
    ana, phone, laptop = a_patient(services), a_passkey(), a_passkey(bytes(32), name="Mac")
    added(services, ana, phone)
    added(services, ana, laptop)
    for passkey in (phone, laptop):
        assert passkey.prf is not None
        signed = sign_in_with_passkey(services, called(services, passkey), prf=passkey.prf, source=HERE)
        assert signed.keyring.vault_id == ana.keyring.vault_id
    accounts.sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)
    with services.reading() as work:
        assert len(passkeys_of(work, ana.account_id)) == 2


def test_a_removed_passkey_opens_nothing_and_its_device_is_signed_out(services: Services):
    ana, passkey = a_patient(services), a_passkey()
    added(services, ana, passkey)
    found = called(services, passkey)
    with services.work() as work:
        mine, other = (
            openers.add_session(
                work, ana.keyring, account_id=ana.account_id, area="patient", device="x", idle=1800, life=43200
            )
            for _ in range(2)
        )
        kept = openers.open_session(work, mine, "patient").id
        drop_passkey(work, ana.keyring, ana.account_id, found.id, keep_session=kept)
    with pytest.raises(WrongSecret):
        sign_in_with_passkey(services, found, prf=PRF, source=HERE)
    with services.work() as work:
        openers.open_session(work, mine, "patient")
        with pytest.raises(Expired):
            openers.open_session(work, other, "patient")
        assert [slot.kind for slot in work.session.scalars(sa.select(SlotRow))] == ["password"]
    accounts.sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)


def test_the_last_way_in_stays(services: Services):
    passkey = a_passkey()
    ana = an_account(services, passkey)
    with services.work() as work:
        accounts.new_recovery_code(work, ana.keyring)
    found = called(services, passkey)
    with pytest.raises(LastWayIn), services.work() as work:
        drop_passkey(work, ana.keyring, ana.account_id, found.id, keep_session=None)
    accounts.make_password(services, ana.keyring, ana.account_id, new=PASSWORD, keep_session=None)
    with services.work() as work:
        drop_passkey(work, ana.keyring, ana.account_id, found.id, keep_session=None)
    accounts.sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)


def test_nobody_removes_or_takes_anothers_passkey(services: Services):
    passkey = a_passkey()
    an_account(services, passkey)
    bo = a_patient(services, "bo")
    with pytest.raises(PasskeyTaken):
        added(services, bo, passkey)
    with pytest.raises(PasskeyTaken):
        an_account(services, passkey, "cy")
    with pytest.raises(LoginTaken):
        an_account(services, a_passkey(), "bo")
    found = called(services, passkey)
    with pytest.raises(NotThere), services.work() as work:
        drop_passkey(work, bo.keyring, bo.account_id, found.id, keep_session=None)
    with pytest.raises(NotThere), services.reading() as work:
        passkey_called(work, b"of nobody")


def test_a_passkeys_row_that_somebody_else_wrote_counts_for_nothing(services: Services):
    ana, passkey = a_patient(services), a_passkey()
    added(services, ana, passkey)
    found = called(services, passkey)
    with services.work() as work:
        note_signed(work, found, 7)
        assert passkey_called(work, passkey.credential).signed == 7
        work.session.execute(sa.update(PasskeyRow).values(public_key=b"a thief's"))
    with pytest.raises(BrokenRecord):
        called(services, passkey)


def test_a_slot_that_somebody_else_wrote_stops_the_sign_in(services: Services):
    passkey = a_passkey()
    ana = an_account(services, passkey)
    with services.work() as work:
        slots.add_slot(work, ana.keyring, slots.new_passkey_slot(ana.keyring.vault_id, bytes(32)))
    with pytest.raises(BrokenRecord):
        sign_in_with_passkey(services, called(services, passkey), prf=PRF, source=HERE)


def test_coming_back_with_a_passkey_keeps_an_account_that_was_to_go(services: Services, clock: FrozenClock):
    passkey = a_passkey()
    ana = an_account(services, passkey)
    with services.work() as work:
        work.session.execute(
            sa.update(accounts.AccountRow).values(erase_after=clock.now())  # pyright: ignore[reportPrivateImportUsage]
        )
    assert sign_in_with_passkey(services, called(services, passkey), prf=PRF, source=HERE).came_back
    assert not sign_in_with_passkey(services, called(services, passkey), prf=PRF, source=HERE).came_back
    assert ana.kind == "person"


def test_a_passkey_shows_nothing_of_itself(services: Services):
    assert PRF.hex() not in repr(a_passkey())
    assert "\\x01\\x02" not in repr(a_passkey())
