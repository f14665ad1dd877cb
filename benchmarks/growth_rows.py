"""Rows of patients whom nobody is: as many as a patient of two studies has, under random identifiers, in bulk.

Every table that grows with patients gets rows of the shape and size it has in service. Nothing in them opens; what is
measured belongs to a few real people among them.
"""

import os
import sqlite3
from collections import defaultdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

import vault.tables_sharing  # noqa: F401  the rows of both belong to the same metadata
from vault.database import Database
from vault.tables import EPOCH, Moment, Row

AT_ONCE: Final = 2_000  # people in one transaction
STUDIES, PICTURES, EVENTS = 2, 3, 8
_NOISE: Final = os.urandom(1 << 12)
_OCTETS: Final = {
    "vpk": 1216, "spk": 1216, "cpk": 1216, "gpk": 1216, "seal": 1169, "record": 500, "sig_pk": 32, "signature": 64,
    "login_bi": 32, "patient_bi": 32, "bi": 32, "h": 32, "layout": 200, "ct": 61, "row_mac": 16, "uid_bi": 16,
    "token_id": 16, "salt": 16, "commitment": 16, "content_mac": 16,
}  # fmt: skip
_LETTERS: Final = {"event": 180, "statement": 400}


def fill(database: Database, *, first: int, count: int, site: bytes, now: datetime) -> None:
    """The store holds `count` more patients, whose numbers begin with `first`."""
    for start in range(first, first + count, AT_ONCE):
        rows = _Rows(now)
        for number in range(start, min(start + AT_ONCE, first + count)):
            _person(rows, number, site)
        _pour(database, rows.made)
    _settle(database)


class _Rows:
    """Rows by table: a value where one is given, else what is usual in a column of its kind."""

    def __init__(self, now: datetime) -> None:
        self.made: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._usual = {
            name: [(column.name, _usual(column, (now - EPOCH).days * 86_400_000_000)) for column in table.columns]
            for name, table in Row.metadata.tables.items()
        }

    def add(self, table: str, **given: Any) -> None:
        self.made[table].append(tuple(given.get(name, usual) for name, usual in self._usual[table]))


def _usual(column: "sa.Column[Any]", now: int) -> Any:
    if column.nullable:
        return None
    match column.type:
        case Moment():
            return now
        case sa.LargeBinary():
            return _NOISE[: _OCTETS.get(column.name, 16)]
        case sa.String():
            return "x" * _LETTERS.get(column.name, 4)
        case sa.Boolean():
            return True
        case _:
            return 1


def _person(rows: _Rows, number: int, site: bytes) -> None:
    vault, scope, index = os.urandom(16), os.urandom(16), os.urandom(32)
    rows.add("vault", id=vault)
    rows.add("account", id=os.urandom(16), vault=vault, login_bi=os.urandom(32), kind="person")
    for kind in ("password", "recovery"):
        rows.add("slot", id=os.urandom(16), vault=vault, kind=kind)
    rows.add("scope", id=scope, site=site, patient_bi=index, owner_kind="vault", owner=vault)
    joined = {"vault": vault, "site": site, "scope": scope, "state": "live"}
    rows.add("link", id=os.urandom(16), bi=index, dob_check=number % 256, **joined)
    claim = os.urandom(16)
    place = {"locator": number & 0xFFFFF, "lane": 1 + (number >> 20)}
    rows.add("claim", id=claim, site=site, patient_bi=index, scope=scope, state="claimed", closed=2**60, **place)
    _events(rows, "vault", vault)
    _events(rows, "claim", claim)
    studies = [_study(rows, vault, scope) for _ in range(STUDIES)]
    for name in ("name", "born"):
        rows.add("field", vault=vault, subject=vault, name=name)
    _sharing(rows, vault, studies)


def _events(rows: _Rows, kind: str, owner: bytes) -> None:
    for n in range(EVENTS if kind == "vault" else 2):
        rows.add("audit", owner_kind=kind, owner=owner, n=n)
    rows.add("audit_head", owner_kind=kind, owner=owner, n=EVENTS)


def _study(rows: _Rows, vault: bytes, scope: bytes) -> tuple[bytes, bytes]:
    study, series, batch, blob = os.urandom(16), os.urandom(16), os.urandom(16), os.urandom(16).hex()
    rows.add("study", id=study, scope=scope, uid_bi=os.urandom(16))
    rows.add("series", id=series, study=study, uid_bi=os.urandom(16))
    rows.add("batch", id=batch, study=study, token_id=os.urandom(16))
    rows.add("batchkey", batch=batch, owner_kind="vault", owner=vault)
    rows.add("blob", id=blob, bytes=1 << 20, state="live")
    rows.add("field", vault=vault, subject=study, name="doubt")
    index, laid = os.urandom(16), {"batch": batch, "blob": blob}
    rows.add("object", id=index, kind=2, key_class="meta", series=series, **laid)
    for place in range(PICTURES):
        picture, named = os.urandom(16), {"scope": scope, "series": series, "batch": batch, "index_object": index}
        rows.add("object", id=picture, kind=1, key_class="img", series=series, **laid)
        rows.add("instance", id=os.urandom(16), uid_bi=os.urandom(16), object=picture, place=place, **named)
    paper = os.urandom(16)
    rows.add("object", id=paper, kind=3, key_class="rep", **laid)
    rows.add("resource", id=paper, scope=scope, study=study, batch=batch, object=paper, key_class="rep")
    rows.add("card", owner=vault, study=study, what=0, ct=_NOISE[:900])
    return study, batch


def _sharing(rows: _Rows, vault: bytes, studies: list[tuple[bytes, bytes]]) -> None:
    grant = os.urandom(16)
    rows.add("grantowner", id=grant, vault=vault, status="live", expires=2**60)
    rows.add("grant", id=grant, vault=vault, kind="code")
    rows.add("holder", id=os.urandom(16), grant=grant, kind="owner", ref=vault)
    for study, batch in studies:
        rows.add("grantstudy", grant=grant, study=study)
        for key_class in ("meta", "img", "rep"):
            rows.add("grantkey", grant=grant, batch=batch, key_class=key_class)
    token = os.urandom(16)
    rows.add("token", id=token, kind="rt", grant=grant, family=os.urandom(16), state="live", expires=2**60)
    rows.add("tokenholder", id=token, grant=grant, kind="rt", expires=2**60)


# -- into the database -----------------------------------------------------------------------------


def _pour(database: Database, made: dict[str, list[tuple[Any, ...]]]) -> None:
    raw = database.engine.raw_connection()
    try:
        connection: Any = raw.driver_connection
        for statement in _BEFORE[database.is_sqlite]:
            connection.execute(statement)
        for table, rows in made.items():
            names = [f'"{column.name}"' for column in Row.metadata.tables[table].columns]
            if isinstance(connection, sqlite3.Connection):
                marks = ", ".join("?" * len(names))
                connection.executemany(f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({marks})', rows)
            else:
                _copy(connection, f'COPY "{table}" ({", ".join(names)}) FROM STDIN', rows)
        connection.commit()
    finally:
        raw.invalidate()  # what was set for filling ends with it


# The rows fit together; being sure of it, row by row, would cost more than they do.
_BEFORE: dict[bool, tuple[str, ...]] = {
    True: ("PRAGMA foreign_keys=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-1000000", "BEGIN"),
    False: ("SET session_replication_role = replica", "SET synchronous_commit = off"),
}


def _copy(connection: Any, statement: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _settle(database: Database) -> None:
    """As a store that grew by the day: the log is short, and the planner of PostgreSQL knows the sizes."""
    if database.is_sqlite:
        database.forget_freed_pages()
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
