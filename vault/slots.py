"""The ways into a vault: key pairs that the vault master is sealed to (docs/format.md 3).

Nothing is compared but public halves: a secret is right if the pair it derives is the one that is stored.
"""

import os
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from vault.database import Work
from vault.ids import Id, new_id
from vault.keyring import VaultKeyring
from vault.sealing import derive, slow
from vault.sealing.codes import RecoveryCode
from vault.sealing.suite import PUBLIC_LENGTH, KeyPair, open_sealed
from vault.secrets import Secrets
from vault.tables import SlotRow

SlotKind = Literal["password", "recovery", "passkey"]

_NO_PROFILE = 0  # a recovery code has 130 random bits, a passkey 256: neither is stretched
_NO_PUBLIC_HALF = bytes(PUBLIC_LENGTH)  # which no secret derives


@dataclass(frozen=True, slots=True)
class NewSlot:
    """A slot before it has a row: made outside the transaction, since stretching a password is slow."""

    id: Id
    vault_id: Id
    kind: SlotKind
    profile: int
    salt: bytes
    pepper_id: int
    public: bytes = field(repr=False)


def new_password_slot(secrets: Secrets, vault_id: Id, password: str) -> NewSlot:
    """Slow. Raises `Busy` of `vault.sealing`."""
    slot_id, salt = new_id(), os.urandom(16)
    stretched = slow.stretch_password(password, salt=salt, pepper=secrets.pepper, vault=vault_id, slot=slot_id)
    return NewSlot(slot_id, vault_id, "password", slow.PEOPLE, salt, secrets.pepper_id, _pair(stretched).public)


def new_recovery_slot(vault_id: Id, code: RecoveryCode) -> NewSlot:
    """A slot that the code opens, on this store or on one that lost its pepper."""
    slot_id = new_id()
    pair = _pair(slow.recovery_secret(code.code17, vault_id, slot_id))
    return NewSlot(slot_id, vault_id, "recovery", _NO_PROFILE, b"", 0, pair.public)


def new_passkey_slot(vault_id: Id, prf: bytes) -> NewSlot:
    """A slot that what a passkey's PRF extension gives opens: 32 octets that never leave a request."""
    slot_id = new_id()
    pair = _pair(slow.passkey_secret(prf, vault_id, slot_id))
    return NewSlot(slot_id, vault_id, "passkey", _NO_PROFILE, b"", 0, pair.public)


def put_slot(work: Work, keyring: VaultKeyring, slot: NewSlot) -> None:
    """The slot opens the vault; any other of its kind does not any more."""
    drop_slots(work, slot.vault_id, slot.kind)
    add_slot(work, keyring, slot)


def add_slot(work: Work, keyring: VaultKeyring, slot: NewSlot) -> None:
    """The slot opens the vault too."""
    work.session.add(
        SlotRow(
            id=slot.id,
            vault=slot.vault_id,
            kind=slot.kind,
            kdf_id=slot.profile,
            salt=slot.salt,
            pepper_id=slot.pepper_id,
            spk=slot.public,
            seal=keyring.seal_master_to(slot.public, "slot", slot.vault_id, slot.id, slot.kind),
            created=work.now,
        )
    )
    work.session.flush()


def drop_slots(work: Work, vault_id: bytes, kind: SlotKind) -> None:
    """No slot of this kind opens the vault any more."""
    work.session.execute(sa.delete(SlotRow).where(SlotRow.vault == vault_id, SlotRow.kind == kind))


def slot_of(work: Work, vault_id: bytes, kind: SlotKind) -> SlotRow | None:
    """The vault's one slot of this kind."""
    return work.session.scalar(sa.select(SlotRow).where(SlotRow.vault == vault_id, SlotRow.kind == kind))


def open_with_password(
    secrets: Secrets, slot: SlotRow | None, password: str, *, login_bi: bytes
) -> VaultKeyring | None:
    """The vault, or None where the password is wrong. Without a slot the same slow work is done for nothing."""
    pepper = None if slot is None else secrets.peppers.get(slot.pepper_id)
    if slot is None or pepper is None:
        salt = derive.dummy_salt(secrets.index_key, login_bi)
        nobody = bytes(16)
        stretched = slow.stretch_password(password, salt=salt, pepper=secrets.pepper, vault=nobody, slot=nobody)
        return _opened(None, stretched)
    stretched = slow.stretch_password(
        password, salt=slot.salt, pepper=pepper, vault=slot.vault, slot=slot.id, profile=slot.kdf_id
    )
    return _opened(slot, stretched)


def open_with_recovery_code(slot: SlotRow | None, code: RecoveryCode) -> VaultKeyring | None:
    """The vault, or None where the code is not its."""
    vault_id, slot_id = (bytes(16), bytes(16)) if slot is None else (slot.vault, slot.id)
    return _opened(slot, slow.recovery_secret(code.code17, vault_id, slot_id))


def open_with_passkey(slot: SlotRow | None, prf: bytes) -> VaultKeyring | None:
    """The vault, or None where the passkey gave something else than when the slot was made."""
    vault_id, slot_id = (bytes(16), bytes(16)) if slot is None else (slot.vault, slot.id)
    return _opened(slot, slow.passkey_secret(prf, vault_id, slot_id))


def ways_in(work: Work, vault_id: bytes) -> set[Id]:
    """The slots that open the vault from day to day: its password's and those of passkeys, not the printed kit's."""
    found = sa.select(SlotRow.id).where(SlotRow.vault == vault_id, SlotRow.kind.in_(("password", "passkey")))
    return {Id(one) for one in work.session.scalars(found)}


def is_outdated(secrets: Secrets, slot: SlotRow) -> bool:
    """Whether a password slot was made with another profile or pepper than those made now."""
    return (slot.kdf_id, slot.pepper_id) != (slow.PEOPLE, secrets.pepper_id)


def _pair(stretched: bytes) -> KeyPair:
    return KeyPair.from_seed(derive.slot_kem_seed(stretched))


def _opened(slot: SlotRow | None, stretched: bytes) -> VaultKeyring | None:
    pair = _pair(stretched)
    if not pair.matches(_NO_PUBLIC_HALF if slot is None else slot.spk) or slot is None:
        return None
    return VaultKeyring(slot.vault, open_sealed(pair, slot.seal, "slot", slot.vault, slot.id, slot.kind))
