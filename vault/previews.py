"""The small pictures of a series, sealed like its pictures: they are pictures (docs/format.md 6)."""

import sqlalchemy as sa

from vault.changes import note_changed
from vault.database import Services, Work
from vault.ids import new_id
from vault.intake import OpenBatch
from vault.keyring import KeyClass
from vault.sealing.stream import Kind, Sealer
from vault.tables import BatchRow, BlobRow, InstanceRow, ObjectRow, PreviewRow, SeriesRow


def keep_preview(
    services: Services, batch: OpenBatch, *, series_id: bytes, kind: Kind, jpeg: bytes, instances: int
) -> None:
    """Keep a small picture of a series (kind 6 or 7), replacing the one made when the series had fewer instances.

    Nothing is kept where batch or series were erased meanwhile. Raises `StoreFull`.
    """
    object_id, blob_id = new_id(), new_id().hex()
    with services.blobs.create(blob_id) as writer:
        key = batch.series_key(series_id)
        sealer = Sealer(writer.write, key32=key, study16=batch.study_id, object_id16=object_id, kind=kind)
        sealer.write(jpeg)
        sealed = sealer.close()
        writer.commit()
    with services.work() as work:
        if not _lock_series(work, batch, series_id):
            return
        work.session.add(BlobRow(id=blob_id, bytes=sealed.length, state="live", since=work.now))
        work.session.flush()
        row = ObjectRow(
            id=object_id,
            batch=batch.id,
            series=series_id,
            kind=int(kind),
            key_class=KeyClass.PICTURES.value,
            blob=blob_id,
            offset=0,
            length=sealed.length,
            commitment=sealed.commitment,
        )
        work.session.add(row)
        work.session.flush()
        _replace_preview(work, PreviewRow(series=series_id, kind=int(kind), object=object_id, instances=instances))
        note_changed(work, [batch.study_id])


def _lock_series(work: Work, batch: OpenBatch, series_id: bytes) -> bool:
    """Whether series and batch are there; two workers that keep the same preview do so one after the other."""
    series = sa.select(SeriesRow.id).where(SeriesRow.id == series_id, SeriesRow.study == batch.study_id)
    locked = work.session.scalar(series.with_for_update(key_share=True))
    held = work.session.scalar(sa.select(BatchRow.id).where(BatchRow.id == batch.id).with_for_update(key_share=True))
    return locked is not None and held is not None


def _replace_preview(work: Work, fresh: PreviewRow) -> None:
    old = work.session.get(PreviewRow, (fresh.series, fresh.kind))
    if old is None:
        work.session.add(fresh)
        return
    before = work.session.get(ObjectRow, old.object)
    old.object, old.instances = fresh.object, fresh.instances
    work.session.flush()
    if before is not None:
        blob = work.session.get(BlobRow, before.blob)
        work.session.delete(before)
        if blob is not None:
            blob.state, blob.since = "freed", work.now


def preview_due(work: Work, series_id: bytes) -> int | None:
    """The series' instances, if its preview is missing or was made when it had less than half of them; else None."""
    count = work.session.scalar(sa.select(sa.func.count()).where(InstanceRow.series == series_id)) or 0
    row = work.session.get(PreviewRow, (series_id, int(Kind.THUMBNAIL)))
    return count if count and (row is None or count >= 2 * row.instances) else None
