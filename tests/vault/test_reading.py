"""Opening exactly what was asked for, and nothing one may not see."""

import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.vault import given
from tests.vault.owners import a_document, a_picture, a_vault, begin, push
from vault import reading, sharing
from vault.blobs import BlobMissing
from vault.errors import BrokenRecord, NoKey, NotThere
from vault.keyring import KeyClass
from vault.previews import keep_previews
from vault.receiving import IncomingResource, Receiving
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.sharing import GrantTerms
from vault.tables import BlobRow, InstanceRow, ObjectRow, PreviewRow, ResourceRow, SeriesRow

PICTURE = os.urandom(200_000)
ana = given.a_linked_patient


@pytest.fixture
def knee(services, site, ana):
    return push(services, site, a_picture("1.1", PICTURE), a_document("1.9", b"words" * 10))


def find(services, keyring, uid="1.1", series="1.2.3.1"):
    with services.reading() as work:
        return reading.find_instance(work, keyring, "1.2.3", series, uid)


def test_a_range_of_a_picture_is_read_after_the_transaction_has_ended(services, ana, knee):
    found = find(services, ana)
    with found.octets.opened(services.blobs) as opened:
        assert opened.length == len(PICTURE)
        assert opened.read(70_000, 1000) == PICTURE[70_000:71_000]


def test_nothing_of_a_key_is_printed(services, ana, knee):
    found = find(services, ana)
    assert found.octets._key.hex() not in repr(found)
    assert repr(found.octets._key) not in repr(found)
    assert knee.root_key.hex() not in repr(knee)
    assert repr(knee.root_key) not in repr(knee)


@pytest.mark.parametrize("uids", [("9.9", "1.2.3.1", "1.1"), ("1.2.3", "9.9", "1.1"), ("1.2.3", "1.2.3.1", "9.9")])
def test_a_wrong_uid_finds_nothing(services, ana, knee, uids):
    with services.reading() as work, pytest.raises(NotThere):
        reading.find_instance(work, ana, *uids)


def test_another_persons_study_is_not_there(services, ana, knee):
    with services.work() as work:
        ben = a_vault(work)
        for asking in (
            lambda: reading.find_instance(work, ben, "1.2.3", "1.2.3.1", "1.1"),
            lambda: reading.find_instances(work, ben, "1.2.3"),
            lambda: reading.open_series(work, ben, "1.2.3"),
            lambda: reading.find_preview(work, ben, "1.2.3", "1.2.3.1", Kind.THUMBNAIL),
            lambda: reading.open_resource(work, ben, bytes(16)),
        ):
            with pytest.raises(NotThere):
                asking()


def test_a_picture_has_no_description_but_its_series_own(services, ana, knee):
    found = find(services, ana)
    with services.reading() as work:
        assert reading.full_description(work, ana, found) is None


def test_a_grant_of_pictures_alone_has_no_descriptions_and_one_of_descriptions_no_preview(services, site, ana, knee):
    with services.work() as work:
        series = work.session.scalar(sa.select(InstanceRow.series).where(InstanceRow.id == find(services, ana).id))
        until = work.now + timedelta(hours=1)
        pictures, words = (
            sharing.new_grant(work, ana, GrantTerms((knee.study_id,), frozenset({one}), True, None, work.now, until))
            for one in (KeyClass.PICTURES, KeyClass.META)
        )
    keep_previews(services, knee, series_id=series, pictures={Kind.THUMBNAIL: b"small"}, instances=1)
    with services.reading() as work:
        assert reading.find_preview(work, pictures, "1.2.3", "1.2.3.1", Kind.THUMBNAIL) == b"small"
        with pytest.raises(NoKey):
            reading.open_series(work, pictures, "1.2.3")
        with pytest.raises(NoKey):
            reading.find_preview(work, words, "1.2.3", "1.2.3.1", Kind.THUMBNAIL)
        with pytest.raises(NotThere):
            reading.find_preview(work, ana, "1.2.3", "1.2.3.1", Kind.QUICK_VIEW)


