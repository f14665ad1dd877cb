"""What people add to their own vault: old discs and files, kept under batch keys like any push (docs/format.md 5).

A vault has one scope for all of it, made at the first scan and belonging to no site. Its owner is present while they
add, so a batch is gone on with by the owner's own key; no short-lived row holds that key a second time.
"""

import os

import sqlalchemy as sa

from vault import audit, links, owing
from vault.database import Services, Work
from vault.ids import Id, new_id
from vault.intake import OpenBatch, study_in
from vault.keyring import OwnerKind, VaultKeyring, put_batch_key
from vault.record import lock_vault
from vault.sealing.suite import wrap
from vault.tables import BatchRow, ObjectRow, ScopeRow, StudyRow


def own_scope(work: Work, keyring: VaultKeyring) -> Id | None:
    """The scope of what this person added; None before the first scan. Raises `BrokenRecord`."""
    found = sa.select(ScopeRow.id).where(
        ScopeRow.owner_kind == OwnerKind.VAULT.value, ScopeRow.owner == keyring.vault_id, ScopeRow.site.is_(None)
    )
    scope_id = work.session.scalar(found)
    return None if scope_id is None else Id(links.checked_scope(work, scope_id).id)


def open_own_batch(services: Services, keyring: VaultKeyring, study_uid: str) -> OpenBatch:
    """The batch of a study that its owner adds to: gone on with, or begun with every seal it needs.

    Committed before the first octet is accepted. Raises `NotThere` for a vault that is gone, `BrokenRecord`.
    """
    with services.work() as work:
        lock_vault(work, keyring.vault_id)  # two requests at once make one scope
        scope_id = own_scope(work, keyring) or _make_scope(work, keyring)
        links.lock_scope(work, scope_id)
        study_id = study_in(work, scope_id, study_uid)
        return _going_on(work, keyring, scope_id, study_id) or _begin(work, keyring, scope_id, study_id)


def _make_scope(work: Work, keyring: VaultKeyring) -> Id:
    row = ScopeRow(id=new_id(), site=None, patient_bi=None, dob_check=None, row_mac=b"")
    links.move_scope(work, row, keyring.owner)
    work.session.add(row)
    work.session.flush()
    return Id(row.id)


def _going_on(work: Work, keyring: VaultKeyring, scope_id: Id, study_id: Id) -> OpenBatch | None:
    found = sa.select(BatchRow.id).where(BatchRow.study == study_id, BatchRow.token_id == scope_id)
    batch_id = work.session.scalar(found)
    if batch_id is None:
        return None
    root_key = keyring.root_key(work, batch_id)
    return OpenBatch(Id(batch_id), study_id, scope_id, keyring.owner, root_key)


def _begin(work: Work, keyring: VaultKeyring, scope_id: Id, study_id: Id) -> OpenBatch:
    """One batch to a study: the scope stands where a push has its token."""
    batch = OpenBatch(new_id(), study_id, scope_id, keyring.owner, os.urandom(32))
    work.session.add(BatchRow(id=batch.id, study=study_id, token_id=scope_id, created=work.now))
    work.session.flush()
    ct = wrap(keyring.library_key, batch.root_key, "vault", keyring.vault_id, batch.id)
    put_batch_key(work, batch=batch.id, owner=keyring.owner, ct=ct)
    owing.seal_to_grants(
        work, owner=keyring.owner, site_id=None, study_id=study_id, batch=batch.id, root_key=batch.root_key
    )
    by = audit.Actor("patient", keyring.vault_id)
    audit.record(work, owner=keyring.owner, did=audit.Did.RECEIVED, by=by, to=study_id, batch=batch.id.hex())
    return batch


def octets_added(work: Work, keyring: VaultKeyring) -> int:
    """How much of the store what this person added takes up."""
    scope_id = own_scope(work, keyring)
    if scope_id is None:
        return 0
    held = (
        sa.select(sa.func.coalesce(sa.func.sum(ObjectRow.length), 0))
        .join(BatchRow, ObjectRow.batch == BatchRow.id)
        .join(StudyRow, BatchRow.study == StudyRow.id)
        .where(StudyRow.scope == scope_id)
    )
    return int(work.session.scalar(held) or 0)
