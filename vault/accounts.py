"""People's accounts: opening one, signing in, and every change of what opens it (docs/format.md 3).

There is no stored password to compare with: a password is right if it opens the vault. Where there is no such account
the same work is done and the same answer given.
"""

import os
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from vault import attempts, audit, slots
from vault.attempts import Limit, Try, source_prefix
from vault.audit import Actor, Did
from vault.database import Services, Work
from vault.errors import LoginTaken, NotThere, WrongSecret
from vault.ids import Id, new_id
from vault.keyring import SYSTEM, Owner, OwnerKind, VaultKeyring, row_mac
from vault.passwords import SHORTEST_ALONE, SHORTEST_WITH_A_SECOND_FACTOR, check_password_is_strong
from vault.record import check_record, first_record, lock_vault, write_record
from vault.recovery import Kit, confirm_recovery_code, new_recovery_code, recovery_kit
from vault.sealing import derive
from vault.sealing.codes import RecoveryCode
from vault.sealing.slow import LONGEST_PASSWORD
from vault.sealing.suite import unwrap, wrap
from vault.second_factor import TotpSecret, check_code_app, confirm_code_app, enable_code_app, has_code_app
from vault.settling import Settled, settle
from vault.slots import NewSlot
from vault.tables import AccountRow, SlotRow, VaultRow
from vault.tables_sharing import SessionRow

__all__ = [
    "Kit",
    "Settled",
    "SignedIn",
    "TotpSecret",
    "change_password",
    "check_code_app",
    "check_password",
    "check_record",
    "confirm_code_app",
    "confirm_recovery_code",
    "enable_code_app",
    "has_code_app",
    "keep_mail",
    "mail_of",
    "new_recovery_code",
    "open_account",
    "recover",
    "recovery_kit",
    "settle",
    "sign_in",
    "write_record",
]

AccountKind = Literal["person", "provider"]

