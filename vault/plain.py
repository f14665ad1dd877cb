"""Changes made by statements that are made once and told without the layers of the mapper, which cost more than these.

For what happens at every request: an event of a chain. All else goes through the session.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from vault.database import Database, answering
from vault.errors import StoreAway
from vault.written import Statement, Written


class Told:
    """A statement that is made once."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._written: Written | None = None

    def written(self, dialect: sa.Dialect) -> Written:
        """In SQLite's words."""
        if self._written is None:
            self._written = Written.of(self.statement, dialect)
        return self._written


class Hand:
    """A transaction that may change rows, told by statements alone."""

    def __init__(self, connection: sa.Connection | None, raw: Any, dialect: sa.Dialect) -> None:
        self._connection, self._raw, self._dialect = connection, raw, dialect

    def ask(self, told: Told, **bound: Any) -> Sequence[Sequence[Any]]:
        """The rows that a question finds."""
        if self._connection is not None:
            return self._connection.execute(told.statement, bound).all()
        return told.written(self._dialect).ask(self._raw, bound)

    def do(self, told: Told, **bound: Any) -> None:
        """What a statement changes is changed."""
        if self._connection is not None:
            self._connection.execute(told.statement, bound)
            return
        told.written(self._dialect).do(self._raw, bound)


@contextmanager
def passing(database: Database) -> Generator[Hand]:
    """A transaction that all see once it has ended well; a power cut may undo it. Raises `StoreAway`."""
    with answering():
        if not database.is_sqlite:
            with database.engine.begin() as connection:
                connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
                yield Hand(connection, None, database.engine.dialect)
            return
        with _at_hand(database) as raw, _in_turn(database, raw):
            yield Hand(None, raw, database.engine.dialect)


@contextmanager
def lasting(database: Database) -> Generator[Hand]:
    """A transaction that is durable on leaving, and rolled back on an exception. Raises `StoreAway`.

    On SQLite nobody waits for the lock while the disk works: what was written is made durable after the lock was given
    back, together with what others have written meanwhile.
    """
    with answering():
        if not database.is_sqlite:
            with database.engine.begin() as connection:
                yield Hand(connection, None, database.engine.dialect)
            return
        with _at_hand(database) as raw:
            with _in_turn(database, raw):
                yield Hand(None, raw, database.engine.dialect)
            _make_durable(database.engine)


@contextmanager
def _at_hand(database: Database) -> Generator[Any]:
    """A connection whose commits do not wait for the disk, while it is ours."""
    kept = database.engine.raw_connection()
    try:
        raw: Any = kept.dbapi_connection
        raw.execute("PRAGMA synchronous=NORMAL")
        try:
            yield raw
        finally:
            raw.execute("PRAGMA synchronous=FULL")
    finally:
        kept.close()


@contextmanager
def _in_turn(database: Database, raw: Any) -> Generator[None]:
    with database.turn.taken():
        raw.execute("BEGIN IMMEDIATE")
        try:
            yield
            raw.commit()
        except BaseException:
            raw.rollback()
            raise


def _make_durable(engine: sa.Engine) -> None:
    """The write-ahead log is on the disk. Its file is there as long as a connection is open, and is opened anew."""
    try:
        log = os.open(f"{engine.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(log)
        finally:
            os.close(log)
    except OSError:
        raise StoreAway("the database cannot be made durable") from None
