"""Jobs are done without anyone asking, carry nothing worth stealing, and survive a crash."""

import sqlite3
import time

import pytest

from phr import serving, witness
from phr.config import Settings
from phr.jobs import JsonSerializer, make_consumer, make_jobs
from phr.storing import prepare
from vault.audit import SYSTEM_ACTOR, Did, record
from vault.checkpoints import verify_all
from vault.keyring import SYSTEM
from vault.tables_sharing import CheckpointRow, DraftRow


def settings_in(folder, **changed):
    keys = {"pepper": b"p" * 32, "index_key": b"i" * 32, "mail_key": b"m" * 32, "audit_key": b"a" * 32}
    return Settings(base_url="http://127.0.0.1:8000", data=folder / "data", **keys, **changed)


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


@pytest.fixture
def store(settings):
    services = prepare(settings)
    yield services
    services.database.dispose()


def waited_for(true):
    for _ in range(200):
        if true():
            return True
        time.sleep(0.05)
    return False


def has_draft(store):
    with store.reading() as work:
        return work.session.get(DraftRow, b"d" * 16) is not None


def leave_a_draft(store):
    with store.work() as work:
        work.session.add(DraftRow(id=b"d" * 16, ct=b"", expires=work.now))


def test_what_a_crash_left_is_swept_before_anything_is_served(settings, store):
    leave_a_draft(store)
    with serving.doing(make_jobs(settings, store), store):
        assert not has_draft(store)


def test_a_job_that_was_asked_for_is_done_by_whoever_does_the_jobs(settings, store):
    jobs = make_jobs(settings, store)
    leave_a_draft(store)
    jobs.named["sweep"]()
    assert has_draft(store)
    consumer = make_consumer(jobs)
    consumer.start()
    try:
        assert waited_for(lambda: not has_draft(store))
    finally:
        consumer.stop(graceful=True)


def test_a_waiting_job_is_plain_json_without_words_of_anyone(settings, store):
    make_jobs(settings, store).named["checkpoint"]()
    with sqlite3.connect(settings.data / "jobs.sqlite3") as kept:
        rows = kept.execute("select data from task").fetchall()
    kept.close()
    assert len(rows) == 1
    message = JsonSerializer().deserialize(bytes(rows[0][0]))
    assert message.name.endswith("checkpoint")
    assert message.args == ()
    assert bytes(rows[0][0]).startswith(b'{"message"')


def test_a_pickle_in_the_queue_is_not_run(settings, store):
    jobs = make_jobs(settings, store)
    jobs.queue.storage.enqueue(b"\x80\x04cposix\nsystem\n.")
    with pytest.raises(ValueError):
        jobs.queue.dequeue()


def test_every_hour_the_histories_are_signed_into_a_file_outside(settings, store):
    with store.work() as work:
        record(work, owner=SYSTEM, did=Did.SITE_ADDED, by=SYSTEM_ACTOR)
    assert witness.checkpoint(store, settings.checkpoint_path) == 1
    assert witness.checkpoint(store, settings.checkpoint_path) == 2
    lines = witness.witnessed(settings.checkpoint_path)
    assert len(lines) == 2
    assert settings.checkpoint_path.stat().st_mode & 0o077 == 0
    with store.reading() as work:
        assert verify_all(work, lines).problems == ()


def test_a_checkpoint_taken_out_of_the_database_shows_against_the_file(settings, store):
    with store.work() as work:
        record(work, owner=SYSTEM, did=Did.SITE_ADDED, by=SYSTEM_ACTOR)
    witness.checkpoint(store, settings.checkpoint_path)
    with store.work() as work:
        work.session.delete(work.session.get_one(CheckpointRow, 1))
    with store.reading() as work:
        assert verify_all(work, witness.witnessed(settings.checkpoint_path)).problems


@pytest.mark.postgres
def test_jobs_wait_in_postgresql_too(tmp_path, postgres_url):
    settings = settings_in(tmp_path, database=postgres_url)
    store = database_made_anew(settings)
    jobs = make_jobs(settings, store)
    leave_a_draft(store)
    jobs.named["sweep"]()
    consumer = make_consumer(jobs)
    consumer.start()
    try:
        assert waited_for(lambda: not has_draft(store))
    finally:
        consumer.stop(graceful=True)
        jobs.queue.storage.close()
        with store.database.engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        store.database.dispose()


def database_made_anew(settings):
    from vault.database import Database

    clean = Database(settings.database_url)
    with clean.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    clean.dispose()
    return prepare(settings)
