"""Who is here: signing devices in and out, and what every page says about it.

A new cookie comes with every sign-in; what was typed before moves to it, readable under the new one alone.
"""

from __future__ import annotations

from datetime import UTC, date

from flask import Response, current_app, g, request
from flask_babel import get_timezone

from consent import guests, sessions
from consent.access import Access
from consent.errors import Area
from consent.request import clear_cookie, services, set_cookie, signed_in, source, this_device, work
from consent.sessions import LIVES, Place
from phr import dates, drafts, languages, mail
from vault import accounts
from vault.accounts import SignedIn
from vault.attempts import source_prefix
from vault.database import Work
from vault.keyring import VaultKeyring

MINUTE = 60
# Of each area: where its own form signs out, and where a time-out leads. A guest's code is spent, and leads nowhere.
WAYS_OUT = {
    Area.PATIENT: ("/sign-out", "/sign-in?ended=1&next="),
    Area.PROVIDER: ("/pro/sign-out", "/pro/sign-in?ended=1&next="),
    Area.GUEST: ("/see/end", "/see/end"),
}


def signed_in_patient() -> Access | None:
    """The patient who is signed in, on any page."""
    return signed_in(Area.PATIENT)


def today() -> date:
    """The day it is by the server's clock, in UTC."""
    return services().clock.now().date()


def network() -> str:
    """The network a request came from, which limits are counted by."""
    return source_prefix(source())


def begin_session(signed: SignedIn, answer: Response, *, place: Place = Place.OWN) -> Response:
    """After this the device is signed in, with `answer`; of a kind of device not seen before a letter tells (K5)."""
    with work() as w:
        cookie = sessions.sign_in(w, signed, device=this_device(), place=place)
        is_new = _note_device(w, signed.keyring)
        languages.bring_back(w, signed.keyring, answer)
    if is_new:
        now = services().clock.now()
        write_to(signed.account_id, "new_device", when=dates.moment_in_words(now, now=now, zone=get_timezone() or UTC))
    return drafts.move(set_cookie(answer, cookie))


def _note_device(w: Work, own: VaultKeyring) -> bool:
    """Whether this is another kind of device than those before; the first one, at joining, is no news."""
    known = (own.field(w, "devices") or "").split("\n")
    if this_device() in known:
        return False
    own.keep_field(w, "devices", "\n".join(filter(None, (*known, this_device()))))
    return known != [""]


def renew_session(me: Access, answer: Response) -> Response:
    """They showed again who they are: a new cookie, and the old one is dead."""
    with work() as w:
        cookie = sessions.renew(w, me, device=this_device())
    return drafts.move(set_cookie(answer, cookie))


def end_session(area: Area, answer: Response) -> Response:
    """The cookie of this area opens nothing any more, nor does any copy of it."""
    me = signed_in(area)
    if me is not None:
        with work() as w:
            guests.end_guest(w, me) if area is Area.GUEST else sessions.sign_out(w, me)
    return clear_cookie(answer, area)


def write_to(account_id: bytes, letter: str, **words: str) -> None:
    """Send a letter to an account that has an address; nothing happens for one that has none."""
    with work() as w:
        address_of = accounts.mail_of(w, account_id)
    if address_of:
        try:
            mail.send(address_of, letter, **words)
        except mail.NotSent:
            current_app.logger.warning("a letter could not be sent: %s", letter)


def is_shared_device(here: Access) -> bool:
    """Whether they said so when they signed in; such a session is the shorter one."""
    shared = LIVES[Area.PATIENT, Place.SHARED].idle
    return here.idle is not None and here.idle.total_seconds() <= shared


# -- what every page says ---------------------------------------------------------------------------------------------


def around() -> dict[str, object]:
    """The navigation, and after how many quiet minutes a page warns; for every template."""
    area = area_of(request.path)
    here = None if g.get("nobody_is_here") else signed_in(area)
    if here is None:
        return {"area": "public" if area is Area.PATIENT else area.value, "signed_in": False}
    sign_out_at, after = WAYS_OUT[area]
    return {
        "area": area.value,
        "signed_in": True,
        "idle_minutes": _idle(here, area) // MINUTE,
        "sign_out_at": sign_out_at,
        "after_time_out": after,
    }


def area_of(path: str) -> Area:
    """Whose pages these are, by their address."""
    if path == "/pro" or path.startswith("/pro/"):
        return Area.PROVIDER
    if path == "/see" or path.startswith("/see/"):
        return Area.GUEST
    return Area.PATIENT


def _idle(here: Access, area: Area) -> int:
    """Seconds; a shared device has fewer."""
    return int(here.idle.total_seconds()) if here.idle else LIVES[area, Place.OWN].idle
