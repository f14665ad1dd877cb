"""Descriptions as they were sealed: found by their rows inside a transaction, opened after it (docs/format.md 6).

The rows decide which instances there are; what an index says of them is believed only where it was sealed for this
study and series and for exactly this instance.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id
from vault.keyring import Keyring
from vault.objects import Strip, read_strip
from vault.sealing import derive
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind
from vault.series import FoundSeries, find_series, indexes_in, places_in
from vault.tables import ObjectRow


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
    found: list[DescribedSeries] = []
    keys: dict[bytes, bytes] = {}
    for series in find_series(work, keyring, study_uid, series_uid):
        present: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
        only = derive.uid_index(work.secrets.index_key, series.scope, instance_uid) if instance_uid else None
        has_versions = False
        for index_id, place, uid_bi, version in places_in(work, series):
            if only is None or uid_bi == only:
                present[index_id].append((place, uid_bi))
                has_versions = has_versions or version > 0
        strips: list[_SealedStrip] = []
        for index in indexes_in(work, keyring, series) if present else ():
            row = index.row
            if row.id in present:
                if row.batch not in keys:
                    keys[row.batch] = index.class_key(work, keyring)
                strips.append(_SealedStrip(tuple(sorted(present[row.id])), row, keys[row.batch]))
        if strips:
            found.append(_described(series, study_uid, tuple(strips), has_versions=has_versions))
    if not found:
        raise NotThere
    return found


def _described(
    series: FoundSeries, study_uid: str, strips: tuple[_SealedStrip, ...], *, has_versions: bool
) -> DescribedSeries:
    mark = sha256()
    for sealed in strips:
        mark.update(sealed.row.id)
        mark.update(len(sealed.present).to_bytes(4, "big"))
        mark.update(b"".join(uid_bi for _, uid_bi in sealed.present))
    return DescribedSeries(
        study_id=series.study_id,
        mark=mark.digest(),
        has_versions=has_versions,
        _study_uid=study_uid,
        _scope=series.scope,
        _uid_bi=series.uid_bi,
        _strips=strips,
    )
