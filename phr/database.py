"""The schema: brought to its newest shape, compared with the tables, and opened only with the keys it was made with."""

from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import consent.tables  # noqa: F401  its rows belong to the metadata
import vault.tables_sharing  # noqa: F401  as above
from vault.tables import Row

# Any number of ours: it orders the start-ups of several machines at one PostgreSQL.
_ADVISORY_LOCK = 7242


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """The schema has its newest shape (or that of `revision`). Two processes that start at once wait for each other."""
    with engine.begin() as connection:  # BEGIN IMMEDIATE orders start-ups on SQLite
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        command.upgrade(_config(connection), revision)


def differences(engine: sa.Engine) -> list[Any]:
    """What the tables have and the database lacks, or the reverse; empty at the newest shape."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Row.metadata)


def shape_of(engine: sa.Engine) -> str | None:
    """The name of the shape that the database has; None where it has no tables yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The name of the newest shape."""
    return _shapes().get_current_head()


def knows(shape: str) -> bool:
    """Whether this version of the program has heard of that shape."""
    return any(one.revision == shape for one in _shapes().walk_revisions())


def _shapes() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: sa.Connection | None) -> Config:
    config = Config()  # no alembic.ini, and no address in a file
    config.set_main_option("script_location", str(files("phr").joinpath("migrations")).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=Row.metadata)
    return config
