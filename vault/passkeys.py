"""Passkeys: what is kept of them, and the vault that one with the PRF extension opens (docs/format.md 3).

That a passkey signed is found out before anything here is called. Its signature says who is there; what its PRF
extension gives opens the vault. One without that extension says who is there and opens nothing.
"""

import os
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from vault import attempts, audit, slots
from vault.attempts import Limit, Try, source_prefix
from vault.audit import Did
from vault.database import Services, Work
from vault.entering import (
    SignedIn,
    came_back,
    check_slot_is_there,
    itself,
    kind_of,
    own_account,
    put_account,
    record_failure,
    sign_out,
)
from vault.errors import LastWayIn, LoginTaken, NotThere, PasskeyTaken, WrongSecret
from vault.ids import Id, new_id
from vault.keyring import VaultKeyring, check_row_mac, row_mac
from vault.mailbox import keep_mail
from vault.record import check_record, first_record, lock_vault, write_record
from vault.slots import NewSlot
from vault.tables import AccountRow, PasskeyRow, SlotRow, VaultRow

PRF_OCTETS = 32


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a device has just made; `prf` is what its PRF extension gives, None where it has none."""

    credential: bytes
    public_key: bytes = field(repr=False)
    signed: int
    synced: bool
    name: str
    prf: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of an account; `opens` is whether it opens the vault."""

    id: Id
    account_id: Id
    credential: bytes
    public_key: bytes = field(repr=False)
    signed: int
    opens: bool
    created: datetime
    last_used: datetime | None


def open_account_with_passkey(
    services: Services,
    *,
    account_id: Id,
    login: str,
    passkey: NewPasskey,
    name: str,
    born: str | None = None,
    mail: str | None = None,
) -> SignedIn:
    """A new vault that only this passkey opens; what `accounts.open_account` keeps is kept.

    Raises `WrongSecret` for a passkey that holds no key, `LoginTaken`, `PasskeyTaken`.
    """
    if passkey.prf is None:
        raise WrongSecret
    keyring = VaultKeyring(new_id(), os.urandom(32))
    slot = slots.new_passkey_slot(keyring.vault_id, passkey.prf)
    try:
        with services.work() as work:
            _check_is_new(work, passkey)
            put_account(work, keyring, account_id, login, "person", slot)
            for field_name, words in (("login", login), ("name", name), ("born", born or "")):
                keyring.keep_field(work, field_name, words)
            keep_mail(work, account_id, mail)
            _put(work, keyring, account_id, passkey, slot)
            audit.record(work, owner=keyring.owner, did=Did.SIGNED_UP, by=itself("person", keyring))
            first_record(work, keyring, work.session.get_one(VaultRow, keyring.vault_id))
    except IntegrityError:
        raise LoginTaken from None
    return SignedIn(account_id, "person", keyring)


def passkey_called(work: Work, credential: bytes) -> Passkey:
    """The passkey that browsers call so. Raises `NotThere`, `BrokenRecord`."""
    row = work.session.scalar(sa.select(PasskeyRow).where(PasskeyRow.credential == credential))
    if row is None:
        raise NotThere
    return _believed(work, row)


def passkeys_of(work: Work, account_id: bytes) -> list[Passkey]:
    """The account's, oldest first. Raises `BrokenRecord`."""
    found = sa.select(PasskeyRow).where(PasskeyRow.account == account_id).order_by(PasskeyRow.created, PasskeyRow.id)
    return [_believed(work, row) for row in work.session.scalars(found)]


def name_of(work: Work, keyring: VaultKeyring, passkey_id: bytes) -> str:
    """The device that made it, in the words that were kept."""
    return keyring.field(work, "passkey", subject=passkey_id) or ""


def note_signed(work: Work, passkey: Passkey, signed: int) -> None:
    """It signed: its count, and that it was used now."""
    row = work.session.get(PasskeyRow, passkey.id)
    if row is None:
        raise NotThere
    row.signed, row.last_used = signed, work.now
    row.row_mac = row_mac(work, "passkey", row.id, *_fields(row))
    work.session.flush()


