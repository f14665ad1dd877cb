"""The root keys of many batches at once: an owner has hundreds, and a statement costs more than the key it brings.

What `keyring` says of one batch's key holds for each of them: no row is believed without its MAC.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any, TypeVar

import sqlalchemy as sa

from vault.database import Work
from vault.errors import BrokenRecord
from vault.keyring import WRAPPED_KEY_OCTETS, Owner, OwnerKind, VaultKeyring, row_mac
from vault.sealing.suite import open_sealed, unwrap
from vault.tables import BatchKeyRow

_AT_ONCE = 400  # parameters in one statement, below every database's limit
_COLUMNS = (BatchKeyRow.batch, BatchKeyRow.ct, BatchKeyRow.row_mac)
_Id = TypeVar("_Id", bytes, str)
_Found = sa.Select[bytes, bytes, bytes]


def sealed_to(work: Work, owner: Owner) -> dict[bytes, bytes]:
    """Every root key that a site's push sealed to this owner and nobody has wrapped since: batch to what is sealed.

    Held until the transaction ends. Raises `BrokenRecord`.
    """
    found = _of(owner).where(sa.func.length(BatchKeyRow.ct) != WRAPPED_KEY_OCTETS).order_by(BatchKeyRow.batch)
    return dict(_believed(work, owner, found.with_for_update()))


def sealed_in(work: Work, owner: Owner, batches: Iterable[bytes]) -> dict[bytes, bytes]:
    """What is sealed to this owner of the root keys of these batches. Raises `BrokenRecord`."""
    parts = (_of(owner).where(BatchKeyRow.batch.in_(part)) for part in in_parts(batches))
    return {batch: ct for found in parts for batch, ct in _believed(work, owner, found)}


def opened(work: Work, keyring: VaultKeyring, batches: Iterable[bytes]) -> dict[bytes, bytes]:
    """The root keys of these batches, as far as the vault has them. Raises `BrokenRecord`."""
    return {batch: _open(keyring, batch, ct) for batch, ct in sealed_in(work, keyring.owner, batches).items()}


def put(work: Work, *, owner: Owner, cts: Mapping[bytes, bytes]) -> None:
    """The owner, who had none of these root keys, has each as it is sealed or wrapped in `cts`."""
    rows = [
        {
            "batch": batch,
            "owner_kind": owner.kind.value,
            "owner": owner.id,
            "ct": ct,
            "row_mac": _mac(work, owner, batch, ct),
        }
        for batch, ct in cts.items()
    ]
    if rows:
        work.session.execute(sa.insert(BatchKeyRow), rows)


def renew(work: Work, *, owner: Owner, cts: Mapping[bytes, bytes]) -> None:
    """The owner has each of these root keys as it is in `cts`, in the row in which it was otherwise before."""
    for part in in_parts(cts):
        _delete(
            work, BatchKeyRow.batch.in_(part), BatchKeyRow.owner_kind == owner.kind.value, BatchKeyRow.owner == owner.id
        )
    put(work, owner=owner, cts=cts)


def drop(work: Work, batches: Iterable[bytes], *kinds: OwnerKind) -> None:
    """No owner of these kinds has a key of the batches."""
    for part in in_parts(batches):
        _delete(work, BatchKeyRow.batch.in_(part), BatchKeyRow.owner_kind.in_([kind.value for kind in kinds]))


def in_parts(ids: Iterable[_Id]) -> Iterator[Sequence[_Id]]:
    """The identifiers in their order, as many together as one statement may name."""
    everything = list(ids)
    return (everything[start : start + _AT_ONCE] for start in range(0, len(everything), _AT_ONCE))


def _delete(work: Work, *which: sa.ColumnElement[bool]) -> None:
    work.session.execute(sa.delete(BatchKeyRow).where(*which), execution_options={"synchronize_session": False})


def _of(owner: Owner) -> _Found:
    return sa.select(*_COLUMNS).where(BatchKeyRow.owner_kind == owner.kind.value, BatchKeyRow.owner == owner.id)


def _believed(work: Work, owner: Owner, found: _Found) -> Iterator[tuple[bytes, bytes]]:
    for batch, ct, mac in work.session.execute(found):
        if not compare_digest(mac, _mac(work, owner, batch, ct)):
            raise BrokenRecord("batchkey")
        yield batch, ct


def _mac(work: Work, owner: Owner, batch: bytes, ct: bytes) -> bytes:
    return row_mac(work, "batchkey", batch, owner.kind.value, owner.id, sha256(ct).digest())


def _open(keyring: VaultKeyring, batch: bytes, ct: bytes) -> bytes:
    context: tuple[Any, ...] = ("vault", keyring.vault_id, batch)
    if len(ct) == WRAPPED_KEY_OCTETS:
        return unwrap(keyring.library_key, ct, *context)
    return open_sealed(keyring.pair, ct, *context)
