"""Whether a statement looks through what belongs to others, as the database itself says."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

# Tables that grow with sites, software and hours, not with patients.
_SMALL = frozenset({"site", "client", "signingkey", "meta", "checkpoint", "alembic_version"})
_ASKS = ("SELECT", "UPDATE", "DELETE")


def looked_through(engine: sa.Engine, statements: Mapping[str, tuple[str, Any]], patients: int) -> dict[str, str]:
    """Statement to table, of those that look at every row of a table that grows with patients.

    PostgreSQL is right to do so with a table of a few pages, so it is asked only where there are many patients.
    """
    on_sqlite = engine.dialect.name == "sqlite"
    if not on_sqlite and patients < 10_000:
        return {}
    found: dict[str, str] = {}
    with engine.connect() as connection:
        sizes = {} if on_sqlite else _sizes(connection)
        for statement, parameters in list(statements.values()):
            if statement.lstrip().upper().startswith(_ASKS):
                words = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
                plan = [str(row[-1]) for row in connection.exec_driver_sql(words + statement, parameters or ())]
                tables = _scanned_by_sqlite(plan) if on_sqlite else _scanned_by_postgres(plan, sizes)
                if tables:
                    found[statement] = ", ".join(tables)
        connection.rollback()
    return found


def _scanned_by_sqlite(plan: list[str]) -> list[str]:
    named = [line.split()[1] for line in plan if line.startswith("SCAN ") and line != "SCAN CONSTANT ROW"]
    return [name for name in named if name not in _SMALL and not name.startswith(("anon_", "("))]


def _scanned_by_postgres(plan: list[str], sizes: Mapping[str, float]) -> list[str]:
    named = [match[1] for line in plan if (match := re.search(r'Seq Scan on "?(\w+)"?', line))]
    return [name for name in named if sizes.get(name, 0) > 1000 and name not in _SMALL]


def _sizes(connection: sa.Connection) -> dict[str, float]:
    known = connection.exec_driver_sql("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r'")
    return {name: size for name, size in known}  # noqa: C416  a row is no pair to the type checker
