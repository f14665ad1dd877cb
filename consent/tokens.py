"""Bearer secrets: made, found, opened, rotated, ended (docs/format.md 8).

A token is a prefix and 32 random octets. Its row is found by what is derived from them one way; the key of what it
opens is derived likewise and lies nowhere. Rows of spent and rotated tokens stay until their family ends, so that
whoever brings one again is noticed.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self, cast

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from consent.errors import TokenRefused
from consent.scopes import Scopes
from consent.spelled import octets_of, text_of
from consent.tables import LaunchRow, TokenRow
from vault import audit, marks, openers
from vault.audit import Actor, Did
from vault.database import Work
from vault.errors import Expired, NotThere
from vault.ids import Id
from vault.keyring import GrantKeyring, Owner, OwnerKind
from vault.root_keys import in_parts
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.unprintable import Unprintable
from vault.sharing import limits
from vault.tables import IngestRow

CODE_SECONDS = 60
ACCESS_SECONDS = 900
SITE_SECONDS = 300
REFRESH_SECONDS = 90 * 86_400
GRACE = timedelta(seconds=10)
TOMBSTONE = timedelta(minutes=10)


class Kind(StrEnum):
    """What a secret is for. A secret of one kind opens nothing of another."""

    CODE = "authz"
    ACCESS = "at"
    REFRESH = "rt"
    SITE = "site"
    LINK = "shl-at"


class State(StrEnum):
    """What became of a token."""

    LIVE = "live"
    SPENT = "spent"
    ROTATED = "rotated"
    SUPERSEDED = "superseded"
    ENDED = "ended"


PREFIX = {
    Kind.CODE: "phac_", Kind.ACCESS: "phat_", Kind.REFRESH: "phrt_", Kind.SITE: "phst_", Kind.LINK: "phlt_",
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Bearer(Unprintable):
    """A bearer secret in our hands."""

    kind: Kind
    _secret: bytes

    @classmethod
    def new(cls, kind: Kind) -> Self:
        """A fresh one."""
        return cls(kind, os.urandom(32))

    @classmethod
    def read(cls, text: str, *kinds: Kind) -> Self | None:
        """The secret behind a token of one of `kinds`; None for anything else, and for base64 written another way."""
        for kind in kinds:
            if text.startswith(PREFIX[kind]):
                secret = octets_of(text.removeprefix(PREFIX[kind]))
                return None if secret is None else cls(kind, secret)
        return None

    @property
    def id(self) -> Id:
        """What its row is found by."""
        return Id(derive.token_id(self._secret, self.kind.value))

    def octets(self) -> bytes:
        """The 32 octets, for what opens with them."""
        return self._secret

    def reveal(self) -> str:
        """The only way out as text; called where the answer is written."""
        return PREFIX[self.kind] + text_of(self._secret)


@dataclass(frozen=True, slots=True)
class Held:
    """An opened token: its row, and the grant it opens (None for a site's)."""

    row: TokenRow
    keyring: GrantKeyring | None

    @property
    def scopes(self) -> Scopes:
        """What it may do."""
        return Scopes.parse(self.row.scope)

    def of_grant(self) -> GrantKeyring:
        """The grant. Raises `TokenRefused` where there is none."""
        if self.keyring is None:
            raise TokenRefused
        return self.keyring


@dataclass(frozen=True, slots=True)
class Line:
    """Where a token comes from: the client it is for, the grant it opens, the family it ends with."""

    client: Id | None
    keyring: GrantKeyring | None
    family: bytes
    parent: bytes | None = None

    @classmethod
    def begins(cls, client: Id | None, keyring: GrantKeyring | None) -> Self:
        """A new family."""
        return cls(client, keyring, os.urandom(16))

    @classmethod
    def goes_on(cls, held: Held) -> Self:
        """What comes of a code or of a refresh token."""
        parent = held.row.id if held.row.kind == Kind.REFRESH else None
        return cls(None if held.row.client is None else Id(held.row.client), held.keyring, held.row.family, parent)


# --- making ----------------------------------------------------------------------------------------------------------


def issue(
    work: Work,
    kind: Kind,
    line: Line,
    *,
    scopes: Scopes,
    seconds: int,
    redirect_uri: str = "",
    challenge: str = "",
    bearer: Bearer | None = None,
) -> tuple[Bearer, datetime]:
    """A fresh token (or `bearer`), and when it runs out: never after its grant."""
    bearer, expires = bearer or Bearer.new(kind), work.now + timedelta(seconds=seconds)
    if line.keyring is not None:
        ends = limits(work, line.keyring.grant_id).expires
        expires = min(expires, ends) if ends else expires
        openers.add_token_holder(work, line.keyring, secret=bearer.octets(), kind=holder_kind(kind), expires=expires)
    work.session.add(
        TokenRow(
            id=bearer.id,
            kind=kind.value,
            client=line.client,
            grant=None if line.keyring is None else line.keyring.grant_id,
            family=line.family,
            parent=line.parent,
            scope=str(scopes),
            state=State.LIVE.value,
            issued=work.now,
            expires=expires,
            redirect_uri=redirect_uri or None,
            challenge=challenge or None,
        )
    )
    work.session.flush()
    return bearer, expires


def holder_kind(kind: Kind) -> openers.TokenKind:
    """What the vault calls a token of this kind."""
    return cast("openers.TokenKind", kind.value)  # a site's opens no grant, so it never comes here


# --- finding and opening ---------------------------------------------------------------------------------------------


def find(work: Work, text: str, *kinds: Kind) -> TokenRow | None:
    """The row of a token, whatever became of it; None for a stranger's."""
    bearer = Bearer.read(text, *kinds)
    return None if bearer is None else work.session.get(TokenRow, bearer.id)


def open_bearer(work: Work, bearer: Bearer) -> Held:
    """What a live token opens. Raises `TokenRefused`, also once its grant has ended."""
    row = work.session.get(TokenRow, bearer.id)
    if row is None or row.kind != bearer.kind or row.state != State.LIVE or work.now >= row.expires:
        raise TokenRefused
    return Held(row, keyring_of(work, bearer))


def keyring_of(work: Work, bearer: Bearer) -> GrantKeyring | None:
    """The grant a bearer opens now, None for a site's. Raises `TokenRefused`."""
    if bearer.kind is Kind.SITE:
        return None
    try:
        return openers.open_token_holder(work, bearer.octets(), holder_kind(bearer.kind))
    except (Expired, NotThere):
        raise TokenRefused from None


def first_use_matters(row: TokenRow, now: datetime) -> bool:
    """Whether using this token must be written down: only while its lost answer could still be asked for again."""
    return row.parent is not None and row.used is None and now < row.issued + GRACE


def mark_used(work: Work, token_id: bytes) -> None:
    """After this the refresh token before it is not served again."""
    work.session.execute(sa.update(TokenRow).where(TokenRow.id == token_id).values(used=work.now))


# --- ending ----------------------------------------------------------------------------------------------------------


def notice_reuse(work: Work, row: TokenRow) -> None:
    """A secret that was used up came again: everything of its family ends, and the patient's history says so."""
    end_family(work, row.family)
    if row.grant is not None:
        owner = Owner(OwnerKind.VAULT, limits(work, row.grant).vault_id)
        by = Actor("app", row.client, row.grant)
        audit.record(work, owner=owner, did=Did.TOKEN_REUSED, by=by, to=row.grant)


def end_family(work: Work, family: bytes) -> None:
    """After this nothing that came of one decision opens anything."""
    _end(work, TokenRow.family == family)


def end_of_grant(work: Work, grant_id: bytes) -> None:
    """After this no token of the grant is accepted."""
    _end(work, TokenRow.grant == grant_id)


def end_of_client(work: Work, client: bytes) -> None:
    """After this no token of the client is accepted, and a site's unfinished pushes cannot be gone on with."""
    mine = sa.select(TokenRow.id).where(TokenRow.client == client)
    work.session.execute(sa.delete(IngestRow).where(IngestRow.token_id.in_(mine)))
    _end(work, TokenRow.client == client)


def is_alive(work: Work, grant_id: bytes) -> bool:
    """Whether any token still opens the grant."""
    living = sa.select(TokenRow.id).where(
        TokenRow.grant == grant_id, TokenRow.state == State.LIVE.value, TokenRow.expires > work.now
    )
    return work.session.scalar(living.limit(1)) is not None


def last_end(work: Work, grant_id: bytes) -> datetime | None:
    """When the last token of a grant ran out, or will."""
    return work.session.scalar(
        sa.select(TokenRow.expires).where(TokenRow.grant == grant_id).order_by(TokenRow.expires.desc()).limit(1)
    )


def sweep(work: Work) -> int:
    """Forget families of which every token has run out for ten minutes; answers how many rows went.

    A family dies when its last token does, so each is asked after once for every token of it that has run out.
    """
    others = aliased(TokenRow)
    since, until = marks.reached(work, "tokens"), work.now - TOMBSTONE
    young = sa.select(others.id).where(others.family == TokenRow.family, others.expires > until)
    dying = sa.select(TokenRow.family).where(TokenRow.expires > since, TokenRow.expires <= until, ~young.exists())
    gone = 0
    for part in in_parts(work.session.scalars(dying.distinct()).all()):
        work.session.execute(sa.delete(LaunchRow).where(LaunchRow.family.in_(part)))
        gone += changed_rows(work.session, sa.delete(TokenRow).where(TokenRow.family.in_(part)))
    marks.reach(work, "tokens", until)
    return gone


def _end(work: Work, which: sa.ColumnElement[bool]) -> None:
    ids = list(work.session.scalars(sa.select(TokenRow.id).where(which)))
    for token_id in ids:
        openers.drop_token_holder(work, token_id)
    ended = sa.update(TokenRow).where(which, TokenRow.state != State.ENDED.value)
    work.session.execute(ended.values(state=State.ENDED.value, changed=work.now))
