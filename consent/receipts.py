"""What the patient is told of those they gave to: that they looked, and that they saved a copy."""

from datetime import timedelta

from consent.access import Access
from consent.decisions import row_of
from consent.tables import GrantRow
from vault import audit
from vault.audit import Did
from vault.database import Work
from vault.keyring import Owner

OPENED_AGAIN = timedelta(minutes=15)  # looking again after a pause this long counts as another time


def mark_opened(work: Work, access: Access) -> None:
    """They look. The first time, and each time after a pause, counts; the patient's history has the first."""
    row, owner = _row_of(work, access)
    if row is None:
        return
    again = row.last_opened is None or work.now - row.last_opened >= OPENED_AGAIN
    if row.first_opened is None:
        row.first_opened = work.now
        audit.record(work, owner=owner, did=Did.OPENED, by=access.actor, to=row.id)
    row.opens += int(again)
    row.last_opened = work.now


def mark_saved(work: Work, access: Access, study_id: bytes, what: str) -> None:
    """They saved a copy, which the patient sees; `what` is instance, series, study, zip or report."""
    row, owner = _row_of(work, access)
    if row is not None:
        row.saved_at = work.now
    audit.record_once(
        work,
        owner=owner,
        did=Did.SAVED_COPY,
        by=access.actor,
        to=study_id,
        key=f"{access.caller.hex()} {study_id.hex()} {what}",
        what=what,
    )


def _row_of(work: Work, access: Access) -> tuple[GrantRow | None, Owner]:
    return None if access.grant is None else row_of(work, access.grant.grant_id), access.owner
