"""What was erased or ended, outside the database, so that a restored backup does not bring it back (docs/format.md 12).

One file, lines only ever added: `7 study <id> <id>` on disk before the commit, `7 done` after it. The number is also
stored in the transaction: where the file says done and the database does not know the number, the database is older.
"""

import fcntl
import os
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

_TORN: Final = " torn"


class Revoked(StrEnum):
    """What can be gone for good."""

    STUDY = "study"
    GRANT = "grant"
    LINK = "link"
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Entry:
    """One intention, and whether it is known to have been committed."""

    number: int
    what: Revoked
    ids: tuple[bytes, ...]
    done: bool


class RevocationJournal:
    """The file at `path`; any number of threads and processes may write to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def intend(self, what: Revoked, ids: Iterable[bytes], *, after: int) -> int:
        """The line is on disk; answers its number, which is above `after` and above every other."""
        with self._held() as file:
            number = max(after, self._last_number(file)) + 1
            _append(file, " ".join([str(number), what.value, *(one.hex() for one in ids)]))
            return number

    def done(self, number: int) -> None:
        """It is on disk that the database committed what `number` intended."""
        with self._held() as file:
            _append(file, f"{number} done")

    def entries(self) -> list[Entry]:
        """Every intention, in order. A line that a crash cut off was never acknowledged and is left out."""
        text = self._path.read_text() if self._path.exists() else ""
        lines = [line.split() for line in text.split("\n")[:-1] if not line.endswith(_TORN)]
        finished = {int(line[0]) for line in lines if line[1:] == ["done"]}
        return [
            Entry(int(line[0]), Revoked(line[1]), tuple(map(bytes.fromhex, line[2:])), int(line[0]) in finished)
            for line in lines
            if len(line) > 2
        ]

    @contextmanager
    def _held(self) -> Generator[BinaryIO]:
        with self._lock, open(self._path, "a+b", opener=_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _last_number(self, file: BinaryIO) -> int:
        file.seek(0)
        return max((int(line.split()[0]) for line in file if line.endswith(b"\n") and line.strip()), default=0)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _append(file: BinaryIO, line: str) -> None:
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":  # what a crash cut off ends here
            file.write(f"{_TORN}\n".encode())
    file.write(line.encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
