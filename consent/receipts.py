"""What the patient is told of those they gave to: that they looked, and that they saved a copy."""

from datetime import timedelta

from consent.access import Access
from consent.decisions import row_of
from vault import audit
from vault.audit import Did
from vault.database import Work

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
