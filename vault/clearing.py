"""Clearing away what nobody needs any more, every minute (docs/format.md 12).

How long it takes follows from what is due and not from how much is kept: a sweep that finds its rows by what they lack
looks at each of them once, when it has come of age (`marks`), and one that looks through the store does so in parts.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from vault import attempts, claims, erasure, marks
from vault.database import Services, Work
from vault.openers import sweep_openers
from vault.root_keys import in_parts
from vault.rows import changed_rows
from vault.tables import EPOCH, BatchRow, BlobRow, IngestRow, ObjectRow
from vault.tables_sharing import HolderRow, OnceRow, SessionRow

BLOBS_STAY: Final = timedelta(hours=48)  # above the interval of backups, so that a restored row finds its octets
ORPHANS_STAY: Final = timedelta(hours=24)
EMPTY_BATCHES_STAY: Final = timedelta(hours=1)  # longer than any site's token lives
_SHORTEST_IDLE: Final = timedelta(minutes=1)  # being seen is noted no more often: nobody is out sooner


class Swept(NamedTuple):
    """How many of each went."""

    claims: int
    openers: int
    vaults: int
    blobs: int
    orphans: int


def clear(services: Services) -> Swept:
    """What has run out is gone, and what belongs to nothing."""
    expired = claims.expire(services)
    with services.work() as work:
        openers = _drop_openers(work) + attempts.prune(work)
        _drop_empty_batches(work)
        _free_lost_blobs(work)
    blobs = _delete_freed_blobs(services)
    return Swept(expired, openers, 0, blobs, _look_through_store(services))


def _drop_openers(work: Work) -> int:
    now = (work.now - EPOCH) // timedelta(microseconds=1)
    idle_since = sa.type_coerce(SessionRow.seen, sa.BigInteger) + sa.cast(SessionRow.idle, sa.BigInteger) * 1_000_000
    past = (
        sa.delete(SessionRow).where(SessionRow.seen <= work.now - _SHORTEST_IDLE, idle_since <= now),
        sa.delete(HolderRow).where(HolderRow.expires <= work.now),
        sa.delete(IngestRow).where(IngestRow.expires <= work.now),
        sa.delete(OnceRow).where(OnceRow.until <= work.now),
    )
    return sweep_openers(work) + sum(
        changed_rows(work.session, one.execution_options(synchronize_session=False)) for one in past
    )


# -- what belongs to nothing -----------------------------------------------------------------------


def _drop_empty_batches(work: Work) -> None:
    """Batches that a token began and never filled."""
    has_objects = sa.exists().where(ObjectRow.batch == BatchRow.id)
    has_token = sa.exists().where(IngestRow.batch == BatchRow.id)
    since, until = marks.reached(work, "batches"), work.now - EMPTY_BATCHES_STAY
    of_age = sa.select(BatchRow.id).where(BatchRow.created > since, BatchRow.created <= until)
    erasure.erase_batches(work, work.session.scalars(of_age.where(~has_objects, ~has_token)).all())
    marks.reach(work, "batches", until)


def _free_lost_blobs(work: Work) -> None:
    has_objects = sa.exists().where(ObjectRow.blob == BlobRow.id)
    since, until = marks.reached(work, "blobs"), work.now - ORPHANS_STAY
    of_age = (BlobRow.state == "live", BlobRow.since > since, BlobRow.since <= until)
    lost = sa.update(BlobRow).where(*of_age, ~has_objects).values(state="freed", since=work.now)
    work.session.execute(lost, execution_options={"synchronize_session": False})
    marks.reach(work, "blobs", until)


def _delete_freed_blobs(services: Services) -> int:
    with services.reading() as work:
        freed = sa.select(BlobRow.id).where(BlobRow.state == "freed", BlobRow.since <= work.now - BLOBS_STAY)
        due = list(work.session.scalars(freed))
    for blob_id in due:
        services.blobs.delete(blob_id)  # before its row: what has no row is found by nobody
        with services.work() as work:
            work.session.execute(sa.delete(BlobRow).where(BlobRow.id == blob_id, BlobRow.state == "freed"))
    return len(due)


def _look_through_store(services: Services) -> int:
    """The next part of the store holds no blob that no row names; answers how many went."""
    with services.reading() as work:
        behind = marks.place(work, "store")
    looked = services.blobs.sweep(
        services.clock.now() - ORPHANS_STAY, lambda names: _with_rows(services, names), behind=behind
    )
    if looked.last != behind:
        with services.work() as work:
            marks.stop_behind(work, "store", looked.last)
    return looked.gone


def _with_rows(services: Services, blob_ids: Sequence[str]) -> set[str]:
    found = set[str]()
    with services.reading() as work:
        for part in in_parts(blob_ids):
            found.update(work.session.scalars(sa.select(BlobRow.id).where(BlobRow.id.in_(part))))
    return found
