"""Apps that register themselves (RFC 7591, 7592): what they may say, what is kept of it, and who may change it.

Nobody has checked them, and their patients are told so. Nothing they name is ever fetched but a key set, and that only
from the open internet. Who holds the registration token may change the registration; it is kept as what it derives to.
"""

import json
import os
from dataclasses import dataclass, field
from datetime import timedelta
from hmac import compare_digest
from typing import Any, cast
from urllib.parse import urlsplit

import sqlalchemy as sa

from consent import clients
from consent.clients import PUBLIC, SECRET, SIGNED, NewClient
from consent.errors import BadClient, BadRegistration, UnknownClient
from consent.jwks import Reach
from consent.redirects import check_redirect_uri
from consent.registered import client_mac
from consent.scopes import APP_LIMIT
from consent.tables import ClientRow, GrantRow, TokenRow
from consent.tokens import octets_of, text_of
from vault import audit
from vault.audit import Actor, Did
from vault.database import Work
from vault.keyring import SYSTEM, canonical_json
from vault.rows import changed_rows
from vault.sealing import derive

ITSELF = Actor("app")
PREFIX = "phrg_"
UNUSED = timedelta(days=30)  # after which an app that nobody let in is forgotten
MOST = 20  # redirect addresses, contacts
LONGEST = 2_000
METHODS = {
    "none": PUBLIC, "client_secret_basic": SECRET, "client_secret_post": SECRET, "private_key_jwt": SIGNED,
}  # fmt: skip
GRANT_TYPES = ("authorization_code", "refresh_token")
_ADDRESSES = ("client_uri", "logo_uri", "tos_uri", "policy_uri")
_WORDS = ("software_id", "software_version")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an app says of itself, understood. `about` is what is kept only to be told again."""

    new: NewClient
    about: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Registered:
    """An app that has just registered. Both secrets are told here once."""

    row: ClientRow
    secret: str | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)


# --- what an app says ------------------------------------------------------------------------------------------------


def parse(body: object) -> Wanted:
    """What the app wants. Raises `BadRegistration` with RFC 7591's word for what is wrong."""
    if not isinstance(body, dict):
        raise BadRegistration("invalid_client_metadata", "the body is a JSON object")
    said = cast("dict[str, Any]", body)
    method = _text(said, "token_endpoint_auth_method") or "client_secret_basic"
    if method not in METHODS:
        raise BadRegistration("invalid_client_metadata", "this way to authenticate is not offered")
    _check_flows(said)
    uris = _redirects(said, METHODS[method])
    keys = said.get("jwks")
    if keys is not None and not isinstance(keys, dict):
        raise BadRegistration("invalid_client_metadata", "jwks is a JSON object")
    about = {name: _address(said, name) for name in _ADDRESSES} | {name: _text(said, name) for name in _WORDS}
    kept = {name: value for name, value in about.items() if value}
    contacts = _list(said, "contacts")
    new = NewClient(
        name=_text(said, "client_name") or str(urlsplit(uris[0]).hostname),
        redirect_uris=uris,
        scopes=_text(said, "scope") or str(APP_LIMIT),
        auth=METHODS[method],
        jwks=None if keys is None else json.dumps(keys),
        jwks_url=_text(said, "jwks_uri") or None,
    )
    if new.jwks and new.jwks_url:
        raise BadRegistration("invalid_client_metadata", "give jwks or jwks_uri, not both")
    listed = {"contacts": contacts} if contacts else {}
    told_again = canonical_json({**kept, **listed, "token_endpoint_auth_method": method})
    return Wanted(new, told_again, _text(said, "client_id"))


def _check_flows(said: dict[str, Any]) -> None:
    if not {"authorization_code"} <= set(_list(said, "grant_types") or GRANT_TYPES) <= set(GRANT_TYPES):
        raise BadRegistration("invalid_client_metadata", "apps use authorization_code, and refresh_token with it")
    if set(_list(said, "response_types") or ["code"]) != {"code"}:
        raise BadRegistration("invalid_client_metadata", "the one response type is code")


def _redirects(said: dict[str, Any], auth: str) -> tuple[str, ...]:
    uris = _list(said, "redirect_uris")
    if not uris:
        raise BadRegistration("invalid_redirect_uri", "an app returns somewhere")
    for uri in uris:
        try:
            check_redirect_uri(uri, auth=auth)
        except BadClient as problem:
            raise BadRegistration("invalid_redirect_uri", problem.reason) from None
        if urlsplit(uri).scheme not in {"https", "http"}:  # an own scheme may be another app's as well
            raise BadRegistration("invalid_redirect_uri", "a redirect address is https, or http on the loopback")
    return tuple(dict.fromkeys(uris))


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not _is_writable(value) or len(value) > 2 * LONGEST:
        raise BadRegistration("invalid_client_metadata", f"{name} is a text")
    return value


