"""Short-lived ways in: sessions, drafts and bearer tokens. Each row is useless without the secret its holder carries.

A cookie or token is 32 random octets. What finds its row and what opens it are derived from it one way
(docs/format.md 8, 9); the octets themselves are never stored.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from vault.database import Work
from vault.errors import Expired, NotThere
from vault.ids import Id
from vault.joined import Joined, Part, octets, table_of
from vault.keyring import GrantKeyring, VaultKeyring
from vault.limits import GrantBounds, bounds_of_live, hold_grant
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.suite import unwrap, wrap
from vault.tables_sharing import DraftRow, ExportRow, GrantOwnerRow, HealthFileRow, SessionRow, TokenHolderRow

TokenKind = Literal["authz", "at", "rt", "shl-at", "guest"]
_SEEN_EVERY = timedelta(minutes=1)
_SESSION = Joined(
    Part(SessionRow, without={"device"}),
    found=lambda wanted: wanted.where(table_of(SessionRow).c.id == octets("id")),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A signed-in device in the middle of a request."""

    id: Id
    account_id: Id
    keyring: VaultKeyring
    created: datetime
    seen: datetime
    auth_time: datetime
    idle: timedelta
    expires: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A signed-in device as its owner sees it in a list."""

    id: Id
    area: str
    words: str
    created: datetime
    seen: datetime


def new_secret() -> bytes:
    """32 random octets for a cookie or a token."""
    return os.urandom(32)


def add_session(
    work: Work, keyring: VaultKeyring, *, account_id: bytes, area: str, device: str, idle: int, life: int
) -> bytes:
    """Sign a device in; returns the secret its cookie carries. `idle` and `life` are seconds."""
    secret = new_secret()
    row_id = derive.session_id(secret)
    work.session.add(
        SessionRow(
            id=row_id,
            vault=keyring.vault_id,
            account=account_id,
            area=area,
            ct=keyring.wrap_master_under(derive.session_key(secret), "sess", row_id, keyring.vault_id),
            device=wrap(keyring.library_key, device.encode(), "lib", keyring.vault_id, "session", row_id, "device"),
            created=work.now,
            seen=work.now,
            idle=idle,
            expires=work.now + timedelta(seconds=life),
            auth_time=work.now,
        )
    )
    work.session.flush()
    return secret


def open_session(work: Work, secret: bytes, area: str) -> OpenSession:
    """The session a cookie opens. Raises `Expired` when it ended, was idle too long, or belongs to another area."""
    row = _session_row(work, derive.session_id(secret))
    if row is None or row.area != area or _is_over(row, work.now):
        raise Expired
    master = unwrap(derive.session_key(secret), row.ct, "sess", row.id, row.vault)
    return OpenSession(
        id=Id(row.id),
        account_id=Id(row.account),
        keyring=VaultKeyring(row.vault, master),
        created=row.created,
        seen=row.seen,
        auth_time=row.auth_time,
        idle=timedelta(seconds=row.idle),
        expires=row.expires,
    )


def has_session(work: Work, session_id: bytes) -> bool:
    """Whether the device has not been signed out, as far as its row goes."""
    return _session_row(work, session_id) is not None


def _session_row(work: Work, session_id: bytes) -> SessionRow | None:
    return next((row for (row,) in _SESSION.rows(work, id=session_id)), None)


def needs_touch(session: OpenSession, now: datetime) -> bool:
    """Whether the time it was last seen is due to be written again (at most once a minute)."""
    return now - session.seen >= _SEEN_EVERY


def touch(work: Work, session_id: bytes) -> None:
    """Note that the device was just used."""
    work.session.execute(sa.update(SessionRow).where(SessionRow.id == session_id).values(seen=work.now))


def touch_auth(work: Work, session_id: bytes) -> None:
    """Note that the person has just shown again who they are."""
    work.session.execute(
        sa.update(SessionRow).where(SessionRow.id == session_id).values(auth_time=work.now, seen=work.now)
    )


def sessions_of(work: Work, keyring: VaultKeyring) -> list[Device]:
    """Every device that is signed in, last used first."""
    rows = work.session.scalars(
        sa.select(SessionRow).where(SessionRow.vault == keyring.vault_id).order_by(SessionRow.seen.desc())
    )
    return [
        Device(
            id=Id(row.id),
            area=row.area,
            words=unwrap(
                keyring.library_key, row.device, "lib", keyring.vault_id, "session", row.id, "device"
            ).decode(),
            created=row.created,
            seen=row.seen,
        )
        for row in rows
        if not _is_over(row, work.now)
    ]


def end_session(work: Work, session_id: bytes) -> None:
    """Sign a device out; even a copied cookie opens nothing after this."""
    work.session.execute(sa.delete(SessionRow).where(SessionRow.id == session_id))


def end_sessions(work: Work, vault_id: bytes, *, keep: bytes | None = None) -> int:
    """Sign every device of a vault out, but `keep`; returns how many."""
    gone = sa.delete(SessionRow).where(SessionRow.vault == vault_id)
    if keep is not None:
        gone = gone.where(SessionRow.id != keep)
    return changed_rows(work.session, gone)


def _is_over(row: SessionRow, now: datetime) -> bool:
    return now >= row.expires or now >= row.seen + timedelta(seconds=row.idle)


# --- drafts ----------------------------------------------------------------------------------------------------------


def keep_draft(work: Work, secret: bytes, text: str, seconds: int) -> None:
    """Keep what an unfinished form holds, so that only the cookie with `secret` can read it again."""
    row_id = derive.session_id(secret)
    ct = wrap(derive.session_key(secret), text.encode(), "draft", row_id)
    work.session.merge(DraftRow(id=row_id, ct=ct, expires=work.now + timedelta(seconds=seconds)))


def draft(work: Work, secret: bytes) -> str | None:
    """What was kept, or None when there is nothing or it is too old."""
    row = work.session.get(DraftRow, derive.session_id(secret))
    if row is None or work.now >= row.expires:
        return None
    return unwrap(derive.session_key(secret), row.ct, "draft", row.id).decode()


def drop_draft(work: Work, secret: bytes) -> None:
    """Forget what was kept."""
    work.session.execute(sa.delete(DraftRow).where(DraftRow.id == derive.session_id(secret)))


# --- tokens over a grant ---------------------------------------------------------------------------------------------


def add_token_holder(work: Work, grant: GrantKeyring, *, secret: bytes, kind: TokenKind, expires: datetime) -> Id:
    """Let the bearer of `secret` open the grant until `expires`, never longer than the grant lives.

    Raises `Expired` for a grant that has ended or run out.
    """
    row_id, key = _token_parts(secret, kind)
    ends = hold_grant(work, grant.grant_id).expires
    work.session.add(
        TokenHolderRow(
            id=row_id,
            grant=grant.grant_id,
            kind=kind,
            ct=grant.wrap_key_under(key, grant.grant_id, row_id, kind),
            expires=expires if ends is None else min(expires, ends),
        )
    )
    work.session.flush()
    return Id(row_id)


def open_token_holder(work: Work, secret: bytes, kind: TokenKind) -> GrantKeyring:
    """The grant a bearer secret opens.

    Raises `Expired` when the token or its grant is past its time, `NotThere` when it was ended or never was,
    `BrokenRecord` when the grant's row is not as this server wrote it.
    """
    row = work.session.get(TokenHolderRow, _token_parts(secret, kind)[0])
    if row is None:
        raise NotThere
    grant = work.session.get(GrantOwnerRow, row.grant)
    return open_found_holder(work, row, grant, secret=secret, kind=kind)[0]


def open_found_holder(
    work: Work, row: TokenHolderRow | None, grant: GrantOwnerRow | None, *, secret: bytes, kind: TokenKind
) -> tuple[GrantKeyring, GrantBounds]:
    """The same where the rows were found already, with what the grant gives. Raises the same."""
    row_id, key = _token_parts(secret, kind)
    if row is None or grant is None or (row.id, row.kind, row.grant) != (row_id, kind, grant.id):
        raise NotThere
    bounds = bounds_of_live(work, grant)
    if work.now >= row.expires:
        raise Expired
    return GrantKeyring(row.grant, unwrap(key, row.ct, "holder", row.grant, row.id, row.kind)), bounds


def has_token_holder(work: Work, holder_id: bytes) -> bool:
    """Whether the token still opens its grant, as far as its row goes."""
    return work.session.get(TokenHolderRow, holder_id) is not None


def drop_token_holder(work: Work, holder_id: bytes) -> None:
    """After this the token opens nothing."""
    work.session.execute(sa.delete(TokenHolderRow).where(TokenHolderRow.id == holder_id))


def sweep_openers(work: Work) -> int:
    """Delete every short-lived opener and export that is past its time; returns how many rows went."""
    gone = 0
    for table in (SessionRow, DraftRow, TokenHolderRow, HealthFileRow, ExportRow):
        gone += changed_rows(work.session, sa.delete(table).where(table.expires <= work.now))
    return gone


def _token_parts(secret: bytes, kind: TokenKind) -> tuple[bytes, bytes]:
    if kind == "guest":
        return derive.session_id(secret), derive.session_key(secret)
    return derive.token_id(secret, kind), derive.token_key(secret, kind)
