"""Packs: the objects of one request and one study, sealed back to back into one blob (docs/format.md 6)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from vault.blobs import BlobStore, BlobWriter, Octets
from vault.facts import SeriesFacts, StudyFacts
from vault.ids import Id, new_id
from vault.intake import OpenBatch
from vault.keyring import KeyClass
from vault.objects import series_index
from vault.sealing.stream import Kind, Sealed, Sealer
from vault.tables import BlobRow, InstanceRow, ObjectRow


@dataclass(slots=True)
class Pack:
    """A blob on its way in, and the rows of the objects that lie in it so far."""

    blob_id: str
    writer: BlobWriter
    objects: list[ObjectRow] = field(default_factory=list[ObjectRow])

    @classmethod
    def begin(cls, blobs: BlobStore) -> Self:
        """An empty pack. Raises `StoreFull`."""
        blob_id = new_id().hex()
        return cls(blob_id, blobs.create(blob_id))

    def seal(
        self,
        batch: OpenBatch,
        kind: Kind,
        key_class: KeyClass,
        octets: Iterable[Octets],
        *,
        key: bytes,
        series_id: Id | None = None,
    ) -> tuple[ObjectRow, Sealed]:
        """One more object lies behind the others; if its octets or the store fail, nothing of it does."""
        object_id, mark = new_id(), self.mark()
        try:
            sealer = Sealer(self.writer.write, key32=key, study16=batch.study_id, object_id16=object_id, kind=kind)
            for piece in octets:
                sealer.write(piece)
            sealed = sealer.close()
        except BaseException:
            self.cut(mark)
            raise
        row = ObjectRow(
            id=object_id,
            batch=batch.id,
            series=series_id,
            kind=int(kind),
            key_class=key_class.value,
            blob=self.blob_id,
            offset=mark[0],
            length=sealed.length,
            commitment=sealed.commitment,
        )
        self.objects.append(row)
        return row, sealed

    def row(self, now: datetime) -> BlobRow:
        """The blob's row, once all of it is in the store."""
        return BlobRow(id=self.blob_id, bytes=sum(one.length for one in self.objects), state="live", since=now)

    def mark(self) -> tuple[int, int]:
        """Where the pack ends now."""
        return self.writer.tell(), len(self.objects)

    def cut(self, mark: tuple[int, int]) -> None:
        """The pack ends where it ended when `mark` was taken."""
        self.writer.truncate(mark[0])
        del self.objects[mark[1] :]


@dataclass(slots=True)
class SeriesIndex:
    """The descriptions of a series' instances, waiting to be sealed together.

    `base` is the origin of the addresses that stand in them.
    """

    batch: OpenBatch
    series_id: Id
    study: StudyFacts
    series: SeriesFacts
    base: str = ""
    rows: list[InstanceRow] = field(default_factory=list[InstanceRow])
    facts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    dicom: list[bytes] = field(default_factory=list[bytes])

    def add(self, instance: InstanceRow, facts: dict[str, Any], dicom: bytes) -> None:
        """The instance's description waits with the others."""
        self.rows.append(instance)
        self.facts.append(facts)
        self.dicom.append(dicom)

    def seal_into(self, pack: Pack) -> None:
        """The index lies in the pack by instance number, and its instances know it and their `place`.

        Raises `StoreFull`.
        """
        order = sorted(range(len(self.rows)), key=self._by_number)
        facts = [self.facts[place] for place in order]
        head = {"study": self.study.to_dict(), "series": self.series.to_dict(), "instances": facts}
        dicom = [self.dicom[place] for place in order]
        marks = [self.rows[place].uid_bi for place in order]
        row, _ = pack.seal(
            self.batch,
            Kind.SERIES_INDEX,
            KeyClass.META,
            [series_index(head, dicom, marks, base=self.base)],
            key=self.batch.class_key(KeyClass.META),
            series_id=self.series_id,
        )
        for place, which in enumerate(order):
            self.rows[which].index_object, self.rows[which].place = row.id, place

    def _by_number(self, place: int) -> tuple[bool, int, str]:
        facts = self.facts[place]
        return facts["number"] is None, facts["number"] or 0, facts["uid"]
