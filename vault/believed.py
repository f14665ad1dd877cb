"""Rows are believed only with their MAC: whoever writes to the database alone cannot make one (docs/format.md 3)."""

from hashlib import sha256
from hmac import compare_digest

from vault.database import Work
from vault.errors import BrokenRecord
from vault.owners import Owner
from vault.sealing import derive
from vault.tables import BatchKeyRow


def row_mac(work: Work, table: str, row_id: bytes, *fields: bytes | str | int) -> bytes:
    """The MAC that says this server wrote the row (docs/format.md 3). 16 octets."""
    return derive.row_mac(work.secrets.index_key, table, row_id, *fields)


def check_row_mac(work: Work, found: bytes | None, table: str, row_id: bytes, *fields: bytes | str | int) -> None:
    """Raise `BrokenRecord` unless the row is as this server wrote it."""
    if found is None or not compare_digest(found, row_mac(work, table, row_id, *fields)):
        raise BrokenRecord(table)


def batch_key_mac(work: Work, row: BatchKeyRow) -> bytes:
    """The MAC of a batch key's row: HPKE names no sender, so a row from elsewhere must not pass."""
    return row_mac(work, "batchkey", row.batch, row.owner_kind, row.owner, sha256(row.ct).digest())


def check_batch_key(work: Work, row: BatchKeyRow) -> None:
    """Raise `BrokenRecord` unless this server wrote the batch key's row."""
    if not compare_digest(row.row_mac, batch_key_mac(work, row)):
        raise BrokenRecord("batchkey")


def put_batch_key(work: Work, *, batch: bytes, owner: Owner, ct: bytes) -> None:
    """Add or replace the batch's root key as `owner` holds it."""
    row = BatchKeyRow(batch=batch, owner_kind=owner.kind.value, owner=owner.id, ct=ct, row_mac=b"")
    row.row_mac = batch_key_mac(work, row)
    work.session.merge(row)
