"""Claims: what a site leaves for a patient, and the slip that takes it (docs/format.md 4.2).

A PIN leaves once, in the answer that issues it. Nothing can bring it back; a reissue makes another and ends the first.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from vault import audit, erasure, links, marks, root_keys
from vault.audit import SYSTEM_ACTOR, Actor, Did
from vault.database import Services, Work
from vault.errors import WrongSealSeed
from vault.ids import Id, new_id
from vault.keyring import Owner, OwnerKind, row_mac
from vault.links import claim_fields
from vault.patients import SitePatient, is_full_date
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.codes import ClaimPin
from vault.sealing.slow import PEOPLE, UNKNOWN_BIRTH, stretch_claim
from vault.sealing.suite import KeyPair, open_sealed, seal
from vault.sites import Site
from vault.tables import BatchKeyRow, BatchRow, ClaimRow, ScopeRow, StudyRow
from vault.taking import Taken, take
from vault.waiting import ClaimState, ClaimStatus, count_waiting, status

__all__ = ["ClaimStatus", "Issued", "Taken", "expire", "issue", "reissue", "status", "take"]

_LONGEST_DAYS: Final = 365
_DATA_STAYS: Final = timedelta(days=7)  # after a claim has run out
_ROW_STAYS: Final = timedelta(days=30)  # so that the right PIN can be told "used" or "run out"
_SAME_LOCATOR_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Issued:
    """What a site is told. Without a PIN the patient is linked, or a claim was open before (reissue it)."""

    claim_id: Id | None
    pin: ClaimPin | None = field(repr=False)
    expires: datetime | None
    linked: bool
    studies: int


@dataclass(frozen=True, slots=True)
class _Slip:
    """A claim before it has a row: made outside the transaction, since stretching the PIN is slow."""

    claim_id: Id
    pin: ClaimPin = field(repr=False)
    salt: bytes
    public: bytes = field(repr=False)
    knows_birth_date: bool
    days: int


def issue(
    services: Services,
    *,
    site: Site,
    patient: SitePatient,
    born: str | None,
    days: int,
    seal_seed: bytes,
    by: Actor,
) -> Issued:
    """A claim is open for the patient for 1 to 365 `days`, with all that waited for them sealed to it.

    `born` is what the patient will type; whoever gives a birth date with the number gives the same to `identify`.
    No PIN comes where the patient is linked or a claim is open already. Raises `WrongSealSeed`, `AmbiguousPatient`,
    `WrongBirthDate`, `ValueError` for other days, `Busy` of `vault.sealing`.
    """
    seal_pair = _seal_pair(site, seal_seed)
    with services.work() as work:
        answer = _without_a_slip(work, patient)
    if answer is not None:
        return answer

    def open_it(work: Work, slip: _Slip) -> Issued:
        return _without_a_slip(work, patient) or _open(work, patient, slip, seal_pair, Did.CLAIM_ISSUED, by)

    return _with_new_slip(services, born, days, open_it)


def reissue(
    services: Services,
    *,
    site: Site,
    patient: SitePatient,
    born: str | None,
    days: int,
    seal_seed: bytes,
    by: Actor,
) -> Issued:
    """Like `issue`, but an open claim is replaced: its slip opens nothing any more, and the new birth date counts."""
    seal_pair = _seal_pair(site, seal_seed)

    def open_it(work: Work, slip: _Slip) -> Issued:
        if links.find_link(work, patient) is None:
            _replace_open(work, patient)
        return _without_a_slip(work, patient) or _open(work, patient, slip, seal_pair, Did.CLAIM_REISSUED, by)

    return _with_new_slip(services, born, days, open_it)


def expire(services: Services) -> int:
    """Claims past their time are expired; 7 days later what they held is erased, 30 days later the row.

    Answers how many expired now. Called by the sweep.
    """
    with services.reading() as work:
        late = list(
            work.session.scalars(sa.select(ClaimRow.id).where(ClaimRow.state == "open", ClaimRow.expires <= work.now))
        )
    for claim_id in late:
        with services.work() as work:
            _expire(work, claim_id)
    with services.work() as work:
        since, until = marks.reached(work, "claims"), work.now - _DATA_STAYS
        erasure.erase_batches(work, work.session.scalars(_abandoned(since, until)).all())
        marks.reach(work, "claims", until)
        closed = sa.delete(ClaimRow).where(ClaimRow.state != "open", ClaimRow.closed <= work.now - _ROW_STAYS)
        work.session.execute(closed)
    return len(late)


# -- opening a claim -------------------------------------------------------------------------------


def _seal_pair(site: Site, seed: bytes) -> KeyPair:
    if len(seed) != 32:
        raise WrongSealSeed
    pair = KeyPair.from_seed(seed)
    if not pair.matches(site.seal_pk):
        raise WrongSealSeed
    return pair


def _with_new_slip(services: Services, born: str | None, days: int, open_it: Callable[[Work, _Slip], Issued]) -> Issued:
    """`open_it`, with a slip whose locator no claim has; another one if somebody was faster."""
    if not 1 <= days <= _LONGEST_DAYS:
        raise ValueError("a claim is open for 1 to 365 days")
    for _ in range(_SAME_LOCATOR_TRIES):
        slip = _new_slip(services, born, days)
        try:
            with services.work() as work:
                return open_it(work, slip)
        except IntegrityError:
            continue
    raise RuntimeError("no free locator was found")


def _new_slip(services: Services, born: str | None, days: int) -> _Slip:
    claim_id, salt, pin = new_id(), os.urandom(16), ClaimPin.new()
    with services.reading() as work:
        while work.session.scalar(sa.select(ClaimRow.id).where(ClaimRow.locator == pin.locator)) is not None:
            pin = ClaimPin.new()
    known = born if born is not None and is_full_date(born) else UNKNOWN_BIRTH
    stretched = stretch_claim(pin.secret, known, salt=salt, pepper=services.secrets.pepper, claim_id=claim_id)
    public = KeyPair.from_seed(derive.claim_kem_seed(stretched)).public
    return _Slip(claim_id, pin, salt, public, known != UNKNOWN_BIRTH, days)


def _without_a_slip(work: Work, patient: SitePatient) -> Issued | None:
    """The answer where no claim is to be opened: the patient is linked, or has an open one."""
    if links.find_link(work, patient) is not None:
        return Issued(None, None, None, linked=True, studies=0)
    claim = links.find_open_claim(work, patient)
    if claim is None:
        return None
    return Issued(Id(claim.id), None, claim.expires, linked=False, studies=count_waiting(work, patient).studies)


def _open(work: Work, patient: SitePatient, slip: _Slip, seal_pair: KeyPair, did: Did, by: Actor) -> Issued:
    _replace_late(work, patient)
    place = links.place_for(work, patient)
    if place.owner.kind is not OwnerKind.SITE:  # somebody was faster than the lock
        return _without_a_slip(work, patient) or Issued(None, None, None, linked=True, studies=0)
    claim = _claim_row(work, patient, place.scope_id, slip)
    work.session.add(claim)
    work.session.flush()
    owner = Owner(OwnerKind.CLAIM, slip.claim_id)
    links.move_scope(work, links.checked_scope(work, place.scope_id), owner)
    _reseal(work, place.scope_id, seal_pair, claim)
    audit.record(work, owner=owner, did=did, by=by)
    audit.record(work, owner=Owner(OwnerKind.SITE, patient.site_id), did=did, by=by, to=slip.claim_id)
    return Issued(slip.claim_id, slip.pin, claim.expires, linked=False, studies=count_waiting(work, patient).studies)


def _claim_row(work: Work, patient: SitePatient, scope_id: bytes, slip: _Slip) -> ClaimRow:
    row = ClaimRow(
        id=slip.claim_id,
        site=patient.site_id,
        patient_bi=patient.bi,
        dob_check=patient.dob_check,
        scope=scope_id,
        locator=slip.pin.locator,
        lane=0,
        salt=slip.salt,
        pepper_id=work.secrets.pepper_id,
        kdf_id=PEOPLE,
        cpk=slip.public,
        dob_flag=int(slip.knows_birth_date),
        state="open",
        fails=0,
        not_before=work.now,
        expires=work.now + timedelta(days=slip.days),
    )
    row.row_mac = row_mac(work, "claim", row.id, *claim_fields(row))
    return row


def _reseal(work: Work, scope_id: bytes, seal_pair: KeyPair, claim: ClaimRow) -> None:
    """What waits in the scope is sealed to this claim, and to no other. What the seed does not open is erased:
    its site renewed its seal key, and pushes it again (docs/format.md 4.2).
    """
    in_scope = sa.select(BatchRow.id).join(StudyRow, BatchRow.study == StudyRow.id).where(StudyRow.scope == scope_id)
    batches = work.session.scalars(in_scope.order_by(BatchRow.id)).all()
    waiting, cts = root_keys.sealed_in(work, Owner(OwnerKind.SITE, Id(claim.site)), batches), dict[bytes, bytes]()
    for batch, sealed in waiting.items():
        root_key = open_sealed(seal_pair, sealed, "site", scope_id, batch)
        cts[batch] = seal(claim.cpk, root_key, "claim", claim.id, batch)
    root_keys.drop(work, cts, OwnerKind.CLAIM)
    root_keys.put(work, owner=Owner(OwnerKind.CLAIM, Id(claim.id)), cts=cts)
    erasure.erase_batches(work, [batch for batch in batches if batch not in waiting])


# -- closing a claim -------------------------------------------------------------------------------


def _replace_open(work: Work, patient: SitePatient) -> None:
    """The open claim, if there is one, is replaced; its scope waits with the site, under the birth date now told."""
    row = _held(work, patient)
    if row is None:
        return
    scope = _close(work, row, "replaced")
    if patient.dob_check is not None:
        scope.dob_check = patient.dob_check
    work.session.flush()


def _replace_late(work: Work, patient: SitePatient) -> None:
    """A claim that has run out and was not swept yet does not stand in the way of a new one."""
    row = _held(work, patient)
    if row is not None and work.now >= row.expires:
        _close(work, row, "expired")


def _held(work: Work, patient: SitePatient) -> ClaimRow | None:
    """The open claim, held until the transaction ends: before its scope, as everybody does who closes a claim."""
    row = links.open_claim_of(work, patient)
    if row is None:
        return None
    held = work.session.get(ClaimRow, row.id, with_for_update=True, populate_existing=True)
    return held if held is not None and held.state == "open" else None


def _close(work: Work, row: ClaimRow, state: ClaimState) -> ScopeRow:
    links.lock_scope(work, row.scope)
    row.state, row.closed = state, work.now
    scope = links.checked_scope(work, row.scope)
    if (scope.owner_kind, scope.owner) == (OwnerKind.CLAIM.value, row.id):
        links.move_scope(work, scope, Owner(OwnerKind.SITE, Id(row.site)))
    work.session.flush()
    return scope


def _expire(work: Work, claim_id: bytes) -> None:
    late = sa.update(ClaimRow).where(ClaimRow.id == claim_id, ClaimRow.state == "open", ClaimRow.expires <= work.now)
    if changed_rows(work.session, late.values(state="expired")) != 1:
        return
    row = work.session.get_one(ClaimRow, claim_id, populate_existing=True)
    _close(work, row, "expired")
    for owner in (Owner(OwnerKind.CLAIM, Id(row.id)), Owner(OwnerKind.SITE, Id(row.site))):
        audit.record(work, owner=owner, did=Did.CLAIM_EXPIRED, by=SYSTEM_ACTOR, to=row.id)


def _abandoned(since: datetime, until: datetime) -> sa.Select[bytes]:
    """Batches sealed to a claim that ran out between these moments and that no reissue took up."""
    held = sa.select(BatchKeyRow.batch).join(ClaimRow, BatchKeyRow.owner == ClaimRow.id)
    return held.where(
        BatchKeyRow.owner_kind == OwnerKind.CLAIM.value,
        ClaimRow.state == "expired",
        ClaimRow.expires > since,
        ClaimRow.expires <= until,
    )
