"""Batches: what one site token pushes of one study, and the key that is made for it (docs/format.md 5).

The keys come first. A batch's root key is sealed to its owner, to the site where no vault owns it, and to the grants
that are owed it, and all that is committed before the first octet is accepted; so nothing can be acknowledged and then
be openable by no one.
"""

import os
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from vault import audit, links, owing
from vault.database import Services, Work
from vault.errors import NotThere
from vault.ids import Id, new_id
from vault.keyring import KeyClass, Owner, OwnerKind, put_batch_key
from vault.limits import owner_of_study
from vault.links import Place, SitePatient
from vault.rows import insert_unless_there
from vault.sealing import derive
from vault.sealing.suite import seal, unwrap, wrap
from vault.sites import Site
from vault.tables import BatchKeyRow, BatchRow, IngestRow, SeriesRow, StudyRow


@dataclass(frozen=True, slots=True)
class Pusher:
    """A site in the middle of a push: its token finds the batches it began and opens their keys."""

    site: Site
    token_id: Id
    expires: datetime
    _token_key: bytes = field(repr=False)

    @classmethod
    def of(cls, site: Site, secret: bytes, expires: datetime) -> "Pusher":
        """From the 32 octets of the site's token."""
        return cls(site, Id(derive.token_id(secret, "site")), expires, derive.token_key(secret, "site"))

    def wrap(self, root_key: bytes, batch: bytes) -> bytes:
        """The batch's root key under this token."""
        return wrap(self._token_key, root_key, "ingest", batch, self.token_id)

    def unwrap(self, ct: bytes, batch: bytes) -> bytes:
        """The reverse."""
        return unwrap(self._token_key, ct, "ingest", batch, self.token_id)

    def mark_of(self, work: Work, study_uid: str) -> bytes:
        """16 octets by which this token finds what it has begun of a study; another token's are others."""
        return derive.uid_index(work.secrets.index_key, self.token_id, study_uid)


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that can be written to; its key lives as long as the request."""

    id: Id
    study_id: Id
    scope_id: Id
    owner: Owner
    root_key: bytes = field(repr=False)

    def class_key(self, key_class: KeyClass) -> bytes:
        """The key of one class."""
        return derive.class_key(self.root_key, key_class.value)

    def series_key(self, series_id: bytes) -> bytes:
        """The key of one series' pictures."""
        return derive.series_key(self.class_key(KeyClass.PICTURES), series_id)


def papers_uid(what: str = "") -> str:
    """The name under which a scope keeps papers that belong to no study: all together, or by accession number."""
    return f"urn:keepray:papers:{what}"


def open_batch(services: Services, pusher: Pusher, patient: SitePatient, study_uid: str) -> OpenBatch:
    """The batch of this token and study: gone on with, or begun with every seal it needs.

    Raises what `links.place_for` raises.
    """
    with services.work() as work:
        place = links.place_for(work, patient)
        study_id = study_in(work, place.scope_id, study_uid)
        return continue_or_begin(work, pusher, place, study_id, found_by=pusher.mark_of(work, study_uid))


def continue_or_begin(
    work: Work, pusher: Pusher, place: Place, study_id: Id, *, found_by: bytes | None = None
) -> OpenBatch:
    """The batch of this token in a study that is there, in the caller's transaction, `place` being locked.

    `found_by` is the mark of the study's UID, by which the token finds the batch from now on.
    """
    return _going_on(work, pusher, place, study_id, found_by) or _begin(work, pusher, place, study_id, found_by)


def series_in(services: Services, pusher: Pusher | None, batch: OpenBatch, series_uid: str, modality: str) -> Id:
    """The series of a study, made if it is new; grants that wait for its modality get their keys.

    `pusher` is None where the patient adds it. Raises `NotThere` when the study was erased meanwhile, `BrokenRecord`.
    """
    with services.work() as work:
        links.lock_scope(work, batch.scope_id)
        _lock_study(work, batch.study_id)
        uid_bi = derive.uid_index(work.secrets.index_key, batch.scope_id, series_uid)
        found = sa.select(SeriesRow.id).where(SeriesRow.study == batch.study_id, SeriesRow.uid_bi == uid_bi)
        series_id = work.session.scalar(found)
        if series_id is None:
            insert_unless_there(work.session, SeriesRow, id=new_id(), study=batch.study_id, uid_bi=uid_bi)
            series_id = work.session.scalars(found).one()
        owing.seal_series_to_grants(
            work,
            owner=owner_of_study(work, batch.study_id),
            site_id=None if pusher is None else pusher.site.id,
            study_id=batch.study_id,
            batch=batch.id,
            root_key=batch.root_key,
            modality=modality,
        )
        return Id(series_id)


