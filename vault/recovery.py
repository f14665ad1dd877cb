"""The printed code that opens a vault when every other way is lost (docs/format.md 3)."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Final

from vault import audit, slots
from vault.audit import Actor, Did
from vault.database import Work
from vault.keyring import VaultKeyring
from vault.record import lock_vault, write_record
from vault.sealing.codes import RecoveryCode

_THIRD_GROUP: Final = 2
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})


@dataclass(frozen=True, slots=True)
class Kit:
    """What can be said of the printed kit: when it was made, when one of its groups was typed back, its number."""

    made: datetime | None
    confirmed: datetime | None
    number: int


def new_recovery_code(work: Work, keyring: VaultKeyring) -> RecoveryCode:
    """A fresh code opens the vault, and the one before does not. It is shown once; one group of it is kept, wrapped."""
    lock_vault(work, keyring.vault_id)
    code = RecoveryCode.new()
    slots.put_slot(work, keyring, slots.new_recovery_slot(keyring.vault_id, code))
    number = recovery_kit(work, keyring).number + 1
    keyring.keep_field(work, "kit_number", str(number))
    keyring.keep_field(work, "kit_group", code.reveal().split("-")[_THIRD_GROUP])
    by = Actor("patient", keyring.vault_id)
    audit.record(work, owner=keyring.owner, did=Did.RECOVERY_MADE, by=by, kit=number)
    write_record(work, keyring)
    return code


def confirm_recovery_code(work: Work, keyring: VaultKeyring, third_group: str) -> bool:
    """Whether the third group was typed back as printed; if so, the kit is known to be in the owner's hands."""
    lock_vault(work, keyring.vault_id)
    kept, slot = keyring.field(work, "kit_group"), slots.slot_of(work, keyring.vault_id, "recovery")
    if kept is None or slot is None or not compare_digest(kept.encode(), _as_printed(third_group).encode()):
        return False
    slot.confirmed = work.now
    by = Actor("patient", keyring.vault_id)
    audit.record(work, owner=keyring.owner, did=Did.RECOVERY_CHECKED, by=by)
    write_record(work, keyring)
    return True


def recovery_kit(work: Work, keyring: VaultKeyring) -> Kit:
    """The kit in force; `made` is None where there is none, since it was used up or never made."""
    number = int(keyring.field(work, "kit_number") or 0)
    slot = slots.slot_of(work, keyring.vault_id, "recovery")
    return Kit(None, None, number) if slot is None else Kit(slot.created, slot.confirmed, number)


def _as_printed(typed: str) -> str:
    bare = filter(str.isalnum, unicodedata.normalize("NFKC", typed))
    return "".join(bare).upper().translate(_ALIKE)
