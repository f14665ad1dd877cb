"""A password is right if it opens the vault; nothing else tells."""

import os
import time

import pytest
import sqlalchemy as sa

from tests.fakes import FrozenClock
from tests.vault.owners import ANA, a_picture, a_site, link, push
from tests.vault.people import PASSWORD, a_patient, a_provider
from vault import accounts, audit, openers
from vault.accounts import Settled, change_password, check_password, open_account, recover, settle, sign_in
from vault.audit import Did
from vault.database import Services
from vault.errors import BrokenRecord, Expired, LoginTaken, NotThere, Wait, WeakPassword, WrongSecret
from vault.ids import new_id
from vault.keyring import SYSTEM, WRAPPED_KEY_OCTETS, KeyClass
from vault.sealing.codes import RecoveryCode
from vault.secrets import Secrets
from vault.settling import dismiss_doubt
from vault.sharing import GrantTerms, new_grant
from vault.tables import AccountRow, BatchKeyRow, LinkRow, SlotRow, VaultRow
from vault.tables_sharing import AuditHeadRow, AuditRow, GrantOwnerRow

HERE = "192.0.2.7"


def test_who_opened_an_account_comes_back_to_the_same_vault(services: Services):
    opened = a_patient(services)
    back = sign_in(services, login=" ANA@example.org", password=PASSWORD, source=HERE)
    assert (back.account_id, back.kind, back.keyring.vault_id) == (opened.account_id, "person", opened.keyring.vault_id)
    with services.reading() as work:
        kept = [back.keyring.field(work, name) for name in ("name", "born", "login")]
        assert [event.did for event in audit.events(work, back.keyring.owner)] == [Did.SIGNED_IN, Did.SIGNED_UP]
    assert kept == ["Ana Perez", "19580327", "ana@example.org"]


def test_nothing_that_names_a_person_lies_in_clear(services: Services, tmp_path):
    open_account(services, login="ana@example.org", password=PASSWORD, name="Ana Perez", mail="ana@example.org")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("keepray.db*"))
    assert not [word for word in (b"ana@", b"Perez", PASSWORD.encode()) if word in kept]


@pytest.mark.usefixtures("true_cost")
def test_a_wrong_password_and_an_unknown_login_get_one_answer_after_the_same_work(services: Services):
    opened = a_patient(services)
    took: list[float] = []
    for login in ("ana@example.org", "nobody@example.org"):
        began = time.perf_counter()
        with pytest.raises(WrongSecret):
            sign_in(services, login=login, password="a scan of my right knee", source=HERE)
        took.append(time.perf_counter() - began)
    assert min(took) > 0.05  # seconds that stretching takes anywhere
    with services.reading() as work:
        assert audit.events(work, opened.keyring.owner)[0].did is Did.SIGN_IN_FAILED
        assert audit.events(work, SYSTEM)[0].did is Did.SIGN_IN_FAILED


def test_the_sixth_wrong_password_waits_even_if_it_is_the_right_one(services: Services, clock: FrozenClock):
    a_patient(services)
    for _ in range(5):
        with pytest.raises(WrongSecret):
            sign_in(services, login="ana@example.org", password="x" * 257, source=HERE)
    with pytest.raises(Wait) as met:
        sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)
    clock.advance(seconds=met.value.seconds)
    sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)


def test_a_login_belongs_to_one_account(services: Services):
    a_patient(services)
    with pytest.raises(LoginTaken):
        a_patient(services, "ANA@example.org")


def test_a_password_that_everybody_tries_is_refused(services: Services):
    with pytest.raises(WeakPassword) as refused:
        open_account(services, login="ana", password="twelve marks", name="Ana")
    assert refused.value.reason == "short"
    assert a_provider(services).kind == "provider"


