"""Descriptions that lie ready: believed where they were sealed for just this series and instance, and not read in vain."""

import gzip
import zlib
from random import Random

import pytest
import sqlalchemy as sa

from tests.vault import given
from tests.vault.owners import a_document, a_picture, a_site, a_vault, begin, link, push
from tests.vectors import cases
from vault import objects, reading, strips
from vault.blobs import DiskBlobReader
from vault.catalogue import open_catalogue
from vault.errors import NoKey, NotThere
from vault.facts import InstanceFacts
from vault.incoming import IncomingObject
from vault.keyring import KeyClass
from vault.receiving import Receiving
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.tables import InstanceRow, ObjectRow

TV21 = cases("indexes")["TV21"]
ana = given.a_linked_patient


def numbered(number, *, said="", **where) -> IncomingObject:
    """A picture whose UID ends in its number."""
    plain = a_picture(f"1.{number}", b"%d" % number * 50, **where)
    facts = InstanceFacts(uid=plain.uid, sop_class="1.2", number=number, frames=1)
    row = plain.dicom() | {"00200013": {"vr": "IS", "Value": [number]}, "00204000": {"vr": "LT", "Value": [said]}}
    return IncomingObject(
        plain.uid, plain.key_class, plain.study, plain.series, plain.octets, lambda: facts, lambda: row, plain.layout
    )


def described(services, keyring, *uids):
    with services.reading() as work:
        found = strips.find_described(work, keyring, *uids)
    return [one.opened(services) for one in found]


def numbers(opened):
    return [[number_of(row) for row in one.strip.rows(one.places)] for one in opened]


def number_of(row):
    return objects.from_json(row)["00200013"]["Value"][0]


@pytest.mark.parametrize("which", [0, 1])
def test_tv21_a_series_index_is_read_as_it_was_written(which):
    size = TV21["padded_to"][which]
    strip = objects.strip_in(bytes.fromhex(TV21["contents"][which].ljust(2 * size, "0")))
    assert [mark.hex() for mark in strip.marks] == TV21["marks"][which]
    assert (strip.base, strip.lowest, strip.documents) == (TV21["base"], TV21["lowest"][which], False)
    assert strip.plain().decode() == TV21["rows"][which]
    assert zlib.crc32(strip.plain()) == strip.crc
    assert [strip.row(place) for place in range(len(strip.lengths))] == strip.rows(range(len(strip.lengths)))
    found = [objects.from_json(row)["00080018"]["Value"][0] for row in strip.rows(range(len(strip.lengths)))]
    assert found == TV21["instances"][which]


def test_tv21_strips_make_one_gzip_member():
    member = bytes.fromhex(TV21["gzip"])
    assert gzip.decompress(member).decode() == f"[{','.join(TV21['rows'])}]"
    assert member.count(b"\x1f\x8b\x08") == 1


def test_instances_of_one_request_lie_by_number(services, site, ana):
    push(services, site, *(numbered(number) for number in (3, 10, 1)))
    push(services, site, numbered(2))
    ((first, second),) = described(services, ana, "1.2.3")
    assert numbers((first, second)) == [[1, 3, 10], [2]]
    assert first.is_whole


@pytest.mark.postgres
def test_postgresql_finds_the_same(postgres_services):
    site = a_site(postgres_services)
    with postgres_services.work() as work:
        ana = a_vault(work)
    link(postgres_services, site.site, ana)
    push(postgres_services, site, *(numbered(number) for number in (3, 10, 1)))
    push(postgres_services, site, numbered(2))
    (opened,) = described(postgres_services, ana, "1.2.3", "1.2.3.1")
    assert numbers(opened) == [[1, 3, 10], [2]]
    (opened,) = described(postgres_services, ana, "1.2.3", "1.2.3.1", "1.10")
    assert numbers(opened) == [[10]]


def test_one_instance_is_found_alone(services, site, ana):
    push(services, site, *(numbered(number) for number in (1, 2, 3)))
    (opened,) = described(services, ana, "1.2.3", "1.2.3.1", "1.2")
    assert numbers(opened) == [[2]]
    assert not opened[0].is_whole
    with pytest.raises(NotThere):
        described(services, ana, "1.2.3", "1.2.3.1", "1.9")


