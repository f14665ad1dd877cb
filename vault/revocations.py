"""The journal's two moments: when something is erased, and when a store starts (docs/format.md 12)."""

from collections.abc import Iterable

import sqlalchemy as sa

from vault import erasure
from vault.database import Services, Work
from vault.journal import Entry, Revoked
from vault.rows import insert_unless_there
from vault.tables import AccountRow, LinkRow, MetaRow, ScopeRow, StudyRow, VaultRow
from vault.tables_sharing import ExportRow, GrantKeyRow, GrantOwnerRow, HealthLinkRow, HolderRow, TokenHolderRow

_SEQUENCE = "journal_seq"


def note(work: Work, what: Revoked, ids: Iterable[bytes]) -> None:
    """The intention is on disk before the caller commits; that it was done, after. Without a journal: nothing."""
    journal = work.journal
    if journal is None:
        return
    row = _sequence(work)
    number = journal.intend(what, ids, after=_number(row))
    row.value = number.to_bytes(8, "big")
    work.session.flush()
    work.afterwards(lambda: journal.done(number))


def replay(services: Services) -> int:
    """At the start, before anything is served: if the database is older than the journal, all since is done again.

    Answers how many entries were; 0 for a database that is as new as the journal.
    """
    if services.journal is None:
        return 0
    entries = services.journal.entries()
    with services.work() as work:
        row = _sequence(work)
        newer = [entry for entry in entries if entry.number > _number(row)]
        # An intention alone is an ordinary crash, of which the database knows best.
        if not any(entry.done for entry in newer):
            return 0
        for entry in newer:
            _do_again(work, entry)
        row.value = max(entry.number for entry in newer).to_bytes(8, "big")
    services.database.forget_freed_pages()
    return len(newer)


def erase_vault_rows(work: Work, vault_id: bytes) -> None:
    """Nothing opens the vault, nothing is in it, and nobody can seal to it or was given anything of it."""
    owned = (ScopeRow.owner_kind == "vault", ScopeRow.owner == vault_id)
    scopes = list(work.session.scalars(sa.select(ScopeRow.id).where(*owned).order_by(ScopeRow.id).with_for_update()))
    erasure.erase_studies(work, work.session.scalars(sa.select(StudyRow.id).where(StudyRow.scope.in_(scopes))).all())
    work.session.execute(sa.delete(LinkRow).where(sa.or_(LinkRow.vault == vault_id, LinkRow.scope.in_(scopes))))
    erasure.erase_scopes(work, scopes)
    # What others gave to this vault was sealed to it and names it.
    work.session.execute(sa.delete(HolderRow).where(HolderRow.kind == "provider", HolderRow.ref == vault_id))
    grants = work.session.scalars(sa.select(GrantOwnerRow.id).where(GrantOwnerRow.vault == vault_id)).all()
    erasure.drop_catalogues(work, [vault_id, *grants])
    work.session.execute(sa.delete(GrantOwnerRow).where(GrantOwnerRow.vault == vault_id))
    work.session.execute(sa.delete(AccountRow).where(AccountRow.vault == vault_id))
    work.session.execute(sa.delete(VaultRow).where(VaultRow.id == vault_id))


def _do_again(work: Work, entry: Entry) -> None:
    match entry.what:
        case Revoked.STUDY:
            erasure.erase_studies(work, entry.ids)
        case Revoked.GRANT:
            _end_grants(work, entry.ids)
        case Revoked.LINK:
            work.session.execute(sa.delete(LinkRow).where(LinkRow.id.in_(entry.ids)))
        case Revoked.VAULT:
            for vault_id in entry.ids:
                erase_vault_rows(work, vault_id)


def _end_grants(work: Work, ids: tuple[bytes, ...]) -> None:
    for table in (HolderRow, TokenHolderRow, HealthLinkRow, ExportRow, GrantKeyRow):
        work.session.execute(sa.delete(table).where(table.grant.in_(ids)))
    erasure.drop_catalogues(work, ids)
    ended = sa.update(GrantOwnerRow).where(GrantOwnerRow.id.in_(ids), GrantOwnerRow.status == "live")
    work.session.execute(ended.values(status="ended", ended=work.now))


def _sequence(work: Work) -> MetaRow:
    insert_unless_there(work.session, MetaRow, key=_SEQUENCE, value=bytes(8))
    return work.session.get_one(MetaRow, _SEQUENCE, with_for_update=True, populate_existing=True)


def _number(row: MetaRow) -> int:
    return int.from_bytes(row.value, "big")
