"""Who writes when: one line for each SQLite file, none where the database keeps writers apart."""

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vault import turn
from vault.errors import StoreAway


def test_who_waits_for_a_writer_that_never_ends_is_told(services, monkeypatch):
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    with services.work() as work:
        work.session.connection()
        with pytest.raises(StoreAway), services.work() as another:
            another.session.connection()
    with services.work() as work:
        work.session.connection()


def test_who_waits_for_another_process_that_hangs_is_told(services, monkeypatch):
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    with Path(f"{services.database.engine.url.database}-turn").open("w") as of_another:
        fcntl.flock(of_another, fcntl.LOCK_EX)
        with pytest.raises(StoreAway), services.work() as work:
            work.session.connection()
    with services.work() as work:
        work.session.connection()


def test_a_writer_holds_no_lock_while_it_stands_in_line(services, monkeypatch):
    free = []
    monkeypatch.setattr(services.database.turn, "take", lambda: free.append(is_free(services.database)))
    with services.work() as work:
        work.session.connection()
        assert not is_free(services.database)
    assert free == [True]


def is_free(database):
    """Whether SQLite would let another one write at this moment."""
    with closing(sqlite3.connect(database.engine.url.database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True


def test_nobody_waits_for_who_has_not_begun_to_write(services, monkeypatch):
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    with services.work() as work:
        with services.work() as another:
            another.session.connection()
        work.session.connection()


def test_on_postgresql_writers_do_not_wait_for_each_other(postgres_services, monkeypatch):
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    with postgres_services.work() as work, postgres_services.work() as another:
        work.session.connection()
        another.session.connection()
