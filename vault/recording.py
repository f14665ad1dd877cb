"""Events that requests tell by themselves, outside of any other change: those of one moment are one transaction.

A read changes nothing but the history of whose record it was. Its event is durable before its answer leaves; what is
saved is that each of many readers waits for the lock and for the disk by themselves (docs/format.md 11).
"""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy.dialects import postgresql, sqlite

from vault.audit import ADD, LOCK, MOVE, NOTHING_YET, Actor, Did, written
from vault.database import Database, Services
from vault.joined import table_of
from vault.keyring import Owner
from vault.plain import Hand, Told, lasting
from vault.sealing import chain
from vault.tables_sharing import AuditHeadRow
from vault.together import Together

_HEAD: Final = table_of(AuditHeadRow)
_LOCK, _ADD, _MOVE = Told(LOCK), Told(ADD), Told(MOVE)
_BEGIN: Final = {
    True: Told(sqlite.insert(_HEAD).on_conflict_do_nothing()),
    False: Told(postgresql.insert(_HEAD).on_conflict_do_nothing()),
}


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to an owner."""

    owner: Owner
    did: Did
    by: Actor
    to: bytes | None = None
    detail: Mapping[str, str | int] = field(default_factory=dict[str, str | int])


_Line = tuple[Owner, dict[str, Any]]  # whose it is, and what its row says of it
_Brought = tuple[Database, list[_Line]]
_RECORDERS: Final[WeakKeyDictionary[Database, Together[_Brought]]] = WeakKeyDictionary()
_LOCKED = threading.Lock()


def record_all(services: Services, happened: Sequence[Happened]) -> None:
    """Each is the next event of its owner's chain, and durable. Raises as `audit.record`; `StoreAway`."""
    now = services.clock.now()
    lines = [(one.owner, {"at": now, "event": written(now, one.did, one.by, one.to, one.detail)}) for one in happened]
    if lines:
        _recorder(services.database).do((services.database, lines))


def _recorder(database: Database) -> Together[_Brought]:
    found = _RECORDERS.get(database)
    if found is None:
        with _LOCKED:
            found = _RECORDERS.setdefault(database, Together(_record))
    return found


def _record(brought: list[_Brought]) -> None:
    """What several brought for one database."""
    database = brought[0][0]
    chains: dict[Owner, list[dict[str, Any]]] = defaultdict(list)
    for _, lines in brought:
        for owner, line in lines:
            chains[owner].append(line)
    with lasting(database) as hand:
        # One order for all, so that two at once never wait for each other.
        for owner in sorted(chains, key=lambda one: (one.kind.value, one.id)):
            _add(hand, owner, chains[owner], begin=_BEGIN[database.is_sqlite])


def _add(hand: Hand, owner: Owner, lines: Sequence[Mapping[str, Any]], *, begin: Told) -> None:
    """The lines are the next of the owner's chain, in this order."""
    whose = {"kind": owner.kind.value, "whose": owner.id}
    if not (found := hand.ask(_LOCK, **whose)):
        hand.do(begin, owner_kind=owner.kind.value, owner=owner.id, n=-1, h=NOTHING_YET, checkpoint=0)
        found = hand.ask(_LOCK, **whose)
    n, h = found[0]
    for line in lines:
        n, h = n + 1, chain.link(owner.id, n + 1, h, line["event"])
        told = {"owner_kind": owner.kind.value, "owner": owner.id, "at": line["at"], "event": line["event"].decode()}
        hand.do(_ADD, **told, n=n, h=h)
    hand.do(_MOVE, **whose, to_n=n, to_h=h)
