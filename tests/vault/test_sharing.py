"""What a patient gives, who can open it, and that an end is an end."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault import given
from tests.vault.owners import a_picture, a_site, a_vault, begin, link, push
from vault import openers, reading, sharing
from vault.catalogue import open_catalogue
from vault.errors import BrokenRecord, CodeSpent, Expired, NoKey, NotThere, Wait, WrongSecret
from vault.keyring import GrantKeyring, KeyClass
from vault.limits import micros, owner_of_study
from vault.owing import seal_to_grants
from vault.receiving import Receiving
from vault.sealing import derive
from vault.sealing.codes import ShareCode
from vault.sealing.errors import Tampered
from vault.sealing.slow import PEOPLE, stretch_share_code
from vault.sharing import GrantTerms, Standing
from vault.tables import EPOCH, BatchKeyRow, ScopeRow, StudyRow, VaultRow
from vault.tables_sharing import GrantKeyRow, GrantOwnerRow, GrantStudyRow, HolderRow

ALL = frozenset(KeyClass)
services = given.both_databases


@pytest.fixture
def harbor(services, ana):
    site = a_site(services)
    link(services, site.site, ana)
    return site


@pytest.fixture
def knee(services, harbor):
    return push(services, harbor, a_picture("1.1", b"knee" * 100)).study_id


def give(services, owner, *study_ids, classes=ALL, standing=None, hours=4):
    with services.work() as work:
        terms = GrantTerms(study_ids, classes, True, standing, work.now, work.now + timedelta(hours=hours))
        return sharing.new_grant(work, owner, terms)


def sees(services, keyring):
    with services.reading() as work:
        return [study.uid for study in open_catalogue(work, keyring).studies]


def test_somebody_with_thousands_of_scans_shares_them_all(services, ana, harbor, knee):
    with services.work() as work:
        scope = work.session.get_one(StudyRow, knee).scope
        many = [StudyRow(id=os.urandom(16), scope=scope, uid_bi=os.urandom(16), created=work.now) for _ in range(2_500)]
        work.session.add_all(many)
        work.session.flush()
        everything = [knee, *(one.id for one in many)]
    grant = give(services, ana, *everything)
    push(services, harbor, a_picture("1.2", b"another" * 100, series_uid="1.2.3.2"))
    with services.work() as work:
        sharing.give_owed_keys(work, ana)  # which checks what was signed
    with services.reading() as work:
        assert len(open_catalogue(work, grant).study(knee).series) == 2


def test_a_grant_shows_the_studies_it_names_and_no_other(services, ana, harbor, knee):
    push(services, harbor, a_picture("2.1", b"head", study_uid="2.2", series_uid="2.2.1"))
    grant = give(services, ana, knee)
    assert sees(services, grant) == ["1.2.3"]
    with services.reading() as work, pytest.raises(NotThere):
        reading.find_instance(work, grant, "2.2", "2.2.1", "2.1")


def test_nobody_gives_what_is_another_persons(services, knee):
    with services.work() as work:
        ben = a_vault(work)
    with pytest.raises(NotThere):
        give(services, ben, knee)


def test_a_class_that_was_not_given_has_no_key(services, ana, knee):
    grant = give(services, ana, knee, classes=frozenset({KeyClass.META}))
    assert sees(services, grant) == ["1.2.3"]
    with services.reading() as work, pytest.raises(NoKey):
        reading.find_instance(work, grant, "1.2.3", "1.2.3.1", "1.1")


def test_a_share_code_opens_once(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)
    typed = ShareCode.parse(code.reveal().lower())
    assert sees(services, sharing.redeem_code(services, typed, source="192.0.2")) == ["1.2.3"]
    with pytest.raises(CodeSpent):
        sharing.redeem_code(services, typed, source="192.0.2")
    with services.reading() as work:
        spent = work.session.scalar(sa.select(HolderRow).where(HolderRow.kind == "share"))
        assert spent.ct == b""


def test_of_two_doctors_with_one_code_one_gets_in(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)

    def redeem(_):
        try:
            return sharing.redeem_code(services, code, source="192.0.2") is not None
        except CodeSpent:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(redeem, range(4))) == [False, False, False, True]


def test_a_wrong_code_and_an_unknown_one_are_the_same_answer(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)
    for guess in (ShareCode.new(code.locator), ShareCode.new((code.locator + 1) % 2**20)):
        with pytest.raises(WrongSecret) as refused:
            sharing.redeem_code(services, guess, source="192.0.2")
        assert type(refused.value) is WrongSecret


def test_a_code_that_ran_out_opens_nothing(services, clock, ana, knee):
    grant = give(services, ana, knee, hours=48)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=work.now + timedelta(hours=4))
    clock.advance(hours=4)
    with pytest.raises(Expired):
        sharing.redeem_code(services, code, source="192.0.2")


def test_a_registered_provider_opens_with_their_own_vault_until_it_ends(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        doctor, other = a_vault(work), a_vault(work)
        sharing.add_provider(work, grant, doctor.vault_id, expires=None)
    with services.work() as work:
        assert sharing.grants_given_to(work, doctor.vault_id) == [grant.grant_id]
        opened = sharing.provider_opens(work, doctor, grant.grant_id)
        assert opened.wrapping_key == grant.wrapping_key
        with pytest.raises(NotThere):
            sharing.provider_opens(work, other, grant.grant_id)
        sharing.end_grant(work, grant.grant_id)
        assert not sharing.grants_given_to(work, doctor.vault_id)
        with pytest.raises(NotThere):
            sharing.provider_opens(work, doctor, grant.grant_id)


def test_an_ended_grant_keeps_no_key_at_all(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        sharing.add_share_code(work, grant, expires=None)
        sharing.end_grant(work, grant.grant_id)
    with services.reading() as work:
        assert not work.session.scalars(sa.select(GrantKeyRow)).all()
        assert not work.session.scalars(sa.select(HolderRow)).all()
        assert sharing.limits(work, grant.grant_id).ended is not None
        with pytest.raises(Expired):
            sharing.check_live(work, grant.grant_id)
        with pytest.raises(NoKey):
            reading.find_instance(work, grant, "1.2.3", "1.2.3.1", "1.1")


def test_pictures_that_come_later_reach_a_grant_of_their_study(services, ana, harbor, knee):
    grant = give(services, ana, knee)
    push(services, harbor.next_token(services), a_picture("1.2", b"more" * 100))
    with services.reading() as work:
        found = reading.find_instance(work, grant, "1.2.3", "1.2.3.1", "1.2")
    with found.octets.opened(services.blobs) as opened:
        assert opened.read(0, opened.length) == b"more" * 100


@pytest.mark.parametrize(
    ("rule", "arrives"),
    [
        (Standing(), True),
        (Standing(modalities=("MR",)), True),
        (Standing(modalities=("CT",)), False),
        (Standing(site_ids=(bytes(16),)), False),
    ],
)
def test_a_standing_rule_gives_what_it_names_and_nothing_else(services, ana, harbor, knee, rule, arrives):
    grant = give(services, ana, knee, standing=rule)
    push(services, harbor, a_picture("2.1", b"new", study_uid="2.2", series_uid="2.2.1"))
    assert ("2.2" in sees(services, grant)) is arrives


def test_a_push_gives_nothing_to_a_grant_whose_time_is_over(services, clock, ana, harbor, knee):
    grant = give(services, ana, knee, hours=1)
    clock.advance(hours=2)
    push(services, harbor.next_token(services), a_picture("1.2", b"later"))
    with services.reading() as work, pytest.raises(NoKey):
        reading.find_instance(work, grant, "1.2.3", "1.2.3.1", "1.2")


def test_what_a_grant_was_owed_is_given_when_its_owner_comes(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        work.session.execute(sa.delete(GrantKeyRow))
        assert sharing.give_owed_keys(work, ana) == 3
    assert sees(services, grant) == ["1.2.3"]


def test_a_grant_written_by_someone_else_gets_no_keys(services, ana, harbor, knee):
    thief = GrantKeyring(os.urandom(16), os.urandom(32))
    give(services, ana, knee)
    with services.work() as work:
        row = work.session.scalar(sa.select(GrantOwnerRow))
        row.gpk = thief.pair.public
    with pytest.raises(BrokenRecord):
        push(services, harbor.next_token(services), a_picture("1.2", b"later"))


def test_a_signature_under_another_key_is_not_the_patients(services, ana, harbor, knee):
    give(services, ana, knee)
    with services.work() as work:
        row = work.session.scalar(sa.select(GrantOwnerRow))
        row.signature = a_vault(work).signing_key.sign(b"anything")
    with pytest.raises(Tampered):
        push(services, harbor.next_token(services), a_picture("1.2", b"later"))


def test_a_study_smuggled_into_a_grant_opens_nothing(services, ana, harbor, knee):
    head = push(services, harbor, a_picture("2.1", b"head", study_uid="2.2", series_uid="2.2.1")).study_id
    grant = give(services, ana, knee)
    with services.work() as work:
        work.session.add(GrantStudyRow(grant=grant.grant_id, study=head, row_mac=bytes(16)))
    with pytest.raises(BrokenRecord):
        sees(services, grant)
    with services.reading() as work:
        assert reading.find_instance(work, grant, "1.2.3", "1.2.3.1", "1.1").study_id == knee  # given by its patient
        with pytest.raises(BrokenRecord):
            reading.find_instance(work, grant, "2.2", "2.2.1", "2.1")
        with pytest.raises(BrokenRecord):
            grant.holding(work, [knee, head])
    with pytest.raises(BrokenRecord):
        push(services, harbor.next_token(services), a_picture("2.2", b"more", study_uid="2.2", series_uid="2.2.1"))


def test_words_for_a_patient_who_is_away_are_read_by_that_patient_alone(services, ana):
    with services.work() as work:
        about, ben = os.urandom(16), a_vault(work)
        note = sharing.seal_note(work, vault_id=ana.vault_id, about=about, text="Dr. J. Lee, Hill Clinic")
    assert sharing.open_note(ana, about=about, ct=note) == "Dr. J. Lee, Hill Clinic"
    with pytest.raises(Tampered):
        sharing.open_note(ben, about=about, ct=note)
    with pytest.raises(Tampered):
        sharing.open_note(ana, about=os.urandom(16), ct=note)


def test_nothing_is_sealed_to_a_vault_whose_key_was_swapped(services, ana):
    with services.work() as work:
        work.session.get(VaultRow, ana.vault_id).vpk = a_vault(work).pair.public
    with services.reading() as work, pytest.raises(BrokenRecord):
        sharing.seal_note(work, vault_id=ana.vault_id, about=bytes(16), text="secret")


# -- whoever can write to the database, and nothing else -------------------------------------------


def test_a_study_smuggled_into_a_grant_is_not_given_when_its_owner_comes(services, ana, harbor, knee):
    head = push(services, harbor, a_picture("2.1", b"head", study_uid="2.2", series_uid="2.2.1")).study_id
    grant = give(services, ana, knee)
    with services.work() as work:
        work.session.add(GrantStudyRow(grant=grant.grant_id, study=head, row_mac=bytes(16)))
    with pytest.raises(BrokenRecord), services.work() as work:
        sharing.give_owed_keys(work, ana)
    with services.reading() as work, pytest.raises(BrokenRecord):
        reading.find_instance(work, grant, "2.2", "2.2.1", "2.1")


@pytest.mark.parametrize("column", ["classes", "flags", "expires", "not_before", "gpk", "rules"])
def test_a_grant_widened_by_someone_else_opens_and_gets_nothing(services, clock, ana, knee, column):
    grant = give(services, ana, knee, classes=frozenset({KeyClass.META}))
    secret = openers.new_secret()
    with services.work() as work:
        openers.add_token_holder(work, grant, secret=secret, kind="at", expires=work.now + timedelta(minutes=15))
        row = work.session.scalar(sa.select(GrantOwnerRow))
        wider = {
            "classes": 7,
            "flags": 0,
            "expires": work.now + timedelta(days=900),
            "not_before": work.now - timedelta(days=1),
            "gpk": bytes(1216),
            "rules": '{"modalities":null,"sites":null}',
        }
        setattr(row, column, wider[column])
    for opening in (
        lambda work: sharing.give_owed_keys(work, ana),
        lambda work: sharing.check_live(work, grant.grant_id),
        lambda work: sharing.limits(work, grant.grant_id),
        lambda work: sharing.grants_of(work, ana.vault_id),
        lambda work: openers.open_token_holder(work, secret, "at"),
        lambda work: sharing.add_share_code(work, grant, expires=None),
    ):
        with pytest.raises(BrokenRecord), services.work() as work:
            opening(work)


def test_what_was_signed_for_one_grant_says_nothing_for_another(services, ana, harbor, knee):
    give(services, ana, knee)
    give(services, ana, knee, hours=8)
    with services.work() as work:
        one, two = work.session.scalars(sa.select(GrantOwnerRow)).all()
        one.statement, two.statement = two.statement, one.statement
        one.signature, two.signature = two.signature, one.signature
    with pytest.raises(BrokenRecord):
        push(services, harbor.next_token(services), a_picture("1.2", b"later"))


def test_a_scope_moved_to_another_vault_sends_that_vaults_grants_nothing(services, ana, harbor, knee):
    hill = a_site(services, "Hill")
    with services.work() as work:
        thief = a_vault(work)
    link(services, hill.site, thief)
    own = push(services, hill, a_picture("9.1", b"own", study_uid="9.9", series_uid="9.9.1")).study_id
    give(services, thief, own, standing=Standing(modalities=("MR",)))
    batch = begin(services, harbor, study_uid="2.2")
    with services.work() as work:
        work.session.get(ScopeRow, batch.scope_id).owner = thief.vault_id
    with pytest.raises(BrokenRecord), Receiving(services, harbor.pusher) as receiving:
        receiving.instance(batch, a_picture("2.1", b"new", study_uid="2.2", series_uid="2.2.1"))
    with services.reading() as work:
        assert not work.session.scalars(sa.select(GrantKeyRow).where(GrantKeyRow.batch == batch.id)).all()


def test_a_grant_that_someone_else_sealed_to_a_provider_is_refused(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        doctor = a_vault(work)
        holder = sharing.add_provider(work, grant, doctor.vault_id, expires=None)
        forged = GrantKeyring(grant.grant_id, os.urandom(32))
        ct = forged.seal_key_to(doctor.pair.public, grant.grant_id, holder, "provider")
        work.session.get(HolderRow, holder).ct = ct
    with services.reading() as work, pytest.raises(BrokenRecord):
        sharing.provider_opens(work, doctor, grant.grant_id)


# -- codes that are guessed, and ends that come in between -----------------------------------------


def guess(services, code, *, source):
    with pytest.raises(WrongSecret) as refused:
        sharing.redeem_code(services, ShareCode.new(code.locator), source=source)
    assert type(refused.value) is WrongSecret


def test_ten_wrong_guesses_spend_a_code_wherever_they_come_from(services, clock, ana, knee):
    grant = give(services, ana, knee, hours=72)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)
    for n in range(10):
        guess(services, code, source=f"192.0.{n}")
    with services.reading() as work:
        assert work.session.scalar(sa.select(HolderRow.ct).where(HolderRow.kind == "share")) == b""
    with pytest.raises(Wait):
        sharing.redeem_code(services, code, source="192.0.77")
    clock.advance(days=1)
    with pytest.raises(CodeSpent):
        sharing.redeem_code(services, code, source="192.0.77")


def test_a_locator_that_no_code_has_rests_after_as_many_guesses(services):
    nobodys = ShareCode.new(7)
    for n in range(10):
        guess(services, nobodys, source=f"192.0.{n}")
    with pytest.raises(Wait):
        sharing.redeem_code(services, nobodys, source="192.0.77")


def test_nine_wrong_guesses_leave_the_code_to_whoever_has_it(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)
    for n in range(9):
        guess(services, code, source=f"192.0.{n}")
    assert sees(services, sharing.redeem_code(services, code, source="192.0.77")) == ["1.2.3"]


def test_a_code_under_a_pepper_that_is_gone_opens_nothing(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)
        work.session.scalar(sa.select(HolderRow).where(HolderRow.kind == "share")).pepper_id = 9
    with pytest.raises(WrongSecret):
        sharing.redeem_code(services, code, source="192.0.2")


def test_a_code_is_tried_with_the_profile_it_was_made_with(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)
        row = work.session.scalar(sa.select(HolderRow).where(HolderRow.kind == "share"))
        row.kdf_id = PEOPLE
        stretched = stretch_share_code(
            code.secret, "", salt=row.salt, pepper=work.secrets.pepper, holder_id=row.id, profile=PEOPLE
        )
        row.commitment = derive.code_commitment(stretched)
        row.ct = grant.wrap_key_under(derive.code_key(stretched), grant.grant_id, row.id, "share")
    assert sees(services, sharing.redeem_code(services, code, source="192.0.2")) == ["1.2.3"]


def test_no_holder_outlives_its_grant(services, ana, knee):
    grant = give(services, ana, knee, hours=4)
    with services.work() as work:
        doctor = a_vault(work)
        sharing.add_share_code(work, grant, expires=work.now + timedelta(days=30))
        sharing.add_provider(work, grant, doctor.vault_id, expires=None)
        until = work.session.scalars(sa.select(HolderRow.expires).where(HolderRow.kind != "owner")).all()
        assert until == [work.now + timedelta(hours=4)] * 2


def test_a_provider_let_in_for_an_hour_is_out_after_it(services, clock, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        doctor = a_vault(work)
        sharing.add_provider(work, grant, doctor.vault_id, expires=work.now + timedelta(hours=1))
    clock.advance(hours=1)
    with services.reading() as work, pytest.raises(Expired):
        sharing.provider_opens(work, doctor, grant.grant_id)


def test_nobody_is_let_into_a_grant_that_has_ended(services, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        doctor = a_vault(work)
        sharing.end_grant(work, grant.grant_id)
    until = services.clock.now() + timedelta(minutes=15)
    for adding in (
        lambda work: sharing.add_share_code(work, grant, expires=None),
        lambda work: sharing.add_provider(work, grant, doctor.vault_id, expires=None),
        lambda work: openers.add_token_holder(work, grant, secret=openers.new_secret(), kind="at", expires=until),
    ):
        with pytest.raises(Expired), services.work() as work:
            adding(work)
    with services.reading() as work:
        assert not work.session.scalars(sa.select(HolderRow)).all()


def test_a_code_redeemed_while_its_sharing_ends_lets_nobody_in(services, ana, knee, monkeypatch):
    grant = give(services, ana, knee)
    with services.work() as work:
        code = sharing.add_share_code(work, grant, expires=None)

    def end_in_between(services, *_):
        with services.work() as work:
            sharing.end_grant(work, grant.grant_id)

    monkeypatch.setattr("vault.attempts.credit_all", end_in_between)
    with pytest.raises(Expired):
        sharing.redeem_code(services, code, source="192.0.2")


def test_the_day_a_grant_first_ended_stays(services, clock, ana, knee):
    grant = give(services, ana, knee)
    with services.work() as work:
        sharing.end_grant(work, grant.grant_id)
        ended = sharing.limits(work, grant.grant_id).ended
    clock.advance(hours=1)
    with services.work() as work:
        sharing.end_grant(work, grant.grant_id)
        assert sharing.limits(work, grant.grant_id).ended == ended
        assert sharing.grants_of(work, ana.vault_id)[0].ended == ended
        assert sharing.give_owed_keys(work, ana) == 0


def test_what_is_not_there_is_neither_given_nor_ended(services, ana):
    with services.work() as work:
        for asking in (
            lambda: sharing.limits(work, bytes(16)),
            lambda: sharing.end_grant(work, bytes(16)),
            lambda: sharing.seal_note(work, vault_id=bytes(16), about=bytes(16), text=""),
            lambda: owner_of_study(work, bytes(16)),
            lambda: sharing.owner_opens(work, ana, bytes(16)),
        ):
            with pytest.raises(NotThere):
                asking()


def test_a_batch_that_is_not_the_vaults_yet_is_given_later(services, ana, harbor, knee):
    with services.work() as work:
        held = work.session.scalar(sa.select(BatchKeyRow))
        ct, mac = held.ct, held.row_mac
        work.session.delete(held)
    grant = give(services, ana, knee)
    assert sees(services, grant) == []
    with services.work() as work:
        values = {"batch": held.batch, "owner_kind": held.owner_kind, "owner": held.owner, "ct": ct, "row_mac": mac}
        work.session.add(BatchKeyRow(**values))
        assert sharing.give_owed_keys(work, ana) == 3
    assert sees(services, grant) == ["1.2.3"]


def test_times_are_whole_microseconds():
    for octets in (b"\x01\x02\x03", b"\xff\xfe\xfd", b"\x7a\x11\xf0"):
        moment = EPOCH + timedelta(days=20_514, microseconds=int.from_bytes(octets, "big"))
        assert micros(moment) == 20_514 * 86_400_000_000 + int.from_bytes(octets, "big")
    assert all(micros(EPOCH + timedelta(seconds=1_772_442_000, microseconds=n)) % 1_000_000 == n for n in range(5000))


def test_a_key_that_is_there_already_is_not_made_again(services, ana, harbor, knee):
    give(services, ana, knee)
    with services.work() as work:
        before = work.session.scalars(sa.select(GrantKeyRow.ct)).all()
        assert sharing.give_owed_keys(work, ana) == 0
        assert work.session.scalars(sa.select(GrantKeyRow.ct)).all() == before
        batch = work.session.scalar(sa.select(GrantKeyRow.batch))
        sealed = seal_to_grants(
            work, owner=ana.owner, site_id=harbor.site.id, study_id=knee, batch=batch, root_key=bytes(32)
        )
        assert sealed == 1
        assert work.session.scalars(sa.select(GrantKeyRow.ct)).all() == before