def test_after_a_change_only_the_new_password_opens_and_other_devices_are_out(services: Services):
    ana = a_patient(services)
    with services.work() as work:
        mine, other = (
            openers.add_session(
                work, ana.keyring, account_id=ana.account_id, area="patient", device="x", idle=1800, life=43200
            )
            for _ in range(2)
        )
        kept = openers.open_session(work, mine, "patient").id
    with pytest.raises(WrongSecret):
        change_password(
            services, ana.keyring, ana.account_id, old="wrong", new="another knee, please", keep_session=kept
        )
    change_password(services, ana.keyring, ana.account_id, old=PASSWORD, new="another knee, please", keep_session=kept)
    with services.work() as work:
        openers.open_session(work, mine, "patient")
        with pytest.raises(Expired):
            openers.open_session(work, other, "patient")
        assert len(work.session.scalars(sa.select(SlotRow.id)).all()) == 1
    check_password(services, ana.keyring, ana.account_id, "another knee, please")
    with pytest.raises(WrongSecret):
        sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)


def test_nobody_checks_a_password_against_anothers_vault(services: Services):
    ana, lee = a_patient(services), a_provider(services)
    with pytest.raises(NotThere):
        check_password(services, ana.keyring, lee.account_id, PASSWORD)


def test_the_printed_code_opens_the_vault_once_and_sets_a_new_password(services: Services, clock: FrozenClock):
    ana = a_patient(services)
    with services.work() as work:
        code = accounts.new_recovery_code(work, ana.keyring)
        groups = code.reveal().split("-")
        assert not accounts.confirm_recovery_code(work, ana.keyring, groups[1])
        assert accounts.recovery_kit(work, ana.keyring).confirmed is None
        assert accounts.confirm_recovery_code(work, ana.keyring, f" {groups[2].lower()} ")
        assert accounts.recovery_kit(work, ana.keyring) == accounts.Kit(clock.now(), clock.now(), 1)
    asked = {"login": "ana@example.org", "new_password": "another knee, please", "source": HERE}
    for wrong in ({"code": RecoveryCode.new()}, {"code": code, "login": "nobody"}):
        with pytest.raises(WrongSecret):
            recover(services, **asked | wrong)
    back = recover(services, **asked, code=code)
    assert back.keyring.vault_id == ana.keyring.vault_id
    with pytest.raises(WrongSecret):
        recover(services, **asked, code=code)
    sign_in(services, login="ana@example.org", password="another knee, please", source=HERE)
    with services.work() as work:
        assert accounts.recovery_kit(work, back.keyring).made is None
        accounts.new_recovery_code(work, back.keyring)
        assert accounts.recovery_kit(work, back.keyring).number == 2


def test_a_new_pepper_moves_the_slot_at_the_next_sign_in(services: Services, secrets: Secrets):
    a_patient(services)
    both = Secrets({1: secrets.pepper, 2: os.urandom(32)}, 2, secrets.index_key, secrets.mail_key, secrets.audit_key)
    newer = Services(services.database, services.blobs, services.clock, both)
    sign_in(newer, login="ana@example.org", password=PASSWORD, source=HERE)
    with newer.reading() as work:
        assert work.session.scalars(sa.select(SlotRow.pepper_id)).all() == [2]
    sign_in(newer, login="ana@example.org", password=PASSWORD, source=HERE)


def test_signing_in_calls_off_an_erasure(services: Services, clock: FrozenClock):
    a_patient(services)
    with services.work() as work:
        work.session.execute(sa.update(AccountRow).values(erase_after=clock.now()))
    sign_in(services, login="ana@example.org", password=PASSWORD, source=HERE)
    with services.reading() as work:
        assert work.session.scalars(sa.select(AccountRow.erase_after)).one() is None


def test_an_address_for_notices_is_kept_sealed_or_not_at_all(services: Services):
    ana = open_account(services, login="ana", password=PASSWORD, name="Ana", mail="ana@example.org")
    with services.work() as work:
        assert accounts.mail_of(work, ana.account_id) == "ana@example.org"
        accounts.keep_mail(work, ana.account_id, None)
        assert accounts.mail_of(work, ana.account_id) is None
        with pytest.raises(NotThere):
            accounts.keep_mail(work, new_id(), None)


# -- the record -------------------------------------------------------------------------------------


def _foreign(kind):
    def add(work, _vault_id):
        row = work.session.scalars(sa.select(kind)).one()
        copy = {column.key: getattr(row, column.key) for column in sa.inspect(kind).columns}
        work.session.execute(sa.insert(kind).values(copy | {"id": new_id()}))

    return add


