"""Whose turn it is to write, among processes that often write a little and share one SQLite file.

SQLite lets whoever finds it locked sleep longer and longer before they look again: with two processes that write at
each read, most of the time goes by asleep. Here they wait in line, and look again at once. It is a courtesy: what keeps
writers apart is SQLite's own lock, and whoever does not come through here waits for that one.
"""

import fcntl
import os
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from vault.errors import StoreAway

PATIENCE = 30  # seconds that a writer waits for another
_GLANCE = 0.0005  # seconds between two looks at whether another process has given its turn back


class Turn:
    """The line of one database; of one that keeps writers apart by itself, nobody waits in it."""

    def __init__(self, engine: sa.Engine) -> None:
        name = engine.url.database if engine.dialect.name == "sqlite" else None
        self._path = Path(f"{name}-turn") if name and name != ":memory:" else None
        self._file: int | None = None
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def awaited(self) -> Generator[None]:
        """What `take` takes inside is given back on leaving: one waits in line from the first statement on."""
        before: ExitStack | None = getattr(self._mine, "taken", None)
        with ExitStack() as taken:
            self._mine.taken = taken
            try:
                yield
            finally:
                self._mine.taken = before

    def take(self) -> None:
        """The turn is ours until the end of `awaited`; outside of it nothing is taken. Raises `StoreAway`."""
        taken: ExitStack | None = getattr(self._mine, "taken", None)
        if taken is not None:
            self._mine.taken = None
            taken.enter_context(self.taken())

    @contextmanager
    def taken(self) -> Generator[None]:
        """Nobody else of the line writes, in this process or in another; a process that ends gives its turn back.

        Raises `StoreAway` where another one, in this process or in another, does not give it back.
        """
        if self._path is None:
            yield
            return
        if not self._lock.acquire(timeout=PATIENCE):
            raise StoreAway("another one writes for too long")
        try:
            line = self._opened()
            if line is None:
                yield
                return
            _lock(line)
            try:
                yield
            finally:
                fcntl.flock(line, fcntl.LOCK_UN)
        finally:
            self._lock.release()

    def _opened(self) -> int | None:
        """An empty file beside the database; None where none can be made, and SQLite alone decides."""
        if self._file is None and self._path is not None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                self._path = None
        return self._file

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)


def _lock(line: int) -> None:
    """The file is locked for this process. Raises `StoreAway` where another one, which may hang, holds it too long."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(line, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise StoreAway("another process writes for too long") from None
            time.sleep(_GLANCE)
        else:
            return