_SHORTEST: dict[str, int] = {"person": SHORTEST_ALONE, "provider": SHORTEST_WITH_A_SECOND_FACTOR}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account and the vault it opened; `came_back` where that called off an erasure."""

    account_id: Id
    kind: AccountKind
    keyring: VaultKeyring = field(repr=False)
    came_back: bool = False


def open_account(
    services: Services,
    *,
    login: str,
    password: str,
    kind: AccountKind = "person",
    name: str,
    born: str | None = None,
    mail: str | None = None,
) -> SignedIn:
    """A new vault that only this password opens. `born` is "YYYYMMDD"; name, birth date and login are kept sealed.

    Raises `WeakPassword`, `LoginTaken`, `Busy` of `vault.sealing`. The caller limits sign-ups by source.
    """
    check_password_is_strong(password, shortest=_SHORTEST[kind], about=(login, name))
    keyring, account_id = VaultKeyring(new_id(), os.urandom(32)), new_id()
    slot = slots.new_password_slot(services.secrets, keyring.vault_id, password)
    try:
        with services.work() as work:
            _put_account(work, keyring, account_id, login, kind, slot)
            keyring.keep_field(work, "login", login)
            keyring.keep_field(work, "name", name)
            keyring.keep_field(work, "born", born or "")
            keep_mail(work, account_id, mail)
            audit.record(work, owner=keyring.owner, did=Did.SIGNED_UP, by=_self(kind, keyring))
            first_record(work, keyring, work.session.get_one(VaultRow, keyring.vault_id))
    except IntegrityError:
        raise LoginTaken from None
    return SignedIn(account_id, kind, keyring)


def sign_in(services: Services, *, login: str, password: str, source: str) -> SignedIn:
    """The vault behind login and password, its rows checked against its owner's record.

    `source` is the address that asks. Raises `WrongSecret`, `Wait`, `BrokenRecord`, `Busy` of `vault.sealing`.
    """
    login_bi = derive.login_index(services.secrets.index_key, login)
    tries: tuple[Try, ...] = ((Limit.LOGIN, login_bi), (Limit.LOGIN_SOURCE, source_prefix(source)))
    attempts.spend_all(services, *tries)
    account, slot = _find(services, login_bi, "password")
    keyring = _open_with_password(services, slot, password, login_bi)
    if keyring is None or account is None or slot is None:
        _record_failure(services, account)
        raise WrongSecret
    attempts.credit_all(services, *tries)
    renewed = _renewed(services, slot, password)
    with services.work() as work:
        _check_slot_is_there(work, slot)
        check_record(work, keyring)
        _came_back(work, account, slot)
        if renewed is not None:
            slots.put_slot(work, keyring, renewed)
        audit.record(work, owner=keyring.owner, did=Did.SIGNED_IN, by=_self(account.kind, keyring))
        write_record(work, keyring)
    return SignedIn(Id(account.id), _kind(account), keyring, came_back=account.erase_after is not None)


def recover(services: Services, *, login: str, code: RecoveryCode, new_password: str, source: str) -> SignedIn:
    """The vault behind login and recovery code, with a new password; the code is used up and all devices signed out.

    A new code is the next thing to be made (`new_recovery_code`). Raises `WeakPassword`, and what `sign_in` raises.
    """
    login_bi = derive.login_index(services.secrets.index_key, login)
    account, slot = _find(services, login_bi, "recovery")
    check_password_is_strong(new_password, shortest=_SHORTEST[account.kind if account else "person"], about=(login,))
    tries: tuple[Try, ...] = ((Limit.RECOVERY, login_bi), (Limit.LOGIN_SOURCE, source_prefix(source)))
    attempts.spend_all(services, *tries)
    keyring = slots.open_with_recovery_code(slot, code)
    if keyring is None or account is None or slot is None:
        _record_failure(services, account)
        raise WrongSecret
    renewed = slots.new_password_slot(services.secrets, keyring.vault_id, new_password)
    with services.work() as work:
        _check_slot_is_there(work, slot)
        check_record(work, keyring)
        _came_back(work, account, slot)
        slots.put_slot(work, keyring, renewed)
        slots.drop_slots(work, keyring.vault_id, "recovery")
        _sign_out(work, keyring, keep=None)
        audit.record(work, owner=keyring.owner, did=Did.RECOVERY_USED, by=_self(account.kind, keyring))
        write_record(work, keyring)
    attempts.credit_all(services, *tries, (Limit.LOGIN, login_bi))
    return SignedIn(Id(account.id), _kind(account), keyring, came_back=account.erase_after is not None)


def check_password(services: Services, keyring: VaultKeyring, account_id: bytes, password: str) -> None:
    """Return if the password opens this vault. Raises `WrongSecret`, `Wait`, `Busy` of `vault.sealing`."""
    with services.reading() as work:
        account = _own_account(work, keyring, account_id)
        slot = slots.slot_of(work, keyring.vault_id, "password")
    attempts.spend(services, Limit.LOGIN, account.login_bi)
    if _open_with_password(services, slot, password, account.login_bi) is None:
        _record_failure(services, account)
        raise WrongSecret
    attempts.credit(services, Limit.LOGIN, account.login_bi)


def change_password(
    services: Services, keyring: VaultKeyring, account_id: bytes, *, old: str, new: str, keep_session: bytes | None
) -> None:
    """Only the new password opens the vault, and every session but `keep_session` has ended.

    Raises `WeakPassword`, and what `check_password` raises.
    """
    with services.reading() as work:
        account = _own_account(work, keyring, account_id)
        about = (keyring.field(work, "login") or "", keyring.field(work, "name") or "")
    check_password_is_strong(new, shortest=_SHORTEST[account.kind], about=about)
    check_password(services, keyring, account_id, old)
    renewed = slots.new_password_slot(services.secrets, keyring.vault_id, new)
    with services.work() as work:
        lock_vault(work, keyring.vault_id)
        slots.put_slot(work, keyring, renewed)
        _sign_out(work, keyring, keep=keep_session)
        audit.record(work, owner=keyring.owner, did=Did.PASSWORD_CHANGED, by=_self(account.kind, keyring))
        write_record(work, keyring)


def mail_of(work: Work, account_id: bytes) -> str | None:
    """The address for notices, or None."""
    row = work.session.get(AccountRow, account_id)
    if row is None or row.mail is None:
        return None
    return unwrap(work.secrets.mail_key, row.mail, "mail", account_id).decode()


def provider_called(work: Work, login: str) -> Id:
    """The vault of the provider who signs in with this name. Raises `NotThere`, for anybody else's name as well."""
    login_bi = derive.login_index(work.secrets.index_key, login)
    found = sa.select(AccountRow.vault).where(AccountRow.login_bi == login_bi, AccountRow.kind == "provider")
    vault_id = work.session.scalar(found)
    if vault_id is None:
        raise NotThere
    return Id(vault_id)


