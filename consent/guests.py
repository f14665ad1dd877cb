"""Guests: whoever redeemed a code without an account, and looks for four hours at most (docs/format.md 8, 9)."""

import os
from datetime import datetime, timedelta

from consent.access import Access
from consent.brought import brought_by
from consent.cookies import Cookie
from consent.errors import Area, SharingEnded, SignInNeeded
from consent.sessions import LIVES, Place, under_grant
from consent.tables import TokenRow
from consent.tokens import State
from vault import audit, openers, sharing
from vault.audit import Actor, Did
from vault.database import Work
from vault.errors import Expired, NotThere
from vault.ids import Id
from vault.keyring import GrantKeyring, Owner, OwnerKind
from vault.limits import bounds_of_live
from vault.sealing import derive


def begin_guest(work: Work, grant: GrantKeyring) -> Cookie:
    """A visit of four hours at most over the grant just redeemed."""
    life, secret = LIVES[Area.GUEST, Place.OWN], openers.new_secret()
    ends = sharing.check_live(work, grant.grant_id).expires
    expires = work.now + timedelta(seconds=life.whole)
    expires = min(expires, ends) if ends else expires
    holder = openers.add_token_holder(work, grant, secret=secret, kind="guest", expires=expires)
    work.session.add(
        TokenRow(
            id=holder,
            kind=Area.GUEST.value,
            grant=grant.grant_id,
            family=os.urandom(16),
            scope="",
            state=State.LIVE.value,
            issued=work.now,
            expires=expires,
            used=work.now,
            idle=life.idle,
        )
    )
    work.session.flush()
    return Cookie(Area.GUEST.value, secret)


def open_guest(work: Work, secret: bytes) -> tuple[TokenRow, Access]:
    """The visit behind a guest's cookie.

    Raises `SharingEnded` when the patient stopped it or its time ran out, `SignInNeeded` when the visit was left or
    never was.
    """
    brought = brought_by(work, derive.session_id(secret))
    if brought is None or brought.token.kind != Area.GUEST:
        raise SignInNeeded(Area.GUEST)
    row = brought.token
    try:
        bounds_of_live(work, brought.grant)
    except (Expired, NotThere):
        raise SharingEnded from None
    if row.state != State.LIVE or _was_idle(row, work.now):
        raise SignInNeeded(Area.GUEST)
    try:
        keyring, bounds = openers.open_found_holder(work, brought.holder, brought.grant, secret=secret, kind="guest")
    except (Expired, NotThere):
        raise SharingEnded from None
    return row, under_grant(Actor("guest", None, bounds.grant_id), bounds, keyring, session_id=Id(row.id))


def _was_idle(row: TokenRow, now: datetime) -> bool:
    return row.used is not None and row.idle is not None and now >= row.used + timedelta(seconds=row.idle)


def end_guest(work: Work, access: Access) -> None:
    """The guest goes; the code they came with opens nothing any more."""
    if access.session_id is None or access.grant is None or access.actor.kind != "guest":
        return
    openers.drop_token_holder(work, access.session_id)
    row = work.session.get(TokenRow, access.session_id)
    if row is not None:
        row.state, row.changed = State.ENDED.value, work.now
    owner = Owner(OwnerKind.VAULT, access.grant.vault_id)
    audit.record(work, owner=owner, did=Did.SIGNED_OUT, by=access.actor)
