"""Registering software: SMART apps and sites' systems; also the door to `registered`, which finds them again."""

import json
import os
import unicodedata
from dataclasses import dataclass, field

import sqlalchemy as sa

from consent import tokens
from consent.errors import BadClient, BadScope, NoKeys, UnknownClient
from consent.jwks import Reach, check_address, pick, read_key_set
from consent.redirects import check_redirect_uri, origin_of
from consent.registered import (
    APP,
    CLAIMS,
    INTROSPECT,
    PUBLIC,
    PUSH,
    SECRET,
    SIGNED,
    SITE,
    Client,
    client_mac,
    client_of,
    find_client,
    knows_origin,
    names_of,
    stretched,
)
from consent.scopes import APP_LIMIT, SITE_LIMIT, Scopes
from consent.tables import ClientRow
from vault import audit
from vault.audit import SYSTEM_ACTOR, Actor, Did
from vault.database import Work
from vault.ids import Id, new_id
from vault.keyring import SYSTEM, canonical_json

__all__ = [
    "APP",
    "CLAIMS",
    "INTROSPECT",
    "PUBLIC",
    "PUSH",
    "SECRET",
    "SIGNED",
    "SITE",
    "AddedClient",
    "Client",
    "NewClient",
    "NewSiteClient",
    "add_client",
    "add_site_client",
    "change_client",
    "client_of",
    "find_client",
    "knows_origin",
    "names_of",
    "switch_off",
]

LONGEST_NAME = 80
SITE_SCOPES = "system/*.c"


@dataclass(frozen=True, slots=True)
class NewClient:
    """An app to register. `auth` is none, client_secret or private_key_jwt.

    `origins` are those it runs at beside those it returns to.
    """

    name: str
    redirect_uris: tuple[str, ...] = ()
    scopes: str = str(APP_LIMIT)
    auth: str = PUBLIC
    maker: str = ""
    origins: tuple[str, ...] = ()
    jwks: str | None = None
    jwks_url: str | None = None
    rights: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NewSiteClient:
    """A site's system to register: it signs with its own key and may only create."""

    name: str
    site_id: Id
    jwks: str | None = None
    jwks_url: str | None = None
    scopes: str = SITE_SCOPES
    rights: frozenset[str] = frozenset({PUSH, CLAIMS})


@dataclass(frozen=True, slots=True)
class AddedClient:
    """What the operator hands over. The secret is told here once and kept nowhere."""

    client_id: str
    secret: str | None = field(default=None, repr=False)


# --- registering -----------------------------------------------------------------------------------------------------


def add_client(work: Work, new: NewClient, *, by: Actor = SYSTEM_ACTOR, reach: Reach = Reach.INTERNET) -> AddedClient:
    """The app may ask patients from now on. Raises `BadClient` with a reason for the operator."""
    if new.auth not in {PUBLIC, SECRET, SIGNED}:
        raise BadClient("the way to authenticate is none, client_secret or private_key_jwt")
    row = _row(work, new.name, new.auth, _check_new(new))
    row.kind, row.maker = APP, _printable(new.maker)
    row.redirect_uris = canonical_json(list(new.redirect_uris))
    row.origins = canonical_json(sorted(_origins(new)))
    row.rights = canonical_json(sorted(new.rights & {INTROSPECT}))
    _give_keys(row, new.jwks, new.jwks_url, reach)
    secret = _give_secret(work, row) if new.auth == SECRET else None
    return _added(work, row, secret, by)


def add_site_client(
    work: Work, new: NewSiteClient, *, by: Actor = SYSTEM_ACTOR, reach: Reach = Reach.INTERNET
) -> AddedClient:
    """The site's system may push from now on. Raises `BadClient`."""
    if not (new.jwks or new.jwks_url):
        raise BadClient("a site signs with its own key: give its key set or where it is")
    row = _row(work, new.name, SIGNED, _limited(new.scopes, SITE_LIMIT))
    row.kind, row.site = SITE, new.site_id
    row.rights = canonical_json(sorted(new.rights & {PUSH, CLAIMS}))
    _give_keys(row, new.jwks, new.jwks_url, reach)
    return _added(work, row, None, by)


