"""Who writes when: one line for each SQLite file, none where the database keeps writers apart."""

import pytest

from vault import turn
from vault.errors import StoreAway


def test_who_waits_for_a_writer_that_never_ends_is_told(services, monkeypatch):
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    with services.work(), pytest.raises(StoreAway), services.work():
        pass
    with services.work():
        pass


def test_on_postgresql_writers_do_not_wait_for_each_other(postgres_services, monkeypatch):
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    with postgres_services.work(), postgres_services.work():
        pass
