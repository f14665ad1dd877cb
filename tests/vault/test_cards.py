"""What lists show is opened once and kept sealed; it never hides what came since, and never outlives what it is of."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault.owners import ANA, a_picture, a_site, a_vault, begin, link, push
from vault import cards, custody, sharing
from vault.audit import Actor
from vault.catalogue import open_catalogue, open_study
from vault.database import Services
from vault.errors import NotThere
from vault.facts import DocumentFacts, ReportFacts, Section, SeriesFacts, StudyFacts
from vault.ids import Id
from vault.instances import listed_instances
from vault.keyring import KeyClass
from vault.previews import keep_previews
from vault.receiving import IncomingResource, Receiving
from vault.sealing.stream import Kind
from vault.sharing import GrantTerms
from vault.studies import Listed, Report, Resource, Series, Study
from vault.tables import BatchRow, BlobRow, CardRow, ObjectRow, StudyRow


@pytest.fixture
def shelf(services):
    """One vault, one site, two studies."""
    with services.work() as work:
        ana = a_vault(work)
    harbor = a_site(services, "Harbor")
    link(services, harbor.site, ana)
    push(services, harbor, a_picture("1.1", b"a"), a_picture("1.2", b"b"))
    push(services, harbor, a_picture("2.1", b"c", study_uid="2.2", series_uid="2.2.1"))
    return ana, harbor


def listed(services, keyring):
    with services.reading() as work:
        return {study.uid: study for study in open_catalogue(work, keyring).studies}


def counted(services, **which):
    with services.reading() as work:
        found = sa.select(sa.func.count()).select_from(CardRow)
        return work.session.scalar(found.where(*(getattr(CardRow, name) == value for name, value in which.items())))


def lose_all_blobs(services):
    with services.reading() as work:
        for blob in work.session.scalars(sa.select(BlobRow.id)):
            services.blobs.delete(blob)


def a_grant(services, ana, uids, classes=frozenset(KeyClass)):
    studies = listed(services, ana)
    with services.work() as work:
        ids = tuple(studies[uid].id for uid in uids)
        terms = GrantTerms(ids, classes, False, None, work.now, work.now + timedelta(days=1))
        return sharing.new_grant(work, ana, terms)


def test_what_was_listed_once_is_listed_again_without_its_objects(services, shelf):
    first = listed(services, shelf[0])
    lose_all_blobs(services)
    assert listed(services, shelf[0]) == first
    assert set(first) == {"1.2.3", "2.2"}


def test_what_comes_after_a_card_was_made_is_shown(services, shelf):
    ana, harbor = shelf
    assert listed(services, ana)["1.2.3"].instances == 2
    push(services, harbor, a_picture("1.3", b"d"))
    push(services, harbor, a_picture("3.1", b"e", study_uid="3.3", series_uid="3.3.1"))
    found = listed(services, ana)
    assert (found["1.2.3"].instances, set(found)) == (3, {"1.2.3", "2.2", "3.3"})


def test_a_preview_that_is_made_later_is_known(services, shelf):
    ana, harbor = shelf
    study = listed(services, ana)["2.2"]
    assert not study.series[0].has_preview
    batch = begin(services, harbor, study_uid="2.2")
    keep_previews(services, batch, series_id=study.series[0].id, pictures={Kind.THUMBNAIL: b"jpeg"}, instances=1)
    assert listed(services, ana)["2.2"].series[0].has_preview


def test_a_report_that_comes_later_is_known(services, shelf):
    ana, harbor = shelf
    assert listed(services, ana)["2.2"].reports == ()
    batch = begin(services, harbor, study_uid="2.2")
    with Receiving(services, harbor.pusher) as receiving:
        body = {"type": "DiagnosticReport", "facts": {"title": "MRI report"}, "fhir": {}}
        receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
        receiving.commit()
    assert [one.facts.title for one in listed(services, ana)["2.2"].reports] == ["MRI report"]


def test_an_erased_study_has_no_card_from_that_transaction_on(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, ["1.2.3", "2.2"])
    gone = listed(services, grant)["2.2"].id
    assert counted(services, study=gone) == 2
    with services.work() as work:
        custody.forget_study(work, [gone], owner=ana, by=Actor("patient", ana.vault_id))
        assert work.session.scalar(sa.select(sa.func.count()).where(CardRow.study == gone)) == 0
    for keyring in (ana, grant):
        assert set(listed(services, keyring)) == {"1.2.3"}


def test_the_cards_of_a_grant_show_what_it_was_given_and_go_with_it(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, ["2.2"])
    for _ in range(2):
        assert set(listed(services, grant)) == {"2.2"}
    assert (counted(services, owner=grant.grant_id), counted(services, owner=ana.vault_id)) == (1, 2)
    with services.work() as work:
        sharing.end_grant(work, grant.grant_id)
    assert (counted(services, owner=grant.grant_id), counted(services, owner=ana.vault_id)) == (0, 2)


def test_the_cards_of_a_grant_without_reports_hold_none(services, shelf):
    ana, harbor = shelf
    batch = begin(services, harbor, study_uid="2.2")
    with Receiving(services, harbor.pusher) as receiving:
        body = {"type": "DiagnosticReport", "facts": {"title": "MRI report"}, "fhir": {}}
        receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
        receiving.commit()
    grant = a_grant(services, ana, ["2.2"], frozenset({KeyClass.META, KeyClass.PICTURES}))
    for _ in range(2):
        assert listed(services, grant)["2.2"].reports == ()
        assert len(listed(services, ana)["2.2"].reports) == 1


@pytest.mark.parametrize("column", ["ct", "owner", "study", "changed", "what"])
def test_a_card_that_was_changed_or_moved_is_not_believed_but_made_again(services, shelf, column):
    ana, _ = shelf
    first = listed(services, ana)
    with services.work() as work:
        one, two = work.session.scalars(sa.select(CardRow)).all()
        if column == "ct":
            one.ct, two.ct = two.ct, one.ct[:-1] + bytes([one.ct[-1] ^ 1])
        elif column == "study":
            forged = CardRow(owner=two.owner, study=two.study, what=0, changed=1, ct=one.ct)
            work.session.delete(two)
            work.session.flush()
            work.session.add(forged)
        elif column == "owner":
            one.owner = bytes(16)
        elif column == "what":
            one.what = 1
        else:
            one.changed = two.changed = 7
            work.session.execute(sa.update(StudyRow).values(changed=7))
    for _ in range(2):
        assert listed(services, ana) == first


def test_a_card_of_what_changed_while_it_was_made_is_not_kept(services, shelf):
    ana, harbor = shelf
    with services.reading() as work:
        assert len(open_catalogue(work, ana).studies) == 2
        push(services, harbor, a_picture("1.3", b"d"))  # before the cards are written
    assert counted(services) == 1
    assert listed(services, ana)["1.2.3"].instances == 3


def test_a_card_is_not_written_for_a_grant_that_ended_meanwhile(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, ["2.2"])
    with services.reading() as work:
        assert len(open_catalogue(work, grant).studies) == 1
        with services.work() as other:
            sharing.end_grant(other, grant.grant_id)
    assert counted(services, owner=grant.grant_id) == 0


def test_who_lists_does_not_wait_for_who_writes(services, shelf):
    ana, _ = shelf
    with services.work() as work:
        work.session.execute(sa.update(StudyRow).values(changed=StudyRow.changed))
        assert len(listed(services, ana)) == 2  # without its cards being kept
        work.session.rollback()
    assert counted(services) == 0
    listed(services, ana)
    assert counted(services) == 2


def race(services, keyring, times):
    found = []

    def look():
        looks = (listed(services, keyring) for _ in range(times))
        found.extend({uid: study.instances for uid, study in look.items()} for look in looks)

    seekers = [threading.Thread(target=look) for _ in range(3)]
    for one in seekers:
        one.start()
    return seekers, found


def check_many_at_once(services: Services) -> None:
    with services.work() as work:
        ana = a_vault(work)
    harbor = a_site(services, "Harbor")
    link(services, harbor.site, ana)
    push(services, harbor, a_picture("1.0", b"first"))
    seekers, found = race(services, ana, 6)
    for number in range(1, 6):
        push(services, harbor, a_picture(f"1.{number}", b"more"))
    for one in seekers:
        one.join()
    assert all(1 <= one["1.2.3"] <= 6 for one in found)
    assert listed(services, ana)["1.2.3"].instances == 6
    assert listed(services, ana)["1.2.3"].instances == 6  # from its card


def test_many_who_list_while_a_site_pushes_end_with_what_is_there(services):
    check_many_at_once(services)


@pytest.mark.postgres
def test_many_who_list_while_a_site_pushes_end_with_what_is_there_on_postgres(postgres_services):
    check_many_at_once(postgres_services)


# -- what a card says --------------------------------------------------------------------------------------------------


def a_study(services) -> Study:
    now = services.clock.now()
    one, scope, site = Id(b"s" * 16), Id(b"c" * 16), Id(b"t" * 16)
    facts = ReportFacts(
        "MRI \udc80 report",
        sections=(Section("Findings", "A tear.\n" * 300),),
        documents=(DocumentFacts("d", "application/pdf", size=3),),
        study_uids=("1.2.3",),
        identifiers=("a|b",),
        known_as="a|b",
        version=2,
        replaces=("c|d",),
    )
    report = Report(Id(b"r" * 16), Id(b"r" * 16), facts, now, one, site, 2)
    alone = Report(Id(b"p" * 16), Id(b"p" * 16), replace(facts, version=5), now, one, site, is_document=True)
    series = Series(Id(b"e" * 16), SeriesFacts("1.2.3.1", -4, "MR", laterality="L"), 12, True, 11)
    paper = Resource(
        Id(b"p" * 16), "DocumentReference", {"accession": None, "n": 1 << 70, "x": [{"y": 1.5}]}, now, site
    )
    told = StudyFacts("1.2.3", "20260301", person=ANA, zone="+0100")
    return Study(one, (one,), scope, told, site, now, now + timedelta(seconds=1), (series,), (report, alone), (paper,))


def test_a_card_says_the_whole_study(services):
    study = a_study(services)
    assert cards.read(cards.written(study)) == study
    bare = replace(study, site_id=None, series=(), reports=(), resources=())
    assert cards.read(cards.written(bare)) == bare
    assert cards.read(cards.written(None)) is None


def test_a_card_says_the_instances_of_each_series():
    said = {Id(b"e" * 16): [Listed("1.1", "1.2.840", None), Listed("1.2", "1.2.840", 3)], Id(b"f" * 16): []}
    assert cards.read_instances(cards.written_instances(said.items())) == said


def test_a_study_that_shows_nothing_yet_is_not_opened_again_and_again(services, shelf):
    ana, harbor = shelf
    begin(services, harbor, study_uid="5.5")
    assert set(listed(services, ana)) == {"1.2.3", "2.2"}
    assert counted(services) == 3
    push(services, harbor, a_picture("5.1", b"f", study_uid="5.5", series_uid="5.5.1"))
    assert set(listed(services, ana)) == {"1.2.3", "2.2", "5.5"}


def test_what_could_not_be_opened_gets_no_card(services, shelf):
    ana, _ = shelf
    with services.work() as work:
        index = sa.select(ObjectRow).join(BatchRow, ObjectRow.batch == BatchRow.id)
        row = work.session.scalars(index.where(ObjectRow.kind == int(Kind.SERIES_INDEX))).first()
        kept, row.commitment = row.commitment, bytes(16)
        broken = row.id
    assert len(listed(services, ana)) == 1
    with services.work() as work:
        work.session.get_one(ObjectRow, broken).commitment = kept
    assert len(listed(services, ana)) == 2


# -- the instances of a study, and a study by itself -------------------------------------------------------------------


def instances(services, keyring, uid):
    study = listed(services, keyring)[uid]
    with services.reading() as work:
        found = listed_instances(work, keyring, [study.id])[study.id]
    return {series.facts.uid: [one.uid for one in found[series.id]] for series in study.series}


def test_the_instances_of_a_study_are_kept_on_a_card_and_follow_what_is_pushed(services, shelf):
    ana, harbor = shelf
    assert instances(services, ana, "1.2.3") == {"1.2.3.1": ["1.1", "1.2"]}
    push(services, harbor.next_token(services), a_picture("1.3", b"d"))
    assert instances(services, ana, "1.2.3") == {"1.2.3.1": ["1.1", "1.2", "1.3"]}
    lose_all_blobs(services)
    assert instances(services, ana, "1.2.3") == {"1.2.3.1": ["1.1", "1.2", "1.3"]}


def test_instances_are_told_to_whom_their_study_was_given(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, ["2.2"], frozenset({KeyClass.REPORTS}))
    studies = listed(services, ana)
    with services.reading() as work:
        assert listed_instances(work, grant, [studies["2.2"].id]) == {studies["2.2"].id: {}}


def test_what_is_lost_of_the_instances_is_left_out_and_gets_no_card(services, shelf):
    ana, _ = shelf
    study = listed(services, ana)["2.2"]
    lose_all_blobs(services)
    with services.reading() as work:
        assert listed_instances(work, ana, [study.id]) == {study.id: {}}
    assert counted(services, what=1) == 0


def test_a_study_by_itself_is_the_one_in_the_list(services, shelf):
    ana, harbor = shelf
    for study_uid, facts in (
        ("urn:keepray:papers:A1", {"title": "late", "study_uids": ["2.2"], "known_as": "s|1"}),
        ("2.2", {"title": "first", "known_as": "s|2"}),
        ("1.2.3", {"title": "second", "known_as": "s|2", "version": 2}),
        ("urn:keepray:papers:B2", {"title": "about nothing", "accession": "B2"}),
    ):
        check_each_alone(services, ana)
        batch = begin(services, harbor, study_uid=study_uid)
        with Receiving(services, harbor.pusher) as receiving:
            body = {"type": "DiagnosticReport", "facts": facts, "fhir": {}}
            receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
            receiving.commit()
    check_each_alone(services, ana)


def check_each_alone(services, keyring):
    with services.reading() as work:
        every = open_catalogue(work, keyring).studies
        assert [open_study(work, keyring, study.id) for study in every] == list(every)


def test_nobody_opens_a_study_by_itself_that_was_not_given(services, shelf):
    ana, _ = shelf
    grant = a_grant(services, ana, ["2.2"])
    other = listed(services, ana)["1.2.3"].id
    with services.reading() as work, pytest.raises(NotThere):
        open_study(work, grant, other)
