"""Descriptions as they were sealed: found by their rows inside a transaction, opened after it (docs/format.md 6).

The rows decide which instances there are; what an index says of them is believed only where it was sealed for this
study and series and for exactly this instance.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

import sqlalchemy as sa

from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id
from vault.keyring import KeyClass, Keyring
from vault.objects import Strip, read_strip
from vault.reading import indexes_of, series_rows
from vault.sealing import derive
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.tables import BlobRow, InstanceRow, ObjectRow, SeriesRow


@dataclass(frozen=True, slots=True)
class OpenStrip:
    """A strip and the places of the instances that are there."""

    strip: Strip
    places: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every instance it describes is there."""
        return len(self.places) == len(self.strip.lengths)


@dataclass(frozen=True, slots=True)
class _SealedStrip:
    """Where a series index lies, what opens it, and which instances lie in it: place and blind index of the UID."""

    present: tuple[tuple[int, bytes], ...]
    row: ObjectRow = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DescribedSeries:
    """A series' descriptions, not read yet. `mark` names exactly these instances in exactly these indexes.

    `has_versions` where an instance is there more than once: then what is newest is not for a strip to say.
    """

    study_id: Id
    mark: bytes
    has_versions: bool
    _study_uid: str = field(repr=False)
    _scope: bytes = field(repr=False)
    _uid_bi: bytes = field(repr=False)
    _strips: tuple[_SealedStrip, ...] = field(repr=False)

    @property
    def sealed_octets(self) -> int:
        """Octets of the sealed descriptions, of which the rows are a part."""
        return sum(sealed.row.length for sealed in self._strips)

    def opened(self, services: Services) -> list[OpenStrip]:
        """The strips, by the least instance number in each. Raises `Tampered`, `BlobMissing`, `BlobsAway`."""
        known: set[str] = set()
        strips = [self._open(services, sealed, known) for sealed in self._strips]
        return sorted(strips, key=lambda one: (one.strip.lowest is None, one.strip.lowest or 0))

    def _open(self, services: Services, sealed: _SealedStrip, known: set[str]) -> OpenStrip:
        if sealed.row.kind != int(Kind.SERIES_INDEX):
            raise Tampered("no series index")
        with services.blobs.reader(sealed.row.blob) as reader:
            strip = read_strip(reader, sealed.row, sealed.key, self.study_id)
        if strip.series_uid not in known:
            index = derive.uid_index(services.secrets.index_key, self._scope, strip.series_uid)
            if strip.study_uid != self._study_uid or index != self._uid_bi:
                raise Tampered("descriptions of another series")
            known.add(strip.series_uid)
        for place, mark in sealed.present:
            if not 0 <= place < len(strip.marks) or strip.marks[place] != mark:
                raise Tampered("a row with another's description")
        return OpenStrip(strip, tuple(place for place, _ in sealed.present))


def find_described(
    work: Work, keyring: Keyring, study_uid: str, series_uid: str | None = None, instance_uid: str | None = None
) -> list[DescribedSeries]:
    """The descriptions of a study's or series' instances, or of one, in the order of arrival.

    Raises `NotThere`, `NoKey` where descriptions were not given.
    """
    series = {row.id: row for row in series_rows(work, keyring, study_uid, series_uid)}
    present = _present(work, keyring, series, instance_uid) if series else {}
    if not present:
        raise NotThere
    sealed: dict[bytes, list[_SealedStrip]] = defaultdict(list)
    keys: dict[bytes, bytes] = {}
    for row in _indexes(work, list(series), list(present)):
        if row.batch not in keys:
            keys[row.batch] = keyring.class_key(work, row.batch, KeyClass.META)
        for series_id in {one.series for one in present[row.id]}:
            mine = tuple((one.place, one.uid_bi) for one in present[row.id] if one.series == series_id)
            sealed[series_id].append(_SealedStrip(mine, row, keys[row.batch]))
    versioned = {one.series for many in present.values() for one in many if one.version}
    scopes = {one.series: one.scope for many in present.values() for one in many}
    return [
        _described(series[series_id], study_uid, scopes[series_id], tuple(strips), has_versions=series_id in versioned)
        for series_id, strips in sealed.items()
    ]


def _described(
    series: SeriesRow, study_uid: str, scope: bytes, strips: tuple[_SealedStrip, ...], *, has_versions: bool
) -> DescribedSeries:
    mark = sha256()
    for sealed in strips:
        mark.update(sealed.row.id)
        mark.update(len(sealed.present).to_bytes(4, "big"))
        mark.update(b"".join(uid_bi for _, uid_bi in sealed.present))
    return DescribedSeries(
        study_id=Id(series.study),
        mark=mark.digest(),
        has_versions=has_versions,
        _study_uid=study_uid,
        _scope=scope,
        _uid_bi=series.uid_bi,
        _strips=strips,
    )


_Present = sa.Row[bytes, bytes, bytes, int, bytes, int]


def _present(
    work: Work, keyring: Keyring, series: dict[bytes, SeriesRow], instance_uid: str | None
) -> dict[bytes, list[_Present]]:
    """The instances there are, by the index they are described in, each with its place there."""
    found = (
        sa.select(
            InstanceRow.series,
            InstanceRow.scope,
            InstanceRow.index_object,
            InstanceRow.place,
            InstanceRow.uid_bi,
            InstanceRow.version,
        )
        .where(InstanceRow.series.in_(series))
        .order_by(InstanceRow.place)
    )
    if instance_uid is not None:
        found = found.where(InstanceRow.uid_bi.in_(indexes_of(work, keyring, instance_uid)))
    present: dict[bytes, list[_Present]] = defaultdict(list)
    for row in work.session.execute(found):
        present[row.index_object].append(row)
    return present


def _indexes(work: Work, series_ids: list[bytes], ids: list[bytes]) -> list[ObjectRow]:
    """The indexes in the order in which they came."""
    wanted = sa.select(InstanceRow.index_object).where(InstanceRow.series.in_(series_ids))
    found = (
        sa.select(ObjectRow)
        .join(BlobRow, ObjectRow.blob == BlobRow.id)
        .where(ObjectRow.id == ids[0] if len(ids) == 1 else ObjectRow.id.in_(wanted))
        .order_by(BlobRow.since, BlobRow.id, ObjectRow.offset)
    )
    known = set(ids)
    return [row for row in work.session.scalars(found) if row.id in known]
