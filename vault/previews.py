"""The small pictures of a series, sealed like its pictures: they are pictures (docs/format.md 6)."""

from collections.abc import Mapping

import sqlalchemy as sa

from vault import links
from vault.changes import note_changed
from vault.database import Services, Work
from vault.ids import Id
from vault.intake import OpenBatch
from vault.joined import octets, table_of
from vault.keyring import KeyClass
from vault.packs import Pack
from vault.sealing.stream import Kind
from vault.tables import BatchRow, BlobRow, InstanceRow, ObjectRow, PreviewRow, SeriesRow


def keep_previews(
    services: Services, batch: OpenBatch, *, series_id: Id, pictures: Mapping[Kind, bytes], instances: int
) -> None:
    """Keep small pictures of a series (kinds 6 and 7), replacing those made when the series had fewer instances.

    Nothing is kept where batch or series were erased meanwhile. Raises `StoreFull`.
    """
    pack = Pack.begin(services.blobs)
    with pack.writer as writer:
        key = batch.series_key(series_id)
        for kind, jpeg in pictures.items():
            pack.seal(batch, kind, KeyClass.PICTURES, [jpeg], key=key, series_id=series_id)
        size = writer.tell()
        writer.commit()
    with services.work() as work:
        links.lock_scope(work, batch.scope_id)  # first, as everybody does who writes into a study
        if not _lock_series(work, batch, series_id):
            return
        work.session.add(BlobRow(id=pack.blob_id, bytes=size, state="live", since=work.now))
        work.session.flush()
        work.session.add_all(pack.objects)
        work.session.flush()
        for row in pack.objects:
            _replace_preview(work, PreviewRow(series=series_id, kind=row.kind, object=row.id, instances=instances))
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
        work.session.delete(before)
        work.session.flush()
        blob = work.session.get(BlobRow, before.blob)
        others = sa.select(ObjectRow.id).where(ObjectRow.blob == before.blob).limit(1)
        if blob is not None and work.session.scalar(others) is None:
            blob.state, blob.since = "freed", work.now


_ROW = table_of(PreviewRow)
_ARRIVED = sa.select(sa.func.count()).where(table_of(InstanceRow).c.series == octets("series")).scalar_subquery()
_SHOWN = (
    sa.select(_ROW.c.instances)
    .where(_ROW.c.series == octets("series"), _ROW.c.kind == int(Kind.THUMBNAIL))
    .scalar_subquery()
)
_ARRIVED_AND_SHOWN = sa.select(_ARRIVED, _SHOWN)


def preview_due(work: Work, series_id: bytes) -> int | None:
    """The series' instances, if its preview is missing or was made when it had less than half of them; else None."""
    arrived, shown = (work.plain or work.session).execute(_ARRIVED_AND_SHOWN, {"series": series_id}).one()
    return arrived if arrived and (shown is None or arrived >= 2 * shown) else None
