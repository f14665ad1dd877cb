"""Signed-in devices and guests: how long they last, what they may see, and how they end (docs/format.md 9).

Patients and providers sign in to a vault; a guest has redeemed a code and holds a session over that one grant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from consent.access import Access, together
from consent.brought import brought_by
from consent.cookies import Cookie
from consent.devices import Shape, shape_of
from consent.errors import Area, SignInNeeded
from consent.keyrings import GrantToOpen
from consent.scopes import PATIENT_READS, Scopes
from consent.tokens import State
from vault import audit, openers, sharing
from vault.accounts import SignedIn
from vault.audit import Actor, Did
from vault.database import Work
from vault.errors import Expired, NotThere
from vault.ids import Id
from vault.keyring import GrantKeyring, KeyClass
from vault.limits import GrantBounds, live_given_to
from vault.openers import OpenSession

FRESH = timedelta(minutes=5)
_DAY_HALF = 12 * 3600


class Place(Enum):
    """Where someone sits: at a device of their own, or at one that others use too."""

    OWN = "own"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Life:
    """Seconds without a request, and seconds in all, after which a session is over."""

    idle: int
    whole: int


LIVES = {
    (Area.PATIENT, Place.OWN): Life(1800, _DAY_HALF),
    (Area.PATIENT, Place.SHARED): Life(300, _DAY_HALF),
    (Area.PROVIDER, Place.OWN): Life(900, _DAY_HALF),
    (Area.PROVIDER, Place.SHARED): Life(300, _DAY_HALF),
    (Area.GUEST, Place.OWN): Life(900, 4 * 3600),
}

# What whoever was given studies may read; the keys decide again, by class.
_READS = {
    KeyClass.META: "patient/Patient.rs patient/ImagingStudy.rs patient/Endpoint.rs patient/Organization.rs "
    "patient/Practitioner.rs patient/PractitionerRole.rs patient/ServiceRequest.rs patient/Provenance.rs",
    KeyClass.PICTURES: "patient/ImagingStudy.rs",
    KeyClass.REPORTS: "patient/DiagnosticReport.rs patient/DocumentReference.rs patient/Observation.rs "
    "patient/Binary.r",
}


@dataclass(frozen=True, slots=True)
class SignedInDevice:
    """One line of the list of signed-in devices."""

    id: Id
    words: str
    shape: Shape
    area: Area
    created: datetime
    seen: datetime
    is_this: bool


# --- patients and providers ------------------------------------------------------------------------------------------


def sign_in(work: Work, signed_in: SignedIn, *, device: str, place: Place = Place.OWN) -> Cookie:
    """The device is signed in to the area of the account's kind; the cookie is always a new one."""
    area = Area.PROVIDER if signed_in.kind == "provider" else Area.PATIENT
    life = LIVES[area, place]
    secret = openers.add_session(
        work,
        signed_in.keyring,
        account_id=signed_in.account_id,
        area=area.value,
        device=device,
        idle=life.idle,
        life=life.whole,
    )
    return Cookie(area.value, secret)


def open_session(work: Work, secret: bytes, area: Area) -> tuple[OpenSession, Access]:
    """The session behind a patient's or provider's cookie, and what it may do. Raises `SignInNeeded`."""
    try:
        session = openers.open_session(work, secret, area.value)
    except Expired:
        raise SignInNeeded(area) from None
    return session, _patient(session) if area is Area.PATIENT else _provider(work, session)


def renew(work: Work, access: Access, *, device: str) -> Cookie:
    """They showed again who they are: a new cookie for the rest of the session's life, and the old one is dead.

    Raises `SignInNeeded` where no one is signed in.
    """
    if access.session_id is None or access.account_id is None or access.own is None or access.expires is None:
        raise SignInNeeded(Area.PATIENT)
    area = Area.PROVIDER if access.actor.kind == "provider" else Area.PATIENT
    secret = openers.add_session(
        work,
        access.own,
        account_id=access.account_id,
        area=area.value,
        device=device,
        idle=int((access.idle or timedelta(seconds=LIVES[area, Place.OWN].idle)).total_seconds()),
        life=max(1, int((access.expires - work.now).total_seconds())),
    )
    openers.end_session(work, access.session_id)
    return Cookie(area.value, secret)


