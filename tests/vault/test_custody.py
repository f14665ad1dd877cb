"""What is erased is gone: from the rows, from the files, and from whoever it was shared with."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.fakes import FrozenClock
from tests.vault.owners import a_picture, a_site, a_vault, begin, link, push
from tests.vault.people import PASSWORD, a_patient
from vault import accounts, audit, openers
from vault.accounts import new_recovery_code, sign_in
from vault.audit import Actor, Did
from vault.checkpoints import verify_all
from vault.custody import RevocationJournal, Revoked, erase_vault, forget_study, replay, sweep
from vault.database import Services
from vault.errors import Expired, NoKey, NotThere, WrongSecret
from vault.keyring import KeyClass, OwnerKind
from vault.openers import add_token_holder
from vault.sharing import GrantTerms, add_provider, end_grant, new_grant, provider_opens
from vault.tables import AccountRow, BatchKeyRow, BatchRow, BlobRow, FieldRow, Row, SlotRow, StudyRow, VaultRow
from vault.tables_sharing import GrantKeyRow, HolderRow, SessionRow

ALL_CLASSES = frozenset(KeyClass)


@pytest.fixture
def lived_in(services: Services):
    """Ana has two studies, of which one is shared with Kim."""
    site = a_site(services)
    with services.work() as work:
        ana, kim = a_vault(work), a_vault(work)
    link(services, site.site, ana)
    first = push(services, site, a_picture("1.2.3.4", os.urandom(5000)))
    second = push(services, site, a_picture("1.2.9.4", os.urandom(5000), study_uid="1.2.9", series_uid="1.2.9.1"))
    with services.work() as work:
        terms = GrantTerms((first.study_id, second.study_id), ALL_CLASSES, False, None, work.now, None)
        grant = new_grant(work, ana, terms)
        add_provider(work, grant, kim.vault_id, expires=None)
    return ana, kim, grant, first, second


def by(keyring) -> Actor:
    return Actor("patient", keyring.vault_id)


def octets_of(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(tmp_path.glob("keepray.db*")) if path.suffix != ".db-shm")


def count(services: Services, row: type[Row]) -> int:
    with services.reading() as work:
        return work.session.scalar(sa.select(sa.func.count()).select_from(row)) or 0


def test_a_forgotten_study_has_no_key_with_anybody_and_the_other_stays(services: Services, lived_in):
    ana, kim, grant, first, second = lived_in
    with services.work() as work:
        ana.keep_field(work, "label", "my knee", subject=first.study_id)
        forget_study(work, [first.study_id], owner=ana, by=by(ana))
    with services.reading() as work:
        for keyring in (ana, provider_opens(work, kim, grant.grant_id)):
            assert keyring.study_ids(work) == [second.study_id]
            with pytest.raises(NoKey):
                keyring.class_key(work, first.id, KeyClass.META)
            keyring.class_key(work, second.id, KeyClass.META)
        assert work.session.scalars(sa.select(FieldRow.name).where(FieldRow.subject == first.study_id)).all() == []
        assert (audit.events(work, ana.owner)[0].did, audit.events(work, ana.owner)[0].to) == (
            Did.FORGOT_STUDY,
            first.study_id,
        )
        accounts.check_record(work, ana)


def test_nobody_forgets_what_is_not_theirs(services: Services, lived_in):
    _, kim, _, first, _ = lived_in
    with services.work() as work, pytest.raises(NotThere):
        forget_study(work, [first.study_id], owner=kim, by=by(kim))
    assert count(services, StudyRow) == 2


def test_the_octets_of_a_forgotten_studys_keys_leave_the_files(services: Services, lived_in, tmp_path: Path):
    ana, _, _, first, second = lived_in
    with services.reading() as work:
        keys = sa.select(BatchKeyRow.ct).where(BatchKeyRow.batch == first.id)
        given = sa.select(GrantKeyRow.ct).where(GrantKeyRow.batch == first.id)
        wraps = [*work.session.scalars(keys), *work.session.scalars(given)]
        kept = work.session.scalars(sa.select(BatchKeyRow.ct).where(BatchKeyRow.batch == second.id)).one()
    # A ciphertext longer than a page is kept in pieces: its first octets are looked for.
    before = octets_of(tmp_path)
    assert len(wraps) == 4
    assert all(wrap[:48] in before for wrap in wraps)
    with services.work() as work:
        forget_study(work, [first.study_id], owner=ana, by=by(ana))
    after = octets_of(tmp_path)
    assert not [wrap for wrap in wraps if wrap[:48] in after]
    assert kept[:48] in after


def test_where_a_reader_holds_the_log_back_the_sweep_forgets_later(services: Services, lived_in, tmp_path: Path):
    ana, _, _, first, _ = lived_in
    with services.reading() as reader:
        wrap = reader.session.scalars(sa.select(BatchKeyRow.ct).where(BatchKeyRow.batch == first.id)).one()
        with services.work() as work:
            forget_study(work, [first.study_id], owner=ana, by=by(ana))
        assert wrap[:48] in octets_of(tmp_path)
    sweep(services)
    assert wrap[:48] not in octets_of(tmp_path)


def test_the_sealed_octets_follow_after_two_days(services: Services, lived_in, clock: FrozenClock):
    ana, _, _, first, _ = lived_in
    with services.work() as work:
        forget_study(work, [first.study_id], owner=ana, by=by(ana))
    clock.advance(hours=47)
    assert sweep(services).blobs == 0
    clock.advance(hours=1)
    assert sweep(services).blobs == 1
    assert count(services, BlobRow) == 1
    with services.reading() as work:
        services.blobs.reader(work.session.scalars(sa.select(BlobRow.id)).one())


# -- a whole vault ----------------------------------------------------------------------------------


def _erased(services: Services, lived_in) -> None:
    ana, kim, grant, *_ = lived_in
    with services.work() as work:
        add_token_holder(work, grant, secret=os.urandom(32), kind="at", expires=work.now + timedelta(minutes=5))
        back = new_grant(work, kim, GrantTerms((), ALL_CLASSES, False, None, work.now, None))
        add_provider(work, back, ana.vault_id, expires=None)
        new_recovery_code(work, ana)
        ana.keep_field(work, "name", "Ana Perez")
    with services.work() as work:
        erase_vault(work, ana, by(ana))
    left = {table.name for table in Row.metadata.sorted_tables if _rows(services, table)}
    assert left == {"vault", "site", "grantowner", "holder", "audit", "audit_head", "blob"}
    with services.reading() as work:
        assert work.session.scalars(sa.select(VaultRow.id)).all() == [kim.vault_id]
        assert [row.kind for row in work.session.scalars(sa.select(HolderRow))] == ["owner"]
        assert set(work.session.scalars(sa.select(BlobRow.state))) == {"freed"}
        assert [event.did for event in audit.events(work, ana.owner)] == [Did.ERASED]
        assert verify_all(work).problems == ()
    with services.work() as work, pytest.raises(NotThere):
        erase_vault(work, ana, by(ana))


def _rows(services: Services, table: sa.Table) -> int:
    with services.reading() as work:
        return work.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_of_an_erased_vault_only_hashes_are_left(services: Services, lived_in):
    _erased(services, lived_in)


@pytest.mark.postgres
def test_on_postgresql_too(postgres_services: Services):
    site = a_site(postgres_services)
    with postgres_services.work() as work:
        ana, kim = a_vault(work), a_vault(work)
    link(postgres_services, site.site, ana)
    batch = push(postgres_services, site, a_picture("1.2.3.4", b"x"))
    with postgres_services.work() as work:
        grant = new_grant(work, ana, GrantTerms((batch.study_id,), ALL_CLASSES, False, None, work.now, None))
        add_provider(work, grant, kim.vault_id, expires=None)
    _erased(postgres_services, (ana, kim, grant, batch, batch))
    sweep(postgres_services)


def test_the_next_push_for_an_erased_vault_waits_for_a_new_slip(services: Services, lived_in):
    ana, *_ = lived_in
    site = a_site(services)
    link(services, site.site, ana)
    with services.work() as work:
        erase_vault(work, ana, by(ana))
    again = begin(services, site.next_token(services))
    assert again.owner.kind is OwnerKind.SITE


def test_an_account_asked_to_be_erased_goes_when_its_time_has_come(services: Services, clock: FrozenClock):
    a_patient(services)
    with services.work() as work:
        work.session.execute(sa.update(AccountRow).values(erase_after=work.now + timedelta(hours=72)))
    clock.advance(hours=71)
    assert sweep(services).vaults == 0
    clock.advance(hours=1)
    assert sweep(services).vaults == 1
    assert (count(services, AccountRow), count(services, SlotRow)) == (0, 0)
    with pytest.raises(WrongSecret):
        sign_in(services, login="ana@example.org", password=PASSWORD, source="192.0.2.7")


# -- clearing away ----------------------------------------------------------------------------------


def test_openers_go_when_their_time_is_over(services: Services, lived_in, clock: FrozenClock):
    ana = a_patient(services)
    with services.work() as work:
        for idle, life in ((60, 3600), (3600, 90), (3600, 3600)):
            openers.add_session(
                work, ana.keyring, account_id=ana.account_id, area="patient", device="x", idle=idle, life=life
            )
    clock.advance(seconds=61)
    sweep(services)
    assert count(services, SessionRow) == 2
    clock.advance(seconds=30)
    sweep(services)
    assert count(services, SessionRow) == 1


def test_batches_that_were_never_filled_go_with_their_token(services: Services, clock: FrozenClock):
    site = a_site(services)
    begin(services, site)
    sweep(services)
    assert count(services, BatchRow) == 1
    clock.advance(hours=1)
    sweep(services)
    assert (count(services, BatchRow), count(services, StudyRow)) == (0, 0)


def test_a_blob_without_a_row_goes_after_a_day_one_with_a_row_stays(services: Services, lived_in, clock: FrozenClock):
    with services.blobs.create("ab" * 16) as writer:
        writer.write(b"x")
        writer.commit()
    assert sweep(services).orphans == 0
    clock._now += timedelta(days=3650)  # the folder has the machine's time
    assert sweep(services).orphans == 1
    assert count(services, BlobRow) == 2


# -- restored backups -------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path: Path) -> RevocationJournal:
    return RevocationJournal(tmp_path / "journal" / "revoked")


@pytest.fixture
def journaled(services: Services, journal: RevocationJournal) -> Services:
    return Services(services.database, services.blobs, services.clock, services.secrets, journal)


def restored(services: Services, tmp_path: Path, journal: RevocationJournal, copy: bytes) -> Services:
    services.database.dispose()
    for path in tmp_path.glob("keepray.db*"):
        path.unlink()
    (tmp_path / "keepray.db").write_bytes(copy)
    return Services(services.database, services.blobs, services.clock, services.secrets, journal)


def a_copy(services: Services, tmp_path: Path) -> bytes:
    assert services.database.forget_freed_pages()
    return (tmp_path / "keepray.db").read_bytes()


def test_a_restored_backup_does_not_bring_back_what_was_erased_since(
    journaled: Services, journal: RevocationJournal, lived_in, tmp_path: Path
):
    ana, kim, grant, first, second = lived_in
    copy = a_copy(journaled, tmp_path)
    with journaled.work() as work:
        forget_study(work, [first.study_id], owner=ana, by=by(ana))
    with journaled.work() as work:
        end_grant(work, grant.grant_id)
    back = restored(journaled, tmp_path, journal, copy)
    assert count(back, StudyRow) == 2
    assert replay(back) == 2
    with back.reading() as work:
        assert ana.study_ids(work) == [second.study_id]
        with pytest.raises((Expired, NotThere)):
            provider_opens(work, kim, grant.grant_id)
    assert replay(back) == 0
    copy = a_copy(back, tmp_path)
    with back.work() as work:
        erase_vault(work, ana, by(ana))
    again = restored(back, tmp_path, journal, copy)
    assert replay(again) == 1
    with again.reading() as work:
        assert work.session.scalars(sa.select(VaultRow.id)).all() == [kim.vault_id]


def test_an_intention_that_was_never_committed_is_left_to_the_database(
    journaled: Services, journal: RevocationJournal, lived_in
):
    ana, _, _, first, _ = lived_in

    def crash() -> None:
        with journaled.work() as work:
            forget_study(work, [first.study_id], owner=ana, by=by(ana))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    assert [(entry.number, entry.done) for entry in journal.entries()] == [(1, False)]
    assert replay(journaled) == 0
    assert count(journaled, StudyRow) == 2


def test_the_line_is_on_disk_before_the_commit_and_names_nobody(journaled: Services, journal, lived_in, tmp_path: Path):
    ana, _, _, first, second = lived_in
    with journaled.work() as work:
        forget_study(work, [first.study_id, second.study_id], owner=ana, by=by(ana))
        assert not journal.entries()[0].done
    assert [(one.number, one.what, one.done) for one in journal.entries()] == [(1, Revoked.STUDY, True)]
    kept = tmp_path / "journal" / "revoked"
    assert kept.read_text() == f"1 study {first.study_id.hex()} {second.study_id.hex()}\n1 done\n"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_off_by_a_crash_spoils_no_other(journal: RevocationJournal, tmp_path: Path):
    journal.done(journal.intend(Revoked.GRANT, [bytes(16)], after=4))
    kept = tmp_path / "journal" / "revoked"
    kept.write_bytes(kept.read_bytes() + b"6 stu")
    assert [entry.number for entry in journal.entries()] == [5]
    journal.intend(Revoked.LINK, [bytes(16)], after=0)
    assert [(entry.number, entry.what) for entry in journal.entries()] == [(5, Revoked.GRANT), (6, Revoked.LINK)]
