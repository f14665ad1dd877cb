"""Transactions: who begins them, who ends them, and what SQLite and PostgreSQL need to keep their word."""

import logging
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from vault.blobs import BlobStore
from vault.clock import Clock
from vault.errors import StoreAway
from vault.journal import RevocationJournal
from vault.secrets import Secrets
from vault.turn import PATIENCE, Turn

log = logging.getLogger(__name__)

_UNANSWERED = (OperationalError, sqlite3.OperationalError)
_IN_PASSING = 20  # milliseconds that one waits who could as well not write
_SQLITE_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an acknowledged row survives a power cut
    "foreign_keys=ON",
    "secure_delete=ON",  # a deleted key leaves no octets in a free page (docs/format.md 12)
    "temp_store=MEMORY",
    "trusted_schema=OFF",
)


@dataclass(slots=True)
class Work:
    """One unit of work: a transaction, its time, and what the vault needs beside it.

    Whoever opened it commits by leaving it without an exception; functions that receive it never commit.
    """

    _opened: "Opened"
    now: datetime
    secrets: Secrets
    blobs: BlobStore
    database: "Database"
    journal: RevocationJournal | None = None
    _afterwards: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    @property
    def session(self) -> Session:
        """The rows as objects."""
        return self._opened.session

    @property
    def plain(self) -> sa.Connection | None:
        """The connection by itself, for questions that need no objects; None in a transaction that may change rows."""
        return self._opened.plain

    def afterwards(self, deed: Callable[[], None]) -> None:
        """Do `deed` once the transaction has ended well; never if it is rolled back."""
        self._afterwards.append(deed)

    def done(self) -> None:
        """Run what was put off until the commit."""
        for deed in self._afterwards:
            deed()


class Opened:
    """A transaction that was begun: on a session, or on a bare connection, which gets a session if one is asked for."""

    def __init__(self, session: Session | None = None, *, plain: sa.Connection | None = None) -> None:
        self._session, self.plain = session, plain

    @property
    def session(self) -> Session:
        """The session in this transaction."""
        if self._session is None:
            self._session = Session(self.plain, expire_on_commit=False)
        return self._session

    def close(self) -> None:
        """The session lets go of the connection."""
        if self._session is not None:
            self._session.close()


class Database:
    """An engine whose transactions begin when asked and, on SQLite, for writing at once."""

    def __init__(self, url: str) -> None:
        self.engine = _make_engine(url)
        self.turn = Turn(self.engine)
        if self.is_sqlite:
            event.listen(self.engine, "begin", self._begin)
        options: dict[str, Any] = {"reading": True}
        if not self.is_sqlite:  # which shows one moment to one transaction anyway
            options["isolation_level"] = "REPEATABLE READ"
        self._reading = self.engine.execution_options(**options)

    @property
    def is_sqlite(self) -> bool:
        """Whether one file holds everything."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self) -> Generator[Opened]:
        """A transaction that may change rows; commits on leaving, rolls back on an exception. Raises `StoreAway`."""
        with (
            self.turn.awaited(),
            answering(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield Opened(session)

    @contextmanager
    def writing_in_passing(self) -> Generator[Session]:
        """Like `writing`, for what need not be written: raises `StoreAway` at once while others write."""
        engine = self.engine.execution_options(in_passing=True)
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                if not self.is_sqlite:
                    session.execute(sa.text(f"SET LOCAL lock_timeout = {_IN_PASSING}"))
                yield session
        except _UNANSWERED:
            raise StoreAway("others write") from None

    @contextmanager
    def reading(self) -> Generator[Opened]:
        """A transaction that only reads, and sees one moment: it never waits for a writer. Raises `StoreAway`."""
        try:
            with self._reading.connect() as connection:
                if self.is_sqlite:
                    _begin_reading(connection)
                opened = Opened(plain=connection)
                try:
                    yield opened
                finally:
                    opened.close()
        except _UNANSWERED as error:
            raise _away(error) from None

    def _begin(self, connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("reading", False):
            _begin_reading(connection)
        elif options.get("in_passing", False):
            _begin_writing_in_passing(connection)
        else:
            self.turn.take()  # before the lock: who holds that one waits for nobody
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def forget_freed_pages(self) -> bool:
        """After an erasure: push the zeroed pages out of the write-ahead log. False if a reader held it back."""
        if not self.is_sqlite:
            return True
        raw = self.engine.raw_connection()  # the "begin" listener would open a transaction, even under AUTOCOMMIT
        try:
            cursor = raw.cursor()
            cursor.execute("PRAGMA busy_timeout=250")  # who erases does not wait for who streams; the sweep repeats it
            row = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.cursor().execute(f"PRAGMA busy_timeout={PATIENCE * 1000}")
            raw.close()
        return row is not None and row[0] == 0

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class Services:
    """What a deployment hands around: the database, the blobs, the clock and the keys of the settings.

    Without a `journal` a restored backup brings back what was erased since (docs/format.md 12).
    """

    database: Database
    blobs: BlobStore
    clock: Clock
    secrets: Secrets
    journal: RevocationJournal | None = None

    @contextmanager
    def work(self) -> Generator[Work]:
        """A unit of work that may change things; commits on leaving, then does what was put off."""
        with self.database.writing() as opened:
            work = self._work(opened)
            yield work
        work.done()

    @contextmanager
    def reading(self) -> Generator[Work]:
        """A unit of work that only reads; on leaving, what was put off is done."""
        with self.database.reading() as opened:
            work = self._work(opened)
            yield work
        work.done()

    def _work(self, opened: Opened) -> Work:
        return Work(opened, self.clock.now(), self.secrets, self.blobs, self.database, self.journal)


@contextmanager
def answering() -> Generator[None]:
    """What a driver says of a lost connection or of a lock may quote a row; what is told instead is our own."""
    try:
        yield
    except _UNANSWERED as error:
        raise _away(error) from None


def _away(error: Exception) -> StoreAway:
    """The log keeps the driver's code, which quotes nothing: SQLITE_BUSY, or an SQLSTATE (PostgreSQL, appendix A)."""
    driver = getattr(error, "orig", error)
    code = getattr(driver, "sqlite_errorname", None) or getattr(driver, "sqlstate", None) or type(driver).__name__
    log.warning("the database does not answer: %s", code)
    return StoreAway("the database does not answer")


def _make_engine(url: str) -> sa.Engine:
    address = sa.make_url(url)
    if address.get_backend_name() == "postgresql":
        return sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=15,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args={
                "options": "-c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000 -c timezone=utc"
            },
        )
    engine = sa.create_engine(
        address, hide_parameters=True, pool_size=20, max_overflow=20, connect_args={"timeout": PATIENCE}
    )
    event.listen(engine, "connect", _settle_sqlite)
    return engine


def _settle_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    for line in _SQLITE_SETTINGS:
        connection.execute(f"PRAGMA {line}").close()


def _begin_writing_in_passing(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_IN_PASSING}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE * 1000}")


def _begin_reading(connection: sa.Connection) -> None:
    """A transaction is under way. Beginning one touches no file yet, so that it can neither fail nor wait."""
    raw: Any = connection.connection.dbapi_connection
    if not raw.in_transaction:
        raw.execute("BEGIN")
