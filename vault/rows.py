"""Two statements that SQLite and PostgreSQL both have and SQLAlchemy writes once for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from vault.tables import Row


def insert_unless_there(session: Session, kind: type[Row], **values: Any) -> bool:
    """A row with these values is there afterwards, or was there before and stays as it is. True if it is new."""
    return changed_rows(session, _insert(session, kind).values(values).on_conflict_do_nothing()) == 1


def insert_or_renew(
    session: Session,
    kind: type[Row],
    *,
    key: Sequence[str],
    renewed: str,
    only_if: sa.ColumnElement[bool],
    **values: Any,
) -> bool:
    """A new row, or an old one of the same `key` whose column `renewed` is set anew where `only_if` holds of it.

    True if either happened.
    """
    inserted = _insert(session, kind).values(values)
    renewed_too = inserted.on_conflict_do_update(index_elements=key, set_={renewed: values[renewed]}, where=only_if)
    return changed_rows(session, renewed_too) == 1


def put_rows(session: Session, kind: type[Row], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
    """These rows are there; of a row with the same `key` that was there before, all else is as they say."""
    if not rows:
        return
    inserted = _insert(session, kind)
    renewed = {name: inserted.excluded[name] for name in rows[0] if name not in key}
    session.execute(inserted.on_conflict_do_update(index_elements=key, set_=renewed), rows)


def add_rows(session: Session, rows: Sequence[Row]) -> None:
    """These rows of one table are there. They are written as they are and not watched."""
    if not rows:
        return
    table = Row.metadata.tables[rows[0].__tablename__]
    names = [column.key for column in table.columns]
    session.execute(sa.insert(table), [{name: getattr(row, name) for name in names} for row in rows])


def changed_rows(session: Session, statement: sa.Insert | sa.Update | sa.Delete) -> int:
    """Do what the statement says, now. Answers how many rows it changed."""
    # Of an insertion the count would be lost with its cursor on PostgreSQL.
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return int(getattr(result, "rowcount"))  # noqa: B009  the type of execute does not say it


def _insert(session: Session, kind: type[Row]) -> postgresql.Insert | sqlite.Insert:
    table = Row.metadata.tables[kind.__tablename__]
    on_postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgres else sqlite.insert(table)
