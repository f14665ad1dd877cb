"""Transactions keep their word on both databases."""

import os
import threading

import pytest
import sqlalchemy as sa

from tests.vault.owners import a_vault
from vault.tables import FieldRow, MetaRow


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def services(request, services):
    """Everything here holds on both databases."""
    return services if request.param == "sqlite" else request.getfixturevalue("postgres_services")


def test_what_was_put_off_is_done_after_the_commit_and_only_then(services):
    done = []
    with services.work() as work:
        work.session.add(MetaRow(key="a", value=b"1"))
        work.afterwards(lambda: done.append(len(others(services))))
        assert done == []
    assert done == [1]


def test_what_was_put_off_is_never_done_after_a_failure(services):
    done = []

    def fail():
        with services.work() as work:
            work.session.add(MetaRow(key="a", value=b"1"))
            work.afterwards(lambda: done.append(1))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert done == []
    assert others(services) == []


def others(services):
    with services.reading() as work:
        return work.session.scalars(sa.select(MetaRow.key)).all()


def test_a_reader_sees_one_moment_while_others_write(services):
    with services.reading() as work:
        count = sa.select(sa.func.count()).select_from(MetaRow)
        assert work.session.scalar(count) == 0
        writer = threading.Thread(target=_write, args=(services,))
        writer.start()
        writer.join(10)
        assert not writer.is_alive()  # and nobody waits for a reader
        assert work.session.scalar(count) == 0
    assert others(services) == ["a"]


def _write(services):
    with services.work() as work:
        work.session.add(MetaRow(key="a", value=b"1"))


def test_what_is_only_read_changes_nothing(services):
    with services.reading() as work:
        work.session.add(MetaRow(key="a", value=b"1"))
        work.session.flush()
    assert others(services) == []


def test_an_error_of_the_database_tells_no_values(services):
    _write(services)
    again = sa.insert(MetaRow).values(key="a", value=b"a secret")
    with pytest.raises(sa.exc.IntegrityError) as failed, services.work() as work:
        work.session.execute(again)
    assert "secret" not in str(failed.value)


def test_a_deleted_key_is_gone_from_the_files(tmp_path, services):
    key = os.urandom(600)
    with services.work() as work:
        owner = a_vault(work).vault_id
        work.session.add(FieldRow(vault=owner, subject=owner, name="x", ct=key))
    with services.work() as work:
        work.session.execute(sa.delete(FieldRow))
    assert services.database.forget_freed_pages()
    if services.database.is_sqlite:
        assert all(key[:64] not in path.read_bytes() for path in tmp_path.glob("keepray.db*"))


def test_a_reader_holds_the_emptying_of_the_log_back(services):
    with services.reading() as work:
        work.session.scalars(sa.select(MetaRow)).all()
        _write(services)
        assert services.database.forget_freed_pages() is not services.database.is_sqlite
    assert services.database.forget_freed_pages()
