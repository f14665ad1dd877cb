"""Series found by their UIDs, only inside the studies that a keyring holds; and what is said of them, row by row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from vault.believed import check_row_mac
from vault.database import Work
from vault.held import named_under
from vault.ids import Id
from vault.joined import Found, Joined, Part, octets, one_of, table_of
from vault.keyring import GrantKeyring, KeyClass, Keyring, OwnerKind, VaultKeyring
from vault.sealing import derive
from vault.sealing.stream import Kind
from vault.tables import BatchKeyRow, BlobRow, InstanceRow, ObjectRow, PreviewRow, ScopeRow, SeriesRow, StudyRow
from vault.tables_sharing import GrantKeyRow, GrantStudyRow

_INSTANCE, _SERIES, _STUDY, _OBJECT = map(table_of, (InstanceRow, SeriesRow, StudyRow, ObjectRow))
_BLOB, _PREVIEW, _SCOPE, _NAMED = map(table_of, (BlobRow, PreviewRow, ScopeRow, GrantStudyRow))
_BATCH_KEY, _GRANT_KEY = table_of(BatchKeyRow), table_of(GrantKeyRow)
_OWNER, _THIS = octets("owner"), octets("series")


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """A series by its identifiers and blind index, and the scope and study it lies in."""

    id: Id
    study_id: Id
    scope: bytes
    uid_bi: bytes


def find_series(work: Work, keyring: Keyring, study_uid: str, series_uid: str | None = None) -> list[FoundSeries]:
    """The series under these UIDs that this keyring holds; none is no error.

    Raises `BrokenRecord` where somebody else named one of the studies in a grant.
    """
    scopes = keyring.scopes(work)
    if not scopes:
        return []
    width = 1 << (len(scopes) - 1).bit_length()  # so that few statements are ever made
    index_key, bound = work.secrets.index_key, dict[str, bytes]()
    for at, scope in enumerate(scopes + scopes[-1:] * (width - len(scopes))):
        bound[f"study_{at}"] = derive.uid_index(index_key, scope, study_uid)
        if series_uid is not None:
            bound[f"series_{at}"] = derive.uid_index(index_key, scope, series_uid)
    named = series_uid is not None
    if type(keyring) is VaultKeyring:
        found = _statement(OwnerKind.VAULT, width, named).rows(work, owner=keyring.vault_id, **bound)
    elif type(keyring) is GrantKeyring:
        found = _statement(OwnerKind.GRANT, width, named).rows(work, owner=keyring.grant_id, **bound)
        for _, _, one in found:
            check_row_mac(work, one.row_mac, "grantstudy", keyring.grant_id, one.study)
    else:
        found = _statement(None, width, named).rows(work, **bound)
        held = keyring.holding(work, {row[0].study for row in found}) if found else ()
        found = [row for row in found if row[0].study in held]
    series = [(row[0], row[1]) for row in found]
    return [FoundSeries(Id(one.id), Id(one.study), study.scope, one.uid_bi) for one, study in series]


@cache
def _statement(owner: OwnerKind | None, width: int, named: bool) -> Joined:  # noqa: FBT001  a key of the cache
    studies = [octets(f"study_{at}") for at in range(width)]

    def found(wanted: Found) -> Found:
        together = _SERIES.join(_STUDY, _SERIES.c.study == _STUDY.c.id)
        if owner is OwnerKind.VAULT:
            mine = sa.and_(_SCOPE.c.owner_kind == OwnerKind.VAULT.value, _SCOPE.c.owner == _OWNER)
            together = together.join(_SCOPE, sa.and_(_SCOPE.c.id == _STUDY.c.scope, mine))
        elif owner is OwnerKind.GRANT:
            together = together.join(_NAMED, named_under(_OWNER, studies))
        if named:
            wanted = wanted.where(one_of(_SERIES.c.uid_bi, [octets(f"series_{at}") for at in range(width)]))
        return wanted.select_from(together).where(one_of(_STUDY.c.uid_bi, studies))

    parts = [Part(SeriesRow), Part(StudyRow, only={"id", "scope"})]
    return Joined(*parts, *([Part(GrantStudyRow)] if owner is OwnerKind.GRANT else []), found=found)


@dataclass(frozen=True, slots=True)
class Keyed:
    """An object's row, and that of the key of its class where the statement brought it along."""

    row: ObjectRow
    key_class: KeyClass
    key: Any = None

    def class_key(self, work: Work, keyring: Keyring) -> bytes:
        """The class key. Raises `NoKey` where it was not given, `BrokenRecord`."""
        if self.key is not None and isinstance(keyring, VaultKeyring | GrantKeyring):
            return keyring.class_key_in(work, self.key, self.key_class)
        return keyring.class_key(work, self.row.batch, self.key_class)


