"""One frame after another, as a viewer asks: quick, and no longer than the patient wants."""

import sqlite3

import pytest
import sqlalchemy as sa

from fhir_gateway import looking
from tests import factories as make
from tests.fhir_gateway.callers import parts_of
from vault.audit import Did, events

STUDY, SERIES = make.a_uid("study", "one"), make.a_uid("series", "one", "first")
FRAME = f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{make.a_uid('instance', 'one', 'first', 1)}/frames"
STAR = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


@pytest.fixture
def asked(house):
    """Every statement SQLite is given, whoever gives it."""
    statements: list[str] = []
    engine = house.extensions["services"].database.engine

    def watch(connection, _record):
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(statements.append)

    sa.event.listen(engine, "connect", watch)
    engine.dispose()
    return statements


def test_a_frame_is_found_by_three_questions_and_writes_nothing(site, patient, asked):
    site.stores(make.an_instance(frames=3))
    app = patient.lets_in()
    app.get(f"{FRAME}/1", STAR)
    asked.clear()
    assert app.get(f"{FRAME}/2", STAR).status_code == 200
    questions = [one for one in asked if one.startswith("SELECT")]
    assert len(questions) == 3
    assert {one.split()[0] for one in asked} == {"BEGIN", "SELECT", "ROLLBACK"}


def test_the_questions_are_as_many_where_a_vault_has_many_studies(site, patient, asked):
    site.stores(*[make.an_instance(study=f"study {number}") for number in range(30)])
    site.stores(make.an_instance())
    app = patient.lets_in()
    app.get(f"{FRAME}/1", STAR)
    asked.clear()
    app.get(f"{FRAME}/1", STAR)
    assert len([one for one in asked if one.startswith("SELECT")]) == 3


def test_the_next_frame_is_refused_once_the_sharing_has_ended(site, patient):
    site.stores(make.an_instance(frames=2))
    app = patient.lets_in()
    assert app.get(f"{FRAME}/1", STAR).status_code == 200
    patient.stops()
    refused = app.get(f"{FRAME}/2", STAR)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_frame_comes_in_one_piece_with_its_length(site, patient):
    site.stores(make.an_instance(frames=2))
    answer = patient.lets_in().get(f"{FRAME}/2", STAR)
    assert answer.content_length == len(answer.data)
    ((_, octets),) = parts_of(answer)
    assert octets == make.some_pixels(rows=32, columns=40, frames=2, seed=1)[1].tobytes()
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_large_instance_comes_whole_in_several_pieces(site, patient, monkeypatch):
    monkeypatch.setattr("fhir_gateway.dicomweb.retrieve.AT_ONCE", 1 << 16)
    file = make.an_instance(rows=1100, columns=1000)
    site.stores(file)
    address = FRAME.removesuffix("/frames").removeprefix("/dicomweb/studies/")
    answer = patient.lets_in().whole(address)
    assert answer.content_length == len(answer.data)
    ((_, octets),) = parts_of(answer)
    assert octets == file


def test_a_picture_whose_store_is_away_has_a_status_of_its_own(site, patient, services):
    site.stores(make.an_instance())
    app = patient.lets_in()
    folder = services.blobs._objects
    for shelf in folder.iterdir():
        for blob in shelf.iterdir():
            blob.unlink()
        shelf.rmdir()
    address = FRAME.removesuffix("/frames")
    assert app.get(f"{FRAME}/1", STAR).status_code == 503
    assert app.get(address, 'multipart/related; type="application/dicom"; transfer-syntax=*').status_code == 503


def test_looking_again_later_is_written_down_though_it_was_not_new_a_moment_ago(site, patient, clock):
    site.stores(make.an_instance())
    app = patient.lets_in(seconds=9000)
    for minutes in (0, 5, 56):
        clock.advance(minutes=minutes)
        app.get(f"{FRAME}/1", STAR)
    with patient.services.reading() as work:
        told = [one.did for one in events(work, patient.keyring.owner)]
    assert told.count(Did.VIEWED) == 2


def test_four_mebibytes_are_sent_before_it_is_asked_again(services, patient):
    """docs/format.md 8, whatever the pieces' size."""
    asked: list[int] = []
    given = 0

    class Counting:
        def reading(self):
            asked.append(given)
            return services.reading()

    access = type("Nobody", (), {"token_id": None, "grant": None, "session_id": None})()
    for piece in looking.watched(iter([bytes(1 << 19)] * 20), Counting(), access):
        given += len(piece)
    assert asked == [4 << 20, 8 << 20]


def test_a_picture_that_is_not_as_it_was_sent_is_refused_and_says_so(site, patient, tmp_path):
    site.stores(make.an_instance(frames=2))
    app = patient.lets_in()
    for path in [one for one in (tmp_path / "objects").rglob("*") if one.is_file()]:
        path.chmod(0o600)
        path.write_bytes(bytes(octet ^ 1 for octet in path.read_bytes()))
    for address, wanted in ((f"{FRAME}/1", STAR), (f"{FRAME}/1/rendered", "image/jpeg")):
        refused = app.get(address, wanted)
        assert refused.status_code == 500
        assert refused.json == {
            "status": 500,
            "title": "What is kept does not match what was sent.",
            "reason": "not-as-sent",
        }
