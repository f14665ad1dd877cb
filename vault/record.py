"""What a vault's owner seals of all that hangs on the vault, so that a changed row shows (docs/format.md 3)."""

import json
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import sqlalchemy as sa

from vault import audit
from vault.database import Work
from vault.errors import BrokenChain, BrokenRecord, NotThere
from vault.keyring import VaultKeyring, check_row_mac
from vault.sealing.canonical import canonical_json
from vault.sealing.errors import Tampered
from vault.sealing.suite import unwrap, wrap
from vault.tables import LinkRow, SlotRow, VaultRow
from vault.tables_sharing import GrantOwnerRow


def lock_vault(work: Work, vault_id: bytes) -> VaultRow:
    """The vault's row, read anew and held until the transaction ends. Raises `NotThere`."""
    held = {"key_share": True}
    row = work.session.get(VaultRow, vault_id, with_for_update=held, populate_existing=True)
    if row is None:
        raise NotThere
    return row


def write_record(work: Work, keyring: VaultKeyring) -> None:
    """The record says what hangs on the vault now. The last step of every change that the owner makes.

    Whoever adds or removes a slot, a link or a grant calls this in the same transaction, behind the audit event.
    """
    row = lock_vault(work, keyring.vault_id)
    row.record = _wrapped(work, keyring)
    work.session.flush()


def first_record(work: Work, keyring: VaultKeyring, row: VaultRow) -> None:
    """The same for a vault that is just being made."""
    row.record = _wrapped(work, keyring)
    work.session.flush()


def check_record(work: Work, keyring: VaultKeyring) -> None:
    """Return if nothing hangs on the vault but what its owner sealed. Raises `BrokenRecord`.

    A link or a grant that is gone is no break: the owner sees that from the events.
    """
    row = lock_vault(work, keyring.vault_id)
    check_row_mac(work, row.row_mac, "vault", row.id, row.vpk, row.sig_pk)
    if not compare_digest(row.vpk, keyring.pair.public) or not compare_digest(row.sig_pk, keyring.signing_key.public):
        raise BrokenRecord("vault")
    try:
        sealed: dict[str, Any] = json.loads(unwrap(keyring.library_key, row.record, "record", row.id))
    except Tampered:
        raise BrokenRecord("record") from None
    now = _contents(work, keyring)
    if (sealed["vpk"], sealed["sig_pk"]) != (now["vpk"], now["sig_pk"]):
        raise BrokenRecord("record")
    if not now["slots"].items() <= sealed["slots"].items():
        raise BrokenRecord("slot")
    for kind in ("links", "grants"):
        if not set(now[kind]) <= set(sealed[kind]):
            raise BrokenRecord(kind.removesuffix("s"))
    _check_events(work, keyring, *sealed["audit"])


def _check_events(work: Work, keyring: VaultKeyring, n: int, h: str) -> None:
    """The chain still runs through the recorded event, and unbroken from there."""
    try:
        if n >= 0 and audit.hash_at(work, keyring.owner, n) != bytes.fromhex(h):
            raise BrokenRecord("audit")
        audit.verify_chain(work, keyring.owner, after=n, h=bytes.fromhex(h))
    except BrokenChain:
        raise BrokenRecord("audit") from None


def _contents(work: Work, keyring: VaultKeyring) -> dict[str, Any]:
    session, vault_id = work.session, keyring.vault_id
    slots = session.execute(sa.select(SlotRow.id, SlotRow.spk).where(SlotRow.vault == vault_id))
    links = session.scalars(sa.select(LinkRow.id).where(LinkRow.vault == vault_id))
    grants = session.scalars(
        sa.select(GrantOwnerRow.id).where(GrantOwnerRow.vault == vault_id, GrantOwnerRow.status == "live")
    )
    n, h = audit.head(work, keyring.owner)
    return {
        "vpk": sha256(keyring.pair.public).hexdigest(),
        "sig_pk": keyring.signing_key.public.hex(),
        "slots": {slot_id.hex(): sha256(spk).hexdigest() for slot_id, spk in slots},
        "links": sorted(link_id.hex() for link_id in links),
        "grants": sorted(grant_id.hex() for grant_id in grants),
        "escrow": None,
        "audit": [n, h.hex()],
    }


def _wrapped(work: Work, keyring: VaultKeyring) -> bytes:
    return wrap(keyring.library_key, canonical_json(_contents(work, keyring)), "record", keyring.vault_id)
