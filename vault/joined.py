"""Statements over several tables that are made once: a read request asks few of them, and asks them often."""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from vault.database import Work
from vault.tables import Row
from vault.written import Written

Found = sa.Select[*tuple[Any, ...]]


class Part:
    """What of one table such a statement finds: its columns but those left out, or only those named.

    A found part has their names as its attributes. It belongs to no session, cannot be changed, and prints nothing.
    """

    def __init__(self, kind: type[Row], *, without: Collection[str] = (), only: Collection[str] = ()) -> None:
        columns = table_of(kind).columns
        self.columns = [one for one in columns if one.name not in without and (not only or one.name in only)]
        names = [column.name for column in self.columns]
        named: Any = namedtuple(kind.__name__, names)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple]
        self.make: Callable[[Any], Any] = type(kind.__name__, (named,), {"__slots__": (), "__repr__": _hidden})._make
        self.key = next(at for at, column in enumerate(self.columns) if column.primary_key)


class Joined:
    """A statement that finds several parts in each row; `found` says from where, and which rows."""

    def __init__(self, *parts: Part, found: Callable[[Found], Found]) -> None:
        self._cuts: list[tuple[int, int, Part]] = []
        begin = 0
        for part in parts:
            self._cuts.append((begin, begin + len(part.columns), part))
            begin += len(part.columns)
        self._statement = found(sa.select(*(column for part in parts for column in part.columns)))
        self._written: Written | None = None

    def rows(self, work: Work, **bound: Any) -> list[tuple[Any, ...]]:
        """The parts of each row; None in place of a part that an outer join did not find."""
        cuts = self._cuts
        return [
            tuple(None if row[begin + part.key] is None else part.make(row[begin:end]) for begin, end, part in cuts)
            for row in self._rows(work, bound)
        ]

    def columns(self, work: Work, **bound: Any) -> Iterable[Sequence[Any]]:
        """The columns of each row as they come, part by part: for thousands of rows of which little is wanted."""
        return self._rows(work, bound)

    def _rows(self, work: Work, bound: dict[str, Any]) -> Iterable[Sequence[Any]]:
        plain = work.plain
        if plain is None:
            work.session.flush()  # what this unit of work has added counts, as it would for any other question
            return work.session.execute(self._statement, bound)
        if not work.database.is_sqlite:
            return plain.execute(self._statement, bound)
        if self._written is None:
            self._written = Written.of(self._statement, plain.dialect)
        return self._written.ask(plain.connection.dbapi_connection, bound)


def octets(name: str) -> sa.BindParameter[bytes]:
    """The place of an identifier or a blind index that is told when the statement is asked."""
    return sa.bindparam(name, type_=sa.LargeBinary)


def one_of(column: sa.ColumnElement[bytes], sought: Sequence[sa.BindParameter[bytes]]) -> sa.ColumnElement[bool]:
    """That the column has one of these values."""
    return column.in_(sought) if len(sought) > 1 else column == sought[0]


def table_of(kind: type[Row]) -> sa.Table:
    """The table of such rows, to join by."""
    return Row.metadata.tables[kind.__tablename__]


def _hidden(part: Any) -> str:
    return f"{type(part).__name__}(…)"
