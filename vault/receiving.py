"""One request's worth of pushed objects: octets first, rows after, acknowledged when both are durable.

The objects of one request and one study lie back to back in one blob, a pack. A refused object is cut off before the
next one begins. `commit` syncs every pack and then writes all rows in one transaction, so a row without its octets
cannot exist; a pack without rows is swept (docs/format.md 5, 6).
"""

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import sqlalchemy as sa

from vault.blobs import BlobWriter
from vault.database import Services, Work
from vault.errors import DifferentContent, NotThere
from vault.facts import InstanceFacts, SeriesFacts, StudyFacts
from vault.ids import Id, new_id
from vault.intake import OpenBatch, Pusher, series_in
from vault.keyring import KeyClass, canonical_json
from vault.sealing import derive
from vault.sealing.stream import Kind, Sealed, Sealer, padded
from vault.sealing.suite import wrap
from vault.tables import BatchRow, BlobRow, InstanceRow, ObjectRow, ResourceRow

Octets = bytes | bytearray | memoryview
Kept = Literal["stored", "already"]

INDEX_RECORDS = 500  # descriptions in one series index at most, so that memory stays bounded in any push
RECORD_PADDING = 1024
RESOURCE_PADDING = 4096


@dataclass(frozen=True, slots=True)
class IncomingObject:
    """A pushed instance. `facts`, `dicom` and `layout` are asked for once all its `octets` have been taken.

    `dicom` is its DICOM JSON without bulk data; `full` is that of a document, whose words belong to the reports' class.
    """

    uid: str
    key_class: KeyClass
    study: StudyFacts
    series: SeriesFacts
    octets: Iterable[Octets]
    facts: Callable[[], InstanceFacts]
    dicom: Callable[[], dict[str, Any]]
    layout: Callable[[], dict[str, Any]]
    full: Callable[[], dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class IncomingResource:
    """A pushed FHIR resource: `body` is {"type", "facts", "fhir"}; `condition` its conditional-create index."""

    key_class: KeyClass
    body: dict[str, Any]
    condition: bytes | None = None


@dataclass(slots=True)
class _Pack:
    blob_id: str
    writer: BlobWriter
    objects: list[ObjectRow] = field(default_factory=list[ObjectRow])


@dataclass(slots=True)
class _Index:
    batch: OpenBatch
    series_id: Id
    study: StudyFacts
    series: SeriesFacts
    rows: list[InstanceRow] = field(default_factory=list[InstanceRow])
    facts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    dicom: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Receiving:
    """A request that brings objects. Leaving it without `commit` keeps nothing."""

    def __init__(self, services: Services, pusher: Pusher) -> None:
        self._services, self._pusher = services, pusher
        self._packs: dict[bytes, _Pack] = {}
        self._indexes: dict[tuple[bytes, str], _Index] = {}
        self._series: dict[tuple[bytes, str], Id] = {}
        self._instances: dict[tuple[bytes, bytes], InstanceRow] = {}
        self._uids: dict[bytes, str] = {}
        self._resources: list[ResourceRow] = []
        self._batches: dict[bytes, OpenBatch] = {}

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
            self._series[key] = series_in(self._services, self._pusher, batch, series_uid, modality)
        return self._series[key]

    def instance(self, batch: OpenBatch, incoming: IncomingObject) -> Kept:
        """Take one instance in; "already" when the same octets are kept.

        Raises `DifferentContent` when other octets are kept under its UID, and whatever its octets raise; either way
        nothing of it is kept and the next one can follow.
        """
        series_id = self.series_id(batch, incoming.series.uid, incoming.series.modality)
        documents = incoming.key_class is KeyClass.REPORTS
        key = batch.class_key(KeyClass.REPORTS) if documents else batch.series_key(series_id)
        pack = self._pack(batch)
        start = pack.writer.tell()
        try:
            row, sealed = self._seal(pack, batch, key, Kind.INSTANCE, incoming.octets, incoming.key_class, series_id)
            instance = self._row(batch, incoming, series_id, row, sealed)
            kept = self._is_kept(batch, instance, documents=documents)
        except BaseException:
            pack.writer.truncate(start)
            raise
        if kept:
            pack.writer.truncate(start)
            return "already"
        pack.objects.append(row)
        layout = incoming.layout()
        if incoming.full is not None:
            layout["full"] = self._full_description(pack, batch, incoming.full(), series_id).hex()
        instance.layout = wrap(key, canonical_json(layout).encode(), "layout", batch.id, instance.id)
        self._describe(batch, series_id, instance, incoming)
        self._instances[batch.scope_id, instance.uid_bi] = instance
        self._uids[instance.id] = incoming.uid
        return "stored"

    def resource(self, batch: OpenBatch, incoming: IncomingResource) -> Id:
        """Take one FHIR resource in, as its site sent it; returns its identifier."""
        body = padded(canonical_json(incoming.body).encode(), RESOURCE_PADDING)
        return self._paper(batch, Kind.RESOURCE, incoming.key_class, [body], incoming.condition)

    def document(self, batch: OpenBatch, media_type: str, octets: bytes, key_class: KeyClass) -> Id:
        """Take in a file that came with a report; returns its identifier."""
        head = canonical_json({"type": "Binary", "media_type": media_type}).encode()
        return self._paper(batch, Kind.DOCUMENT, key_class, [len(head).to_bytes(4, "big") + head, octets], None)

    def commit(self) -> frozenset[str]:
        """Make everything durable. Nothing may be acknowledged before this returns.

        Returns the UIDs that another request kept in the meantime with other octets; those were refused. Raises
        `NotThere` when a batch was erased meanwhile, `StoreFull` when the store cannot take the octets.
        """
        for index in list(self._indexes.values()):
            self._flush(index)
        self._indexes.clear()
        for pack in self._packs.values():
            pack.writer.commit()
        with self._services.work() as work:
            self._check_batches(work)
            refused = self._settle_races(work)
            self._write_rows(work)
        self._packs.clear()
        return refused

    # -- octets

    def _pack(self, batch: OpenBatch) -> _Pack:
        self._batches[batch.id] = batch
        if batch.study_id not in self._packs:
            blob_id = new_id().hex()
            self._packs[batch.study_id] = _Pack(blob_id, self._services.blobs.create(blob_id))
        return self._packs[batch.study_id]

    def _seal(
        self,
        pack: _Pack,
        batch: OpenBatch,
        key: bytes,
        kind: Kind,
        octets: Iterable[Octets],
        key_class: KeyClass,
        series_id: Id | None,
    ) -> tuple[ObjectRow, Sealed]:
        object_id, offset = new_id(), pack.writer.tell()
        sealer = Sealer(pack.writer.write, key32=key, study16=batch.study_id, object_id16=object_id, kind=kind)
        for piece in octets:
            sealer.write(piece)
        sealed = sealer.close()
        row = ObjectRow(
            id=object_id,
            batch=batch.id,
            series=series_id,
            kind=int(kind),
            key_class=key_class.value,
            blob=pack.blob_id,
            offset=offset,
            length=sealed.length,
            commitment=sealed.commitment,
        )
        return row, sealed

    def _paper(
        self, batch: OpenBatch, kind: Kind, key_class: KeyClass, octets: Sequence[bytes], condition: bytes | None
    ) -> Id:
        pack = self._pack(batch)
        row, _ = self._seal(pack, batch, batch.class_key(key_class), kind, octets, key_class, None)
        pack.objects.append(row)
        resource = ResourceRow(
            id=new_id(),
            scope=batch.scope_id,
            study=batch.study_id,
            batch=batch.id,
            object=row.id,
            key_class=key_class.value,
            condition=condition,
        )
        self._resources.append(resource)
        return Id(resource.id)

    def _full_description(self, pack: _Pack, batch: OpenBatch, full: dict[str, Any], series_id: Id) -> Id:
        body = padded(gzip.compress(json.dumps(full).encode(), 6, mtime=0), RECORD_PADDING)
        key = batch.class_key(KeyClass.REPORTS)
        row, _ = self._seal(pack, batch, key, Kind.METADATA, [body], KeyClass.REPORTS, series_id)
        pack.objects.append(row)
        return Id(row.id)

    # -- rows

    def _row(
        self, batch: OpenBatch, incoming: IncomingObject, series_id: Id, row: ObjectRow, sealed: Sealed
    ) -> InstanceRow:
        index_key = self._services.secrets.index_key
        if incoming.key_class is KeyClass.REPORTS:
            # The words of a document are guessable: a MAC under the settings' key would confirm a guess after a theft.
            mac = derive.duplicate_mac(batch.root_key, batch.scope_id, sealed.sha256)
        else:
            mac = derive.content_mac(index_key, batch.scope_id, sealed.sha256)
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

    def _is_kept(self, batch: OpenBatch, instance: InstanceRow, *, documents: bool) -> bool:
        earlier = self._instances.get((batch.scope_id, instance.uid_bi))
        if earlier is None:
            with self._services.reading() as work:
                earlier = _newest(work, batch.scope_id, instance.uid_bi)
        if earlier is None:
            return False
        if earlier.content_mac == instance.content_mac and earlier.series == instance.series:
            return True
        if documents and earlier.batch != instance.batch:
            instance.version = earlier.version + 1  # not comparable under another token: kept as a newer version
            return False
        raise DifferentContent

    def _describe(self, batch: OpenBatch, series_id: Id, instance: InstanceRow, incoming: IncomingObject) -> None:
        key = (batch.id, incoming.series.uid)
        index = self._indexes.get(key)
        if index is None:
            index = _Index(batch, series_id, incoming.study, incoming.series)
            self._indexes[key] = index
        instance.place = len(index.rows)
        index.rows.append(instance)
        index.facts.append(incoming.facts().to_dict())
        index.dicom.append(incoming.dicom())
        if len(index.rows) >= INDEX_RECORDS:
            self._flush(index)
            del self._indexes[key]

    def _flush(self, index: _Index) -> None:
        head = {"study": index.study.to_dict(), "series": index.series.to_dict(), "instances": index.facts}
        body = series_index(head, index.dicom)
        pack = self._pack(index.batch)
        key = index.batch.class_key(KeyClass.META)
        row, _ = self._seal(pack, index.batch, key, Kind.SERIES_INDEX, [body], KeyClass.META, index.series_id)
        pack.objects.append(row)
        for instance in index.rows:
            instance.index_object = row.id

    def _check_batches(self, work: Work) -> None:
        for batch_id in sorted(self._batches):
            if work.session.scalar(sa.select(BatchRow.id).where(BatchRow.id == batch_id).with_for_update()) is None:
                raise NotThere

    def _settle_races(self, work: Work) -> frozenset[str]:
        """Another worker may have kept an instance since it was looked for; the first one stays."""
        refused: set[str] = set()
        for key, instance in list(self._instances.items()):
            earlier = _newest(work, instance.scope, instance.uid_bi)
            if earlier is None or instance.version > earlier.version:
                continue
            if earlier.content_mac != instance.content_mac:
                refused.add(self._uids[instance.id])
            del self._instances[key]
        return frozenset(refused)

    def _write_rows(self, work: Work) -> None:
        for pack in self._packs.values():
            size = sum(row.length for row in pack.objects)
            work.session.add(BlobRow(id=pack.blob_id, bytes=size, state="live", since=work.now))
        work.session.flush()
        for pack in self._packs.values():
            work.session.add_all(pack.objects)
        work.session.flush()
        work.session.add_all(self._instances.values())
        for resource in self._resources:
            resource.created = work.now
        work.session.add_all(self._resources)
        work.session.flush()


def series_index(head: dict[str, Any], dicom: Sequence[dict[str, Any]]) -> bytes:
    """A series index: u32 length of the head, the head, then the instances' DICOM JSON, both gzip; padded to 1 KiB.

    The head alone (study, series and instance facts) serves lists; the rest serves DICOMweb metadata.
    """
    first = gzip.compress(canonical_json(head).encode(), 6, mtime=0)
    rest = gzip.compress(json.dumps(list(dicom), separators=(",", ":"), ensure_ascii=False).encode(), 6, mtime=0)
    return padded(len(first).to_bytes(4, "big") + first + rest, RECORD_PADDING)


def _newest(work: Work, scope: bytes, uid_bi: bytes) -> InstanceRow | None:
    return work.session.scalar(
        sa.select(InstanceRow)
        .where(InstanceRow.scope == scope, InstanceRow.uid_bi == uid_bi)
        .order_by(InstanceRow.version.desc())
        .limit(1)
    )
