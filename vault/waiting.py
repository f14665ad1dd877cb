"""What waits for a patient, as far as its site may know."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from vault.database import Services, Work
from vault.keyring import OwnerKind
from vault.patients import SitePatient
from vault.tables import ClaimRow, InstanceRow, LinkRow, ScopeRow, SeriesRow, StudyRow
from vault.taking import MANY_WRONG_TRIES

ClaimState = Literal["none", "open", "claimed", "expired", "replaced"]


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """The newest claim of a patient. Counts are of what waits; 0 once it was claimed."""

    state: ClaimState
    linked: bool
    studies: int
    instances: int
    issued: datetime | None
    expires: datetime | None
    many_wrong_tries: bool


class Waiting(NamedTuple):
    """How many studies (not counting papers that belong to none) and instances no vault has yet."""

    studies: int
    instances: int


def status(services: Services, *, patient: SitePatient) -> ClaimStatus:
    """What the site may know of the patient's newest claim: never a vault, an account or another site."""
    with services.reading() as work:
        linked = work.session.scalar(_live_links(patient).limit(1)) is not None
        found = sa.select(ClaimRow).where(ClaimRow.site == patient.site_id, ClaimRow.patient_bi == patient.bi)
        # An open one first: it can have been issued at the moment in which another was replaced.
        row = work.session.scalar(found.order_by(ClaimRow.not_before.desc(), ClaimRow.closed.is_(None).desc()).limit(1))
        waiting = count_waiting(work, patient)
    if row is None:
        return ClaimStatus("none", linked, waiting.studies, waiting.instances, None, None, many_wrong_tries=False)
    return ClaimStatus(
        _state(row, services.clock.now()),
        linked,
        waiting.studies,
        waiting.instances,
        row.not_before,
        row.expires,
        many_wrong_tries=row.fails >= MANY_WRONG_TRIES,
    )


def count_waiting(work: Work, patient: SitePatient) -> Waiting:
    """What waits for the patient at this site, whatever the birth dates."""
    scopes = sa.select(ScopeRow.id).where(
        ScopeRow.site == patient.site_id,
        ScopeRow.patient_bi == patient.bi,
        ScopeRow.owner_kind != OwnerKind.VAULT.value,
    )
    studies = sa.select(sa.func.count(sa.distinct(SeriesRow.study))).join(StudyRow, SeriesRow.study == StudyRow.id)
    instances = sa.select(sa.func.count()).select_from(InstanceRow).where(InstanceRow.scope.in_(scopes))
    found = work.session.scalar(studies.where(StudyRow.scope.in_(scopes)))
    return Waiting(found or 0, work.session.scalar(instances) or 0)


def _state(row: ClaimRow, now: datetime) -> ClaimState:
    if row.state == "open" and now >= row.expires:
        return "expired"
    states: tuple[ClaimState, ...] = ("open", "claimed", "expired", "replaced")
    return next(state for state in states if state == row.state)


def _live_links(patient: SitePatient) -> sa.Select[bytes]:
    return sa.select(LinkRow.id).where(LinkRow.bi == patient.bi, LinkRow.state == "live")
