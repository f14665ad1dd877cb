"""What happened to whom: one chain of events for each owner (docs/format.md 11).

h_n = SHA-256(lp("phr1/audit", owner, n, h_{n-1}, event)), h_{-1} = 32 zero octets. Whoever edits, removes or moves a
row breaks the chain; whoever cuts its end meets the next checkpoint (`checkpoints`) or the owner's sealed record.
Events hold pseudonymous identifiers only; names are found with the owner's keys when the owner looks.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import sqlalchemy as sa

from vault.database import Work
from vault.errors import BrokenChain
from vault.joined import table_of
from vault.keyring import Owner
from vault.rows import insert_or_renew, insert_unless_there
from vault.sealing import chain, derive
from vault.sealing.canonical import canonical_json
from vault.tables import EPOCH
from vault.tables_sharing import AuditHeadRow, AuditRow, OnceRow

NOTHING_YET = bytes(32)

# Every event is written with the same three statements, which are made once.
_HEAD, _EVENTS = table_of(AuditHeadRow), table_of(AuditRow)
_MINE = (_HEAD.c.owner_kind == sa.bindparam("kind"), _HEAD.c.owner == sa.bindparam("whose"))
LOCK = sa.select(_HEAD.c.n, _HEAD.c.h).where(*_MINE).with_for_update()
MOVE = sa.update(_HEAD).where(*_MINE).values(n=sa.bindparam("to_n"), h=sa.bindparam("to_h"), checkpoint=0)
ADD = sa.insert(_EVENTS)


class Did(StrEnum):
    """Every event there is."""

    SIGNED_UP = "signed-up"
    SIGNED_IN = "signed-in"
    SIGN_IN_FAILED = "sign-in-failed"
    SIGNED_OUT = "signed-out"
    SIGNED_OUT_EVERYWHERE = "signed-out-everywhere"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  an event's name
    MAIL_CHANGED = "mail-changed"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    RECOVERY_MADE = "recovery-made"
    RECOVERY_CHECKED = "recovery-checked"
    RECOVERY_USED = "recovery-used"
    CODE_APP_ADDED = "code-app-added"
    CLAIMED = "claimed"
    CLAIM_ISSUED = "claim-issued"
    CLAIM_REISSUED = "claim-reissued"
    CLAIM_FAILED = "claim-failed"
    CLAIM_EXPIRED = "claim-expired"
    LINKED = "linked"
    UNLINKED = "unlinked"
    RECEIVED = "received"
    REPORT_RECEIVED = "report-received"
    GAVE = "gave"
    ENDED_GRANT = "ended-grant"
    REDEEMED = "redeemed"
    REDEEM_FAILED = "redeem-failed"
    PASSCODE_FAILED = "passcode-failed"
    OPENED = "opened"
    VIEWED = "viewed"
    READ = "read"
    SEARCHED = "searched"
    SAVED_COPY = "saved-copy"
    PRINTED = "printed"
    REVIEWED = "reviewed"
    TOKEN_ISSUED = "token-issued"  # noqa: S105
    TOKEN_REFRESHED = "token-refreshed"  # noqa: S105
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    TOKEN_REUSED = "token-reused"  # noqa: S105
    FORGOT_STUDY = "forgot-study"
    ERASED = "erased"
    SITE_ADDED = "site-added"
    SITE_REKEYED = "site-rekeyed"
    SITE_SWITCHED_OFF = "site-switched-off"
    CLIENT_ADDED = "client-added"
    CLIENT_CHANGED = "client-changed"
    CLIENT_SWITCHED_OFF = "client-switched-off"


ActorKind = Literal["patient", "provider", "guest", "app", "site", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; `via` is the grant that let them."""

    kind: ActorKind
    id: bytes | None = None
    via: bytes | None = None


SYSTEM_ACTOR = Actor("system")


@dataclass(frozen=True, slots=True)
class Event:
    """One link of a chain, as it was recorded."""

    n: int
    at: datetime
    did: Did
    by: Actor
    to: bytes | None
    detail: dict[str, str | int] = field(default_factory=dict[str, str | int])


# -- recording -------------------------------------------------------------------------------------


def record(work: Work, *, owner: Owner, did: Did, by: Actor, to: bytes | None = None, **detail: str | int) -> None:
    """The event is the next of the owner's chain, in the caller's transaction.

    The head is locked until that transaction ends: whoever needs other rows locks them first. Raises `ValueError`
    for a detail named like a part of every event.
    """
    event = written(work.now, did, by, to, detail)
    work.session.flush()
    connection = work.session.connection()
    whose: dict[str, str | bytes] = {"kind": owner.kind.value, "whose": owner.id}
    last, before = _locked_head(work, connection, whose)
    n, h = last + 1, chain.link(owner.id, last + 1, before, event)
    told = {"owner_kind": owner.kind.value, "owner": owner.id, "n": n, "at": work.now, "event": event.decode(), "h": h}
    connection.execute(ADD, told)
    connection.execute(MOVE, {**whose, "to_n": n, "to_h": h})


def record_once(
    work: Work,
    *,
    owner: Owner,
    did: Did,
    by: Actor,
    key: str,
    to: bytes | None = None,
    seconds: int = 3600,
    **detail: str | int,
) -> None:
    """Like `record`, unless the same was recorded under `key` less than `seconds` ago."""
    once = derive.counter_index(work.secrets.index_key, "once", owner.id, did.value, key)
    until = work.now + timedelta(seconds=seconds)
    if insert_or_renew(
        work.session, OnceRow, key=["id"], renewed="until", only_if=OnceRow.until <= work.now, id=once, until=until
    ):
        record(work, owner=owner, did=did, by=by, to=to, **detail)