def test_a_quick_view_is_not_shown_as_a_thumbnail(services, ana, knee):
    with services.reading() as work:
        series = work.session.scalar(sa.select(ObjectRow.series).where(ObjectRow.kind == int(Kind.INSTANCE)).limit(1))
    for kind in (Kind.THUMBNAIL, Kind.QUICK_VIEW):
        keep_previews(services, knee, series_id=series, pictures={kind: b"%d" % kind}, instances=1)
    with services.work() as work:
        one, two = work.session.scalars(sa.select(PreviewRow)).all()
        one.object, two.object = two.object, one.object
        uid = "1.2.3.1" if series == find(services, ana).series_id else "1.2.3.9"
    for kind in (Kind.THUMBNAIL, Kind.QUICK_VIEW):
        with services.reading() as work, pytest.raises(Tampered):
            reading.find_preview(work, ana, "1.2.3", uid, kind)


def test_a_document_is_no_resource_and_a_resource_no_document(services, site, ana, knee):
    with Receiving(services, site.pusher) as receiving:
        pdf = receiving.document(knee, "application/pdf", b"%PDF", KeyClass.REPORTS)
        body = {"type": "Observation", "facts": {}, "fhir": {}}
        made = receiving.resource(knee, IncomingResource(KeyClass.REPORTS, body))
        receiving.commit()
    with services.work() as work:
        with pytest.raises(NotThere):
            reading.open_resource(work, ana, pdf)
        with pytest.raises(NotThere):
            reading.open_document(work, ana, made)
        work.session.get(ResourceRow, made).object = pdf
    with services.reading() as work, pytest.raises(BrokenRecord):
        reading.open_document(work, ana, made)


def test_a_description_that_was_deleted_is_not_there(services, ana, knee):
    found = find(services, ana, uid="1.9", series="1.2.3.9")
    with services.work() as work:
        work.session.execute(sa.delete(ObjectRow).where(ObjectRow.kind == int(Kind.METADATA)))
    with services.reading() as work, pytest.raises(NotThere):
        reading.full_description(work, ana, found)


def test_a_lost_blob_and_a_short_one_are_told_apart_from_nothing(services, ana, knee):
    found = find(services, ana)
    with services.reading() as work:
        blob = work.session.scalar(sa.select(BlobRow.id))
    path = services.blobs._place(blob)
    whole = path.read_bytes()
    path.write_bytes(whole[:150_000])
    with found.octets.opened(services.blobs) as opened, pytest.raises(Tampered):
        opened.read(0, opened.length)
    path.unlink()
    with pytest.raises(BlobMissing), found.octets.opened(services.blobs):
        pass


def test_instances_come_in_the_order_in_which_they_arrived(services, clock, site, ana):
    for n in (3, 1, 2):
        clock.advance(seconds=1)
        push(services, site, a_picture(f"1.{n}", b"x" * n))
    with services.reading() as work:
        described = reading.open_series(work, ana, "1.2.3", "1.2.3.1")
        assert [one.facts.uid for one in described] == ["1.3", "1.1", "1.2"]
        ids = [one.id for one in reading.find_instances(work, ana, "1.2.3")]
        assert ids == [one.id for one in described]
        assert len({one.series_id for one in described}) == len(work.session.scalars(sa.select(SeriesRow)).all())


def test_a_batch_that_is_going_on_is_told_by_no_words(services, site, ana):
    assert "root" not in repr(begin(services, site))


def test_of_a_series_that_came_one_by_one_the_middle_alone_is_looked_into(services, clock, site, ana):
    many = reading.MIDDLE_INDEXES * 3
    for n in range(many):
        clock.advance(seconds=1)
        push(services, site, a_picture(f"1.{n}", b"%d" % n))
    with services.reading() as work:
        middle = reading.list_middle(work, ana, "1.2.3", "1.2.3.1")
    assert [one.facts.uid for one in middle] == [f"1.{n}" for n in range(many // 3, 2 * many // 3)]


def test_of_a_series_that_came_at_once_all_are_looked_into(services, site, ana):
    push(services, site, *(a_picture(f"1.{n}", b"%d" % n) for n in range(40)))
    with services.reading() as work:
        assert len(reading.list_middle(work, ana, "1.2.3", "1.2.3.1")) == 40
        with pytest.raises(NotThere):
            reading.list_middle(work, ana, "1.2.3", "1.2.3.2")


def test_a_series_is_described_by_the_instance_that_came_first(services, clock, site, ana):
    for n in (3, 1, 2):
        clock.advance(seconds=1)
        push(services, site, a_picture(f"1.{n}", b"x" * n))
    with services.reading() as work:
        assert reading.open_first(work, ana, "1.2.3", "1.2.3.1").facts.uid == "1.3"
        with pytest.raises(NotThere):
            reading.open_first(work, ana, "1.2.3", "1.2.3.9")
