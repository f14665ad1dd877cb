"""What every test may ask for: keys, a store on a real file, and a real PostgreSQL where it matters."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import consent.tables  # noqa: F401  its rows belong to the same metadata
import vault.tables_sharing  # noqa: F401  so do these
from tests.fakes import FrozenClock
from tests.hurry import as_installed, hurry, remember_statements
from tests.longest import LONGEST_FIRST
from tests.postgres import a_database, a_postgres
from vault.blobs import DiskBlobs
from vault.database import Database, Services
from vault.secrets import Secrets
from vault.tables import Row


@pytest.hookimpl(trylast=True)  # once the order is drawn by lot
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.fixture(scope="session", autouse=True)
def in_a_hurry() -> None:
    hurry()


@pytest.fixture
def true_cost() -> Iterator[None]:
    """Passwords, codes and the disk cost in this test what they cost where people use them."""
    with as_installed():
        yield


@pytest.fixture
def secrets() -> Secrets:
    """The keys of the settings, other ones for every test."""
    return Secrets(
        peppers={1: os.urandom(32)},
        pepper_id=1,
        index_key=os.urandom(32),
        mail_key=os.urandom(32),
        audit_key=os.urandom(32),
    )


@pytest.fixture
def clock() -> FrozenClock:
    """Time stands still until the test moves it."""
    return FrozenClock()


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and no row: to copy it is thirty times quicker than to make another."""
    made = tmp_path_factory.mktemp("tables") / "keepray.db"
    database = Database(f"sqlite:///{made}")
    Row.metadata.create_all(database.engine)
    remember_statements(database.engine)
    database.dispose()
    return made


@pytest.fixture
def services(tmp_path: Path, clock: FrozenClock, secrets: Secrets, empty_tables: Path) -> Iterator[Services]:
    """A whole vault on one SQLite file and a folder."""
    shutil.copy(empty_tables, tmp_path / "keepray.db")
    database = Database(f"sqlite:///{tmp_path / 'keepray.db'}")
    yield Services(database, DiskBlobs(tmp_path / "objects"), clock, secrets)
    database.dispose()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the tests."""
    with a_postgres(tmp_path_factory.mktemp("postgres")) as address:
        yield address


@pytest.fixture(scope="session")
def empty_postgres_tables(postgres_url: str) -> str:
    """The address of a database of its own with all tables."""
    address = a_database(postgres_url)
    database = Database(address)
    Row.metadata.create_all(database.engine)
    remember_statements(database.engine)
    database.dispose()
    return address


@pytest.fixture
def postgres_services(
    empty_postgres_tables: str, tmp_path: Path, clock: FrozenClock, secrets: Secrets
) -> Iterator[Services]:
    """The same vault on PostgreSQL, its tables empty."""
    database = Database(empty_postgres_tables)
    with database.engine.begin() as connection:
        for table in reversed(Row.metadata.sorted_tables):
            connection.execute(table.delete())
    yield Services(database, DiskBlobs(tmp_path / "objects"), clock, secrets)
    database.dispose()
