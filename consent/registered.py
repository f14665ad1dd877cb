"""Registered software, as its rows say and their MACs confirm.

A client's row is believed only with its MAC, so that whoever writes to the database alone cannot give an app another
redirect address or a site another key (docs/format.md 3).
"""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

import sqlalchemy as sa

from consent.errors import UnknownClient
from consent.redirects import is_registered
from consent.scopes import Scopes
from consent.tables import ClientRow
from vault.database import Work
from vault.ids import Id
from vault.keyring import canonical_json, check_row_mac, row_mac
from vault.sealing.derive import lp
from vault.sealing.slow import INDEX, stretch
from vault.secrets import Secrets

PUBLIC, SECRET, SIGNED = "none", "client_secret", "private_key_jwt"
APP, SITE = "app", "site"
PUSH, CLAIMS, INTROSPECT = "push", "claims", "introspect"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client, as its row says and its MAC confirms."""

    id: Id
    client_id: str
    kind: str
    name: str
    maker: str
    auth: str
    scopes: Scopes
    redirect_uris: tuple[str, ...]
    origins: tuple[str, ...]
    rights: frozenset[str]
    site_id: Id | None
    keys: str | None = field(repr=False)
    keys_url: str | None
    registered_itself: bool
    _secret: tuple[bytes, bytes, int] | None = field(repr=False)

    def returns_to(self, uri: str) -> bool:
        """Whether the app may be sent back to `uri`."""
        return is_registered(uri, self.redirect_uris, auth=self.auth)

    def has_secret(self, secret: str, secrets: Secrets) -> bool:
        """Whether this is the client's secret. Costs an Argon2id; never called inside a transaction."""
        if self._secret is None:
            return False
        kept, salt, pepper_id = self._secret
        return compare_digest(kept, stretched(secret, salt, secrets.peppers[pepper_id], self.id))


def find_client(work: Work, client_id: str) -> Client:
    """The active client of this identifier. Raises `UnknownClient`, and `BrokenRecord` for a row not ours."""
    return _read(work, work.session.scalar(sa.select(ClientRow).where(ClientRow.client_id == client_id)))


def client_of(work: Work, row_id: bytes) -> Client:
    """The active client of a token's row. Raises as `find_client`."""
    return _read(work, work.session.get(ClientRow, row_id))


def names_of(work: Work, row_ids: list[bytes]) -> dict[bytes, str]:
    """What clients are called, active or not, for a patient's lists."""
    rows = work.session.execute(sa.select(ClientRow.id, ClientRow.name).where(ClientRow.id.in_(row_ids)))
    return {row.id: row.name for row in rows}


def knows_origin(work: Work, origin: str) -> bool:
    """Whether an active app runs at this web origin."""
    rows = work.session.scalars(sa.select(ClientRow.origins).where(ClientRow.active, ClientRow.kind == APP))
    return any(origin in json.loads(origins) for origins in rows)


def check_client(work: Work, row: ClientRow | None) -> ClientRow:
    """The row, if it is of an active client. Raises as `find_client`."""
    if row is None or not row.active:
        raise UnknownClient
    check_row_mac(work, row.row_mac, "client", row.id, *_fields(row))
    return row


def rights_in(row: ClientRow) -> frozenset[str]:
    """What a client may do beside its scopes."""
    return frozenset(json.loads(row.rights))


def _read(work: Work, found: ClientRow | None) -> Client:
    row = check_client(work, found)
    kept = None if row.secret is None or row.salt is None else (row.secret, row.salt, row.pepper_id or 0)
    return Client(
        id=Id(row.id),
        client_id=row.client_id,
        kind=row.kind,
        name=row.name,
        maker=row.maker,
        auth=row.auth,
        scopes=Scopes.parse(row.scopes),
        redirect_uris=tuple(json.loads(row.redirect_uris)),
        origins=tuple(json.loads(row.origins)),
        rights=rights_in(row),
        site_id=None if row.site is None else Id(row.site),
        keys=row.keys,
        keys_url=row.keys_url,
        registered_itself=row.registration is not None,
        _secret=kept,
    )


def client_mac(work: Work, row: ClientRow) -> bytes:
    """The MAC that says this server registered the client so."""
    return row_mac(work, "client", row.id, *_fields(row))


def _fields(row: ClientRow) -> tuple[bytes | str | int, ...]:
    """Rights, and the digest of the keys or of their address (docs/format.md 3)."""
    of_itself = {} if row.registration is None else {"about": row.about or "", "registration": row.registration.hex()}
    rights = canonical_json(
        {
            **of_itself,
            "active": row.active,
            "auth": row.auth,
            "client_id": row.client_id,
            "kind": row.kind,
            "name": row.name,
            "origins": row.origins,
            "redirect_uris": row.redirect_uris,
            "rights": row.rights,
            "scopes": row.scopes,
            "site": (row.site or b"").hex(),
        }
    )
    keys = row.secret or (row.keys or row.keys_url or "").encode()
    return rights, sha256(keys).digest()


def stretched(secret: str, salt: bytes, pepper: bytes, client: bytes) -> bytes:
    """A client's secret as its row keeps it. 32 octets; costs an Argon2id."""
    return stretch(INDEX, lp("client", secret[:256]), salt16=salt, pepper=pepper, ad=lp("client", client))


def stretch_for_nobody(secret: str, secrets: Secrets) -> None:
    """The work of a wrong secret where there is no such client, so that time does not tell which are registered."""
    stretched(secret, bytes(16), secrets.pepper, bytes(16))