def test_an_instance_that_lost_a_race_is_not_described_twice(services, site, ana):
    other = site.next_token(services)
    mine, theirs = begin(services, site), begin(services, other)
    with Receiving(services, site.pusher) as one, Receiving(services, other.pusher) as two:
        one.instance(mine, numbered(1))
        two.instance(theirs, numbered(1))
        two.instance(theirs, numbered(2))
        one.commit()
        two.commit()
    (opened,) = described(services, ana, "1.2.3")
    assert sorted(numbers(opened)) == [[1], [2]]
    assert sorted(one.is_whole for one in opened) == [False, True]


def test_a_document_pushed_again_is_said_to_have_versions(services, site, ana):
    push(services, site, a_document("1.9", b"first" * 10))
    push(services, site.next_token(services), a_document("1.9", b"second" * 10))
    with services.reading() as work:
        (series,) = strips.find_described(work, ana, "1.2.3")
    assert series.has_versions
    assert all(one.strip.documents for one in series.opened(services))


def test_the_mark_of_a_series_changes_with_what_is_there(services, site, ana):
    def mark():
        with services.reading() as work:
            return strips.find_described(work, ana, "1.2.3")[0].mark

    push(services, site, numbered(1), numbered(2))
    first = mark()
    assert mark() == first
    push(services, site, numbered(3))
    second = mark()
    with services.work() as work:
        work.session.execute(sa.delete(InstanceRow).where(InstanceRow.place == 1))
    assert len({first, second, mark()}) == 3


@pytest.mark.parametrize("column", ["place", "uid_bi"])
def test_swapped_rows_are_refused(services, site, ana, column):
    push(services, site, numbered(1), numbered(2))
    with services.work() as work:
        one, two = work.session.scalars(sa.select(InstanceRow).order_by(InstanceRow.place))
        mine, theirs = getattr(one, column), getattr(two, column)
        setattr(one, column, b"between" if column == "uid_bi" else 99)
        work.session.flush()
        setattr(two, column, mine)
        work.session.flush()
        setattr(one, column, theirs)
    with pytest.raises(Tampered):
        described(services, ana, "1.2.3")


def test_an_instance_that_was_moved_to_another_series_is_refused(services, site, ana):
    push(services, site, numbered(1), numbered(2, series_uid="1.2.3.2"))
    with services.work() as work:
        one, two = work.session.scalars(sa.select(InstanceRow))
        one.series = two.series
    with pytest.raises(Tampered):
        described(services, ana, "1.2.3")


def test_a_stranger_and_whoever_was_given_pictures_alone_read_no_descriptions(services, site, ana):
    push(services, site, numbered(1))
    with services.work() as work:
        ben = a_vault(work)
    with pytest.raises(NotThere):
        described(services, ben, "1.2.3")

    class PicturesOnly(type(ana)):
        def class_key(self, work, batch, key_class):
            if key_class is KeyClass.META:
                raise NoKey
            return super().class_key(work, batch, key_class)

    with pytest.raises(NoKey):
        described(services, PicturesOnly(ana.vault_id, ana._master), "1.2.3")


def test_lists_read_no_further_than_the_head(services, site, ana, monkeypatch):
    chance = Random(7)
    words = [chance.randbytes(3000).hex() for _ in range(60)]
    push(services, site, *(numbered(number, said=text) for number, text in enumerate(words)))
    fetched, read_at = [], DiskBlobReader.read_at

    def counting(self, offset, length):
        fetched.append(length)
        return read_at(self, offset, length)

    with services.reading() as work:
        row = work.session.scalars(sa.select(ObjectRow).where(ObjectRow.kind == int(Kind.SERIES_INDEX))).one()
        key = ana.class_key(work, row.batch, KeyClass.META)
        study_id = open_catalogue(work, ana).studies[0].id
        monkeypatch.setattr(DiskBlobReader, "read_at", counting)
        head = objects.read_index_head(work, row, key, study_id)
        assert [one["number"] for one in head["instances"]] == list(range(60))
        assert sum(fetched) <= 80 + 65536 + 16 < row.length / 2
        found = reading.open_series(work, ana, "1.2.3")
    assert [one.dicom["00204000"]["Value"][0] for one in found] == words
