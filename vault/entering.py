"""What every way into an account has in common, by password, printed code or passkey (docs/format.md 3)."""

from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from vault import audit, slots
from vault.audit import Actor, Did
from vault.database import Services, Work
from vault.errors import NotThere, WrongSecret
from vault.ids import Id
from vault.keyring import SYSTEM, Owner, OwnerKind, VaultKeyring, row_mac
from vault.record import lock_vault
from vault.sealing import derive
from vault.slots import NewSlot
from vault.tables import AccountRow, SlotRow, VaultRow
from vault.tables_sharing import SessionRow

AccountKind = Literal["person", "provider"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account and the vault it opened; `came_back` where that called off an erasure."""

    account_id: Id
    kind: AccountKind
    keyring: VaultKeyring = field(repr=False)
    came_back: bool = False


def put_account(
    work: Work, keyring: VaultKeyring, account_id: bytes, login: str, kind: AccountKind, slot: NewSlot
) -> None:
    """A new vault and its account, which the slot opens; its record is still to be written."""
    vpk, sig_pk = keyring.pair.public, keyring.signing_key.public
    mac = row_mac(work, "vault", keyring.vault_id, vpk, sig_pk)
    vault = VaultRow(id=keyring.vault_id, vpk=vpk, sig_pk=sig_pk, record=b"", row_mac=mac, created=work.now)
    work.session.add(vault)
    work.session.flush()
    login_bi = derive.login_index(work.secrets.index_key, login)
    work.session.add(AccountRow(id=account_id, login_bi=login_bi, vault=keyring.vault_id, kind=kind, created=work.now))
    work.session.flush()
    slots.put_slot(work, keyring, slot)


def check_slot_is_there(work: Work, slot: SlotRow) -> None:
    """Raise `WrongSecret` where the slot was replaced while the secret was stretched; the vault is locked after it."""
    lock_vault(work, slot.vault)
    if work.session.get(SlotRow, slot.id) is None:
        raise WrongSecret


def came_back(work: Work, account: AccountRow, slot: SlotRow) -> None:
    """Opening any slot calls off an erasure that was asked for."""
    work.session.execute(sa.update(AccountRow).where(AccountRow.id == account.id).values(erase_after=None))
    work.session.execute(sa.update(SlotRow).where(SlotRow.id == slot.id).values(last_used=work.now))


def sign_out(work: Work, keyring: VaultKeyring, *, keep: bytes | None) -> None:
    """Every session of the vault but this one has ended."""
    ended = sa.delete(SessionRow).where(SessionRow.vault == keyring.vault_id)
    work.session.execute(ended if keep is None else ended.where(SessionRow.id != keep))


def record_failure(services: Services, account: AccountRow | None) -> None:
    """Also where there is no account: the system's own chain has it, and the same work is done."""
    owner = SYSTEM if account is None else Owner(OwnerKind.VAULT, Id(account.vault))
    with services.work() as work:
        audit.record(work, owner=owner, did=Did.SIGN_IN_FAILED, by=Actor("guest"))


def own_account(work: Work, keyring: VaultKeyring, account_id: bytes) -> AccountRow:
    """The account whose vault this is. Raises `NotThere`."""
    row = work.session.get(AccountRow, account_id)
    if row is None or row.vault != keyring.vault_id:
        raise NotThere
    return row


def itself(kind: str, keyring: VaultKeyring) -> Actor:
    """The owner of the vault, as events name them."""
    return Actor("provider" if kind == "provider" else "patient", keyring.vault_id)


def kind_of(account: AccountRow) -> AccountKind:
    """Whose account it is."""
    return "provider" if account.kind == "provider" else "person"