def keep_mail(work: Work, account_id: bytes, mail: str | None) -> None:
    """Notices go to this address; to none for None. Raises `NotThere`."""
    row = work.session.get(AccountRow, account_id)
    if row is None:
        raise NotThere
    row.mail = wrap(work.secrets.mail_key, mail.encode(), "mail", account_id) if mail else None
    work.session.flush()


# -- inside ----------------------------------------------------------------------------------------


def _put_account(
    work: Work, keyring: VaultKeyring, account_id: bytes, login: str, kind: AccountKind, slot: NewSlot
) -> None:
    vpk, sig_pk = keyring.pair.public, keyring.signing_key.public
    mac = row_mac(work, "vault", keyring.vault_id, vpk, sig_pk)
    vault = VaultRow(id=keyring.vault_id, vpk=vpk, sig_pk=sig_pk, record=b"", row_mac=mac, created=work.now)
    work.session.add(vault)
    work.session.flush()
    login_bi = derive.login_index(work.secrets.index_key, login)
    work.session.add(AccountRow(id=account_id, login_bi=login_bi, vault=keyring.vault_id, kind=kind, created=work.now))
    work.session.flush()
    slots.put_slot(work, keyring, slot)


def _find(services: Services, login_bi: bytes, kind: slots.SlotKind) -> tuple[AccountRow | None, SlotRow | None]:
    with services.reading() as work:
        account = work.session.scalar(sa.select(AccountRow).where(AccountRow.login_bi == login_bi))
        return account, None if account is None else slots.slot_of(work, account.vault, kind)


def _open_with_password(
    services: Services, slot: SlotRow | None, password: str, login_bi: bytes
) -> VaultKeyring | None:
    if len(password) > LONGEST_PASSWORD:
        return None  # nobody has such a password, and stretching it is what a flood would want
    return slots.open_with_password(services.secrets, slot, password, login_bi=login_bi)


def _renewed(services: Services, slot: SlotRow, password: str) -> NewSlot | None:
    if not slots.is_outdated(services.secrets, slot):
        return None
    return slots.new_password_slot(services.secrets, Id(slot.vault), password)


def _check_slot_is_there(work: Work, slot: SlotRow) -> None:
    """The slot may have been replaced while the secret was stretched."""
    lock_vault(work, slot.vault)
    if work.session.get(SlotRow, slot.id) is None:
        raise WrongSecret


def _came_back(work: Work, account: AccountRow, slot: SlotRow) -> None:
    # Opening any slot calls off an erasure that was asked for (docs/format.md 3).
    work.session.execute(sa.update(AccountRow).where(AccountRow.id == account.id).values(erase_after=None))
    work.session.execute(sa.update(SlotRow).where(SlotRow.id == slot.id).values(last_used=work.now))


def _sign_out(work: Work, keyring: VaultKeyring, *, keep: bytes | None) -> None:
    ended = sa.delete(SessionRow).where(SessionRow.vault == keyring.vault_id)
    work.session.execute(ended if keep is None else ended.where(SessionRow.id != keep))


def _record_failure(services: Services, account: AccountRow | None) -> None:
    """Also where there is no account: the system's own chain has it, and the same work is done."""
    owner = SYSTEM if account is None else Owner(OwnerKind.VAULT, Id(account.vault))
    with services.work() as work:
        audit.record(work, owner=owner, did=Did.SIGN_IN_FAILED, by=Actor("guest"))


def _own_account(work: Work, keyring: VaultKeyring, account_id: bytes) -> AccountRow:
    row = work.session.get(AccountRow, account_id)
    if row is None or row.vault != keyring.vault_id:
        raise NotThere
    return row


def _self(kind: str, keyring: VaultKeyring) -> Actor:
    return Actor("provider" if kind == "provider" else "patient", keyring.vault_id)


def _kind(account: AccountRow) -> AccountKind:
    return "provider" if account.kind == "provider" else "person"
