"""Erasing for good, and clearing away what nobody needs any more (docs/format.md 12).

A study is erased by erasing its keys: in one transaction every wrap, seal and grant key of its batches, and every row
that names it. Its sealed octets follow after a delay in which backups are made. Until the last backup that holds the
keys is gone the erasure is not complete, and the owner is told that date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from vault import attempts, audit, claims, erasure, revocations
from vault.audit import SYSTEM_ACTOR, Actor, Did
from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id
from vault.journal import RevocationJournal, Revoked
from vault.keyring import Owner, OwnerKind, VaultKeyring
from vault.links import lock_scope
from vault.openers import sweep_openers
from vault.record import lock_vault, write_record
from vault.revocations import note, replay
from vault.rows import changed_rows
from vault.tables import EPOCH, AccountRow, BatchRow, BlobRow, FieldRow, IngestRow, ObjectRow
from vault.tables_sharing import HolderRow, OnceRow, SessionRow

__all__ = ["RevocationJournal", "Revoked", "Swept", "erase_vault", "forget_study", "note", "replay", "sweep"]

BLOBS_STAY: Final = timedelta(hours=48)  # above the interval of backups, so that a restored row finds its octets
ORPHANS_STAY: Final = timedelta(hours=24)
EMPTY_BATCHES_STAY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each went."""

    claims: int
    openers: int
    vaults: int
    blobs: int
    orphans: int


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

    Called every minute by whoever serves; two at once do no harm.
    """
    expired = claims.expire(services)
    with services.work() as work:
        openers = _drop_openers(work) + attempts.prune(work)
        _drop_empty_batches(work)
        _free_lost_blobs(work)
    vaults = _erase_asked(services)
    blobs = _delete_freed_blobs(services)
    orphans = services.blobs.sweep(services.clock.now() - ORPHANS_STAY, lambda blob_id: _has_row(services, blob_id))
    services.database.forget_freed_pages()
    return Swept(expired, openers, vaults, blobs, orphans)


def _drop_openers(work: Work) -> int:
    now = (work.now - EPOCH) // timedelta(microseconds=1)
    idle_since = sa.type_coerce(SessionRow.seen, sa.BigInteger) + sa.cast(SessionRow.idle, sa.BigInteger) * 1_000_000
    past = (
        sa.delete(SessionRow).where(idle_since <= now),
        sa.delete(HolderRow).where(HolderRow.expires <= work.now),
        sa.delete(IngestRow).where(IngestRow.expires <= work.now),
        sa.delete(OnceRow).where(OnceRow.until <= work.now),
    )
    return sweep_openers(work) + sum(
        changed_rows(work.session, one.execution_options(synchronize_session=False)) for one in past
    )


def _drop_empty_batches(work: Work) -> None:
    """Batches that a token began and never filled; while it lives it may still."""
    has_objects = sa.exists().where(ObjectRow.batch == BatchRow.id)
    has_token = sa.exists().where(IngestRow.batch == BatchRow.id)
    empty = sa.select(BatchRow.id).where(BatchRow.created <= work.now - EMPTY_BATCHES_STAY, ~has_objects, ~has_token)
    erasure.erase_batches(work, work.session.scalars(empty).all())


def _free_lost_blobs(work: Work) -> None:
    has_objects = sa.exists().where(ObjectRow.blob == BlobRow.id)
    lost = sa.update(BlobRow).where(BlobRow.state == "live", BlobRow.since <= work.now - ORPHANS_STAY, ~has_objects)
    work.session.execute(lost.values(state="freed", since=work.now), execution_options={"synchronize_session": False})


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


def _delete_freed_blobs(services: Services) -> int:
    with services.reading() as work:
        freed = sa.select(BlobRow.id).where(BlobRow.state == "freed", BlobRow.since <= work.now - BLOBS_STAY)
        due = list(work.session.scalars(freed))
    for blob_id in due:
        services.blobs.delete(blob_id)  # before its row: what has no row is found by nobody
        with services.work() as work:
            work.session.execute(sa.delete(BlobRow).where(BlobRow.id == blob_id, BlobRow.state == "freed"))
    return len(due)


def _has_row(services: Services, blob_id: str) -> bool:
    with services.reading() as work:
        return work.session.get(BlobRow, blob_id) is not None