def _address(said: dict[str, Any], name: str) -> str:
    value = _text(said, name)
    if value and not (value.startswith("https://") and len(value) <= LONGEST):
        raise BadRegistration("invalid_client_metadata", f"{name} is an https address")
    return value


def _list(said: dict[str, Any], name: str) -> list[str]:
    value = said.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRegistration("invalid_client_metadata", f"{name} is a list of texts")
    found = cast("list[Any]", value)
    texts = [one for one in found if isinstance(one, str) and len(one) <= LONGEST and _is_writable(one)]
    if len(found) > MOST or len(texts) < len(found):
        raise BadRegistration("invalid_client_metadata", f"{name} is a list of at most {MOST} texts")
    return texts


def _is_writable(text: str) -> bool:
    try:
        return "\0" not in text and bool(text.encode() or True)
    except UnicodeEncodeError:
        return False


# --- what is kept of it ----------------------------------------------------------------------------------------------


def register(work: Work, wanted: Wanted, *, reach: Reach) -> Registered:
    """The app may ask patients from now on, who are told that nobody checked it. Raises `BadRegistration`."""
    try:
        added = clients.add_client(work, wanted.new, by=ITSELF, reach=reach)
    except BadClient as problem:
        raise BadRegistration("invalid_client_metadata", problem.reason) from None
    secret = os.urandom(32)
    row = work.session.scalars(sa.select(ClientRow).where(ClientRow.client_id == added.client_id)).one()
    row.registration, row.about = derive.token_id(secret, "reg"), wanted.about
    row.row_mac = client_mac(work, row)
    work.session.flush()
    return Registered(row, added.secret, PREFIX + text_of(secret))


def find_registered(work: Work, client_id: str, token: str) -> ClientRow:
    """The app that registered itself and got this token then. Raises `UnknownClient`."""
    secret = octets_of(token.removeprefix(PREFIX)) if token.startswith(PREFIX) else None
    found = sa.select(ClientRow).where(ClientRow.client_id == client_id, ClientRow.active).with_for_update()
    row = work.session.scalar(found)
    if secret is None or row is None or row.registration is None:
        raise UnknownClient
    if not compare_digest(row.registration, derive.token_id(secret, "reg")):
        raise UnknownClient
    clients.client_of(work, row.id)  # which checks that the row is ours
    return row


def change(work: Work, row: ClientRow, wanted: Wanted, *, reach: Reach) -> None:
    """The registration says this from now on. Name and way to authenticate stay. Raises `BadRegistration`."""
    if (wanted.new.name, wanted.new.auth) != (row.name, row.auth):
        raise BadRegistration("invalid_client_metadata", "name and way to authenticate stay as they were registered")
    row.about = wanted.about
    try:
        clients.change_client(work, row, wanted.new, by=ITSELF, reach=reach)
    except BadClient as problem:
        raise BadRegistration("invalid_client_metadata", problem.reason) from None


def forget_unused(work: Work) -> int:
    """Apps that registered themselves a month ago and that no patient let in are gone; answers how many."""
    used = sa.select(GrantRow.id).where(GrantRow.client == ClientRow.id)
    held = sa.select(TokenRow.id).where(TokenRow.client == ClientRow.id)
    old = sa.and_(ClientRow.registration.is_not(None), ClientRow.created < work.now - UNUSED)
    gone = changed_rows(work.session, sa.delete(ClientRow).where(old, ~used.exists(), ~held.exists()))
    if gone:
        audit.record(work, owner=SYSTEM, did=Did.CLIENT_SWITCHED_OFF, by=audit.SYSTEM_ACTOR, unused=gone)
    return gone


def told(row: ClientRow) -> dict[str, Any]:
    """The registration as it stands (RFC 7591 3.2.1), without its secrets."""
    keys = {"jwks": json.loads(row.keys)} if row.keys else {"jwks_uri": row.keys_url} if row.keys_url else {}
    return {
        "client_id": row.client_id,
        "client_id_issued_at": int(row.created.timestamp()),
        "client_name": row.name,
        "redirect_uris": json.loads(row.redirect_uris),
        "scope": row.scopes,
        "grant_types": list(GRANT_TYPES),
        "response_types": ["code"],
        **keys,
        **json.loads(row.about or "{}"),
    }