def study_in(work: Work, scope_id: bytes, study_uid: str) -> Id:
    """The study of a scope, made if it is new."""
    uid_bi = derive.uid_index(work.secrets.index_key, scope_id, study_uid)
    found = sa.select(StudyRow.id).where(StudyRow.scope == scope_id, StudyRow.uid_bi == uid_bi)
    study_id = work.session.scalar(found)
    if study_id is None:  # another worker may be making it at this moment: either's row will do
        insert_unless_there(work.session, StudyRow, id=new_id(), scope=scope_id, uid_bi=uid_bi, created=work.now)
        study_id = work.session.scalars(found).one()
    return Id(study_id)


def _lock_study(work: Work, study_id: bytes) -> None:
    if work.session.scalar(sa.select(StudyRow.id).where(StudyRow.id == study_id).with_for_update()) is None:
        raise NotThere


def _going_on(work: Work, pusher: Pusher, place: Place, study_id: Id, found_by: bytes | None) -> OpenBatch | None:
    _lock_study(work, study_id)
    row = work.session.scalar(
        sa.select(BatchRow).where(BatchRow.study == study_id, BatchRow.token_id == pusher.token_id)
    )
    if row is None:
        return None
    ingest = work.session.get(IngestRow, (row.id, pusher.token_id))
    held = work.session.get(BatchKeyRow, (row.id, place.owner.kind.value, place.owner.id))
    if ingest is None or held is None or work.now >= ingest.expires:
        # The owner changed since (a claim closed this batch): the next octets begin a batch of the new owner's.
        row.token_id, row.uid_bi = os.urandom(16), None
        work.session.flush()
        return None
    row.uid_bi = row.uid_bi or found_by
    root_key = pusher.unwrap(ingest.ct, row.id)
    return OpenBatch(Id(row.id), study_id, place.scope_id, place.owner, root_key)


def _begin(work: Work, pusher: Pusher, place: Place, study_id: Id, found_by: bytes | None) -> OpenBatch:
    batch = OpenBatch(new_id(), study_id, place.scope_id, place.owner, os.urandom(32))
    work.session.add(BatchRow(id=batch.id, study=study_id, token_id=pusher.token_id, uid_bi=found_by, created=work.now))
    work.session.flush()
    _seal_to_owner(work, pusher, place, batch)
    owing.seal_to_grants(
        work,
        owner=place.owner,
        site_id=pusher.site.id,
        study_id=study_id,
        batch=batch.id,
        root_key=batch.root_key,
    )
    work.session.add(
        IngestRow(
            batch=batch.id,
            token_id=pusher.token_id,
            ct=pusher.wrap(batch.root_key, batch.id),
            expires=pusher.expires,
        )
    )
    audit.record(
        work,
        owner=place.owner,
        did=audit.Did.RECEIVED,
        by=audit.Actor("site", pusher.site.id),
        to=study_id,
        batch=batch.id.hex(),
    )
    return batch


def _seal_to_owner(work: Work, pusher: Pusher, place: Place, batch: OpenBatch) -> None:
    kind = place.owner.kind
    context = (batch.scope_id, batch.id) if kind is OwnerKind.SITE else (place.owner.id, batch.id)
    ct = seal(place.public, batch.root_key, kind.value, *context)
    put_batch_key(work, batch=batch.id, owner=place.owner, ct=ct)
    if kind is OwnerKind.CLAIM:
        # So that a slip can be issued anew without pushing again (docs/format.md 4.2).
        seed_seal = seal(pusher.site.seal_pk, batch.root_key, OwnerKind.SITE.value, batch.scope_id, batch.id)
        put_batch_key(work, batch=batch.id, owner=Owner(OwnerKind.SITE, pusher.site.id), ct=seed_seal)