# --- what is said of a series -----------------------------------------------------------------------------------------

_PLACED = Part(InstanceRow, only={"id", "uid_bi", "version", "index_object", "place"})
_PLACES = Joined(_PLACED, found=lambda wanted: wanted.where(_INSTANCE.c.series == _THIS))
_NAMES = [column.name for column in _PLACED.columns]
_placed = itemgetter(*map(_NAMES.index, ("index_object", "place", "uid_bi", "version")))


def places_in(work: Work, series: FoundSeries) -> Iterator[tuple[bytes, int, bytes, int]]:
    """Of each instance of the series the index that describes it, its place there, its blind index, its version."""
    return map(_placed, _PLACES.columns(work, series=series.id))


def indexes_in(work: Work, keyring: Keyring, series: FoundSeries) -> list[Keyed]:
    """The indexes that describe the instances of the series, in the order in which they came."""
    return _keyed(work, keyring, _INDEXES, series)


def small_picture_of(work: Work, keyring: Keyring, series: FoundSeries, kind: Kind) -> Keyed | None:
    """The series' thumbnail or quick view."""
    return next(iter(_keyed(work, keyring, _SMALL, series, kind=int(kind))), None)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Objects of a series: which, in which order, and whose class key opens them."""

    key_class: KeyClass
    joined: Callable[[sa.Table], sa.Join]
    narrowed: Callable[[Found], Found]


_INDEXES = _Asked(
    KeyClass.META,
    lambda objects: objects.join(_BLOB, objects.c.blob == _BLOB.c.id),
    lambda wanted: wanted.where(
        _OBJECT.c.id.in_(sa.select(_INSTANCE.c.index_object).where(_INSTANCE.c.series == _THIS))
    ).order_by(_BLOB.c.since, _BLOB.c.id, _OBJECT.c.offset),
)
_SMALL = _Asked(
    KeyClass.PICTURES,
    lambda objects: objects.join(_PREVIEW, _PREVIEW.c.object == objects.c.id),
    lambda wanted: wanted.where(_PREVIEW.c.series == _THIS, _PREVIEW.c.kind == sa.bindparam("kind", type_=sa.Integer)),
)


def _keyed(work: Work, keyring: Keyring, asked: _Asked, series: FoundSeries, **bound: int) -> list[Keyed]:
    if type(keyring) in {VaultKeyring, GrantKeyring}:
        statement = _objects(asked, keyring.owner.kind)
        found = statement.rows(work, series=series.id, owner=keyring.owner.id, **bound)
        return [Keyed(row, asked.key_class, key) for row, key in found]
    return [Keyed(row, asked.key_class) for (row,) in _objects(asked, None).rows(work, series=series.id, **bound)]


@cache
def _objects(asked: _Asked, owner: OwnerKind | None) -> Joined:
    """A statement that brings with each object the row of the class key, if this owner was given it."""
    key = None
    if owner is OwnerKind.VAULT:
        held = sa.and_(_BATCH_KEY.c.owner_kind == OwnerKind.VAULT.value, _BATCH_KEY.c.owner == _OWNER)
        key = (BatchKeyRow, _BATCH_KEY, sa.and_(_BATCH_KEY.c.batch == _OBJECT.c.batch, held))
    elif owner is OwnerKind.GRANT:
        given = sa.and_(_GRANT_KEY.c.grant == _OWNER, _GRANT_KEY.c.key_class == asked.key_class.value)
        key = (GrantKeyRow, _GRANT_KEY, sa.and_(_GRANT_KEY.c.batch == _OBJECT.c.batch, given))

    def found(wanted: Found) -> Found:
        together = asked.joined(_OBJECT)
        return asked.narrowed(wanted.select_from(together if key is None else together.outerjoin(key[1], key[2])))

    return Joined(Part(ObjectRow), *([Part(key[0])] if key else []), found=found)
