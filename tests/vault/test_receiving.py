"""What a site pushes: kept once, sealed to whoever it is for, and never half."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault import given
from tests.vault.owners import ANA, a_document, a_picture, a_site, a_vault, begin, link, push
from vault import reading, sharing
from vault.blobs import DiskBlobWriter, DiskFull
from vault.catalogue import open_catalogue
from vault.erasure import erase_studies
from vault.errors import DifferentContent, NoKey, NotThere
from vault.keyring import KeyClass
from vault.links import lock_scope
from vault.patients import identify
from vault.previews import keep_previews, preview_due
from vault.pushed import open_batch_of, scope_of_begun_study
from vault.receiving import IncomingResource, Receiving
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.tables import BatchKeyRow, BatchRow, BlobRow, InstanceRow, ObjectRow, PreviewRow, SeriesRow

services = given.both_databases


@pytest.fixture
def linked(services):
    """A site whose patient already has a vault."""
    site = a_site(services)
    with services.work() as work:
        keyring = a_vault(work)
    link(services, site.site, keyring)
    return site, keyring


def octets_of(services, keyring, uid, *, study="1.2.3", series="1.2.3.1"):
    with services.reading() as work:
        found = reading.find_instance(work, keyring, study, series, uid)
    with found.octets.opened(services.blobs) as opened:
        return b"".join(opened.iter())


def test_the_owner_reads_back_every_octet(services, linked):
    site, keyring = linked
    pictures = {f"1.2.3.1.{n}": os.urandom(n * 70_000 + 3) for n in range(4)}
    push(services, site, *(a_picture(uid, octets) for uid, octets in pictures.items()))
    assert {uid: octets_of(services, keyring, uid) for uid in pictures} == pictures


def test_one_request_makes_one_pack_and_a_second_goes_on_with_the_batch(services, linked):
    site, _ = linked
    first = push(services, site, a_picture("1.1", b"a" * 10), a_picture("1.2", b"b" * 10))
    second = push(services, site, a_picture("1.3", b"c" * 10))
    assert first.id == second.id
    with services.reading() as work:
        assert len(work.session.scalars(sa.select(BlobRow)).all()) == 2
        assert len(work.session.scalars(sa.select(BatchRow)).all()) == 1


def test_another_token_begins_another_batch_of_the_same_study(services, linked):
    site, keyring = linked
    first = push(services, site, a_picture("1.1", b"a" * 10))
    second = push(services, site.next_token(services), a_picture("1.2", b"b" * 10))
    assert (first.study_id, first.id) != (second.study_id, second.id)
    assert first.study_id == second.study_id
    with services.reading() as work:
        assert {instance.facts.uid for instance in reading.open_series(work, keyring, "1.2.3")} == {"1.1", "1.2"}


def test_the_same_octets_again_are_kept_once(services, linked):
    site, keyring = linked
    picture = os.urandom(100_000)
    push(services, site, a_picture("1.1", picture))
    for again in (site, site.next_token(services)):
        batch = begin(services, again)
        with Receiving(services, again.pusher) as receiving:
            assert receiving.instance(batch, a_picture("1.1", picture)) == "already"
            receiving.commit()
    with services.reading() as work:
        assert len(work.session.scalars(sa.select(InstanceRow)).all()) == 1
    assert octets_of(services, keyring, "1.1") == picture


def test_other_octets_under_the_same_uid_are_refused_and_the_first_stay(services, linked):
    site, keyring = linked
    push(services, site, a_picture("1.1", b"first" * 1000))
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        with pytest.raises(DifferentContent):
            receiving.instance(batch, a_picture("1.1", b"other" * 1000))
        assert receiving.instance(batch, a_picture("1.2", b"next one" * 9)) == "stored"
        receiving.commit()
    assert octets_of(services, keyring, "1.1") == b"first" * 1000
    assert octets_of(services, keyring, "1.2") == b"next one" * 9


def test_an_instance_that_breaks_off_leaves_the_others_whole(services, linked):
    site, keyring = linked

    def broken():
        yield b"x" * 100_000
        raise ConnectionError

    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, a_picture("1.1", b"one" * 30_000))
        thing = a_picture("1.2", b"")
        object.__setattr__(thing, "octets", broken())
        with pytest.raises(ConnectionError):
            receiving.instance(batch, thing)
        receiving.instance(batch, a_picture("1.3", b"three" * 30_000))
        receiving.commit()
    assert octets_of(services, keyring, "1.1") == b"one" * 30_000
    assert octets_of(services, keyring, "1.3") == b"three" * 30_000
    with services.reading() as work, pytest.raises(NotThere):
        reading.find_instance(work, keyring, "1.2.3", "1.2.3.1", "1.2")


def test_a_request_that_is_not_committed_keeps_nothing(services, linked):
    site, keyring = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, a_picture("1.1", b"gone" * 100))
    with services.reading() as work:
        assert not open_catalogue(work, keyring).studies
        assert not work.session.scalars(sa.select(BlobRow)).all()


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(services, linked, monkeypatch):
    site, keyring = linked
    push(services, site, a_picture("1.1", b"before" * 100))
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, a_picture("1.2", b"after" * 100))

        def full(_self):
            raise DiskFull

        monkeypatch.setattr("vault.blobs.DiskBlobWriter.commit", full)
        with pytest.raises(DiskFull):
            receiving.commit()
    assert octets_of(services, keyring, "1.1") == b"before" * 100
    with services.reading() as work:
        assert len(work.session.scalars(sa.select(InstanceRow)).all()) == 1


def test_two_workers_that_keep_the_same_instance_keep_it_once(services, linked):
    site, keyring = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as one, Receiving(services, site.pusher) as two:
        one.instance(batch, a_picture("1.1", b"same" * 100))
        two.instance(batch, a_picture("1.1", b"same" * 100))
        two.instance(batch, a_picture("1.2", b"theirs" * 100))
        one.instance(batch, a_picture("1.2", b"mine" * 100))
        assert not one.commit()
        assert two.commit() == {"1.2"}
    assert octets_of(services, keyring, "1.1") == b"same" * 100
    assert octets_of(services, keyring, "1.2") == b"mine" * 100
    with services.reading() as work:
        assert len(reading.open_series(work, keyring, "1.2.3")) == 2


def test_an_unclaimed_push_is_sealed_to_the_site_alone_and_a_stranger_opens_nothing(services):
    site = a_site(services)
    batch = push(services, site, a_picture("1.1", b"waiting" * 100))
    with services.work() as work:
        kinds = [row.owner_kind for row in work.session.scalars(sa.select(BatchKeyRow))]
        assert kinds == ["site"]
        stranger = a_vault(work)
        assert not open_catalogue(work, stranger).studies
        with pytest.raises(NoKey):
            stranger.class_key(work, batch.id, KeyClass.META)


def test_two_sites_that_push_one_uid_know_nothing_of_each_other(services):
    here, there = a_site(services, "Harbor"), a_site(services, "Hill")
    with services.work() as work:
        ana, ben = a_vault(work), a_vault(work)
    link(services, here.site, ana)
    link(services, there.site, ben)
    push(services, here, a_picture("1.1", b"harbor" * 100))
    push(services, there, a_picture("1.1", b"hill" * 100))
    assert octets_of(services, ana, "1.1") == b"harbor" * 100
    assert octets_of(services, ben, "1.1") == b"hill" * 100


def test_a_grant_of_pictures_does_not_open_documents(services, linked):
    site, keyring = linked
    batch = push(services, site, a_picture("1.1", b"picture" * 100), a_document("1.9", b"document" * 100))
    with services.work() as work:
        classes = frozenset({KeyClass.META, KeyClass.PICTURES})
        terms = sharing.GrantTerms((batch.study_id,), classes, True, None, work.now, work.now + timedelta(hours=4))
        grant = sharing.new_grant(work, keyring, terms)
    assert octets_of(services, grant, "1.1") == b"picture" * 100
    with services.reading() as work:
        with pytest.raises(NoKey):
            reading.find_instance(work, grant, "1.2.3", "1.2.3.9", "1.9")
        with pytest.raises(NoKey):
            reading.find_instances(work, grant, "1.2.3")
        assert len(reading.find_instances(work, grant, "1.2.3", "1.2.3.1")) == 1
        found = reading.find_instance(work, keyring, "1.2.3", "1.2.3.9", "1.9")
        assert reading.full_description(work, keyring, found)["0040A160"]["Value"] == ["a torn meniscus"]


def test_a_document_pushed_again_by_another_token_is_kept_as_a_newer_version(services, linked):
    site, keyring = linked
    push(services, site, a_document("1.9", b"document" * 100))
    push(services, site.next_token(services), a_document("1.9", b"document, amended" * 100))
    assert octets_of(services, keyring, "1.9", series="1.2.3.9") == b"document, amended" * 100
    with services.reading() as work:
        assert len(reading.open_series(work, keyring, "1.2.3")) == 1


def test_resources_and_documents_open_for_their_owner_alone(services, linked):
    site, keyring = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        pdf = receiving.document(batch, "application/pdf", b"%PDF-1.7 torn", KeyClass.REPORTS)
        facts = {"title": "MRI knee", "conclusion": "torn", "study_uids": ["1.2.3"]}
        body = {"type": "DiagnosticReport", "facts": facts, "fhir": {"resourceType": "DiagnosticReport"}}
        report = receiving.resource(batch, IncomingResource(KeyClass.REPORTS, body))
        receiving.commit()
    with services.work() as work:
        assert reading.open_document(work, keyring, pdf) == ("application/pdf", b"%PDF-1.7 torn")
        assert reading.open_resource(work, keyring, report).body == body
        study = open_catalogue(work, keyring).studies[0]
        assert [one.facts.conclusion for one in study.reports] == ["torn"]
        for asked in (pdf, report):
            with pytest.raises(NotThere):
                reading.open_resource(work, a_vault(work), asked)


def test_a_preview_is_remade_when_a_series_has_doubled(services, linked):
    site, keyring = linked
    batch = push(services, site, a_picture("1.1", b"a" * 10), a_picture("1.2", b"b" * 10))
    with services.reading() as work:
        series = open_catalogue(work, keyring).studies[0].series[0]
        assert preview_due(work, series.id) == 2
    for kind in (Kind.THUMBNAIL, Kind.QUICK_VIEW):
        keep_previews(services, batch, series_id=series.id, pictures={kind: b"jpeg %d" % kind}, instances=2)
    with services.reading() as work:
        assert preview_due(work, series.id) is None
        assert reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.THUMBNAIL) == b"jpeg 6"
    push(services, site, a_picture("1.3", b"c" * 10), a_picture("1.4", b"d" * 10))
    with services.reading() as work:
        assert preview_due(work, series.id) == 4
    keep_previews(services, batch, series_id=series.id, pictures={Kind.THUMBNAIL: b"newer"}, instances=4)
    with services.reading() as work:
        assert reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.THUMBNAIL) == b"newer"
        assert work.session.scalars(sa.select(BlobRow.state).where(BlobRow.state == "freed")).all() == ["freed"]


def test_a_small_picture_outlives_the_one_that_lay_beside_it(services, linked):
    site, keyring = linked
    batch = push(services, site, a_picture("1.1", b"a"))
    with services.reading() as work:
        series = work.session.scalars(sa.select(SeriesRow.id)).one()

    def keep(**pictures):
        by_kind = {Kind[name]: jpeg for name, jpeg in pictures.items()}
        keep_previews(services, batch, series_id=series, pictures=by_kind, instances=1)

    def freed():
        with services.reading() as work:
            return work.session.scalar(sa.select(sa.func.count()).where(BlobRow.state == "freed"))

    keep(THUMBNAIL=b"small", QUICK_VIEW=b"larger")
    keep(THUMBNAIL=b"newer")
    assert freed() == 0
    with services.reading() as work:
        assert reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.QUICK_VIEW) == b"larger"
    keep(THUMBNAIL=b"newest", QUICK_VIEW=b"new")
    assert freed() == 2


def test_swapped_object_rows_are_refused(services, linked):
    site, keyring = linked
    push(services, site, a_picture("1.1", b"a" * 100), a_picture("1.2", b"b" * 100))
    with services.work() as work:
        one, two = work.session.scalars(sa.select(ObjectRow).where(ObjectRow.kind == int(Kind.INSTANCE))).all()
        one.offset, two.offset = two.offset, one.offset
    with pytest.raises(Tampered):
        octets_of(services, keyring, "1.1")


# -- what fails halfway ----------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["facts", "dicom", "layout", "full"])
def test_an_instance_that_cannot_be_described_leaves_the_others_their_own_words(services, linked, part):
    site, keyring = linked

    def broken():
        raise ValueError("no such attribute")

    batch = begin(services, site)
    make = a_document if part == "full" else a_picture
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, make("1.1", b"one" * 100))
        with pytest.raises(ValueError, match="no such attribute"):
            receiving.instance(batch, replace(make("1.2", b"two" * 100), **{part: broken}))
        receiving.instance(batch, make("1.3", b"three" * 100))
        receiving.commit()
    with services.reading() as work:
        found = reading.open_series(work, keyring, "1.2.3")
        assert {one.facts.uid: one.dicom["00080018"]["Value"][0] for one in found} == {"1.1": "1.1", "1.3": "1.3"}
        kinds = work.session.scalars(sa.select(ObjectRow.kind)).all()
        assert kinds.count(int(Kind.INSTANCE)) == 2
    assert octets_of(services, keyring, "1.3", series=make("x", b"").series.uid) == b"three" * 100


def test_words_with_half_a_surrogate_pair_are_kept_as_they_came(services, linked):
    site, keyring = linked
    odd = {"00081030": {"vr": "LO", "Value": ["Knie \ud83d", 1.5]}}
    thing = replace(a_picture("1.1", b"x" * 10), dicom=lambda: odd)
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, thing)
        body = {"type": "Observation", "facts": {}, "fhir": {"text": "\ud83d", "valueDecimal": 0.1}}
        made = receiving.resource(batch, IncomingResource(KeyClass.META, body))
        receiving.commit()
    with services.reading() as work:
        assert reading.open_series(work, keyring, "1.2.3")[0].dicom == odd
        assert reading.open_resource(work, keyring, made).body == body


def test_a_full_store_refuses_one_instance_and_not_those_before_it(services, linked, monkeypatch):
    site, keyring = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, a_picture("1.1", b"one" * 100))
        whole = receiving._packs[batch.study_id].writer.tell()
        write = DiskBlobWriter.write

        def full(writer, octets):
            if writer.tell() > whole + 500:
                raise DiskFull
            write(writer, octets)

        with monkeypatch.context() as patch:
            patch.setattr("vault.blobs.DiskBlobWriter.write", full)
            with pytest.raises(DiskFull):
                receiving.instance(batch, a_picture("1.2", b"two" * 100_000))
        assert receiving._packs[batch.study_id].writer.tell() == whole
        receiving.instance(batch, a_picture("1.3", b"three" * 100))
        receiving.commit()
    assert octets_of(services, keyring, "1.3") == b"three" * 100
    with services.reading() as work:
        assert {one.facts.uid for one in reading.open_series(work, keyring, "1.2.3")} == {"1.1", "1.3"}


@pytest.mark.parametrize("bound", ["INDEX_RECORDS", "INDEX_OCTETS"])
def test_a_long_push_keeps_few_descriptions_in_memory(services, linked, monkeypatch, bound):
    site, keyring = linked
    monkeypatch.setattr(f"vault.receiving.{bound}", {"INDEX_RECORDS": 3, "INDEX_OCTETS": 100}[bound])
    uids = [f"1.2.3.{n % 4}.{n}" for n in range(20)]
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        for n, uid in enumerate(uids):
            receiving.instance(batch, a_picture(uid, uid.encode(), series_uid=f"1.2.3.{n % 4}"))
            assert sum(len(index.rows) for index in receiving._indexes.values()) <= 3
        receiving.commit()
    with services.reading() as work:
        found = reading.open_series(work, keyring, "1.2.3")
    assert sorted(one.facts.uid for one in found) == sorted(uids)
    assert all(one.dicom["00080018"]["Value"] == [one.facts.uid] for one in found)
    assert all(octets_of(services, keyring, uid, series=uid.rsplit(".", 1)[0]) == uid.encode() for uid in uids)


# -- the same thing twice --------------------------------------------------------------------------


def test_an_instance_twice_in_one_request_is_kept_once(services, linked):
    site, keyring = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        assert receiving.instance(batch, a_picture("1.1", b"same" * 100)) == "stored"
        assert receiving.instance(batch, a_picture("1.1", b"same" * 100)) == "already"
        with pytest.raises(DifferentContent):
            receiving.instance(batch, a_picture("1.1", b"other" * 100))
        with pytest.raises(DifferentContent):
            receiving.instance(batch, a_picture("1.1", b"same" * 100, series_uid="1.2.3.2"))
        receiving.commit()
    assert octets_of(services, keyring, "1.1") == b"same" * 100


def test_a_document_under_one_uid_in_two_studies_is_refused_the_second_time(services, linked):
    site, keyring = linked
    one, two = begin(services, site), begin(services, site, study_uid="2.2")
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(one, a_document("1.9", b"first" * 100))
        with pytest.raises(DifferentContent):
            receiving.instance(two, a_document("1.9", b"second" * 100, study_uid="2.2"))
        receiving.commit()
    assert octets_of(services, keyring, "1.9", series="1.2.3.9") == b"first" * 100


def test_a_document_takes_no_pictures_place(services, linked):
    site, keyring = linked
    push(services, site, a_picture("1.1", b"picture" * 100, series_uid="1.2.3.9"))
    later = site.next_token(services)
    batch = begin(services, later)
    with Receiving(services, later.pusher) as receiving, pytest.raises(DifferentContent):
        receiving.instance(batch, a_document("1.1", b"words" * 100))
    assert octets_of(services, keyring, "1.1", series="1.2.3.9") == b"picture" * 100


def test_a_push_of_nothing_new_leaves_no_empty_pack(services, linked):
    site, _ = linked
    push(services, site, a_picture("1.1", b"same" * 100))
    push(services, site, a_picture("1.1", b"same" * 100))
    with services.reading() as work:
        blobs = set(work.session.scalars(sa.select(BlobRow.id)))
    assert len(blobs) == 1
    assert {path.name for path in services.blobs._committed()} == blobs


def test_what_lost_a_race_leaves_no_object_behind(services, linked):
    site, keyring = linked
    other = site.next_token(services)
    mine, theirs = begin(services, site), begin(services, other)
    with Receiving(services, site.pusher) as one, Receiving(services, other.pusher) as two:
        one.instance(mine, a_document("1.9", b"same" * 100))
        two.instance(theirs, a_document("1.9", b"same" * 100))
        one.instance(mine, a_picture("1.1", b"same" * 100))
        two.instance(theirs, a_picture("1.1", b"same" * 100))
        two.instance(theirs, a_picture("1.2", b"new" * 100))
        assert not one.commit()
        assert two.commit() == {"1.9"}  # not comparable under another token, so its sender must ask again
    with services.reading() as work:
        pointed = set(work.session.scalars(sa.select(InstanceRow.object)))
        kept = work.session.scalars(sa.select(ObjectRow).where(ObjectRow.kind == int(Kind.INSTANCE)))
        assert {row.id for row in kept} == pointed
        full = sa.select(sa.func.count()).where(ObjectRow.kind == int(Kind.METADATA))
        assert work.session.scalar(full) == 1
    assert octets_of(services, keyring, "1.2") == b"new" * 100


def test_an_instance_kept_meanwhile_in_another_series_is_refused(services, linked):
    site, _ = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as one, Receiving(services, site.pusher) as two:
        one.instance(batch, a_picture("1.1", b"same" * 100))
        two.instance(batch, a_picture("1.1", b"same" * 100, series_uid="1.2.3.2"))
        assert not one.commit()
        assert two.commit() == {"1.1"}


def test_many_workers_keep_one_instance_of_many_tokens_once(services, linked):
    site, keyring = linked
    tokens = [site.next_token(services) for _ in range(4)]
    ready = threading.Barrier(4)

    def worker(token):
        batch = begin(services, token)
        with Receiving(services, token.pusher) as receiving:
            for n in range(5):
                receiving.instance(batch, a_picture(f"1.{n}", b"%d" % n * 100))
            ready.wait()
            return receiving.commit()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(worker, tokens)) == [frozenset()] * 4
    with services.reading() as work:
        assert len(work.session.scalars(sa.select(InstanceRow)).all()) == 5
    assert all(octets_of(services, keyring, f"1.{n}") == b"%d" % n * 100 for n in range(5))


# -- what is erased, expires or changes hands meanwhile --------------------------------------------


def test_a_study_erased_while_it_is_pushed_takes_nothing_more(services, linked):
    site, _ = linked
    batch = begin(services, site)
    with Receiving(services, site.pusher) as receiving:
        receiving.instance(batch, a_picture("1.1", b"x" * 100))
        with services.work() as work:
            erase_studies(work, [batch.study_id])
        with pytest.raises(NotThere):
            receiving.instance(batch, a_picture("1.2", b"x" * 100, series_uid="1.2.3.2"))
        with pytest.raises(NotThere):
            receiving.commit()
    with services.reading() as work:
        for table in (InstanceRow, ObjectRow, BlobRow, SeriesRow):
            assert not work.session.scalars(sa.select(table)).all()


def test_a_preview_of_an_erased_study_is_not_kept(services, linked):
    site, _ = linked
    batch = push(services, site, a_picture("1.1", b"x" * 100))
    with services.reading() as work:
        series = work.session.scalar(sa.select(SeriesRow.id))
    with services.work() as work:
        erase_studies(work, [batch.study_id])
    keep_previews(services, batch, series_id=series, pictures={Kind.THUMBNAIL: b"jpeg"}, instances=1)
    with services.reading() as work:
        assert not work.session.scalars(sa.select(PreviewRow)).all()
        assert preview_due(work, series) is None


def test_a_preview_is_kept_in_its_own_study_only(services, linked):
    site, keyring = linked
    push(services, site, a_picture("1.1", b"x" * 100))
    other = push(services, site, a_picture("2.1", b"y" * 100, study_uid="2.2", series_uid="2.2.1"))
    with services.reading() as work:
        series = open_catalogue(work, keyring).by_uid("1.2.3")[0].series[0].id
    keep_previews(services, other, series_id=series, pictures={Kind.THUMBNAIL: b"other"}, instances=1)
    with services.reading() as work, pytest.raises(NotThere):
        reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.THUMBNAIL)


def test_two_workers_that_make_one_preview_keep_one(services, linked):
    site, keyring = linked
    tokens = [site, *(site.next_token(services) for _ in range(3))]
    batches = [push(services, token, a_picture(f"1.{n}", b"%d" % n * 9)) for n, token in enumerate(tokens)]
    with services.reading() as work:
        series = work.session.scalar(sa.select(SeriesRow.id))

    def worker(batch):
        keep_previews(services, batch, series_id=series, pictures={Kind.THUMBNAIL: b"jpeg"}, instances=4)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(worker, batches))
    with services.reading() as work:
        assert reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.THUMBNAIL) == b"jpeg"
        assert len(work.session.scalars(sa.select(PreviewRow)).all()) == 1


@pytest.mark.postgres
def test_a_preview_waits_for_a_push_and_stands_in_no_ones_way(postgres_services):
    services = postgres_services
    site = a_site(services)
    batch = push(services, site, a_picture("1.1", b"x" * 100))
    with services.reading() as work:
        series = work.session.scalar(sa.select(SeriesRow.id))
    with ThreadPoolExecutor(1) as pool:
        with services.work() as work:
            lock_scope(work, batch.scope_id)  # as a push does before it locks its batch
            pictures = {Kind.THUMBNAIL: b"jpeg"}
            kept = pool.submit(keep_previews, services, batch, series_id=series, pictures=pictures, instances=1)
            wait_until_someone_waits(work)
            work.session.execute(sa.text("SET LOCAL lock_timeout = 200"))
            assert work.session.scalar(sa.select(BatchRow.id).with_for_update()) == batch.id
        kept.result()
    with services.reading() as work:
        assert preview_due(work, series) is None


def wait_until_someone_waits(work):
    while not work.session.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
        time.sleep(0.01)


def test_a_token_past_its_time_goes_on_with_nothing(services, clock, linked):
    site, _ = linked
    first = push(services, site, a_picture("1.1", b"x" * 100))
    clock.advance(seconds=300)
    again = replace(site, pusher=replace(site.pusher, expires=clock.now() + timedelta(seconds=300)))
    assert begin(services, again).id != first.id


def test_a_study_to_which_a_token_brought_papers_alone_is_known_as_its_patients(linked, services):
    site, _ = linked
    study = push(services, site, a_picture("1.2.3.1.1", b"x" * 2000))
    later = site.next_token(services)
    patient = identify(services.secrets, site.site, mrn=ANA.mrn, issuer=ANA.issuer, born=ANA.born)
    open_batch_of(services, later.pusher, patient, study.study_id)
    with services.reading() as work:
        assert scope_of_begun_study(work, later.pusher, "1.2.3") == study.scope_id
        assert scope_of_begun_study(work, later.pusher, "1.2.4") is None
        assert scope_of_begun_study(work, site.next_token(services).pusher, "1.2.3") is None
