"""One request's worth of pushed objects: octets first, rows after, acknowledged when both are durable.

The objects of one request and one study lie back to back in one blob, a pack. A refused object is cut off before the
next one begins. `commit` syncs every pack and then writes all rows in one transaction, so a row without its octets
cannot exist; a pack without rows is swept (docs/format.md 5, 6).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from vault import links
from vault.begun import begun_series
from vault.changes import note_changed
from vault.database import Services, Work
from vault.earlier import Looking, check_same, newest_of
from vault.errors import DifferentContent, NotThere
from vault.ids import Id, new_id
from vault.incoming import IncomingObject, IncomingReport, IncomingResource, Kept
from vault.intake import OpenBatch, Pusher, series_in
from vault.keyring import KeyClass
from vault.objects import RESOURCE_PADDING, as_json, description, document, layout_context
from vault.packs import Pack, SeriesIndex
from vault.rows import add_rows
from vault.sealing import derive
from vault.sealing.stream import Kind, padded
from vault.sealing.suite import wrap
from vault.tables import BatchRow, InstanceRow, ObjectRow, ResourceRow

INDEX_RECORDS = 500  # descriptions that wait for their series index, and
INDEX_OCTETS = 8 << 20  # their octets: at most, so that memory stays bounded in any push


@dataclass(frozen=True, slots=True)
class _Taken:
    """An instance of this request, its UID, and the objects and papers that are of no use without it."""

    row: InstanceRow
    uid: str
    objects: frozenset[bytes]
    papers: tuple[ResourceRow, ...] = ()


class Receiving:
    """A request that brings objects. Leaving it without `commit` keeps nothing.

    `pusher` is None where the patient adds them.
    """

    def __init__(self, services: Services, pusher: Pusher | None) -> None:
        self._services, self._pusher = services, pusher
        self._batches: dict[bytes, OpenBatch] = {}
        self._packs: dict[bytes, Pack] = {}
        self._series: dict[tuple[bytes, str], Id] = {}
        self._taken: dict[tuple[bytes, bytes], _Taken] = {}
        self._resources: list[ResourceRow] = []
        self._indexes: dict[tuple[bytes, bytes], SeriesIndex] = {}
        self._waiting_records = self._waiting_octets = 0
        self._looking = Looking(services)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pack in self._packs.values():
            pack.writer.abandon()

    def series_id(self, batch: OpenBatch, series_uid: str, modality: str) -> Id:
        """The series' identifier, made if it is new."""
        key = (batch.id, series_uid)
        if key not in self._series:
            with self._services.reading() as work:
                begun = begun_series(work, batch, series_uid)
            self._series[key] = begun or series_in(self._services, self._pusher, batch, series_uid, modality)
        return self._series[key]

    def instance(self, batch: OpenBatch, incoming: IncomingObject) -> Kept:
        """Take one instance in; "already" when the same octets are kept.

        Raises `DifferentContent` when other octets are kept under its UID, `StoreFull`, and whatever its octets and
        descriptions raise; in each case nothing of it is kept and the next one can follow.
        """
        series_id = self.series_id(batch, incoming.series.uid, incoming.series.modality)
        if self._waiting_records >= INDEX_RECORDS or self._waiting_octets >= INDEX_OCTETS:
            self._seal_indexes()  # before this one: if the store is full, only this one is refused
        pack = self._pack(batch)
        mark = pack.mark()
        try:
            stored = self._take(pack, batch, series_id, incoming)
        except BaseException:
            pack.cut(mark)
            raise
        if not stored:
            pack.cut(mark)
        return "stored" if stored else "already"

    def resource(self, batch: OpenBatch, incoming: IncomingResource) -> Id:
        """Take one FHIR resource in, as its site sent it; returns its identifier."""
        row = self._resource(batch, incoming)
        self._resources.append(row)
        return Id(row.id)

    def document(self, batch: OpenBatch, media_type: str, octets: bytes, key_class: KeyClass) -> Id:
        """Take in a file that came with a report; returns its identifier."""
        row = self._document(batch, media_type, octets, key_class)
        self._resources.append(row)
        return Id(row.id)

    def commit(self) -> frozenset[str]:
        """Make everything durable. Nothing may be acknowledged before this returns.

        Returns the UIDs that another request kept in the meantime with other octets; those were refused. Raises
        `NotThere` when a batch was erased meanwhile, `StoreFull` when the store cannot take the octets.
        """
        self._seal_indexes()
        for study_id in [study_id for study_id, pack in self._packs.items() if not pack.objects]:
            self._packs.pop(study_id).writer.abandon()  # all of it was kept before
        for pack in self._packs.values():
            pack.writer.commit()
        refused = self._write()
        self._packs.clear()
        return refused

    def _write(self) -> frozenset[str]:
        """All rows are there. Only where something is not as it was is it looked for again; answers as `commit`."""
        try:
            with self._services.work() as work:
                if not work.database.is_sqlite:  # where no two write at once, and no row stands without its batch
                    self._hold_batches(work)
                self._write_rows(work)
        except IntegrityError:
            with self._services.work() as work:
                self._hold_batches(work)
                refused = self._settle_races(work)
                self._write_rows(work)
            return refused
        return frozenset()

    # -- octets

    def _pack(self, batch: OpenBatch) -> Pack:
        self._batches[batch.id] = batch
        if batch.study_id not in self._packs:
            self._packs[batch.study_id] = Pack.begin(self._services.blobs)
        return self._packs[batch.study_id]

    def _take(self, pack: Pack, batch: OpenBatch, series_id: Id, incoming: IncomingObject) -> bool:
        """Whether the instance is new; then it lies in the pack and waits for its index."""
        documents = incoming.key_class is KeyClass.REPORTS
        key = batch.class_key(KeyClass.REPORTS) if documents else batch.series_key(series_id)
        row, sealed = pack.seal(batch, Kind.INSTANCE, incoming.key_class, incoming.octets, key=key, series_id=series_id)
        instance = self._instance_row(batch, incoming, series_id, row, sealed.sha256)
        if self._is_kept(instance, documents=documents):
            return False
        facts, dicom = incoming.facts().to_dict(), as_json(incoming.dicom())
        layout = incoming.layout() | {"sha256": sealed.sha256.hex()}
        objects = {row.id}
        if incoming.full is not None:
            full = self._full_description(pack, batch, incoming.full(), series_id)
            layout = layout | {"full": full.hex()}
            objects.add(full)
        papers = self._papers_of(batch, incoming)
        objects |= {paper.id for paper in papers}
        instance.layout = wrap(key, as_json(layout), "layout", *layout_context(instance))
        index = SeriesIndex(batch, series_id, incoming.study, incoming.series, incoming.base)
        self._indexes.setdefault((batch.id, series_id), index).add(instance, facts, dicom)
        self._waiting_records, self._waiting_octets = self._waiting_records + 1, self._waiting_octets + len(dicom)
        self._taken[batch.scope_id, instance.uid_bi] = _Taken(instance, incoming.uid, frozenset(objects), papers)
        return True

    def _papers_of(self, batch: OpenBatch, incoming: IncomingObject) -> tuple[ResourceRow, ...]:
        """The report that is read out of an instance, with its files: there as long as the instance is."""
        report = incoming.report() if incoming.report is not None else None
        if report is None:
            return ()
        files = [self._document(batch, kind, octets, KeyClass.REPORTS) for kind, octets in report.documents]
        return (*files, self._resource(batch, report.resource([Id(file.id) for file in files])))

    def _full_description(self, pack: Pack, batch: OpenBatch, full: dict[str, Any], series_id: Id) -> Id:
        key = batch.class_key(KeyClass.REPORTS)
        row, _ = pack.seal(batch, Kind.METADATA, KeyClass.REPORTS, [description(full)], key=key, series_id=series_id)
        return Id(row.id)

    def _resource(self, batch: OpenBatch, incoming: IncomingResource) -> ResourceRow:
        body = padded(as_json(incoming.body), RESOURCE_PADDING)
        return self._paper(batch, Kind.RESOURCE, incoming.key_class, [body], incoming.condition)

    def _document(self, batch: OpenBatch, media_type: str, octets: bytes, key_class: KeyClass) -> ResourceRow:
        head = document({"type": "Binary", "media_type": media_type})
        return self._paper(batch, Kind.DOCUMENT, key_class, [head, octets], None)

    def _paper(
        self, batch: OpenBatch, kind: Kind, key_class: KeyClass, octets: Iterable[bytes], condition: bytes | None
    ) -> ResourceRow:
        row, _ = self._pack(batch).seal(batch, kind, key_class, octets, key=batch.class_key(key_class))
        return ResourceRow(
            id=row.id,  # the object's own, which its header seals: no row can point at another's words
            scope=batch.scope_id,
            study=batch.study_id,
            batch=batch.id,
            object=row.id,
            key_class=key_class.value,
            condition=condition,
        )

    def _seal_indexes(self) -> None:
        for key, index in list(self._indexes.items()):
            index.seal_into(self._pack(index.batch))
            del self._indexes[key]
        self._waiting_records = self._waiting_octets = 0

    # -- rows

    def _instance_row(
        self, batch: OpenBatch, incoming: IncomingObject, series_id: Id, row: ObjectRow, sha256: bytes
    ) -> InstanceRow:
        index_key = self._services.secrets.index_key
        if incoming.key_class is KeyClass.REPORTS:
            # The words of a document are guessable: a MAC under the settings' key would confirm a guess after a theft.
            mac = derive.duplicate_mac(batch.root_key, batch.scope_id, sha256)
        else:
            mac = derive.content_mac(index_key, batch.scope_id, sha256)
        return InstanceRow(
            id=new_id(),
            scope=batch.scope_id,
            uid_bi=derive.uid_index(index_key, batch.scope_id, incoming.uid),
            version=0,
            series=series_id,
            batch=batch.id,
            object=row.id,
            content_mac=mac,
        )

    def _is_kept(self, instance: InstanceRow, *, documents: bool) -> bool:
        taken = self._taken.get((instance.scope, instance.uid_bi))
        if taken is not None:
            check_same(taken.row, instance)
            return True
        earlier = self._looking.earlier(instance)
        if earlier is None:
            return False
        if documents and earlier.of_documents and earlier.series == instance.series and earlier.batch != instance.batch:
            instance.version = earlier.version + 1  # not comparable under another token: kept as a newer version
            return False
        check_same(earlier, instance)
        return True

    def _hold_batches(self, work: Work) -> None:
        """Behind the lock of their scopes nothing else of these patients is written or erased at this moment."""
        for scope_id in sorted({batch.scope_id for batch in self._batches.values()}):
            links.lock_scope(work, scope_id)
        for batch_id in sorted(self._batches):
            if work.session.scalar(sa.select(BatchRow.id).where(BatchRow.id == batch_id).with_for_update()) is None:
                raise NotThere

    def _settle_races(self, work: Work) -> frozenset[str]:
        """Another worker may have kept an instance since it was looked for; the first one stays."""
        refused: set[str] = set()
        dropped: set[bytes] = set()
        for mark, taken in list(self._taken.items()):
            earlier = newest_of(work, mark)
            if earlier is None or taken.row.version > earlier.version:
                continue
            try:
                check_same(earlier, taken.row)
            except DifferentContent:
                refused.add(taken.uid)
            dropped |= self._taken.pop(mark).objects
        if dropped:
            for pack in self._packs.values():
                pack.objects = [row for row in pack.objects if row.id not in dropped]
        return frozenset(refused)

    def _write_rows(self, work: Work) -> None:
        packs = self._packs.values()
        papers = [*self._resources, *(paper for taken in self._taken.values() for paper in taken.papers)]
        for place, paper in enumerate(papers):
            paper.created = work.now + timedelta(microseconds=place)  # versions of one report stay in their order
        add_rows(work.session, [pack.row(work.now) for pack in packs])
        add_rows(work.session, [row for pack in packs for row in pack.objects])
        add_rows(work.session, [taken.row for taken in self._taken.values()])
        add_rows(work.session, papers)
        note_changed(work, list(self._packs))


__all__ = ["IncomingObject", "IncomingReport", "IncomingResource", "Kept", "Receiving"]
