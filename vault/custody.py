"""Erasing for good (docs/format.md 12); the door to `clearing`, which does away with what nobody needs any more.

A study is erased by erasing its keys: in one transaction every wrap, seal and grant key of its batches, and every row
that names it. Its sealed octets follow after a delay in which backups are made. Until the last backup that holds the
keys is gone the erasure is not complete, and the owner is told that date.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from vault import audit, clearing, erasure, revocations
from vault.audit import SYSTEM_ACTOR, Actor, Did
from vault.clearing import Swept
from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id
from vault.journal import RevocationJournal, Revoked
from vault.keyring import Owner, OwnerKind, VaultKeyring
from vault.links import lock_scope
from vault.record import lock_vault, write_record
from vault.revocations import note, replay
from vault.tables import AccountRow, FieldRow

__all__ = ["RevocationJournal", "Revoked", "Swept", "erase_vault", "forget_study", "note", "replay", "sweep"]


# -- erasing ---------------------------------------------------------------------------------------


def forget_study(work: Work, study_ids: Iterable[bytes], *, owner: VaultKeyring, by: Actor) -> None:
    """No key of these studies is left with anybody: not the owner, not those they shared with.

    Raises `NotThere`, erasing nothing, where one of them is not the owner's.
    """
    wanted = list(dict.fromkeys(study_ids))
    lock_vault(work, owner.vault_id)
    for scope_id in sorted(owner.scopes(work)):
        lock_scope(work, scope_id)
    if not set(wanted) <= set(owner.study_ids(work)):
        raise NotThere
    note(work, Revoked.STUDY, wanted)
    erasure.erase_studies(work, wanted)
    work.session.execute(sa.delete(FieldRow).where(FieldRow.vault == owner.vault_id, FieldRow.subject.in_(wanted)))
    for study_id in wanted:
        audit.record(work, owner=owner.owner, did=Did.FORGOT_STUDY, by=by, to=study_id)
    write_record(work, owner)
    _forget_pages_afterwards(work)


def erase_vault(work: Work, vault: VaultKeyring | bytes, by: Actor) -> None:
    """The account, every way into the vault, all it held and all it gave are gone; of its history only the hashes.

    Sites that were linked to it are not: their next push waits for a new slip. Raises `NotThere`.
    """
    vault_id = Id(vault) if isinstance(vault, bytes) else vault.vault_id
    lock_vault(work, vault_id)
    note(work, Revoked.VAULT, [vault_id])
    revocations.erase_vault_rows(work, vault_id)
    owner = Owner(OwnerKind.VAULT, vault_id)
    audit.record(work, owner=owner, did=Did.ERASED, by=by)
    audit.clear_texts(work, owner)
    _forget_pages_afterwards(work)


def _forget_pages_afterwards(work: Work) -> None:
    """A deleted key leaves the files only with this; where a reader holds it back, the sweep does it again."""
    work.afterwards(lambda: _push_out(work))


def _push_out(work: Work) -> None:
    work.database.forget_freed_pages()


# -- clearing away ---------------------------------------------------------------------------------


def sweep(services: Services) -> Swept:
    """Everything past its time is gone: claims, openers, counters, accounts asked to be erased, blobs without rows.

    Called every minute by whoever serves; two at once do no harm. Nothing is looked at every time but what is due.
    """
    vaults = _erase_asked(services)
    swept = clearing.clear(services)
    services.database.forget_freed_pages()
    return swept._replace(vaults=vaults)


def _erase_asked(services: Services) -> int:
    with services.reading() as work:
        due = list(work.session.scalars(sa.select(AccountRow.vault).where(AccountRow.erase_after <= work.now)))
    for vault_id in due:
        with services.work() as work:
            # Signing in meanwhile calls it off.
            still = sa.select(AccountRow.id).where(AccountRow.vault == vault_id, AccountRow.erase_after <= work.now)
            if work.session.scalar(still) is not None:
                erase_vault(work, vault_id, SYSTEM_ACTOR)
    return len(due)
