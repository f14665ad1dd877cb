"""Finding out who is asking: the only module that reads the Authorization header and the session cookies."""

import re
from dataclasses import replace
from datetime import timedelta

from flask import current_app, request

from consent import cookies, guests, sessions, tokens
from consent.access import Access, together
from consent.brought import Brought, brought_by, check_alive, open_grant
from consent.deployment import reading, settings, work
from consent.errors import Ambiguous, Area, SharingEnded, SignInNeeded, TokenRefused, UnknownClient
from consent.registered import check_client, rights_in
from consent.tables import ClientRow, TokenRow
from consent.tokens import Bearer, Kind, State
from vault import openers, sites
from vault.audit import Actor
from vault.database import Work
from vault.errors import NotThere
from vault.ids import Id
from vault.intake import Pusher

_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
# A signed-in browser on a machine route: all it may see together, its own record first.
AREAS = (Area.PATIENT, Area.PROVIDER, Area.GUEST)
# What `guards.asked_by_itself` writes on a view.
BY_ITSELF = "__asked_by_itself__"


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
        due = _somebody_acts() and openers.needs_touch(session, w.now)
    if due:
        with work() as w:
            openers.touch(w, session.id)
    return found


def _from_guest(secret: bytes) -> Access:
    with reading() as w:
        row, found = guests.open_guest(w, secret)
        due = _somebody_acts() and (row.used is None or w.now - row.used >= timedelta(minutes=1))
    if due:
        with work() as w:
            tokens.mark_used(w, row.id)
    return found


def _somebody_acts() -> bool:
    """Whether a person did something to ask this; what a page asks again and again says nothing of anybody."""
    view = current_app.view_functions.get(request.endpoint or "")
    return not getattr(view, BY_ITSELF, False)


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
        brought = brought_by(w, bearer.id)
        if brought is None:
            raise TokenRefused
        token = brought.token
        found = None if token.state == State.SUPERSEDED else _of_token(w, bearer, brought)
        matters = found is not None and tokens.first_use_matters(token, w.now)
    if found is None:
        with work() as w:
            tokens.notice_reuse(w, w.session.get_one(TokenRow, bearer.id))
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


def _of_token(w: Work, bearer: Bearer, brought: Brought) -> Access:
    check_alive(w, brought, bearer)
    if bearer.kind is Kind.LINK:
        return _of_link(w, bearer, brought)
    try:
        client = check_client(w, brought.client)
    except UnknownClient:
        raise TokenRefused from None
    if bearer.kind is Kind.SITE:
        return _of_site(w, bearer, brought, client)
    grant, bounds = open_grant(w, brought, bearer)
    return Access(
        actor=Actor("app", Id(client.id), grant.grant_id),
        scopes=brought.scopes,
        keyring=grant,
        vault_id=bounds.vault_id,
        grant=bounds,
        token_id=bearer.id,
        client_id=client.client_id,
        expires=brought.token.expires,
    )


def _of_link(w: Work, bearer: Bearer, brought: Brought) -> Access:
    """Whoever has a health link: nobody we know, and no client."""
    grant, bounds = open_grant(w, brought, bearer)
    found = sessions.under_grant(Actor("guest", None, grant.grant_id), bounds, grant, session_id=None)
    return replace(found, scopes=brought.scopes, token_id=bearer.id, expires=brought.token.expires)


def _of_site(w: Work, bearer: Bearer, brought: Brought, client: ClientRow) -> Access:
    try:
        site = sites.find_site(w, client.site or b"")
    except NotThere:
        raise TokenRefused from None
    if not site.active:
        raise TokenRefused
    return Access(
        actor=Actor("site", site.id),
        scopes=brought.scopes,
        site=site,
        pusher=Pusher.of(site, bearer.octets(), brought.token.expires),
        token_id=bearer.id,
        client_id=client.client_id,
        rights=rights_in(client),
        expires=brought.token.expires,
    )


def cookie_of(what: str) -> bytes | None:
    """The octets of one of our cookies; None where the browser sent none."""
    return cookies.read(request, what, secure=settings().secure_cookies)
