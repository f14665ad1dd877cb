"""What every blob store promises, asked of each of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes import MemoryBlobs
from vault.blobs import BlobExists, BlobMissing, BlobStore, DiskBlobs, NotABlobId

SLICE, OTHER = "ab" + "0" * 30, "cd" + "1" * 30
LATER = timedelta(minutes=5)


@pytest.fixture(params=["disk", "memory"])
def blobs(request, tmp_path: Path) -> BlobStore:
    return DiskBlobs(tmp_path / "store") if request.param == "disk" else MemoryBlobs()


def put(blobs: BlobStore, name: str, *pieces: bytes) -> None:
    with blobs.create(name) as writer:
        for piece in pieces:
            writer.write(piece)
        writer.commit()


def whole(blobs: BlobStore, name: str) -> bytes:
    with blobs.reader(name) as reader:
        return reader.read_at(0, 1 << 20)


def test_what_was_committed_is_read_back_by_range(blobs):
    put(blobs, SLICE, b"one ", memoryview(b"two "), bytearray(b"three"))
    with blobs.reader(SLICE) as reader:
        assert reader.read_at(4, 3) == b"two"
        assert reader.read_at(8, 100) == b"three"
        assert reader.read_at(13, 1) == b""
        assert isinstance(reader.read_at(0, 1), bytes)


def test_a_blob_that_is_not_committed_is_not_there(blobs):
    with blobs.create(SLICE) as writer:
        writer.write(b"half a slice")
        with pytest.raises(BlobMissing):
            blobs.reader(SLICE)
    with pytest.raises(BlobMissing):
        blobs.reader(SLICE)


def test_a_blob_is_abandoned_when_its_sender_goes_away(blobs):
    def half_a_push() -> None:
        with blobs.create(SLICE) as writer:
            writer.write(b"half a slice")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        half_a_push()
    with pytest.raises(BlobMissing):
        blobs.reader(SLICE)
    put(blobs, SLICE, b"sent again")
    assert whole(blobs, SLICE) == b"sent again"


def test_a_refused_object_is_cut_off_before_the_next_one(blobs):
    with blobs.create(SLICE) as writer:
        writer.write(b"kept")
        before = writer.tell()
        writer.write(b"a duplicate")
        writer.truncate(before)
        assert writer.tell() == before == 4
        writer.write(b", also kept")
        writer.commit()
    assert whole(blobs, SLICE) == b"kept, also kept"


def test_nothing_can_be_cut_that_was_never_written(blobs):
    with blobs.create(SLICE) as writer:
        writer.write(b"four")
        for length in (-1, 5):
            with pytest.raises(ValueError):
                writer.truncate(length)


def test_a_committed_blob_takes_no_more(blobs):
    with blobs.create(SLICE) as writer:
        writer.write(b"done")
        writer.commit()
        for late in (lambda: writer.write(b"!"), writer.commit, lambda: writer.truncate(0)):
            with pytest.raises(ValueError):
                late()
    assert whole(blobs, SLICE) == b"done"


def test_a_blob_is_never_written_over(blobs):
    put(blobs, SLICE, b"the first")
    with pytest.raises(BlobExists):
        put(blobs, SLICE, b"the second")
    assert whole(blobs, SLICE) == b"the first"


def test_an_empty_blob_is_a_blob(blobs):
    put(blobs, SLICE)
    assert whole(blobs, SLICE) == b""


def test_a_deleted_blob_is_gone_and_deleting_it_again_is_no_error(blobs):
    put(blobs, SLICE, b"x")
    blobs.delete(SLICE)
    blobs.delete(SLICE)
    with pytest.raises(BlobMissing):
        blobs.reader(SLICE)


@pytest.mark.parametrize(
    "name", ["", "ab", "AB" + "0" * 30, "../" + "0" * 29, "g" + "0" * 31, "0" * 33, "0" * 32 + "\n", "０" * 32]
)
def test_a_name_that_is_none_reaches_no_file(blobs, name):
    for use in (blobs.create, blobs.reader, blobs.delete):
        with pytest.raises(NotABlobId):
            use(name)


def test_the_sweep_removes_what_no_row_names_and_nothing_else(blobs):
    put(blobs, SLICE, b"named by a row")
    put(blobs, OTHER, b"its work was never finished")
    assert blobs.sweep(datetime.now(UTC) + LATER, keep=lambda _: {SLICE}).gone == 1
    assert whole(blobs, SLICE) == b"named by a row"
    with pytest.raises(BlobMissing):
        blobs.reader(OTHER)


def test_a_sweep_of_many_blobs_goes_on_where_the_one_before_stopped(blobs, monkeypatch):
    for store in ("vault.blobs", "tests.fakes"):
        monkeypatch.setattr(f"{store}.LOOKED_AT", 5)
    names = [f"{number:03x}" + "0" * 29 for number in range(8)]
    for name in names:
        put(blobs, name, b"")
    later, asked = datetime.now(UTC) + LATER, []
    first = blobs.sweep(later, keep=lambda some: asked.extend(some) or some)
    second = blobs.sweep(later, keep=lambda some: asked.extend(some) or [], behind=first.last)
    assert asked == names
    assert first == (0, names[4])
    assert second == (3, "")


def test_the_sweep_leaves_young_blobs_whose_row_may_be_on_its_way(blobs):
    put(blobs, SLICE, b"x")
    assert blobs.sweep(datetime.now(UTC) - LATER, keep=lambda _: ()).gone == 0
    assert whole(blobs, SLICE) == b"x"


def test_the_sweep_removes_what_was_begun_and_left(blobs):
    writer = blobs.create(SLICE)
    writer.write(b"the machine died here")
    assert blobs.sweep(datetime.now(UTC) + LATER, keep=list).gone == 1
    assert blobs.sweep(datetime.now(UTC) + LATER, keep=list).gone == 0
    writer.abandon()
