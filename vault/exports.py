"""
Exports of a record that a program asked for: what it asked for, sealed to the grant it asked under, for an hour.

Nothing of the record is copied for an export: its files are written from what is sealed whenever somebody fetches them
with a token of the grant. So its row holds the question alone, and a question may name things nobody else should read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa

from vault.database import Work
from vault.errors import NotThere
from vault.ids import Id, new_id
from vault.keyring import GrantKeyring
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.suite import unwrap, wrap
from vault.tables_sharing import ExportRow

LASTS: Final = timedelta(hours=1)
MOST: Final = 20  # of one grant at once; the oldest goes


@dataclass(frozen=True, slots=True)
class Export:
    """One export: what was asked, when, and until when it can be fetched."""

    id: Id
    asked: dict[str, Any]
    created: datetime
    expires: datetime


def begin_export(work: Work, grant: GrantKeyring, asked: dict[str, Any]) -> Export:
    """The question (plain JSON values) is kept for `LASTS`, readable for the grant alone."""
    listed = sa.select(ExportRow.id).where(ExportRow.grant == grant.grant_id).order_by(ExportRow.created.desc())
    for old in work.session.scalars(listed.offset(MOST - 1)).all():
        work.session.execute(sa.delete(ExportRow).where(ExportRow.id == old))
    export_id = new_id()
    row = ExportRow(
        id=export_id,
        grant=grant.grant_id,
        ct=wrap(_key(grant), orjson.dumps(asked), "export", export_id, grant.grant_id),
        created=work.now,
        asked_at=None,
        expires=work.now + LASTS,
    )
    work.session.add(row)
    work.session.flush()
    return Export(export_id, asked, row.created, row.expires)


def open_export(work: Work, grant: GrantKeyring, export_id: bytes) -> Export:
    """An export of this grant that has not run out. Raises `NotThere`."""
    row = _row(work, grant, export_id)
    asked = orjson.loads(unwrap(_key(grant), row.ct, "export", row.id, grant.grant_id))
    return Export(Id(row.id), asked, row.created, row.expires)


def ask_after_export(work: Work, grant: GrantKeyring, export_id: bytes, *, pause: timedelta) -> bool:
    """Whether `pause` has gone by since it was asked after; then that is now. Raises `NotThere`."""
    _row(work, grant, export_id)
    due = sa.or_(ExportRow.asked_at.is_(None), ExportRow.asked_at <= work.now - pause)
    told = sa.update(ExportRow).where(ExportRow.id == export_id, due).values(asked_at=work.now)
    return changed_rows(work.session, told) == 1


def end_export(work: Work, grant: GrantKeyring, export_id: bytes) -> None:
    """After this it is not there any more. Raises `NotThere`."""
    _row(work, grant, export_id)
    work.session.execute(sa.delete(ExportRow).where(ExportRow.id == export_id))


def _row(work: Work, grant: GrantKeyring, export_id: bytes) -> ExportRow:
    row = work.session.get(ExportRow, export_id)
    if row is None or row.grant != grant.grant_id or work.now >= row.expires:
        raise NotThere
    return row


def _key(grant: GrantKeyring) -> bytes:
    return derive.export_key(grant.wrapping_key)
