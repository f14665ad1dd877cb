"""People's accounts: opening one, signing in, and every change of what opens it (docs/format.md 3).

There is no stored password to compare with: a password is right if it opens the vault. Where there is no such account
the same work is done and the same answer given.
"""

import os
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from vault import attempts, audit, slots
from vault.attempts import Limit, Try, source_prefix
from vault.audit import Did
from vault.database import Services, Work
from vault.entering import (
    AccountKind,
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
from vault.errors import LoginTaken, NotThere, WrongSecret
from vault.ids import Id, new_id
from vault.keyring import VaultKeyring
from vault.mailbox import keep_mail, mail_of
from vault.passwords import SHORTEST_ALONE, SHORTEST_WITH_A_SECOND_FACTOR, check_password_is_strong
from vault.record import check_record, first_record, lock_vault, write_record
from vault.recovery import Kit, confirm_recovery_code, new_recovery_code, recovery_kit
from vault.sealing import derive
from vault.sealing.codes import RecoveryCode
from vault.sealing.slow import LONGEST_PASSWORD
from vault.second_factor import TotpSecret, check_code_app, confirm_code_app, enable_code_app, has_code_app
from vault.settling import Settled, settle
from vault.slots import NewSlot
from vault.tables import AccountRow, SlotRow, VaultRow

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
    "prove_kit",
    "recover",
    "recovery_kit",
    "settle",
    "sign_in",
    "write_record",
]

_SHORTEST: dict[str, int] = {"person": SHORTEST_ALONE, "provider": SHORTEST_WITH_A_SECOND_FACTOR}


def open_account(
    services: Services,
    *,
    login: str,
    password: str,
    kind: AccountKind = "person",
    name: str,
    born: str | None = None,
    mail: str | None = None,
    account_id: Id | None = None,
) -> SignedIn:
    """A new vault that only this password opens. `born` is "YYYYMMDD"; name, birth date and login are kept sealed.

    `account_id` is a new one that a device was told already, where one was.

    Raises `WeakPassword`, `LoginTaken`, `Busy` of `vault.sealing`. The caller limits sign-ups by source.
    """
    check_password_is_strong(password, shortest=_SHORTEST[kind], about=(login, name))
    keyring, account_id = VaultKeyring(new_id(), os.urandom(32)), account_id or new_id()
    slot = slots.new_password_slot(services.secrets, keyring.vault_id, password)
    try:
        with services.work() as work:
            put_account(work, keyring, account_id, login, kind, slot)
            keyring.keep_field(work, "login", login)
            keyring.keep_field(work, "name", name)
            keyring.keep_field(work, "born", born or "")
            keep_mail(work, account_id, mail)
            audit.record(work, owner=keyring.owner, did=Did.SIGNED_UP, by=itself(kind, keyring))
            first_record(work, keyring, work.session.get_one(VaultRow, keyring.vault_id))
    except IntegrityError:
        raise LoginTaken from None
    return SignedIn(account_id, kind, keyring)


def sign_in(services: Services, *, login: str, password: str, source: str) -> SignedIn:
    """The vault behind login and password, its rows checked against its owner's record.

    `source` is the address that asks. Raises `WrongSecret`, `Wait`, `BrokenRecord`, `Busy` of `vault.sealing`.
    """
    return _sign_in(services, derive.login_index(services.secrets.index_key, login), password, source)


def sign_in_to(services: Services, account_id: bytes, *, password: str, source: str) -> SignedIn:
    """The same for an account that is known by something else than its login. Raises what `sign_in` raises."""
    with services.reading() as work:
        account = work.session.get(AccountRow, account_id)
    return _sign_in(services, bytes(16) if account is None else account.login_bi, password, source)


def _sign_in(services: Services, login_bi: bytes, password: str, source: str) -> SignedIn:
    tries: tuple[Try, ...] = ((Limit.LOGIN, login_bi), (Limit.LOGIN_SOURCE, source_prefix(source)))
    attempts.spend_all(services, *tries)
    account, slot = _find(services, login_bi, "password")
    keyring = _open_with_password(services, slot, password, login_bi)
    if keyring is None or account is None or slot is None:
        record_failure(services, account)
        raise WrongSecret
    attempts.credit_all(services, *tries)
    renewed = _renewed(services, slot, password)
    with services.work() as work:
        check_slot_is_there(work, slot)
        check_record(work, keyring)
        came_back(work, account, slot)
        if renewed is not None:
            slots.put_slot(work, keyring, renewed)
        audit.record(work, owner=keyring.owner, did=Did.SIGNED_IN, by=itself(account.kind, keyring))
        write_record(work, keyring)
    return SignedIn(Id(account.id), kind_of(account), keyring, came_back=account.erase_after is not None)


def _nothing_more(_work: Work, _keyring: VaultKeyring) -> bool:
    return True


