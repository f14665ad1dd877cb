"""What a token has begun and only goes on with: found by reading alone, so that a push of many requests writes no more
than what it brings. Where anything is not as it was, `intake` decides (docs/format.md 5).
"""

from typing import Any

import sqlalchemy as sa

from vault.database import Work
from vault.ids import Id
from vault.intake import OpenBatch, Pusher
from vault.joined import Found, Joined, Part, octets, table_of
from vault.keyring import Owner, OwnerKind, check_row_mac
from vault.links import SitePatient, claim_fields, link_fields
from vault.sealing import derive
from vault.tables import (
    BatchKeyRow,
    BatchRow,
    ClaimRow,
    IngestRow,
    InstanceRow,
    LinkRow,
    ScopeRow,
    SeriesRow,
    StudyRow,
)

_BATCH, _STUDY, _SCOPE, _SERIES = map(table_of, (BatchRow, StudyRow, ScopeRow, SeriesRow))
_INGEST, _KEY, _LINK, _CLAIM = map(table_of, (IngestRow, BatchKeyRow, LinkRow, ClaimRow))
_INSTANCE = table_of(InstanceRow)


def _of_token(wanted: Found) -> Found:
    """The token's batch of one study, with whatever link or open claim leads to the patient's pushes now."""
    key = sa.and_(_KEY.c.batch == _BATCH.c.id, _KEY.c.owner_kind == _SCOPE.c.owner_kind, _KEY.c.owner == _SCOPE.c.owner)
    ingest = sa.and_(_INGEST.c.batch == _BATCH.c.id, _INGEST.c.token_id == _BATCH.c.token_id)
    link = sa.and_(_LINK.c.bi == _SCOPE.c.patient_bi, _LINK.c.state == "live")
    claim = sa.and_(
        _CLAIM.c.site == _SCOPE.c.site, _CLAIM.c.patient_bi == _SCOPE.c.patient_bi, _CLAIM.c.state == "open"
    )
    return wanted.select_from(
        _BATCH.join(_STUDY, _STUDY.c.id == _BATCH.c.study)
        .join(_SCOPE, _SCOPE.c.id == _STUDY.c.scope)
        .join(_INGEST, ingest)
        .join(_KEY, key)
        .outerjoin(_LINK, link)
        .outerjoin(_CLAIM, claim)
    ).where(
        _BATCH.c.uid_bi == octets("uid_bi"),
        _BATCH.c.token_id == octets("token_id"),
        _SCOPE.c.site == octets("site"),
        _SCOPE.c.patient_bi == octets("patient_bi"),
    )


def _came_before(wanted: Found) -> Found:
    """The series, if an instance of it came with the batch."""
    came = sa.exists().where(_INSTANCE.c.series == _SERIES.c.id, _INSTANCE.c.batch == octets("batch"))
    return wanted.where(_SERIES.c.study == octets("study"), _SERIES.c.uid_bi == octets("uid_bi"), came)


_BATCHES = Joined(
    Part(BatchRow), Part(StudyRow), Part(ScopeRow), Part(IngestRow), Part(LinkRow), Part(ClaimRow), found=_of_token
)
_SERIES_OF_BATCH = Joined(Part(SeriesRow), found=_came_before)


def begun_batch(work: Work, pusher: Pusher, patient: SitePatient, study_uid: str) -> OpenBatch | None:
    """The batch of this token and study if it is sealed to whoever owns the patient's pushes now, else None.

    Raises `BrokenRecord` where a row is not as this server wrote it.
    """
    uid_bi = pusher.mark_of(work, study_uid)
    asked = {"token_id": pusher.token_id, "site": patient.site_id, "patient_bi": patient.bi}
    rows = _BATCHES.rows(work, uid_bi=uid_bi, **asked)
    if len(rows) != 1:  # nothing was begun, or several links might fit
        return None
    batch, study, scope, ingest, link, claim = rows[0]
    if work.now >= ingest.expires or not _still_leads_home(work, patient, scope, link, claim):
        return None
    owner = Owner(OwnerKind(scope.owner_kind), Id(scope.owner))
    return OpenBatch(Id(batch.id), Id(study.id), Id(scope.id), owner, pusher.unwrap(ingest.ct, batch.id))


def begun_series(work: Work, batch: OpenBatch, series_uid: str) -> Id | None:
    """The series if something of it came with this batch before; what grants were owed for it they have, then."""
    uid_bi = derive.uid_index(work.secrets.index_key, batch.scope_id, series_uid)
    for (series,) in _SERIES_OF_BATCH.rows(work, batch=batch.id, study=batch.study_id, uid_bi=uid_bi):
        return Id(series.id)
    return None


def _still_leads_home(work: Work, patient: SitePatient, scope: Any, link: Any, claim: Any) -> bool:
    """Whether what is pushed now would be sealed to the scope's owner; only the plain cases, all others are doubts."""
    check_row_mac(work, scope.row_mac, "scope", scope.id, scope.owner_kind, scope.owner)
    if link is not None:
        check_row_mac(work, link.row_mac, "link", link.id, *link_fields(link))
        same = link.dob_check == patient.dob_check and claim is None
        return same and (scope.owner_kind, scope.owner, scope.id) == (OwnerKind.VAULT, link.vault, link.scope)
    if claim is not None:
        check_row_mac(work, claim.row_mac, "claim", claim.id, *claim_fields(claim))
        same = claim.dob_check == patient.dob_check and work.now < claim.expires
        return same and (scope.owner_kind, scope.owner, scope.id) == (OwnerKind.CLAIM, claim.id, claim.scope)
    return scope.owner_kind == OwnerKind.SITE and scope.dob_check == patient.dob_check
