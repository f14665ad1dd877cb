"""A statement in SQLite's own words, made once: the layers between cost more than the answer itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

Statement = sa.Select[*tuple[Any, ...]] | sa.Insert | sa.Update


@dataclass(frozen=True, slots=True)
class Written:
    """Its text, what its values must become for it, and what those it finds must become for us."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    writers: Mapping[str, Callable[[Any], Any]]
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]

    @classmethod
    def of(cls, statement: Statement, dialect: sa.Dialect) -> Self:
        """The statement as `dialect` writes it."""
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        assert compiled.positiontup is not None
        told = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        writers = {name: write for name, kind in told.items() if (write := kind.bind_processor(dialect))}
        columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
        read = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        readers = tuple((at, one) for at, one in enumerate(read) if one)
        return cls(str(compiled), tuple(compiled.positiontup), dict(compiled.params), writers, readers)

    def ask(self, raw: Any, bound: Mapping[str, Any]) -> list[Sequence[Any]]:
        """The rows that it finds on a connection of the driver."""
        return [self._read(row) for row in self.do(raw, bound)]

    def do(self, raw: Any, bound: Mapping[str, Any]) -> Any:
        """What it says is done; answers the driver's cursor."""
        values = {**self.constants, **bound}
        for name, write in self.writers.items():
            values[name] = write(values[name])
        return raw.execute(self.text, [values[name] for name in self.names])

    def _read(self, row: Sequence[Any]) -> Sequence[Any]:
        made = list(row)
        for at, read in self.readers:
            made[at] = read(made[at])
        return made