def recover(
    services: Services,
    *,
    login: str,
    code: RecoveryCode,
    new_password: str,
    source: str,
    kind: AccountKind = "person",
    second: Callable[[Work, VaultKeyring], bool] = _nothing_more,
) -> SignedIn:
    """The vault behind login and recovery code, with a new password; the code is used up and all devices signed out.

    `second` looks for what else this kind of account shows; where it answers no, nothing has changed. A new code is the
    next thing to be made (`new_recovery_code`). Raises `WeakPassword`, and what `sign_in` raises.
    """
    check_password_is_strong(new_password, shortest=_SHORTEST[kind], about=(login,))
    account, slot, keyring, tries = _open_with_kit(services, login, code, kind, source)
    renewed = slots.new_password_slot(services.secrets, keyring.vault_id, new_password)
    with services.work() as work:
        check_slot_is_there(work, slot)
        check_record(work, keyring)
        if not second(work, keyring):
            raise WrongSecret
        came_back(work, account, slot)
        slots.put_slot(work, keyring, renewed)
        slots.drop_slots(work, keyring.vault_id, "recovery")
        sign_out(work, keyring, keep=None)
        audit.record(work, owner=keyring.owner, did=Did.RECOVERY_USED, by=itself(account.kind, keyring))
        write_record(work, keyring)
    attempts.credit_all(services, *tries, (Limit.LOGIN, account.login_bi))
    return SignedIn(Id(account.id), kind_of(account), keyring, came_back=account.erase_after is not None)


def prove_kit(services: Services, *, login: str, code: RecoveryCode, source: str, kind: AccountKind) -> None:
    """Return if the code on this kit opens the vault behind the login, and change nothing. Raises as `recover` does."""
    _account, _slot, _keyring, tries = _open_with_kit(services, login, code, kind, source)
    attempts.credit_all(services, *tries)


def check_password(services: Services, keyring: VaultKeyring, account_id: bytes, password: str) -> None:
    """Return if the password opens this vault. Raises `WrongSecret`, `Wait`, `Busy` of `vault.sealing`."""
    with services.reading() as work:
        account = own_account(work, keyring, account_id)
        slot = slots.slot_of(work, keyring.vault_id, "password")
    attempts.spend(services, Limit.LOGIN, account.login_bi)
    if _open_with_password(services, slot, password, account.login_bi) is None:
        record_failure(services, account)
        raise WrongSecret
    attempts.credit(services, Limit.LOGIN, account.login_bi)


def change_password(
    services: Services, keyring: VaultKeyring, account_id: bytes, *, old: str, new: str, keep_session: bytes | None
) -> None:
    """Only the new password opens the vault, and every session but `keep_session` has ended.

    Raises `WeakPassword`, and what `check_password` raises.
    """
    _check_new_password(services, keyring, account_id, new)
    check_password(services, keyring, account_id, old)
    make_password(services, keyring, account_id, new=new, keep_session=keep_session)


def make_password(
    services: Services, keyring: VaultKeyring, account_id: bytes, *, new: str, keep_session: bytes | None
) -> None:
    """This password opens the vault, whether there was one before or not; every session but `keep_session` has ended.

    The caller has made sure who asks. Raises `WeakPassword`, `NotThere`, `Busy` of `vault.sealing`.
    """
    account = _check_new_password(services, keyring, account_id, new)
    renewed = slots.new_password_slot(services.secrets, keyring.vault_id, new)
    with services.work() as work:
        lock_vault(work, keyring.vault_id)
        slots.put_slot(work, keyring, renewed)
        sign_out(work, keyring, keep=keep_session)
        audit.record(work, owner=keyring.owner, did=Did.PASSWORD_CHANGED, by=itself(account.kind, keyring))
        write_record(work, keyring)


def has_password(work: Work, account_id: bytes) -> bool:
    """Whether a password is among the ways into the account."""
    account = work.session.get(AccountRow, account_id)
    return account is not None and slots.slot_of(work, account.vault, "password") is not None


def provider_called(work: Work, login: str) -> Id:
    """The vault of the provider who signs in with this name. Raises `NotThere`, for anybody else's name as well."""
    login_bi = derive.login_index(work.secrets.index_key, login)
    found = sa.select(AccountRow.vault).where(AccountRow.login_bi == login_bi, AccountRow.kind == "provider")
    vault_id = work.session.scalar(found)
    if vault_id is None:
        raise NotThere
    return Id(vault_id)


# -- inside ----------------------------------------------------------------------------------------


def _check_new_password(services: Services, keyring: VaultKeyring, account_id: bytes, new: str) -> AccountRow:
    with services.reading() as work:
        account = own_account(work, keyring, account_id)
        about = (keyring.field(work, "login") or "", keyring.field(work, "name") or "")
    check_password_is_strong(new, shortest=_SHORTEST[account.kind], about=about)
    return account


def _open_with_kit(
    services: Services, login: str, code: RecoveryCode, kind: AccountKind, source: str
) -> tuple[AccountRow, SlotRow, VaultKeyring, tuple[Try, ...]]:
    """What the code opens, of this kind of account alone, and the tries that this was."""
    login_bi = derive.login_index(services.secrets.index_key, login)
    account, slot = _find(services, login_bi, "recovery")
    tries: tuple[Try, ...] = ((Limit.RECOVERY, login_bi), (Limit.LOGIN_SOURCE, source_prefix(source)))
    attempts.spend_all(services, *tries)
    keyring = slots.open_with_recovery_code(slot, code)
    if keyring is None or account is None or slot is None or account.kind != kind:
        record_failure(services, account)
        raise WrongSecret
    return account, slot, keyring, tries


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
