"""What a site finds again of its own pushes: by the identifier it gave, never by anything of another site's.

A conditional create looks for its blind index among the site's own resources alone, so that nobody learns from it what
another site keeps (docs/format.md 10).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id
from vault.intake import OpenBatch, Pusher, continue_or_begin
from vault.keyring import KeyClass, OwnerKind
from vault.links import find_link, place_for
from vault.objects import read_resource
from vault.patients import SitePatient
from vault.sealing import derive
from vault.sealing.slow import conditional_index
from vault.secrets import Secrets
from vault.sites import Site
from vault.tables import BatchRow, ObjectRow, ResourceRow, ScopeRow, StudyRow


@dataclass(frozen=True, slots=True)
class Pushed:
    """One resource that the site created before."""

    id: Id
    study_id: Id
    scope_id: Id
    batch_id: Id


def condition_of(secrets: Secrets, site: Site, *, type: str, system: str, value: str) -> bytes:  # noqa: A002  FHIR's word
    """The blind index of an identifier of this site's. Slow, because identifiers can be guessed."""
    return conditional_index(secrets.index_key, site.id, type, system, value)


def find_pushed(work: Work, site: Site, condition: bytes) -> list[Pushed]:
    """The site's own resources under this index, newest first; a version of the same paper counts each."""
    found = (
        sa.select(ResourceRow)
        .join(ScopeRow, ResourceRow.scope == ScopeRow.id)
        .where(ScopeRow.site == site.id, ResourceRow.condition == condition)
        .order_by(ResourceRow.created.desc(), ResourceRow.id.desc())
    )
    return [_pushed(row) for row in work.session.scalars(found)]


def versions_of(work: Work, site: Site, condition: bytes | None, scope_id: bytes) -> list[Pushed]:
    """What the site sent of one report of one patient, the first version first; that one's id is the report's."""
    if condition is None:
        return []
    return [one for one in reversed(find_pushed(work, site, condition)) if one.scope_id == scope_id]


def said_before(work: Work, batch: OpenBatch, versions: Iterable[Pushed], content: str) -> int | None:
    """Which version, counted from 1, says the same; known only of those that came with the batch's own token.

    Another token's words cannot be opened: they are told apart where they are read (docs/format.md 6).
    """
    for number, version in enumerate(versions, start=1):
        row = work.session.get(ObjectRow, version.id) if version.batch_id == batch.id else None
        if row is None or row.key_class != KeyClass.REPORTS.value:
            continue
        body = read_resource(work, row, batch.class_key(KeyClass.REPORTS), version.study_id)
        if body["facts"].get("content") == content:
            return number
    return None


def pushed_resource(work: Work, site: Site, resource_id: bytes) -> Pushed:
    """One resource the site created before. Raises `NotThere`, for another site's as well."""
    row = work.session.get(ResourceRow, resource_id)
    if row is None:
        raise NotThere
    patient_of(work, site, row.scope)
    return _pushed(row)


def scope_of_study(work: Work, site: Site, study_id: bytes) -> Id:
    """The scope of a study the site pushed before. Raises `NotThere`."""
    row = work.session.get(StudyRow, study_id)
    if row is None:
        raise NotThere
    patient_of(work, site, row.scope)
    return Id(row.scope)


def patient_of(work: Work, site: Site, scope_id: bytes) -> SitePatient:
    """The site's patient behind a scope. Raises `NotThere` for a scope that is not the site's, or no longer its own.

    A scope outlives a link that was cut: what is pushed to it then would begin a new claim under another scope, so the
    old identifier names nobody any more.
    """
    row = work.session.get(ScopeRow, scope_id)
    if row is None or row.site != site.id or row.patient_bi is None:
        raise NotThere
    patient = SitePatient(site.id, row.patient_bi, row.dob_check)
    if row.owner_kind == OwnerKind.VAULT.value:
        link = find_link(work, patient)
        if link is None or link.scope != row.id:
            raise NotThere
    return patient


def _pushed(row: ResourceRow) -> Pushed:
    return Pushed(Id(row.id), Id(row.study), Id(row.scope), Id(row.batch))


def scope_of_begun_study(work: Work, pusher: Pusher, study_uid: str) -> Id | None:
    """The scope in which this token has already begun a study of this UID; None where it has begun none.

    A study is one patient's: a sender that puts a second patient into it has mixed something up.
    """
    of_token = sa.select(StudyRow.scope, StudyRow.uid_bi).join(BatchRow, BatchRow.study == StudyRow.id)
    of_token = of_token.where(BatchRow.token_id == pusher.token_id)
    scope = work.session.scalars(of_token.where(BatchRow.uid_bi == pusher.mark_of(work, study_uid))).first()
    return Id(scope) if scope is not None else _scope_by_papers(work, of_token, study_uid)


def _scope_by_papers(work: Work, of_token: sa.Select[bytes, bytes], study_uid: str) -> Id | None:
    """The same where only papers came yet, for a study they named by our identifier: its UID was not known then."""
    for scope, uid_bi in work.session.execute(of_token.where(BatchRow.uid_bi.is_(None))):
        if derive.uid_index(work.secrets.index_key, scope, study_uid) == uid_bi:
            return Id(scope)
    return None


def open_batch_of(services: Services, pusher: Pusher, patient: SitePatient, study_id: Id) -> OpenBatch:
    """Like `intake.open_batch`, for a study the site names by the identifier it was told.

    Raises `NotThere` where that is not a study of this patient's, and what `links.place_for` raises.
    """
    with services.work() as work:
        place = place_for(work, patient)
        row = work.session.get(StudyRow, study_id)
        if row is None or row.scope != place.scope_id:
            raise NotThere
        return continue_or_begin(work, pusher, place, study_id)
