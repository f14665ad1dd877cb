"""The schema that the migrations make is the one that the tables say, on both databases."""

import os
import threading

import pytest
import sqlalchemy as sa

from phr import database
from phr.config import Settings
from phr.storing import check_keys, open_store, wrong_keys
from vault.database import Database
from vault.errors import StoreClosed
from vault.tables import MetaRow, Row, SlotRow, VaultRow


@pytest.fixture
def fresh_sqlite(tmp_path):
    made = Database(f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    yield made
    made.dispose()


@pytest.fixture
def fresh_postgres(postgres_url):
    made = Database(postgres_url)
    with made.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    yield made
    with made.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    made.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fresh(request):
    return request.getfixturevalue(f"fresh_{request.param}")


def test_the_newest_shape_is_what_the_tables_say(fresh):
    database.upgrade(fresh.engine)
    assert database.differences(fresh.engine) == []
    assert database.shape_of(fresh.engine) == database.newest()
    made = set(sa.inspect(fresh.engine).get_table_names())
    assert made == set(Row.metadata.tables) | {"alembic_version"}


def test_every_constraint_has_its_name(fresh):
    database.upgrade(fresh.engine)
    found = sa.inspect(fresh.engine)
    for table in Row.metadata.tables:
        assert found.get_pk_constraint(table)["name"] == f"pk_{table}"
        for key in found.get_foreign_keys(table):
            assert key["name"] == f"fk_{table}_{key['constrained_columns'][0]}_{key['referred_table']}"


def test_two_servers_that_start_at_once_both_find_the_tables(fresh):
    failed = []

    def start():
        try:
            database.upgrade(fresh.engine)
        except Exception as error:  # noqa: BLE001  whatever it is, it fails the test
            failed.append(error)

    both = [threading.Thread(target=start) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert failed == []
    assert database.differences(fresh.engine) == []


def test_upgrading_again_keeps_what_is_there(fresh):
    database.upgrade(fresh.engine)
    with fresh.writing() as opened:
        opened.session.add(MetaRow(key="kept", value=b"words"))
    database.upgrade(fresh.engine)
    with fresh.reading() as opened:
        assert opened.session.get(MetaRow, "kept").value == b"words"


def test_a_claim_of_one_patient_is_open_once_only(fresh):
    database.upgrade(fresh.engine)
    index = next(one for one in sa.inspect(fresh.engine).get_indexes("claim") if one["name"] == "uq_claim_open")
    assert index["unique"]
    assert any("open" in str(words) for words in index["dialect_options"].values())


def test_a_database_from_a_newer_version_is_known_as_such(fresh_sqlite):
    assert database.shape_of(fresh_sqlite.engine) is None
    database.upgrade(fresh_sqlite.engine)
    assert database.knows(database.newest())
    assert not database.knows("9999")


# -- the keys of a store ---------------------------------------------------------------------------


def settings_with(folder, **changed):
    keys = {"pepper": b"p" * 32, "index_key": b"i" * 32, "mail_key": b"m" * 32, "audit_key": b"a" * 32}
    return Settings(base_url="http://127.0.0.1:8000", data=folder / "data", **{**keys, **changed})


@pytest.fixture
def store(tmp_path):
    services = open_store(settings_with(tmp_path))
    database.upgrade(services.database.engine)
    check_keys(services)
    yield services
    services.database.dispose()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("pepper", "PHR_PEPPER"),
        ("index_key", "PHR_INDEX_KEY"),
        ("mail_key", "PHR_MAIL_KEY"),
        ("audit_key", "PHR_AUDIT_KEY"),
    ],
)
def test_a_store_is_not_opened_with_another_key(tmp_path, store, changed, named):
    other = open_store(settings_with(tmp_path, **{changed: os.urandom(32)}))
    with pytest.raises(StoreClosed, match=named):
        check_keys(other)
    assert len(wrong_keys(other)) == 1
    other.database.dispose()


def test_the_same_keys_open_it_again(tmp_path, store):
    again = open_store(settings_with(tmp_path))
    check_keys(again)
    assert wrong_keys(again) == []
    again.database.dispose()


def test_a_new_pepper_joins_the_old_one(tmp_path, store):
    both = open_store(settings_with(tmp_path, pepper=os.urandom(32), pepper_id=2, old_peppers={1: b"p" * 32}))
    check_keys(both)
    both.database.dispose()


def test_a_pepper_that_passwords_still_need_may_not_go(tmp_path, store):
    with store.work() as work:
        vault_row = VaultRow(id=b"v" * 16, vpk=b"", sig_pk=b"", record=b"", row_mac=b"", created=work.now)
        slot = {"kind": "password", "kdf_id": 1, "salt": b"", "pepper_id": 1, "spk": b"", "seal": b""}
        work.session.add(vault_row)
        work.session.flush()
        work.session.add(SlotRow(id=b"s" * 16, vault=b"v" * 16, created=work.now, **slot))
    without = open_store(settings_with(tmp_path, pepper=os.urandom(32), pepper_id=2))
    with pytest.raises(StoreClosed, match="pepper 1"):
        check_keys(without)
    without.database.dispose()


def test_a_key_is_remembered_by_what_cannot_be_turned_back(store):
    with store.reading() as work:
        kept = {row.key: row.value for row in work.session.scalars(sa.select(MetaRow))}
    assert set(kept) == {"check/pepper/1", "check/index", "check/mail", "check/audit"}
    assert all(len(value) == 16 for value in kept.values())


def test_the_folder_of_a_store_is_for_its_user_alone(store, tmp_path):
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
