"""When a part of the machine is away: a clear answer in each protocol's form, nothing half done, and it recovers alone."""

from dataclasses import replace

import pytest

from phr.printing import PrintingError
from tests.houses import IndoorHouse
from tests.journeys.stories import a_scan, a_story, someone
from tests.papers import values_of
from tests.people import FHIR, App, Patient, Software
from vault.database import Database
from vault.sealing.errors import Tampered


@pytest.fixture
def told(indoors: IndoorHouse):
    return a_story(indoors)


@pytest.fixture
def database_away(indoors: IndoorHouse):
    """A switch: the database does not answer, and answers again."""
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    whole = indoors.app.extensions["services"]

    def switch(*, away: bool) -> None:
        indoors.app.extensions["services"] = replace(whole, database=nowhere) if away else whole

    yield switch
    switch(away=False)
    nowhere.dispose()


def test_without_its_database_the_house_says_come_back_and_does_so_itself(told, indoors, database_away) -> None:
    ana, app = told.patient, App(indoors).is_let_in_by(told.patient)
    scan = a_scan(ana.person)
    database_away(away=True)
    page = ana.open("/home")
    assert page.status == 503
    assert int(page.answer.headers["Retry-After"]) > 0
    assert "psycopg" not in page.answer.text
    read = app.get("/fhir/Patient", FHIR)
    assert (read.status_code, read.json()["resourceType"]) == (503, "OperationOutcome")
    assert int(read.headers["Retry-After"]) > 0
    assert app.get("/dicomweb/studies").status_code == 503
    assert told.site.stores(*scan.files).status_code == 503
    assert told.site.asks("issue-claim", ana.person).status_code == 503
    refused = app.refreshes()
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert ana.another_browser().open("/sign-in").status in {200, 503}
    health = Software(indoors).get("/healthz")
    assert (health.status_code, health.json()["database"]) == (503, "failing")

    database_away(away=False)
    assert ana.open("/home").status == 200
    told.site.pushes(*scan.files)
    assert ana.ask("GET", f"{scan.address()}/metadata").status_code == 200
    assert app.refreshes().status_code == 200


def test_a_blob_that_is_gone_spoils_its_own_picture_alone(told, indoors) -> None:
    scan, _ = told.another_scan()
    blobs = [one for one in (indoors.folder / "data" / "blobs").rglob("*") if one.is_file()]
    spoiled = 0
    for blob in blobs:
        octets = blob.read_bytes()
        blob.chmod(0o600)
        blob.write_bytes(bytes(one ^ 1 for one in octets))
        try:
            answer = told.patient.ask("GET", scan.address(1), Accept="application/dicom")
            # Never a wrong picture: whole, or refused, or broken off.
            spoiled += answer.status_code != 200
            assert answer.content == scan.files[0] or answer.status_code in {404, 500, 503}
        except Tampered:  # what a server's socket shows as a broken connection
            spoiled += 1
        blob.write_bytes(octets)
    assert spoiled
    assert told.patient.ask("GET", scan.address(1), Accept="application/dicom").content == scan.files[0]
    assert told.patient.ask("GET", told.scan.address(1), Accept="application/dicom").content == told.scan.files[0]


def test_without_printing_a_slip_is_told_and_papers_say_come_back(told, indoors, monkeypatch) -> None:
    def cannot(*_: object, **__: object) -> bytes:
        raise PrintingError("Printing is not possible here.")

    monkeypatch.setattr("phr.printing.pdf", cannot)
    page = told.patient.open(f"{told.page}/report.pdf")
    assert page.status == 503
    assert told.patient.open(f"{told.page}/report").status == 200
    slip = values_of(told.site.asks("issue-claim", someone()).json())
    assert "pin" in slip
    assert "slip" not in slip


def test_two_people_who_join_with_one_name_do_not_share_an_account(indoors: IndoorHouse) -> None:
    first, second = Patient(indoors, login="the-same-name"), Patient(indoors, login="THE-same-name")
    assert first.makes_an_account().path == "/home"
    refused = second.makes_an_account()
    assert refused.status == 422
    assert refused.says("There is an account with this email or name.")