def is_fresh(access: Access, now: datetime, *, within: timedelta = FRESH) -> bool:
    """Whether they showed who they are in the last five minutes, or `within` another time."""
    return access.auth_time is not None and now - access.auth_time <= within


def sign_out(work: Work, access: Access) -> None:
    """After this the cookie, and every copy of it, opens nothing."""
    if access.session_id is None or access.own is None:
        return
    openers.end_session(work, access.session_id)
    audit.record(work, owner=access.own.owner, did=Did.SIGNED_OUT, by=access.actor)


def sign_out_device(work: Work, access: Access, session_id: bytes) -> None:
    """One of the person's other devices is signed out. Raises `NotThere` for anyone else's."""
    if session_id not in {device.id for device in openers.sessions_of(work, access.own_vault())}:
        raise NotThere
    openers.end_session(work, session_id)
    audit.record(work, owner=access.own_vault().owner, did=Did.SIGNED_OUT, by=access.actor, to=session_id)


def sign_out_everywhere_else(work: Work, access: Access) -> int:
    """Every other device is signed out; answers how many."""
    own = access.own_vault()
    gone = openers.end_sessions(work, own.vault_id, keep=access.session_id)
    audit.record(work, owner=own.owner, did=Did.SIGNED_OUT_EVERYWHERE, by=access.actor)
    return gone


def devices_of(work: Work, access: Access) -> list[SignedInDevice]:
    """Where the person is signed in, this device first."""
    found = [
        SignedInDevice(
            id=one.id,
            words=one.words,
            shape=shape_of(one.words),
            area=Area(one.area),
            created=one.created,
            seen=one.seen,
            is_this=one.id == access.session_id,
        )
        for one in openers.sessions_of(work, access.own_vault())
    ]
    return sorted(found, key=lambda one: not one.is_this)


def _patient(session: OpenSession) -> Access:
    vault_id = session.keyring.vault_id
    return Access(
        actor=Actor("patient", vault_id),
        scopes=PATIENT_READS,
        keyring=session.keyring,
        vault_id=vault_id,
        own=session.keyring,
        account_id=session.account_id,
        session_id=session.id,
        auth_time=session.auth_time,
        expires=session.expires,
        idle=session.idle,
    )


def _provider(work: Work, session: OpenSession) -> Access:
    own = session.keyring
    signed_in = Access(
        actor=Actor("provider", own.vault_id),
        scopes=Scopes.parse(" ".join(_READS.values())),
        own=own,
        account_id=session.account_id,
        session_id=session.id,
        auth_time=session.auth_time,
        expires=session.expires,
        idle=session.idle,
    )
    return together(own.owner, _given(work, signed_in), signed_in=signed_in)


def _given(work: Work, provider: Access) -> list[Access]:
    """One access for every live grant the provider was given."""
    own, parts = provider.own_vault(), list[Access]()
    for bounds in live_given_to(work, own.vault_id):
        grant_id = bounds.grant_id
        keyring = GrantToOpen(grant_id, lambda w, grant_id=grant_id: sharing.provider_opens(w, own, grant_id))
        actor = Actor("provider", own.vault_id, grant_id)
        parts.append(under_grant(actor, bounds, keyring, session_id=provider.session_id))
    return parts


def under_grant(actor: Actor, limits: GrantBounds, keyring: GrantKeyring, *, session_id: Id | None) -> Access:
    """The access of someone who was given this one grant."""
    return Access(
        actor=actor,
        scopes=reads_of(limits),
        keyring=keyring,
        vault_id=limits.vault_id,
        grant=limits,
        session_id=session_id,
        expires=limits.expires,
    )


def reads_of(limits: GrantBounds) -> Scopes:
    """What may be read under a grant of these classes."""
    return Scopes.parse(" ".join(_READS[one] for one in sorted(limits.classes)))


def is_there(work: Work, session_id: bytes) -> bool:
    """Whether a session or visit of this identifier has not been ended."""
    brought = brought_by(work, session_id)
    if brought is not None:
        return brought.token.state == State.LIVE
    return openers.has_session(work, session_id)
