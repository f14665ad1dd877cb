"""
Nobody pays for how many others there are: no statement looks through what belongs to all patients.

Every statement of the ordinary paths, and of what is swept every minute, is caught as it runs and shown to the
database's planner. "SCAN" in its answer means that every row of a table is looked at.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from consent import sweeping
from tests.factories import a_uid
from tests.houses import IndoorHouse
from tests.journeys.stories import a_scan, a_story, someone
from tests.people import App, Guest, Patient, Provider, Site
from vault import custody

# Tables that grow with sites and software, not with patients.
SMALL = frozenset({"site", "client", "signingkey", "meta", "checkpoint", "alembic_version"})
_SCANNED = re.compile(r"^SCAN (\w+)")


class Watched:
    """The statements that ran, each once, with what it asked for the first time."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._seen: dict[str, object] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        def note(_connection, _cursor, statement, parameters, _context, many) -> None:
            self._seen.setdefault(statement, parameters[0] if many else parameters)

        sa.event.listen(self._engine, "before_cursor_execute", note)
        try:
            yield
        finally:
            sa.event.remove(self._engine, "before_cursor_execute", note)

    def scans(self) -> dict[str, list[str]]:
        """Each statement that scans, and what."""
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for statement, parameters in self._seen.items():
                if not statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
                    continue
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                told = [match for row in plan if (match := self._scanned(statement, row[3]))]
                if told:
                    found[statement] = told
        return found

    def _scanned(self, statement: str, line: str) -> str | None:
        match = _SCANNED.match(line)
        if match is None or line == "SCAN CONSTANT ROW":
            return None
        alias = match[1]
        named = re.search(rf'(?:FROM|JOIN|,)\s+"?(\w+)"? AS "?{alias}"?\b', statement)
        table = named[1] if named else alias
        return None if table in SMALL or table.startswith("anon_") else line


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[IndoorHouse, Watched]]:
    house = IndoorHouse(tmp_path_factory.mktemp("growing"))
    yield house, Watched(house.services.database.engine)
    house.close()


def test_no_path_looks_through_what_belongs_to_others(watched: tuple[IndoorHouse, Watched]) -> None:
    house, statements = watched
    with statements.watching():
        told = a_story(house)
        told.another_scan()
        ana = told.patient.another_browser()
        ana.signs_in()
        for page in ("/home", told.page, f"{told.page}/report", "/shares", "/history", "/account"):
            assert ana.open(page).status == 200, page
        share = ana.gives_a_code()
        doctor = Guest(house)
        doctor.opens(share.code)
        assert doctor.ask("GET", told.scan.address(1) + "/frames/1").status_code == 200
        app = App(house).is_let_in_by(ana)
        app.refreshes()
        app.reads("ImagingStudy")
        app.reads(f"ImagingStudy?identifier=urn:oid:{a_uid('study', told.scan.name)}")
        app.reads("DiagnosticReport")
        app.get(told.scan.address() + "/metadata")
        app.get("/dicomweb/studies?limit=10")
        app.get(f"/dicomweb/studies?StudyInstanceUID={told.scan.uid}")
        ana.gives_a_link()
        stone = Provider(house)
        stone.makes_an_account()
        stone.enters(ana.gives_a_code().code)
        ana.stops(share.id)
    assert not (found := statements.scans()), "\n".join(f"{one} {seen}" for one, seen in found.items())


def test_no_sweep_looks_through_what_belongs_to_others(watched: tuple[IndoorHouse, Watched]) -> None:
    house, statements = watched
    site, person = Site(house), someone()
    site.pushes(*a_scan(person).files)
    site.hands_out_a_slip(person)
    Patient(house).makes_an_account()
    with statements.watching():
        custody.sweep(house.services)
        sweeping.sweep(house.services)
    assert not (found := statements.scans()), "\n".join(f"{one} {seen}" for one, seen in found.items())