def written(at: datetime, did: Did, by: Actor, to: bytes | None, detail: Mapping[str, str | int]) -> bytes:
    """An event as its row keeps it. Raises `ValueError` for a detail named like a part of every event."""
    named: dict[str, str | int] = {"at": (at - EPOCH) // timedelta(microseconds=1), "did": did.value, "by": by.kind}
    if named.keys() & detail.keys() or {"id", "via", "to"} & detail.keys():
        raise ValueError("a detail is named like a part of every event")
    named |= {name: octets.hex() for name, octets in (("id", by.id), ("via", by.via), ("to", to)) if octets}
    return canonical_json({**named, **detail})


def _locked_head(work: Work, connection: sa.Connection, whose: dict[str, str | bytes]) -> tuple[int, bytes]:
    """The number and hash of the newest event; nobody adds another before the caller's transaction has ended."""
    found = connection.execute(LOCK, whose).first()
    if found is None:
        begun = {"owner_kind": whose["kind"], "owner": whose["whose"], "n": -1, "h": NOTHING_YET, "checkpoint": 0}
        insert_unless_there(work.session, AuditHeadRow, **begun)
        found = connection.execute(LOCK, whose).one()
    return found[0], found[1]


# -- reading ---------------------------------------------------------------------------------------


def head(work: Work, owner: Owner) -> tuple[int, bytes]:
    """The number and hash of the chain's newest event; (-1, 32 zero octets) where there is none."""
    row = work.session.get(AuditHeadRow, (owner.kind.value, owner.id), populate_existing=True)
    return (-1, NOTHING_YET) if row is None else (row.n, row.h)


def hash_at(work: Work, owner: Owner, n: int) -> bytes | None:
    """The hash of the owner's event number `n`, or None where there is no such event."""
    row = work.session.get(AuditRow, (owner.kind.value, owner.id, n))
    return None if row is None else row.h


def events(
    work: Work, owner: Owner, *, before: int | None = None, most: int = 50, kinds: Collection[Did] | None = None
) -> list[Event]:
    """The owner's newest events first, at most `most`: those with numbers below `before`, and of `kinds` if given."""
    found = sa.select(AuditRow).where(AuditRow.owner_kind == owner.kind.value, AuditRow.owner == owner.id)
    if before is not None:
        found = found.where(AuditRow.n < before)
    picked: list[Event] = []
    for row in work.session.scalars(found.order_by(AuditRow.n.desc()).execution_options(yield_per=200)):
        if not row.event:  # an erased vault's
            continue
        event = _read(row)
        if kinds is None or event.did in kinds:
            picked.append(event)
        if len(picked) == most:
            break
    return picked


def _read(row: AuditRow) -> Event:
    named: dict[str, str | int] = json.loads(row.event)
    named.pop("at")
    did, kind = Did(named.pop("did")), named.pop("by")
    by = Actor(kind, _octets(named, "id"), _octets(named, "via"))  # type: ignore[arg-type]
    return Event(row.n, row.at, did, by, _octets(named, "to"), named)


def _octets(named: dict[str, str | int], name: str) -> bytes | None:
    text = named.pop(name, None)
    return None if text is None else bytes.fromhex(str(text))


# -- verifying -------------------------------------------------------------------------------------


def verify_chain(work: Work, owner: Owner, *, after: int = -1, h: bytes = NOTHING_YET) -> int:
    """Return how many events there are behind number `after` (whose hash was `h`) if they are as recorded.

    Raises `BrokenChain` with the number of the first event that is missing, changed or out of place.
    """
    expected = after
    erased = was_erased(work, owner)
    for row in _rows(work, owner, after):
        expected += 1
        # An erased vault keeps only the hashes; nobody else's events may be empty.
        kept_only_hash = erased and not row.event
        if row.n != expected or not (kept_only_hash or _is_next(owner, row, h)):
            raise BrokenChain(expected)
        h = row.h
    if head(work, owner) != (expected, h):
        raise BrokenChain(expected + 1)
    return expected - after


def _rows(work: Work, owner: Owner, after: int) -> Iterator[AuditRow]:
    found = (
        sa.select(AuditRow)
        .where(AuditRow.owner_kind == owner.kind.value, AuditRow.owner == owner.id, AuditRow.n > after)
        .order_by(AuditRow.n)
    )
    return iter(work.session.scalars(found.execution_options(yield_per=500, populate_existing=True)))


def _is_next(owner: Owner, row: AuditRow, previous: bytes) -> bool:
    at = f'"at":{(row.at - EPOCH) // timedelta(microseconds=1)},'
    return at in row.event and row.h == chain.link(owner.id, row.n, previous, row.event.encode())


def was_erased(work: Work, owner: Owner) -> bool:
    """Whether the chain ends with the erasure of its owner."""
    n, _ = head(work, owner)
    last = work.session.get(AuditRow, (owner.kind.value, owner.id, n))
    return last is not None and bool(last.event) and _read(last).did is Did.ERASED


def clear_texts(work: Work, owner: Owner) -> None:
    """Of what happened to the owner only the hashes are left, and that it was erased; called behind that event."""
    n, _ = head(work, owner)
    work.session.execute(
        sa.update(AuditRow)
        .where(AuditRow.owner_kind == owner.kind.value, AuditRow.owner == owner.id, AuditRow.n < n)
        .values(event="")
    )
