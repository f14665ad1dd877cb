"""The rows of studies, gone for good: without its wraps and seals no key of a batch comes back (docs/format.md 12).

What calls this decides who may; `custody` is for owners, `claims` for what was never taken.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from vault.changes import drop_sheets_of, note_changed
from vault.database import Work
from vault.rows import changed_rows
from vault.tables import (
    BatchRow,
    BlobRow,
    CardRow,
    ClaimRow,
    InstanceRow,
    ObjectRow,
    PreviewRow,
    ResourceRow,
    ScopeRow,
    SeriesRow,
    SheetRow,
    StudyRow,
)

_AT_ONCE = 400  # parameters in one statement, below every database's limit


def erase_studies(work: Work, study_ids: Iterable[bytes]) -> int:
    """Every row of these studies is gone, their blobs are marked to be deleted. Answers how many studies there were."""
    return sum(_erase(work, part) for part in _parts(study_ids))


def erase_batches(work: Work, batch_ids: Iterable[bytes]) -> None:
    """The same for batches; a study that has no other batch goes with them."""
    for part in _parts(batch_ids):
        studies = sa.select(BatchRow.study).where(BatchRow.id.in_(part)).distinct()
        touched = list(work.session.scalars(studies))
        note_changed(work, touched)
        drop_sheets_of(work, touched)
        work.session.execute(sa.delete(CardRow).where(CardRow.study.in_(touched)))
        _free_blobs(work, part)
        _drop_contents(work, part)
        work.session.execute(sa.delete(BatchRow).where(BatchRow.id.in_(part)))
        still_there = sa.select(BatchRow.study).where(BatchRow.study.in_(touched))
        work.session.execute(sa.delete(StudyRow).where(StudyRow.id.in_(touched), StudyRow.id.not_in(still_there)))


def drop_catalogues(work: Work, owners: Sequence[bytes]) -> None:
    """What was prepared for these owners is gone."""
    for table in (CardRow, SheetRow):
        work.session.execute(sa.delete(table).where(table.owner.in_(owners)))


def erase_scopes(work: Work, scope_ids: Sequence[bytes]) -> None:
    """Scopes whose studies and links are gone, and the claims that led to them."""
    for part in _parts(scope_ids):
        work.session.execute(sa.delete(ClaimRow).where(ClaimRow.scope.in_(part)))
        work.session.execute(sa.delete(ScopeRow).where(ScopeRow.id.in_(part)))


def _erase(work: Work, study_ids: Sequence[bytes]) -> int:
    note_changed(work, study_ids)  # so that nobody writes a sheet anew that was made before
    drop_sheets_of(work, study_ids)
    erase_all_of = sa.select(BatchRow.id).where(BatchRow.study.in_(study_ids))
    for part in _parts(work.session.scalars(erase_all_of)):
        _free_blobs(work, part)
        _drop_contents(work, part)
    work.session.execute(sa.delete(SeriesRow).where(SeriesRow.study.in_(study_ids)))
    return changed_rows(work.session, sa.delete(StudyRow).where(StudyRow.id.in_(study_ids)))


def _free_blobs(work: Work, batch_ids: Sequence[bytes]) -> None:
    """A blob is a pack of one study: with its batch nothing else in it is needed (docs/format.md 6)."""
    blobs = sa.select(ObjectRow.blob).where(ObjectRow.batch.in_(batch_ids)).distinct()
    work.session.execute(
        sa.update(BlobRow).where(BlobRow.id.in_(blobs)).values(state="freed", since=work.now),
        execution_options={"synchronize_session": False},
    )


def _drop_contents(work: Work, batch_ids: Sequence[bytes]) -> None:
    """Children before the objects they point at, so that no database has to look for them one by one."""
    objects = sa.select(ObjectRow.id).where(ObjectRow.batch.in_(batch_ids))
    for rows in (
        sa.delete(InstanceRow).where(InstanceRow.batch.in_(batch_ids)),
        sa.delete(ResourceRow).where(ResourceRow.batch.in_(batch_ids)),
        sa.delete(PreviewRow).where(PreviewRow.object.in_(objects)),
        sa.delete(ObjectRow).where(ObjectRow.batch.in_(batch_ids)),
    ):
        work.session.execute(rows, execution_options={"synchronize_session": False})


def _parts(ids: Iterable[bytes]) -> Iterable[Sequence[bytes]]:
    everything = list(ids)
    return (everything[start : start + _AT_ONCE] for start in range(0, len(everything), _AT_ONCE))
