"""Two statements that SQLite and PostgreSQL both have and SQLAlchemy writes once for each."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from vault.tables import Row


def insert_unless_there(session: Session, kind: type[Row], **values: Any) -> bool:
    """A row with these values is there afterwards, or was there before and stays as it is. True if it is new."""
    return changed_rows(session, _insert(session, kind).values(values).on_conflict_do_nothing()) == 1


def insert_or_renew(
    session: Session, kind: type[Row], *, key: str, renewed: str, only_if: sa.ColumnElement[bool], **values: Any
) -> bool:
    """A new row, or an old one of the same `key` whose column `renewed` is set anew where `only_if` holds of it.

    True if either happened.
    """
    inserted = _insert(session, kind).values(values)
    renewed_too = inserted.on_conflict_do_update(index_elements=[key], set_={renewed: values[renewed]}, where=only_if)
    return changed_rows(session, renewed_too) == 1


def changed_rows(session: Session, statement: sa.Insert | sa.Update | sa.Delete) -> int:
    """Do what the statement says, now. Answers how many rows it changed."""
    # Of an insertion the count would be lost with its cursor on PostgreSQL.
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return int(getattr(result, "rowcount"))  # noqa: B009  the type of execute does not say it


def _insert(session: Session, kind: type[Row]) -> postgresql.Insert | sqlite.Insert:
    table = Row.metadata.tables[kind.__tablename__]
    on_postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgres else sqlite.insert(table)
