"""
Nobody pays for how many others there are: no statement looks through what belongs to all patients.

Every statement of the ordinary paths, and of what is swept every minute, is caught as it runs and shown to the
database's planner. "SCAN" in its answer means that every row of a table is looked at.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from consent import sweeping
from tests.factories import a_uid
from tests.houses import IndoorHouse
from tests.journeys.stories import a_scan, a_story, someone
from tests.people import App, Guest, Patient, Provider, Site
from vault import custody

# Tables that grow with sites and software, not with patients.
SMALL = frozenset({"site", "sitelogo", "client", "signingkey", "meta", "checkpoint", "alembic_version"})
_SCANNED = re.compile(r"^SCAN (\w+)")
_OF_ALL_HELD = re.compile(r"^SEARCH (grantstudy|grantkey|study|batchkey|card)\b.*\((grant|owner|owner_kind|scope)=\?\)")
_VALUE = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+\b")


class Watched:
    """The statements that ran, each once, as SQLite itself tells them: some are asked without SQLAlchemy."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._seen: dict[str, str] = {}
        self._watching = False
        sa.event.listen(engine, "connect", lambda connection, _: connection.set_trace_callback(self._told))
        engine.dispose()  # connections made from here on are watched

    def _told(self, statement: str) -> None:
        if self._watching and statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            self._seen.setdefault(_VALUE.sub("?", statement), statement)

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    def scans(self) -> dict[str, list[str]]:
        """Each statement that scans, and what."""
        return self._planned(self._is_scan)

    def walks(self) -> dict[str, list[str]]:
        """Each statement that looks at every study of one holder."""
        return self._planned(lambda _, line: _OF_ALL_HELD.search(line) is not None)

    def _planned(self, shows: Callable[[str, str], bool]) -> dict[str, list[str]]:
        assert len(self._seen) > 10
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for shape, statement in self._seen.items():
                plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
                if told := [line for line in plan if shows(shape, line)]:
                    found[shape] = told
        return found

    def _is_scan(self, statement: str, line: str) -> bool:
        match = _SCANNED.match(line)
        if match is None or line == "SCAN CONSTANT ROW":
            return False
        named = re.search(rf'(?:FROM|JOIN|,)\s+"?(\w+)"? AS "?{match[1]}"?\b', statement)
        table = named[1] if named else match[1]
        return table not in SMALL and not table.startswith("anon_")


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


def test_one_scan_costs_the_same_however_many_others_were_let_through(tmp_path: Path) -> None:
    house = IndoorHouse(tmp_path)
    statements = Watched(house.services.database.engine)
    told = a_story(house)
    hill = Site(house, "Hill Imaging")  # under two numbers, a UID is looked for in both
    other = a_scan(told.patient.person)
    hill.pushes(*other.files)
    told.patient.types_a_slip(hill.hands_out_a_slip(told.patient.person))
    app = App(house).is_let_in_by(told.patient)
    scan = told.scan
    with statements.watching():
        for path in (
            scan.address(1) + "/frames/1",
            scan.address(1),
            scan.address() + "/metadata",
            scan.address() + "/series",
            scan.address() + "/instances",
            scan.address(),
            scan.address() + "/thumbnail",
            f"/dicomweb/studies?StudyInstanceUID={scan.uid}",
        ):
            assert app.get(path).status_code == 200, path
    house.close()
    assert not (found := statements.walks()), "\n".join(f"{one} {seen}" for one, seen in found.items())


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
