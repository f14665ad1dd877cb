"""The folder that a copy is put into: `<study>/<series>/<instance>.dcm`, each file there whole or not at all."""

import errno
import hashlib
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fhir_gateway.dicom.feed import Octets
from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.errors import UnreadableDicom
from phr.pulling import NoRoom
from phr.pulling.listing import Listed, Wanted

PIECE = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that lies beside its place and waits to be checked."""

    path: Path
    length: int
    sha256: str

    def is_what(self, wanted: Wanted) -> bool:
        """Whether these are the octets of the list."""
        return (self.length, self.sha256) == (wanted.length, wanted.sha256)


class Shelf:
    """One study's folder."""

    def __init__(self, folder: Path, listed: Listed) -> None:
        self._folder = folder / listed.study
        self._part = self._folder / ".part"
        self._places = dict(_places(self._folder, listed.wanted))

    def place_of(self, wanted: Wanted) -> Path:
        """Where it belongs."""
        return self._places[wanted]

    def has(self, wanted: Wanted) -> bool:
        """Whether it is there from before, whole: by its digest, or where it came written anew, by reading it."""
        place = self.place_of(wanted)
        if not place.is_file():
            return False
        if wanted.reencoded:
            return _is_whole(place, wanted)
        return place.stat().st_size == wanted.length and _digest(place) == wanted.sha256

    def take(self, octets: Iterable[Octets]) -> Arrived:
        """They lie in a file beside, readable by its owner alone. Raises `NoRoom`."""
        digest, length = hashlib.sha256(), 0
        with _telling_full(), _new_file(self._part) as file:
            for piece in octets:
                digest.update(piece)
                length += len(piece)
                _write_all(file, piece)
        return Arrived(self._part, length, digest.hexdigest())

    def keep(self, arrived: Arrived, wanted: Wanted) -> None:
        """The file is in its place."""
        place = self.place_of(wanted)
        with _telling_full():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            arrived.path.replace(place)

    def tidy(self) -> None:
        """Nothing half-written is left."""
        self._part.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()  # where nothing came


def write_whole(place: Path, octets: bytes) -> None:
    """The file holds these octets, readable by its owner alone. Raises `NoRoom`."""
    part = place.with_name(".part")
    with _telling_full():
        with _new_file(part) as file:
            _write_all(file, octets)
        part.replace(place)


@contextmanager
def _new_file(path: Path) -> Generator[int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _places(folder: Path, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Path]]:
    """A place for each; where two sites sent one instance differently, the second one has a number behind its name."""
    taken: dict[Path, int] = {}
    for one in wanted:
        path = folder / one.series / f"{one.instance}.dcm"
        taken[path] = taken.get(path, 0) + 1
        yield one, path if taken[path] == 1 else path.with_name(f"{one.instance}-{taken[path]}.dcm")


def _is_whole(place: Path, wanted: Wanted) -> bool:
    try:
        with place.open("rb") as file:
            found = read_instance(iter(lambda: file.read(PIECE), b""))
            for _ in found.octets:
                pass
    except UnreadableDicom:
        return False
    return (found.series_uid, found.instance_uid) == wanted.uids


def _digest(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_all(file: int, piece: Octets) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(file, left) :]


@contextmanager
def _telling_full() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom("The disk is full. Make room and run the same again; it goes on where it was.") from None
        raise
