"""Finding out who is asking: the only module that reads the Authorization header and the session cookies."""

import re
from dataclasses import replace
from datetime import timedelta

from flask import request

from consent import clients, cookies, guests, sessions, tokens
from consent.access import Access, together
from consent.deployment import reading, settings, work
from consent.errors import Ambiguous, Area, SharingEnded, SignInNeeded, TokenRefused, UnknownClient
from consent.tokens import Bearer, Kind, State
from vault import openers, sharing, sites
from vault.audit import Actor
from vault.database import Work
from vault.errors import Expired, NotThere
from vault.intake import Pusher

_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
# A signed-in browser on a machine route: all it may see together, its own record first.
AREAS = (Area.PATIENT, Area.PROVIDER, Area.GUEST)


def signed_in(area: Area) -> Access | None:
    """Who is signed in to an area, on any page; None for nobody."""
    try:
        return from_cookie(area)
    except (SignInNeeded, SharingEnded):
        return None


def from_cookie(area: Area) -> Access:
    """Who the area's cookie says is asking. Raises `SignInNeeded`, `SharingEnded`.

    A request with an Authorization header is never taken for a browser's.
    """
    secret = None if "Authorization" in request.headers else cookie_of(area)
    if secret is None:
        raise SignInNeeded(area)
    if area is Area.GUEST:
        return _from_guest(secret)
    with reading() as w:
        session, found = sessions.open_session(w, secret, area)
        due = openers.needs_touch(session, w.now)
    if due:
        with work() as w:
            openers.touch(w, session.id)
    return found


def _from_guest(secret: bytes) -> Access:
    with reading() as w:
        row, found = guests.open_guest(w, secret)
        due = row.used is None or w.now - row.used >= timedelta(minutes=1)
    if due:
        with work() as w:
            tokens.mark_used(w, row.id)
    return found


def from_header_or_cookies() -> Access:
    """Who a machine route is asked by: a bearer token, or whoever is signed in in the browser.

    Raises `SignInNeeded`, `SharingEnded`, `TokenRefused`, `Ambiguous`.
    """
    if "Authorization" in request.headers:
        return from_header()
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise SignInNeeded(Area.PATIENT)  # another site's page does not speak for who is signed in here
    found: list[Access] = []
    ended = False
    for area in AREAS:
        try:
            found.append(from_cookie(area))
        except SharingEnded:
            ended = True
        except SignInNeeded:
            continue
    if not found:
        raise SharingEnded if ended else SignInNeeded(Area.PATIENT)
    first = found[0]
    return first if len(found) == 1 else together(first.opened().owner, found, signed_in=first)


def from_header() -> Access:
    """Who the bearer token says is asking. Raises `TokenRefused`, `Ambiguous`, `SignInNeeded`."""
    bearer = _bearer()
    with reading() as w:
        row = w.session.get(tokens.TokenRow, bearer.id)
        if row is not None and row.state == State.SUPERSEDED:
            found, matters = None, False
        else:
            held = tokens.open_bearer(w, bearer)
            found, matters = _of_token(w, bearer, held), tokens.first_use_matters(held.row, w.now)
    if found is None:
        with work() as w:
            tokens.notice_reuse(w, w.session.get_one(tokens.TokenRow, bearer.id))
        raise TokenRefused
    if matters:
        with work() as w:
            tokens.mark_used(w, bearer.id)
    return found


def brings_a_link() -> bool:
    """Whether the request carries a token in a health link's form; whether it opens anything is another question."""
    matched = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    return matched is not None and Bearer.read(matched[1], Kind.LINK) is not None


def _bearer() -> Bearer:
    sent = request.headers.getlist("Authorization")
    if len(sent) != 1 or "," in sent[0]:
        raise Ambiguous
    matched = _BEARER.fullmatch(sent[0].strip())
    if matched is None:
        raise SignInNeeded(Area.PATIENT)
    bearer = Bearer.read(matched[1], Kind.ACCESS, Kind.SITE, Kind.LINK)
    if bearer is None:
        raise TokenRefused
    return bearer


def _of_token(w: Work, bearer: Bearer, held: tokens.Held) -> Access:
    if bearer.kind is Kind.LINK:
        return _of_link(w, bearer, held)
    try:
        client = clients.client_of(w, held.row.client or b"")
        if bearer.kind is Kind.SITE:
            return _of_site(w, bearer, held, client)
        grant = held.of_grant()
        limits = sharing.check_live(w, grant.grant_id)
    except (UnknownClient, Expired, NotThere):
        raise TokenRefused from None
    return Access(
        actor=Actor("app", client.id, grant.grant_id),
        scopes=held.scopes,
        keyring=grant,
        vault_id=limits.vault_id,
        grant=limits,
        token_id=bearer.id,
        client_id=client.client_id,
        expires=held.row.expires,
    )


def _of_link(w: Work, bearer: Bearer, held: tokens.Held) -> Access:
    """Whoever has a health link: nobody we know, and no client."""
    grant = held.of_grant()
    try:
        limits = sharing.check_live(w, grant.grant_id)
    except (Expired, NotThere):
        raise TokenRefused from None
    found = sessions.under_grant(Actor("guest", None, grant.grant_id), limits, grant, session_id=None)
    return replace(found, scopes=held.scopes, token_id=bearer.id, expires=held.row.expires)


def _of_site(w: Work, bearer: Bearer, held: tokens.Held, client: clients.Client) -> Access:
    site = sites.find_site(w, client.site_id or b"")
    if not site.active:
        raise TokenRefused
    return Access(
        actor=Actor("site", site.id),
        scopes=held.scopes,
        site=site,
        pusher=Pusher.of(site, bearer.octets(), held.row.expires),
        token_id=bearer.id,
        client_id=client.client_id,
        rights=client.rights,
        expires=held.row.expires,
    )


def cookie_of(what: str) -> bytes | None:
    """The octets of one of our cookies; None where the browser sent none."""
    return cookies.read(request, what, secure=settings().secure_cookies)
