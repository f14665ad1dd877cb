"""The instances of studies as lists name them: UID, class and number, from cards or from heads of series indexes."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from vault.blobs import BlobMissing
from vault.cards import read_instances, written_instances
from vault.database import Work
from vault.deck import Deck, What
from vault.ids import Id
from vault.keyring import KeyClass, Keyring
from vault.objects import check_uid, read_index_head
from vault.opening import AT_ONCE, KeysAtHand
from vault.sealing.errors import Tampered
from vault.studies import Listed
from vault.tables import InstanceRow, ObjectRow, SeriesRow, StudyRow

BySeries = dict[Id, list[Listed]]
_Row = sa.Row[bytes, bytes, bytes, bytes, int, bytes]


def listed_instances(work: Work, keyring: Keyring, study_ids: Collection[bytes]) -> dict[Id, BySeries]:
    """The instances of these studies by number, each UID of a series once; only of what this keyring opens.

    That the keyring holds the studies is asked before. What is missing in the store is left out.
    """
    ids = list(study_ids)
    key = keyring.catalogue_key(work) if ids else None
    deck = None if key is None else Deck(work, keyring.owner, key)
    found = {} if deck is None else deck.read(What.INSTANCES, ids, read_instances)
    missing = [study_id for study_id in ids if study_id not in found]
    for start in range(0, len(missing), AT_ONCE):
        reader = _Reader(work, keyring, missing[start : start + AT_ONCE])
        opened = {study_id: (changed, reader.of(study_id)) for study_id, changed in reader.changed.items()}
        found |= {study_id: listed for study_id, (_, listed) in opened.items()}
        if deck is not None:
            made = {one: (changed, written_instances(listed.items())) for one, (changed, listed) in opened.items()}
            deck.keep(What.INSTANCES, {one: card for one, card in made.items() if one not in reader.damaged})
    return found


class _Reader:
    """Fetches the rows of the instances of some studies at once, and opens each index that names one of them once."""

    def __init__(self, work: Work, keyring: Keyring, ids: Sequence[bytes]) -> None:
        self._work = work
        self.damaged: set[Id] = set()
        asked = sa.select(StudyRow.id, StudyRow.changed).where(StudyRow.id.in_(ids))
        self.changed = {Id(study_id): changed for study_id, changed in work.session.execute(asked)}
        columns = (SeriesRow.study, InstanceRow.series, InstanceRow.uid_bi, InstanceRow.index_object, InstanceRow.place)
        rows = (
            sa.select(*columns, InstanceRow.scope)
            .join(SeriesRow, InstanceRow.series == SeriesRow.id)
            .where(SeriesRow.study.in_(ids))
            .order_by(InstanceRow.version)
        )
        self._rows: dict[bytes, list[_Row]] = defaultdict(list)
        for row in work.session.execute(rows):
            self._rows[row[0]].append(row)
        indexes = sorted({row[3] for many in self._rows.values() for row in many})
        self._objects: dict[bytes, ObjectRow] = {}
        for start in range(0, len(indexes), AT_ONCE):
            part = sa.select(ObjectRow).where(ObjectRow.id.in_(indexes[start : start + AT_ONCE]))
            self._objects |= {one.id: one for one in work.session.scalars(part)}
        self._keys = KeysAtHand(work, keyring, {one.batch for one in self._objects.values()})
        self._heads: dict[bytes, list[dict[str, Any]]] = {}

    def of(self, study_id: Id) -> BySeries:
        """What can be opened of one study."""
        newest: dict[tuple[bytes, bytes], Listed] = {}
        for _, series, uid_bi, index, place, scope in self._rows[study_id]:
            said = self._head(study_id, index)
            if place >= len(said):
                continue
            facts = said[place]
            try:
                check_uid(self._work, facts["uid"], scope=scope, uid_bi=uid_bi)
            except Tampered:
                self.damaged.add(study_id)
                continue
            newest[series, uid_bi] = Listed(facts["uid"], facts["sop_class"], facts.get("number"))
        found: BySeries = defaultdict(list)
        for (series, _), one in newest.items():
            found[Id(series)].append(one)
        return {series: sorted(listed, key=_by_number) for series, listed in found.items()}

    def _head(self, study_id: Id, index: bytes) -> list[dict[str, Any]]:
        """What the index says of its instances; nothing where it cannot be opened."""
        if index not in self._heads:
            row = self._objects[index]
            key = self._keys.of(row.batch, KeyClass.META)
            try:
                opened: list[dict[str, Any]] = []
                if key is not None:
                    opened = read_index_head(self._work, row, key, study_id)["instances"]
            except (BlobMissing, Tampered):
                self.damaged.add(study_id)
                opened = []
            self._heads[index] = opened
        return self._heads[index]


def _by_number(one: Listed) -> tuple[bool, int, str]:
    return one.number is None, one.number or 0, one.uid
