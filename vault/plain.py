"""Changes made by statements that are made once and told without the layers of the mapper, which cost more than these.

For what happens at every request: an event of a chain. All else goes through the session.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

from vault.database import answering

Change = sa.Select[*tuple[Any, ...]] | sa.Insert | sa.Update


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement in SQLite's words, and what its values must become for it."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    writers: Mapping[str, Any]
    readers: tuple[tuple[int, Any], ...]

    @classmethod
    def of(cls, statement: Change, dialect: sa.Dialect) -> Self:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        assert compiled.positiontup is not None
        told = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        writers = {name: kind.bind_processor(dialect) for name, kind in told.items()}
        needed = {name: write for name, write in writers.items() if write}
        columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
        read = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        readers = tuple((at, one) for at, one in enumerate(read) if one)
        return cls(str(compiled), tuple(compiled.positiontup), dict(compiled.params), needed, readers)

    def values(self, bound: dict[str, Any]) -> list[Any]:
        told = {**self.constants, **bound}
        return [self.writers[name](told[name]) if name in self.writers else told[name] for name in self.names]

    def read(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self.readers:
            return row
        made = list(row)
        for at, read in self.readers:
            made[at] = read(made[at])
        return made


class Told:
    """A statement that is made once."""

    def __init__(self, statement: Change) -> None:
        self.statement = statement
        self._text: _Text | None = None

    def text(self, dialect: sa.Dialect) -> _Text:
        """In SQLite's words."""
        if self._text is None:
            self._text = _Text.of(self.statement, dialect)
        return self._text


class Hand:
    """A transaction that may change rows, told by statements alone."""

    def __init__(self, connection: sa.Connection | None, raw: Any, dialect: sa.Dialect) -> None:
        self._connection, self._raw, self._dialect = connection, raw, dialect

    def ask(self, told: Told, **bound: Any) -> Sequence[Sequence[Any]]:
        """The rows that a question finds."""
        if self._connection is not None:
            return self._connection.execute(told.statement, bound).all()
        text = told.text(self._dialect)
        return [text.read(row) for row in self._raw.execute(text.text, text.values(bound))]

    def do(self, told: Told, **bound: Any) -> None:
        """What a statement changes is changed."""
        if self._connection is not None:
            self._connection.execute(told.statement, bound)
            return
        text = told.text(self._dialect)
        self._raw.execute(text.text, text.values(bound))


@contextmanager
def writing(engine: sa.Engine) -> Generator[Hand]:
    """A transaction; committed and durable on leaving, rolled back on an exception. Raises `StoreAway`."""
    with answering():
        if engine.dialect.name != "sqlite":
            with engine.begin() as connection:
                yield Hand(connection, None, engine.dialect)
            return
        kept = engine.raw_connection()
        try:
            raw: Any = kept.dbapi_connection
            raw.execute("BEGIN IMMEDIATE")
            try:
                yield Hand(None, raw, engine.dialect)
                raw.execute("COMMIT")
            except BaseException:
                raw.rollback()
                raise
        finally:
            kept.close()
