"""Where instances lie: their rows, found in one statement with what the asker's keyring opens them by.

The three UIDs of a request are looked up by their blind indexes in every scope the keyring may look into. For a vault
and for a grant the same statement brings the class keys' rows and leaves out what they do not hold; for other keyrings
both are asked for separately.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import sqlalchemy as sa

from vault.database import Work
from vault.held import named_under
from vault.joined import Found, Joined, Part, octets, one_of, table_of
from vault.keyring import GrantKeyring, KeyClass, Keyring, OwnerKind, VaultKeyring, check_row_mac
from vault.sealing import derive
from vault.tables import BatchKeyRow, BlobRow, InstanceRow, ObjectRow, ScopeRow, SeriesRow, StudyRow
from vault.tables_sharing import GrantKeyRow, GrantStudyRow

_INSTANCE, _SERIES, _STUDY, _OBJECT, _BLOB = map(table_of, (InstanceRow, SeriesRow, StudyRow, ObjectRow, BlobRow))
_SCOPE, _BATCH_KEY = table_of(ScopeRow), table_of(BatchKeyRow)
_NAMED, _GRANT_KEY = table_of(GrantStudyRow), table_of(GrantKeyRow)
_OWNER = octets("owner")
_Sought = list[sa.BindParameter[bytes]]
_PARTS = (Part(InstanceRow, without={"content_mac"}), Part(SeriesRow), Part(ObjectRow))


@dataclass(frozen=True, slots=True)
class Uids:
    """What is looked for: a study, one of its series if named, one of that series' instances if named."""

    study: str
    series: str | None = None
    instance: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """Those that are named, the study first."""
        return tuple(uid for uid in (self.study, self.series, self.instance) if uid is not None)


@dataclass(frozen=True, slots=True)
class Lying:
    """One instance's rows; `key` is the row of the class key of its object where the statement brought it along."""

    instance: InstanceRow
    series: SeriesRow
    object: ObjectRow
    key: Any = None


def find_lying(work: Work, keyring: Keyring, uids: Uids) -> list[Lying]:
    """The newest version of each instance, only inside the studies this keyring holds, in the order they came.

    Raises `BrokenRecord` where somebody else named one of the studies in a grant.
    """
    return _newest(_held_rows(work, keyring, uids, most=None))


def find_first_lying(work: Work, keyring: Keyring, uids: Uids) -> list[Lying]:
    """The one of them that came first, in its oldest version; none where there is none. Raises as `find_lying`."""
    return _newest(_held_rows(work, keyring, uids, most=1))[:1]


def _held_rows(work: Work, keyring: Keyring, uids: Uids, *, most: int | None) -> list[tuple[Any, ...]]:
    scopes = keyring.scopes(work)
    if not scopes:
        return []
    if type(keyring) is VaultKeyring:
        return _rows(work, _in_vault, scopes, uids, most, owner=keyring.vault_id)
    if type(keyring) is GrantKeyring:
        found = _rows(work, _in_grant, scopes, uids, most, owner=keyring.grant_id)
        _check_named(work, keyring, (row[4] for row in found))
        return found
    found = _rows(work, _anywhere, scopes, uids)  # all of them: which are held is known afterwards
    held = keyring.holding(work, {row[1].study for row in found}) if found else ()
    return [row for row in found if row[1].study in held]


def _newest(found: Iterable[tuple[Any, ...]]) -> list[Lying]:
    newest = dict[tuple[bytes, bytes], Lying]()
    for row in found:
        one = Lying(*row[:4])
        newest[one.instance.scope, one.instance.uid_bi] = one
    return list(newest.values())


def key_of(work: Work, keyring: Keyring, lying: Lying, key_class: KeyClass) -> bytes:
    """The class key of an instance's object. Raises `NoKey`, `BrokenRecord`."""
    if lying.key is not None and isinstance(keyring, VaultKeyring | GrantKeyring):
        return keyring.class_key_in(work, lying.key, key_class)
    return keyring.class_key(work, lying.instance.batch, key_class)


def _check_named(work: Work, grant: GrantKeyring, named: Iterable[Any]) -> None:
    for row in {one.study: one for one in named}.values():
        check_row_mac(work, row.row_mac, "grantstudy", grant.grant_id, row.study)


def _rows(
    work: Work, narrowed: Any, scopes: list[bytes], uids: Uids, most: int | None = None, **bound: bytes
) -> list[tuple[Any, ...]]:
    width = 1 << (len(scopes) - 1).bit_length()  # so that few statements are ever made
    padded = scopes + scopes[-1:] * (width - len(scopes))
    for level, uid in enumerate(uids.named):
        for at, scope in enumerate(padded):
            bound[f"uid{level}_{at}"] = derive.uid_index(work.secrets.index_key, scope, uid)
    return _statement(narrowed, len(uids.named), width, most).rows(work, **bound)


# --- the statements --------------------------------------------------------------------------------------------------


@cache
def _statement(narrowed: Any, levels: int, width: int, most: int | None) -> Joined:
    keys = {_in_vault: (Part(BatchKeyRow),), _in_grant: (Part(GrantKeyRow), Part(GrantStudyRow)), _anywhere: ()}
    return Joined(*_PARTS, *keys[narrowed], found=partial(_found, narrowed, levels, width, most))


def _found(narrowed: Any, levels: int, width: int, most: int | None, wanted: Found) -> Found:
    together = (
        _INSTANCE.join(_SERIES, _INSTANCE.c.series == _SERIES.c.id)
        .join(_STUDY, _SERIES.c.study == _STUDY.c.id)
        .join(_OBJECT, _INSTANCE.c.object == _OBJECT.c.id)
        .join(_BLOB, _OBJECT.c.blob == _BLOB.c.id)
    )
    sought = [[octets(f"uid{level}_{at}") for at in range(width)] for level in range(levels)]
    for column, binds in zip((_STUDY.c.uid_bi, _SERIES.c.uid_bi, _INSTANCE.c.uid_bi), sought, strict=False):
        wanted = wanted.where(one_of(column, binds))
    order = (_INSTANCE.c.version, _BLOB.c.since, _BLOB.c.id, _OBJECT.c.offset)
    return wanted.select_from(narrowed(together, sought[0])).order_by(*order).limit(most)


def _in_vault(together: sa.Join, _studies: _Sought) -> sa.Join:
    owned = sa.and_(
        _SCOPE.c.id == _STUDY.c.scope, _SCOPE.c.owner_kind == OwnerKind.VAULT.value, _SCOPE.c.owner == _OWNER
    )
    key = sa.and_(
        _BATCH_KEY.c.batch == _INSTANCE.c.batch,
        _BATCH_KEY.c.owner_kind == OwnerKind.VAULT.value,
        _BATCH_KEY.c.owner == _OWNER,
    )
    return together.join(_SCOPE, owned).outerjoin(_BATCH_KEY, key)


def _in_grant(together: sa.Join, studies: _Sought) -> sa.Join:
    key = sa.and_(
        _GRANT_KEY.c.grant == _OWNER,
        _GRANT_KEY.c.batch == _INSTANCE.c.batch,
        _GRANT_KEY.c.key_class == _OBJECT.c.key_class,
    )
    return together.join(_NAMED, named_under(_OWNER, studies)).outerjoin(_GRANT_KEY, key)


def _anywhere(together: sa.Join, _studies: _Sought) -> sa.Join:
    return together