def sign_in_with_passkey(services: Services, passkey: Passkey, *, prf: bytes, source: str) -> SignedIn:
    """The vault behind a passkey that has signed, its rows checked against its owner's record.

    Raises `WrongSecret`, `Wait`, `BrokenRecord`.
    """
    with services.reading() as work:
        account, row = work.session.get(AccountRow, passkey.account_id), work.session.get(PasskeyRow, passkey.id)
        slot = None if row is None or row.slot is None else work.session.get(SlotRow, row.slot)
    login_bi = bytes(16) if account is None else account.login_bi
    tries: tuple[Try, ...] = ((Limit.LOGIN, login_bi), (Limit.LOGIN_SOURCE, source_prefix(source)))
    attempts.spend_all(services, *tries)
    keyring = slots.open_with_passkey(slot, prf)
    if keyring is None or account is None or slot is None or keyring.vault_id != account.vault:
        record_failure(services, account)
        raise WrongSecret
    attempts.credit_all(services, *tries)
    with services.work() as work:
        check_slot_is_there(work, slot)
        check_record(work, keyring)
        came_back(work, account, slot)
        audit.record(work, owner=keyring.owner, did=Did.SIGNED_IN, by=itself(account.kind, keyring))
        write_record(work, keyring)
    return SignedIn(Id(account.id), kind_of(account), keyring, came_back=account.erase_after is not None)


def note_refused(services: Services, passkey: Passkey) -> None:
    """A signature that does not count came in the name of this passkey: its owner sees that from the events."""
    with services.reading() as work:
        account = work.session.get(AccountRow, passkey.account_id)
    record_failure(services, account)


def add_passkey(work: Work, keyring: VaultKeyring, account_id: bytes, passkey: NewPasskey) -> Id:
    """The passkey belongs to the account, and opens its vault if it can hold a key. Raises `PasskeyTaken`."""
    lock_vault(work, keyring.vault_id)
    account = own_account(work, keyring, account_id)
    _check_is_new(work, passkey)
    slot = None if passkey.prf is None else slots.new_passkey_slot(keyring.vault_id, passkey.prf)
    if slot is not None:
        slots.add_slot(work, keyring, slot)
    passkey_id = _put(work, keyring, account_id, passkey, slot)
    audit.record(work, owner=keyring.owner, did=Did.PASSKEY_ADDED, by=itself(account.kind, keyring))
    write_record(work, keyring)
    return passkey_id


def drop_passkey(
    work: Work, keyring: VaultKeyring, account_id: bytes, passkey_id: bytes, *, keep_session: bytes | None
) -> None:
    """It neither opens the vault nor says who is there, and every session but `keep_session` has ended.

    Raises `NotThere`, and `LastWayIn` where no password and no other passkey opens the vault.
    """
    lock_vault(work, keyring.vault_id)
    account, row = own_account(work, keyring, account_id), work.session.get(PasskeyRow, passkey_id)
    if row is None or row.account != account.id:
        raise NotThere
    if row.slot is not None and slots.ways_in(work, keyring.vault_id) <= {row.slot}:
        raise LastWayIn
    work.session.execute(sa.delete(PasskeyRow).where(PasskeyRow.id == row.id))
    if row.slot is not None:
        work.session.execute(sa.delete(SlotRow).where(SlotRow.id == row.slot))
    keyring.keep_field(work, "passkey", "", subject=passkey_id)
    sign_out(work, keyring, keep=keep_session)
    audit.record(work, owner=keyring.owner, did=Did.PASSKEY_REMOVED, by=itself(account.kind, keyring))
    write_record(work, keyring)


# -- inside ----------------------------------------------------------------------------------------


def _check_is_new(work: Work, passkey: NewPasskey) -> None:
    if work.session.scalar(sa.select(PasskeyRow.id).where(PasskeyRow.credential == passkey.credential)) is not None:
        raise PasskeyTaken


def _put(work: Work, keyring: VaultKeyring, account_id: bytes, passkey: NewPasskey, slot: NewSlot | None) -> Id:
    row = PasskeyRow(
        id=new_id(),
        credential=passkey.credential,
        account=account_id,
        slot=None if slot is None else slot.id,
        public_key=passkey.public_key,
        signed=passkey.signed,
        synced=passkey.synced,
        created=work.now,
    )
    row.row_mac = row_mac(work, "passkey", row.id, *_fields(row))
    work.session.add(row)
    work.session.flush()
    keyring.keep_field(work, "passkey", passkey.name, subject=row.id)
    return Id(row.id)


def _fields(row: PasskeyRow) -> tuple[bytes | int, ...]:
    """What the row MAC covers, in order (docs/format.md 3)."""
    return row.credential, row.account, row.slot or b"", row.public_key, row.signed


def _believed(work: Work, row: PasskeyRow) -> Passkey:
    check_row_mac(work, row.row_mac, "passkey", row.id, *_fields(row))
    return Passkey(
        id=Id(row.id),
        account_id=Id(row.account),
        credential=row.credential,
        public_key=row.public_key,
        signed=row.signed,
        opens=row.slot is not None,
        created=row.created,
        last_used=row.last_used,
    )