CHANGES = {
    "slot": _foreign(SlotRow),
    "vault": lambda work, _: work.session.execute(sa.update(VaultRow).values(vpk=bytes(1216))),
    "record": lambda work, _: work.session.execute(sa.update(VaultRow).values(record=bytes(100))),
    "link": lambda work, _: work.session.execute(sa.update(LinkRow).values(id=new_id())),
    "grant": _foreign(GrantOwnerRow),
    "audit": lambda work, _: work.session.execute(sa.update(AuditRow).where(AuditRow.n == 1).values(h=bytes(32))),
    "audit, cut": lambda work, vault_id: (
        work.session.execute(sa.delete(AuditRow).where(AuditRow.n == 1)),
        work.session.execute(
            sa.update(AuditHeadRow).values(
                n=0, h=sa.select(AuditRow.h).where(AuditRow.n == 0, AuditRow.owner == vault_id).scalar_subquery()
            )
        ),
    ),
}


@pytest.fixture
def ana_with_all(services: Services):
    ana = a_patient(services)
    link(services, a_site(services).site, ana.keyring)
    with services.work() as work:
        new_grant(work, ana.keyring, GrantTerms((), frozenset({KeyClass.META}), False, None, work.now, None))
        audit.record(work, owner=ana.keyring.owner, did=Did.GAVE, by=audit.SYSTEM_ACTOR)
        accounts.write_record(work, ana.keyring)
    return ana


def test_a_change_behind_the_owners_back_is_found_when_they_come_back(services: Services, ana_with_all):
    keyring = ana_with_all.keyring
    with services.work() as work:
        accounts.check_record(work, keyring)
    for what, change in CHANGES.items():
        with services.work() as work, work.session.begin_nested() as undone:
            change(work, keyring.vault_id)
            with pytest.raises(BrokenRecord) as broken:
                accounts.check_record(work, keyring)
            undone.rollback()
        assert broken.value.what == what.partition(",")[0]


def test_a_link_that_is_gone_is_no_break(services: Services, ana_with_all):
    with services.work() as work:
        work.session.execute(sa.delete(LinkRow))
        accounts.check_record(work, ana_with_all.keyring)


# -- coming back ------------------------------------------------------------------------------------


def test_what_came_meanwhile_is_taken_over_and_doubts_are_told(services: Services):
    ana = a_patient(services, born="19460201")
    site = a_site(services)
    link(services, site.site, ana.keyring)
    with services.work() as work:
        accounts.write_record(work, ana.keyring)
    batch = push(services, site, a_picture("1.2.3.4", bytes(3000)))
    with services.work() as work:
        root_key = ana.keyring.root_key(work, batch.id)
        settled = settle(work, ana.keyring)
        assert (settled.new_batches, settled.doubts) == (1, (batch.study_id,))
        assert len(work.session.scalars(sa.select(BatchKeyRow.ct)).one()) == WRAPPED_KEY_OCTETS
        assert ana.keyring.root_key(work, batch.id) == root_key
        assert settle(work, ana.keyring).new_batches == 0
        dismiss_doubt(work, ana.keyring, batch.study_id)
        assert settle(work, ana.keyring).doubts == ()


@pytest.mark.postgres
def test_on_postgresql_too(postgres_services: Services):
    ana = a_patient(postgres_services)
    site = a_site(postgres_services)
    link(postgres_services, site.site, ana.keyring)
    with postgres_services.work() as work:
        accounts.write_record(work, ana.keyring)
    push(postgres_services, site, a_picture("1.2.3.4", bytes(3000)))
    back = sign_in(postgres_services, login="ana@example.org", password=PASSWORD, source=HERE)
    with postgres_services.work() as work:
        assert settle(work, back.keyring) == Settled(1, ())
    with pytest.raises(LoginTaken):
        a_patient(postgres_services)


@pytest.mark.parametrize(
    ("name", "born", "doubt"),
    [
        ("Ana Perez", "19580327", "none"),
        ("ana pérez-lópez", "", "none"),
        ("", "19580327", "none"),
        ("Ana Perez", "19580328", "born"),
        ("Kim Lee", "19580327", "name"),
    ],
)
def test_a_study_is_doubted_for_its_birth_date_or_its_name(name: str, born: str, doubt: str):
    from vault.settling import doubt_about

    assert doubt_about(ANA, name=name, born=born) == doubt