def change_client(work: Work, row: ClientRow, new: NewClient, *, by: Actor, reach: Reach) -> None:
    """The app returns elsewhere, asks for other scopes, signs with other keys. Raises `BadClient`."""
    row.scopes = _check_new(new)
    row.redirect_uris = canonical_json(list(new.redirect_uris))
    row.origins = canonical_json(sorted(_origins(new)))
    row.keys = row.keys_url = None
    _give_keys(row, new.jwks, new.jwks_url, reach)
    row.row_mac = client_mac(work, row)
    audit.record(work, owner=SYSTEM, did=Did.CLIENT_CHANGED, by=by, to=row.id)


def _check_new(new: NewClient) -> str:
    """The scopes it may have. Raises `BadClient`."""
    for uri in new.redirect_uris:
        check_redirect_uri(uri, auth=new.auth)
    if (new.auth == SIGNED) != bool(new.jwks or new.jwks_url):
        raise BadClient("a key set belongs to private_key_jwt, and only there")
    return _limited(new.scopes, APP_LIMIT)


def switch_off(work: Work, client_id: str, *, by: Actor = SYSTEM_ACTOR) -> None:
    """After this the client gets no token, and those it has open nothing. Raises `UnknownClient`."""
    row = work.session.scalar(sa.select(ClientRow).where(ClientRow.client_id == client_id).with_for_update())
    if row is None:
        raise UnknownClient
    row.active = False
    row.row_mac = client_mac(work, row)
    tokens.end_of_client(work, row.id)
    audit.record(work, owner=SYSTEM, did=Did.CLIENT_SWITCHED_OFF, by=by, to=row.id)


def _row(work: Work, name: str, auth: str, scopes: str) -> ClientRow:
    shown = _printable(name)
    if not shown:
        raise BadClient("a client has a name")
    return ClientRow(
        id=new_id(),
        client_id=os.urandom(16).hex(),
        name=shown,
        maker="",
        auth=auth,
        scopes=scopes,
        redirect_uris="[]",
        origins="[]",
        rights="[]",
        active=True,
        row_mac=b"",
        created=work.now,
    )


def _limited(scopes: str, limit: Scopes) -> str:
    try:
        asked = Scopes.parse(scopes)
    except BadScope as error:
        raise BadClient(f"not a scope: {error}") from None
    kept = asked.kept().narrowed(limit)
    if not kept:
        raise BadClient("none of these scopes can be given")
    return str(kept)


def _printable(name: str) -> str:
    """A name as it is shown: one line, nothing that hides or turns letters around, 80 characters at most."""
    shown = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in unicodedata.normalize("NFC", name))
    return " ".join(shown.split())[:LONGEST_NAME]


def _origins(new: NewClient) -> set[str]:
    found = {origin for uri in new.redirect_uris if (origin := origin_of(uri))}
    for origin in new.origins:
        if origin_of(origin) != origin:
            raise BadClient("an origin is a scheme, a host and a port, nothing more")
        found.add(origin)
    return found


def _give_keys(row: ClientRow, jwks: str | None, url: str | None, reach: Reach) -> None:
    try:
        if jwks:
            found = read_key_set(jwks)
            usable = [key for key in found if _is_usable(found, key)]
            if not usable:
                raise BadClient("no key here can sign: RSA of 2048 bits or more, or EC on P-384, each with its own kid")
            row.keys = json.dumps({"keys": found})
        elif url:
            check_address(url, reach)
            row.keys_url = url
    except NoKeys as error:
        raise BadClient(error.reason) from None


def _is_usable(keys: list[dict[str, object]], key: dict[str, object]) -> bool:
    kid = key.get("kid")
    if not isinstance(kid, str):
        return False
    if key.get("kty") == "RSA" and len(str(key.get("n", ""))) < 342:  # base64url of 256 octets: 2048 bits
        return False
    return any(pick(keys, kid=kid, algorithm=algorithm) is key for algorithm in ("RS384", "ES384"))


def _give_secret(work: Work, row: ClientRow) -> str:
    secret = tokens.text_of(os.urandom(32))
    salt = os.urandom(16)
    row.salt, row.pepper_id = salt, work.secrets.pepper_id
    row.secret = stretched(secret, salt, work.secrets.pepper, row.id)
    return secret


def _added(work: Work, row: ClientRow, secret: str | None, by: Actor) -> AddedClient:
    row.row_mac = client_mac(work, row)
    work.session.add(row)
    work.session.flush()
    audit.record(work, owner=SYSTEM, did=Did.CLIENT_ADDED, by=by, to=row.id)
    return AddedClient(row.client_id, secret)
