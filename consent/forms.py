"""Our own forms and the cookies of browsers, on the web's side of things."""

from typing import cast
from urllib.parse import quote, urlsplit

from flask import Flask, Response, g, request

from consent import cookies, forgery
from consent.access import Access
from consent.asking import AREAS, cookie_of, signed_in
from consent.cookies import DRAFT, Cookie
from consent.deployment import settings
from consent.errors import Area
from vault import openers


def csrf_token() -> str:
    """What a form on this page carries; a page before sign-in gets a cookie of its own for it."""
    found = g.get("access")
    for area in AREAS if found is None else (_area_of(found), *AREAS):
        secret = cookie_of(area)
        if secret is not None and (found is not None or signed_in(area) is not None):
            return forgery.token_for(secret)
    return forgery.token_for(draft_secret())


def draft_secret() -> bytes:
    """The secret of the cookie for forms before sign-in; a new one is set with this answer where there is none."""
    found = g.get("new_draft")
    secret = cookie_of(DRAFT) or (found.octets() if isinstance(found, Cookie) else None)
    if secret is None:
        new = Cookie(DRAFT, openers.new_secret())
        g.new_draft = new
        return new.octets()
    return secret


def set_cookie(response: Response, cookie: Cookie) -> Response:
    """The answer gives the browser this cookie, and takes back the one for forms before sign-in."""
    secure = settings().secure_cookies
    cookie.put(response, secure=secure)
    if cookie.what != DRAFT:
        cookies.clear(response, DRAFT, secure=secure)
        g.pop("new_draft", None)
    return response


def clear_cookie(response: Response, area: Area) -> Response:
    """The answer makes the browser forget the area's cookie."""
    cookies.clear(response, area.value, secure=settings().secure_cookies)
    return response


def check_form() -> None:
    """Raise `Forged` unless the form was sent from one of our pages to this browser."""
    forgery.check_source(
        fetch_site=request.headers.get("Sec-Fetch-Site"),
        origin=request.headers.get("Origin"),
        base_url=settings().base_url,
    )
    sent = request.headers.get(forgery.HEADER) or request.form.get(forgery.FIELD, "")
    found = [secret for what in (*AREAS, DRAFT) if (secret := cookie_of(what)) is not None]
    forgery.check_form(sent, found)


def sign_in_address(back_to: str) -> str:
    """Where to sign in, so that one comes back to `back_to` afterwards."""
    return f"{settings().sign_in_path}?next={quote(back_to, safe='')}"


def safe_return(address: str | None, otherwise: str) -> str:
    """`address` if it is one of our own pages, else `otherwise`: nobody is sent elsewhere by a link to the sign-in."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return otherwise
    if any(ord(one) < 0x21 or one == "\\" for one in address):
        return otherwise
    parts = urlsplit(address)
    return otherwise if parts.scheme or parts.netloc else address


def _area_of(found: Access) -> Area:
    kinds = {"patient": Area.PATIENT, "provider": Area.PROVIDER, "guest": Area.GUEST}
    return kinds.get(found.actor.kind, Area.PATIENT)


def _give_draft(response: Response) -> Response:
    new = g.get("new_draft")
    if isinstance(new, Cookie):
        new.put(response, secure=settings().secure_cookies)
    return response


def install_forms(app: Flask) -> None:
    """After this templates have `csrf_token()`, and its cookie is set with the answer."""
    cast("dict[str, object]", app.jinja_env.globals)["csrf_token"] = csrf_token  # pyright: ignore[reportUnknownMemberType]
    app.after_request(_give_draft)
