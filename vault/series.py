"""Series found by their UIDs, only inside the studies that a keyring holds; and what is said of them, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

import sqlalchemy as sa

from vault.believed import check_row_mac
from vault.database import Work
from vault.ids import Id
from vault.joined import Found, Joined, Part, table_of
from vault.keyring import GrantKeyring, Keyring, OwnerKind, VaultKeyring
from vault.sealing import derive
from vault.sealing.stream import Kind
from vault.tables import BlobRow, InstanceRow, ObjectRow, PreviewRow, ScopeRow, SeriesRow, StudyRow
from vault.tables_sharing import GrantStudyRow

_INSTANCE, _SERIES, _STUDY, _OBJECT = map(table_of, (InstanceRow, SeriesRow, StudyRow, ObjectRow))
_BLOB, _PREVIEW, _SCOPE, _NAMED = map(table_of, (BlobRow, PreviewRow, ScopeRow, GrantStudyRow))
_OWNER, _THIS = (sa.bindparam(name, type_=sa.LargeBinary) for name in ("owner", "series"))


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
    def found(wanted: Found) -> Found:
        together = _SERIES.join(_STUDY, _SERIES.c.study == _STUDY.c.id)
        if owner is OwnerKind.VAULT:
            mine = sa.and_(_SCOPE.c.owner_kind == OwnerKind.VAULT.value, _SCOPE.c.owner == _OWNER)
            together = together.join(_SCOPE, sa.and_(_SCOPE.c.id == _STUDY.c.scope, mine))
        elif owner is OwnerKind.GRANT:
            together = together.join(_NAMED, sa.and_(_NAMED.c.study == _STUDY.c.id, _NAMED.c.grant == _OWNER))
        for level, column in (("study", _STUDY.c.uid_bi), ("series", _SERIES.c.uid_bi))[: 1 + named]:
            binds = [sa.bindparam(f"{level}_{at}", type_=sa.LargeBinary) for at in range(width)]
            wanted = wanted.where(column.in_(binds) if width > 1 else column == binds[0])
        return wanted.select_from(together)

    parts = [Part(SeriesRow), Part(StudyRow, only={"id", "scope"})]
    return Joined(*parts, *([Part(GrantStudyRow)] if owner is OwnerKind.GRANT else []), found=found)


# --- what is said of a series -----------------------------------------------------------------------------------------

_PLACED = Part(InstanceRow, only={"id", "uid_bi", "version", "index_object", "place"})
_PLACES = Joined(_PLACED, found=lambda wanted: wanted.where(_INSTANCE.c.series == _THIS))
_NAMES = [column.name for column in _PLACED.columns]
_placed = itemgetter(*map(_NAMES.index, ("index_object", "place", "uid_bi", "version")))
_INDEXES = Joined(
    Part(ObjectRow),
    found=lambda wanted: (
        wanted.select_from(_OBJECT.join(_BLOB, _OBJECT.c.blob == _BLOB.c.id))
        .where(_OBJECT.c.id.in_(sa.select(_INSTANCE.c.index_object).where(_INSTANCE.c.series == _THIS)))
        .order_by(_BLOB.c.since, _BLOB.c.id, _OBJECT.c.offset)
    ),
)
_SMALL = Joined(
    Part(ObjectRow),
    found=lambda wanted: wanted.select_from(_PREVIEW.join(_OBJECT, _PREVIEW.c.object == _OBJECT.c.id)).where(
        _PREVIEW.c.series == _THIS, _PREVIEW.c.kind == sa.bindparam("kind", type_=sa.Integer)
    ),
)


def places_in(work: Work, series: FoundSeries) -> Iterator[tuple[bytes, int, bytes, int]]:
    """Of each instance of the series the index that describes it, its place there, its blind index, its version."""
    return map(_placed, _PLACES.columns(work, series=series.id))


def indexes_in(work: Work, series: FoundSeries) -> list[ObjectRow]:
    """The indexes that describe the instances of the series, in the order in which they came."""
    return [row for (row,) in _INDEXES.rows(work, series=series.id)]


def small_picture_of(work: Work, series: FoundSeries, kind: Kind) -> ObjectRow | None:
    """The object of the series' thumbnail or quick view."""
    return next((row for (row,) in _SMALL.rows(work, series=series.id, kind=int(kind))), None)
