"""Houses to journey in: a running server on either database, and the app in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.houses import IndoorHouse, RunningHouse
from tests.journeys.stories import Story, a_story
from tests.postgres import a_database


@pytest.fixture(scope="session")
def sqlite_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHouse]:
    house = RunningHouse(tmp_path_factory.mktemp("sqlite-house"))
    try:
        yield house.start()
    finally:
        house.stop()


@pytest.fixture(scope="session")
def postgres_house(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[RunningHouse]:
    house = RunningHouse(tmp_path_factory.mktemp("postgres-house"), a_database(postgres_url))
    try:
        yield house.start()
    finally:
        house.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def keepray(request: pytest.FixtureRequest) -> RunningHouse:
    """`phr serve` with two workers, on each database."""
    return request.getfixturevalue(f"{request.param}_house")


@pytest.fixture
def indoors(tmp_path: Path) -> Iterator[IndoorHouse]:
    """The app in this process, its clock in the test's hands."""
    house = IndoorHouse(tmp_path)
    yield house
    house.close()


@pytest.fixture
def story(keepray: RunningHouse) -> Story:
    return a_story(keepray)
