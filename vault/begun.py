"""What a token has begun and only goes on with: found by reading alone, so that a push of many requests writes no more
than what it brings. Where anything is not as it was, `intake` decides (docs/format.md 5).
"""

import sqlalchemy as sa

from vault import links
from vault.database import Work
from vault.ids import Id
from vault.intake import OpenBatch, Pusher
from vault.links import SitePatient
from vault.sealing import derive
from vault.tables import BatchKeyRow, BatchRow, IngestRow, InstanceRow, SeriesRow, StudyRow


def begun_batch(work: Work, pusher: Pusher, patient: SitePatient, study_uid: str) -> OpenBatch | None:
    """The batch of this token and study if it is still sealed to whoever owns the patient's pushes now, else None.

    Raises what `links.place_for` raises.
    """
    home = links.home_of(work, patient)
    if home is None:
        return None
    owner, scope_id = home
    found = (
        sa.select(BatchRow.id, StudyRow.id, IngestRow.ct)
        .join(StudyRow, BatchRow.study == StudyRow.id)
        .join(IngestRow, sa.and_(IngestRow.batch == BatchRow.id, IngestRow.token_id == BatchRow.token_id))
        .join(BatchKeyRow, BatchKeyRow.batch == BatchRow.id)
        .where(
            StudyRow.scope == scope_id,
            StudyRow.uid_bi == derive.uid_index(work.secrets.index_key, scope_id, study_uid),
            BatchRow.token_id == pusher.token_id,
            IngestRow.expires > work.now,
            BatchKeyRow.owner_kind == owner.kind.value,
            BatchKeyRow.owner == owner.id,
        )
    )
    row = work.session.execute(found).one_or_none()
    if row is None:
        return None
    batch_id, study_id, ct = row
    return OpenBatch(Id(batch_id), Id(study_id), scope_id, owner, pusher.unwrap(ct, batch_id))


def begun_series(work: Work, batch: OpenBatch, series_uid: str) -> Id | None:
    """The series if something of it came with this batch before; what grants were owed for it they have, then."""
    came = sa.exists().where(InstanceRow.series == SeriesRow.id, InstanceRow.batch == batch.id)
    uid_bi = derive.uid_index(work.secrets.index_key, batch.scope_id, series_uid)
    found = sa.select(SeriesRow.id).where(SeriesRow.study == batch.study_id, SeriesRow.uid_bi == uid_bi, came)
    series_id = work.session.scalar(found)
    return None if series_id is None else Id(series_id)
