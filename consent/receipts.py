"""What the patient is told of those they gave to: that they looked, reviewed a report, or saved a copy."""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from consent.access import Access
from consent.decisions import row_of
from consent.tables import ReviewRow
from vault import audit
from vault.audit import Did
from vault.database import Work
from vault.ids import Id
from vault.rows import insert_or_renew

OPENED_AGAIN = timedelta(minutes=15)  # looking again after a pause this long counts as another time


def mark_opened(work: Work, access: Access) -> None:
    """They look. The first time, and each time after a pause, counts; the patient's history has the first.

    `access` is the one under which the study is seen (`Access.for_study`); without a grant nothing is marked.
    """
    if access.grant is None:
        return
    grant_id = access.grant.grant_id
    if count_opening(work, grant_id):
        audit.record(work, owner=access.owner, did=Did.OPENED, by=access.actor, to=grant_id)


def count_opening(work: Work, grant_id: bytes) -> bool:
    """The grant was opened now; answers whether for the first time."""
    row = row_of(work, grant_id)
    again = row.last_opened is None or work.now - row.last_opened >= OPENED_AGAIN
    row.opens += int(again)
    row.last_opened = work.now
    first = row.first_opened is None
    row.first_opened = row.first_opened or work.now
    return first


def mark_reviewed(work: Work, access: Access, study_id: bytes, *, came: datetime) -> None:
    """They say that they reviewed the report of a study they see, which `came` then; the first time counts.

    Of a report that changed they may say it again. Raises `NotThere`.
    """
    single = access.for_study(work, study_id)
    if single.grant is None:
        return
    named = {"grant": single.grant.grant_id, "study": study_id}
    older = ReviewRow.at < came
    if insert_or_renew(work.session, ReviewRow, key=tuple(named), renewed="at", only_if=older, **named, at=work.now):
        audit.record(work, owner=single.owner, did=Did.REVIEWED, by=single.actor, to=study_id)


def has_reviewed(work: Work, access: Access, study_id: bytes, *, came: datetime) -> bool:
    """Whether they said so since the report `came`."""
    grant = access.for_study(work, study_id).grant
    said = None if grant is None else work.session.get(ReviewRow, (grant.grant_id, study_id))
    return said is not None and said.at >= came


def reviews_of(work: Work, study_ids: Collection[bytes]) -> dict[Id, datetime]:
    """The grants under which somebody reviewed the report of one of these, in the order they did, and when."""
    found = sa.select(ReviewRow.grant, ReviewRow.at).where(ReviewRow.study.in_(study_ids)).order_by(ReviewRow.at)
    return {Id(grant): at for grant, at in work.session.execute(found)}


def mark_saved(work: Work, access: Access, study_id: bytes, what: str) -> None:
    """They saved a copy, which the patient sees; `what` is instance, series, study, zip or report.

    Raises `NotThere` for a study they do not see.
    """
    single = access.for_study(work, study_id)
    if single.grant is not None:
        row_of(work, single.grant.grant_id).saved_at = work.now
    audit.record_once(
        work,
        owner=single.owner,
        did=Did.SAVED_COPY,
        by=single.actor,
        to=study_id,
        key=f"{single.caller.hex()} {study_id.hex()} {what}",
        what=what,
    )
