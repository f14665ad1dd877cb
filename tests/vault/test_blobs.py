"""What the folder promises beyond its contract: durability, modes, a full disk."""

import errno
import os
import stat
from pathlib import Path

import pytest

from vault.blobs import BlobsAway, DiskBlobs, DiskFull, StoreFull

SLICE = "ab" + "0" * 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_file_is_safe_before_its_name_and_the_name_before_we_answer(folder, monkeypatch):
    blobs, deeds = DiskBlobs(folder), []
    sync, link = os.fsync, os.link

    def seen_sync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        deeds.append(("sync", "folder" if path.is_dir() else "file", str(path)))
        sync(handle)

    def seen_link(source: Path, target: Path) -> None:
        deeds.append(("name", str(source), str(target)))
        link(source, target)

    monkeypatch.setattr(os, "fsync", seen_sync)
    monkeypatch.setattr(os, "link", seen_link)
    with blobs.create(SLICE) as writer:
        writer.write(b"a slice")
        assert deeds == []
        writer.commit()

    shelf = str(folder / "objects" / "ab")
    assert [deed[0] for deed in deeds] == ["sync", "name", "sync"]
    assert deeds[0][1] == "file"
    assert deeds[1][1] == deeds[0][2]
    assert deeds[1][2] == f"{shelf}/{SLICE}"
    assert deeds[2][1:] == ("folder", shelf)


def test_the_shelves_are_made_and_safe_before_the_first_blob(folder, monkeypatch):
    synced, sync = [], os.fsync

    def seen_sync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    monkeypatch.setattr(os, "fsync", seen_sync)
    DiskBlobs(folder)
    assert folder / "objects" in synced
    assert len(list((folder / "objects").iterdir())) == 256


def test_nobody_else_on_the_machine_reads_a_blob(folder):
    before = os.umask(0)
    try:
        blobs = DiskBlobs(folder)
        with blobs.create(SLICE) as writer:
            writer.write(b"x")
            writer.commit()
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert [stat.S_IMODE(path.stat().st_mode) for path in files_in(folder)] == [0o600]


def test_a_commit_leaves_one_name_and_nothing_in_tmp(folder):
    with DiskBlobs(folder).create(SLICE) as writer:
        writer.write(b"x")
        writer.commit()
    assert files_in(folder) == [folder / "objects" / "ab" / SLICE]
    assert files_in(folder)[0].stat().st_nlink == 1


@pytest.mark.parametrize("where", ["write", "fsync", "link"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such_and_leaves_nothing(folder, monkeypatch, where, code):
    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    def push() -> None:
        with blobs.create(SLICE) as writer:
            writer.write(b"fits")
            monkeypatch.setattr(os, where, full)
            writer.write(b"does not")
            writer.commit()

    blobs = DiskBlobs(folder)
    with pytest.raises(DiskFull) as told:
        push()
    assert isinstance(told.value, StoreFull)
    assert files_in(folder) == []


def test_another_failure_of_the_disk_is_not_called_a_full_one(folder, monkeypatch):
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    def push() -> None:
        with blobs.create(SLICE) as writer:
            monkeypatch.setattr(os, "fsync", broken)
            writer.commit()

    blobs = DiskBlobs(folder)
    with pytest.raises(OSError, match="broken"):
        push()
    assert files_in(folder) == []


def test_a_short_write_is_continued_and_a_short_read_too(folder, monkeypatch):
    write, pread = os.write, os.pread
    monkeypatch.setattr(os, "write", lambda handle, octets: write(handle, octets[:3]))
    monkeypatch.setattr(os, "pread", lambda handle, length, offset: pread(handle, min(length, 4), offset))
    blobs = DiskBlobs(folder)
    with blobs.create(SLICE) as writer:
        writer.write(b"eleven octs")
        assert writer.tell() == 11
        writer.commit()
    with blobs.reader(SLICE) as reader:
        assert reader.read_at(1, 100) == b"leven octs"


def test_a_reader_goes_on_after_a_delete(folder):
    blobs = DiskBlobs(folder)
    with blobs.create(SLICE) as writer:
        writer.write(b"still here")
        writer.commit()
    with blobs.reader(SLICE) as reader:
        blobs.delete(SLICE)
        assert reader.read_at(0, 10) == b"still here"


def test_a_closed_reader_reads_nothing(folder):
    blobs = DiskBlobs(folder)
    with blobs.create(SLICE) as writer:
        writer.commit()
    with blobs.reader(SLICE) as reader:
        pass
    with pytest.raises(ValueError):
        reader.read_at(0, 1)


def test_a_folder_that_was_used_before_is_opened_again(folder):
    with DiskBlobs(folder).create(SLICE) as writer:
        writer.write(b"yesterday")
        writer.commit()
    with DiskBlobs(folder).reader(SLICE) as reader:
        assert reader.read_at(0, 9) == b"yesterday"


def test_a_store_that_is_not_mounted_is_away_and_nothing_of_it_is_missing(folder):
    blobs = DiskBlobs(folder)
    with blobs.create(SLICE) as writer:
        writer.write(b"one slice")
        writer.commit()
    (folder / "objects").rename(folder / "unmounted")
    with pytest.raises(BlobsAway):
        blobs.reader(SLICE)
    (folder / "tmp").rename(folder / "unmounted-too")
    with pytest.raises(BlobsAway):
        blobs.create("cd" + "0" * 30)
    (folder / "unmounted").rename(folder / "objects")
    with blobs.reader(SLICE) as reader:
        assert reader.read_at(0, 100) == b"one slice"


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_disk_that_cannot_be_read_now_is_told_apart_from_a_missing_blob(folder, monkeypatch, code):
    blobs = DiskBlobs(folder)
    with blobs.create(SLICE) as writer:
        writer.write(b"one slice")
        writer.commit()
    reader = blobs.reader(SLICE)

    def fails(*_):
        raise OSError(code, "no")

    with monkeypatch.context() as patch:
        patch.setattr("vault.blobs.os.pread", fails)
        with pytest.raises(BlobsAway):
            reader.read_at(0, 3)
        patch.setattr("vault.blobs.os.open", fails)
        with pytest.raises(BlobsAway):
            blobs.reader(SLICE)
    assert reader.read_at(0, 3) == b"one"
    reader.close()
