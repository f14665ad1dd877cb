"""What a site pushes: kept once, sealed to whoever it is for, and never half."""

import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault.owners import a_document, a_picture, a_site, a_vault, begin, link, push
from vault import reading, sharing
from vault.blobs import DiskFull
from vault.catalogue import open_catalogue
from vault.errors import DifferentContent, NoKey, NotThere
from vault.keyring import KeyClass
from vault.previews import keep_preview, preview_due
from vault.receiving import IncomingResource, Receiving
from vault.sealing.stream import Kind
from vault.tables import BatchKeyRow, BatchRow, BlobRow, InstanceRow, ObjectRow


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def services(request, services):
    """Everything here holds on both databases."""
    return services if request.param == "sqlite" else request.getfixturevalue("postgres_services")


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
        keep_preview(services, batch, series_id=series.id, kind=kind, jpeg=b"jpeg %d" % kind, instances=2)
    with services.reading() as work:
        assert preview_due(work, series.id) is None
        assert reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.THUMBNAIL) == b"jpeg 6"
    push(services, site, a_picture("1.3", b"c" * 10), a_picture("1.4", b"d" * 10))
    with services.reading() as work:
        assert preview_due(work, series.id) == 4
    keep_preview(services, batch, series_id=series.id, kind=Kind.THUMBNAIL, jpeg=b"newer", instances=4)
    with services.reading() as work:
        assert reading.find_preview(work, keyring, "1.2.3", "1.2.3.1", Kind.THUMBNAIL) == b"newer"
        assert work.session.scalars(sa.select(BlobRow.state).where(BlobRow.state == "freed")).all() == ["freed"]


def test_swapped_object_rows_are_refused(services, linked):
    site, keyring = linked
    push(services, site, a_picture("1.1", b"a" * 100), a_picture("1.2", b"b" * 100))
    with services.work() as work:
        one, two = work.session.scalars(sa.select(ObjectRow).where(ObjectRow.kind == int(Kind.INSTANCE))).all()
        one.offset, two.offset = two.offset, one.offset
    from vault.sealing.errors import Tampered

    with pytest.raises(Tampered):
        octets_of(services, keyring, "1.1")
