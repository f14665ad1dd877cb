"""Register apps that ask patients for access, and further systems of a site. Prints JSON; a secret is printed once.

phr client add "My viewer" --redirect https://viewer.example/back
phr client add "My server" --redirect https://app.example/back --secret
phr client add "Front desk" --site SITE_ID --rights claims --jwks front-desk.json

Without --secret and --jwks an app is a public one, which proves itself with PKCE alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from consent import clients
from consent.clients import APP, CLAIMS, PUBLIC, PUSH, SECRET, SIGNED, SITE, AddedClient, NewClient, NewSiteClient
from consent.jwks import Reach
from consent.scopes import APP_LIMIT
from consent.tables import ClientRow
from phr.commands import CommandFailed, say_json
from phr.config import Settings
from phr.storing import prepare
from vault.database import Work
from vault.ids import Id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Three words: add, list, off."""
    words = parser.add_subparsers(metavar="WORD", required=True)
    _add_arguments(words.add_parser("add", help="register an app, or a further system of a site"))
    words.add_parser("list", help="every client").set_defaults(run=show)
    off = words.add_parser("off", help="switch a client off: it gets no token, and those it has open nothing")
    off.add_argument("client_id")
    off.set_defaults(run=switch_off)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as patients will read it")
    parser.add_argument("--maker", default="", help="who makes it, for patients to read")
    parser.add_argument("--redirect", action="append", default=[], metavar="URL", help="where it returns to")
    parser.add_argument("--origin", action="append", default=[], metavar="URL", help="another web origin it runs at")
    parser.add_argument("--scopes", default=str(APP_LIMIT), help="the most it may ask for (%(default)s)")
    parser.add_argument("--site", metavar="SITE_ID", help="it is a system of this site, not an app")
    parser.add_argument("--rights", default=f"{PUSH},{CLAIMS}", help="of a site's system (%(default)s)")
    proof = parser.add_mutually_exclusive_group()
    proof.add_argument("--secret", action="store_true", help="it keeps a secret, which is printed")
    proof.add_argument("--jwks", type=Path, metavar="FILE", help="it signs: its public key set")
    proof.add_argument("--jwks-url", metavar="URL", help="it signs: where its public key set is, https")
    parser.set_defaults(run=add)


def add(options: argparse.Namespace) -> int:
    """The client is registered."""
    settings = Settings.from_env()
    jwks = None if options.jwks is None else options.jwks.read_text()
    services = prepare(settings)
    with services.work() as work:
        adding = _add_site_client if options.site else _add_app
        added = adding(work, options, jwks, reach_of(settings))
        told = _shown(work.session.scalars(sa.select(ClientRow).where(ClientRow.client_id == added.client_id)).one())
    secret = {} if added.secret is None else {"client_secret": added.secret}
    say_json({**told, **secret, "fhir_base": f"{settings.base_url}/fhir"})
    return 0


def reach_of(settings: Settings) -> Reach:
    """How far key sets may be fetched from: the open internet, unless the settings trust our own network."""
    return Reach.ANYWHERE if settings.allow_private_jwks else Reach.INTERNET


def _add_app(work: Work, options: argparse.Namespace, jwks: str | None, reach: Reach) -> AddedClient:
    if not options.redirect:
        raise CommandFailed("An app returns somewhere: give --redirect.")
    return clients.add_client(
        work,
        NewClient(
            name=options.name,
            maker=options.maker,
            redirect_uris=tuple(options.redirect),
            origins=tuple(options.origin),
            scopes=options.scopes,
            auth=SECRET if options.secret else SIGNED if jwks or options.jwks_url else PUBLIC,
            jwks=jwks,
            jwks_url=options.jwks_url,
        ),
        reach=reach,
    )


def _add_site_client(work: Work, options: argparse.Namespace, jwks: str | None, reach: Reach) -> AddedClient:
    rights = frozenset(word.strip() for word in options.rights.split(","))
    if not rights <= {PUSH, CLAIMS}:
        raise CommandFailed(f"--rights is {PUSH}, {CLAIMS} or {PUSH},{CLAIMS}.")
    if options.secret or options.redirect:
        raise CommandFailed("A site's system signs with its own key: give --jwks or --jwks-url.")
    new = NewSiteClient(
        name=options.name,
        site_id=_id_of(options.site),
        jwks=jwks,
        jwks_url=options.jwks_url,
        rights=rights,
    )
    return clients.add_site_client(work, new, reach=reach)


def show(_options: argparse.Namespace) -> int:
    """Every client, oldest first."""
    services = prepare(Settings.from_env())
    with services.reading() as work:
        rows = work.session.scalars(sa.select(ClientRow).order_by(ClientRow.created))
        say_json({"clients": [_shown(row) for row in rows]})
    return 0


def switch_off(options: argparse.Namespace) -> int:
    """The client gets no token, and those it has open nothing."""
    services = prepare(Settings.from_env())
    with services.work() as work:
        clients.switch_off(work, options.client_id)
    say_json({"client_id": options.client_id, "active": False})
    return 0


def switch_off_clients_of(work: Work, site_id: bytes) -> None:
    """No system of the site gets a token any more."""
    rows = work.session.scalars(sa.select(ClientRow.client_id).where(ClientRow.site == site_id, ClientRow.active))
    for client_id in rows.all():
        clients.switch_off(work, client_id)


def _shown(row: ClientRow) -> dict[str, Any]:
    told: dict[str, Any] = {
        "client_id": row.client_id,
        "name": row.name,
        "kind": row.kind,
        "active": row.active,
        "registered": "by the operator" if row.registration is None else "by itself",
        "authentication": row.auth,
        "scopes": row.scopes,
    }
    if row.kind == SITE and row.site is not None:
        told |= {"site_id": row.site.hex(), "rights": json.loads(row.rights)}
    if row.kind == APP:
        told |= {"redirect_uris": json.loads(row.redirect_uris)}
    return told


def _id_of(text: str) -> Id:
    try:
        return Id(bytes.fromhex(text))
    except ValueError:
        raise CommandFailed("A site's identifier is hexadecimal.") from None
