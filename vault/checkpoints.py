"""Signed roots over the heads of all chains, so that a cut end shows (docs/format.md 11).

A checkpoint's leaves are the heads that changed since the one before, sorted by owner; its text names the one before
by hash, so the newest text binds all of them. Each goes to the database and, by the caller, to a witness outside it.
What the signature binds is whoever does not hold the signing key; what the witness binds is everybody.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

import sqlalchemy as sa

from vault import audit
from vault.database import Work
from vault.errors import BrokenChain
from vault.ids import Id
from vault.keyring import Owner, OwnerKind
from vault.sealing import chain
from vault.sealing.canonical import canonical_json
from vault.sealing.errors import Tampered
from vault.sealing.suite import CheckpointKey, verify_checkpoint
from vault.tables import EPOCH
from vault.tables_sharing import AuditHeadRow, AuditRow, CheckpointRow

NO_CHECKPOINT = ""
NO_LEAVES = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """The head of one chain: its owner, the number and the hash of its newest event."""

    owner: Owner
    n: int
    h: bytes

    def digest(self) -> bytes:
        """As it enters the root."""
        return chain.leaf(self.owner.id, self.n, self.h)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what was wrong: one sentence for each problem, none where all is as recorded."""

    chains: int
    events: int
    checkpoints: int
    problems: tuple[str, ...]


def checkpoint(work: Work, append: Callable[[str], None]) -> int:
    """The heads that changed are signed; `append` gets the line for the witness once this is committed.

    Answers the checkpoint's number, from 1. Chains that are being added to at this moment come with the next one.
    """
    before = work.session.scalar(sa.select(CheckpointRow).order_by(CheckpointRow.number.desc()).limit(1))
    number = 1 if before is None else before.number + 1
    leaves = _changed_leaves(work, number)
    text = canonical_json(
        {
            "number": number,
            "time": (work.now - EPOCH).days * 86_400 + (work.now - EPOCH).seconds,
            "count": len(leaves),
            "root": root_of(leaves).hex(),
            "previous": NO_CHECKPOINT if before is None else sha256(before.text.encode()).hexdigest(),
        }
    )
    signature = CheckpointKey.from_seed(work.secrets.audit_key).sign(text)
    row = CheckpointRow(number=number, text=text.decode(), signature=signature, leaves=_written(leaves))
    work.session.add(row)
    work.session.flush()
    work.afterwards(lambda: append(line_of(row)))
    return number


def root_of(leaves: Iterable[Leaf]) -> bytes:
    """The root over the leaves, sorted by owner; an odd node moves up. SHA-256 of nothing where there is none."""
    level = [leaf.digest() for leaf in sorted(leaves, key=lambda leaf: leaf.owner.id)]
    while len(level) > 1:
        pairs = [chain.node(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else NO_LEAVES


def line_of(row: CheckpointRow) -> str:
    """The checkpoint as a witness keeps it: one line of JSON without its line break."""
    signed = {"text": row.text, "signature": b64encode(row.signature).decode(), "leaves": json.loads(row.leaves)}
    return canonical_json(signed).decode()


def _changed_leaves(work: Work, number: int) -> list[Leaf]:
    changed = sa.select(AuditHeadRow).where(AuditHeadRow.checkpoint == 0, AuditHeadRow.n >= 0)
    heads = work.session.scalars(changed.order_by(AuditHeadRow.owner).with_for_update(skip_locked=True))
    leaves: list[Leaf] = []
    for head in heads.all():
        head.checkpoint = number
        leaves.append(Leaf(Owner(OwnerKind(head.owner_kind), Id(head.owner)), head.n, head.h))
    return leaves


# -- verifying -------------------------------------------------------------------------------------


def verify_all(work: Work, witnessed: Iterable[str] = ()) -> Verified:
    """Every chain and every checkpoint, and each line that a witness kept, against each other.

    A chain's first bad event is named by number. Nothing is raised: whoever verifies wants to see all of it.
    """
    problems: list[str] = []
    chains = events = 0
    for owner in _owners(work):
        chains += 1
        try:
            events += audit.verify_chain(work, owner)
        except BrokenChain as broken:
            problems.append(f"{_named(owner)}: event {broken.n} is missing, changed or out of place")
    kept = list(work.session.scalars(sa.select(CheckpointRow).order_by(CheckpointRow.number)))
    problems += _problems_of(work, kept)
    problems += _unknown_lines(work, {line_of(row) for row in kept}, witnessed)
    return Verified(chains, events, len(kept), tuple(problems))


def _owners(work: Work) -> list[Owner]:
    heads = sa.select(AuditHeadRow.owner_kind, AuditHeadRow.owner)
    rows = sa.select(AuditRow.owner_kind, AuditRow.owner)
    found = work.session.execute(heads.union(rows)).all()
    return sorted((Owner(OwnerKind(kind), Id(owner)) for kind, owner in found), key=lambda one: (one.kind, one.id))


def _problems_of(work: Work, kept: list[CheckpointRow]) -> Iterator[str]:
    public = CheckpointKey.from_seed(work.secrets.audit_key).public
    previous = NO_CHECKPOINT
    for number, row in enumerate(kept, start=1):
        yield from _problems_with_one(work, row, number, previous, public)
        previous = sha256(row.text.encode()).hexdigest()


def _problems_with_one(work: Work, row: CheckpointRow, number: int, previous: str, public: bytes) -> Iterator[str]:
    said = json.loads(row.text)
    leaves = _read(row.leaves)
    try:
        verify_checkpoint(public, row.text.encode(), row.signature)
    except Tampered:
        yield f"checkpoint {row.number}: not signed with this store's key"
    if (said["number"], row.number, said["previous"]) != (number, number, previous):
        yield f"checkpoint {row.number}: does not follow the one before"
    if (said["count"], said["root"]) != (len(leaves), root_of(leaves).hex()):
        yield f"checkpoint {row.number}: its leaves were changed"
    yield from _cut_or_changed(work, row.number, leaves)


def _cut_or_changed(work: Work, number: int, leaves: Iterable[Leaf]) -> Iterator[str]:
    for leaf in leaves:
        found = audit.hash_at(work, leaf.owner, leaf.n)
        if found is None:
            yield f"{_named(leaf.owner)}: cut behind checkpoint {number}, which saw event {leaf.n}"
        elif found != leaf.h:
            yield f"{_named(leaf.owner)}: event {leaf.n} is not the one that checkpoint {number} saw"


def _unknown_lines(work: Work, kept: set[str], witnessed: Iterable[str]) -> Iterator[str]:
    public = CheckpointKey.from_seed(work.secrets.audit_key).public
    for line in witnessed:
        if not line.strip() or line.strip() in kept:
            continue
        try:
            signed = json.loads(line)
            verify_checkpoint(public, signed["text"].encode(), b64decode(signed["signature"], validate=True))
            number = json.loads(signed["text"])["number"]
        except (Tampered, ValueError, KeyError, TypeError, AttributeError):
            yield "the witness keeps a line that is no checkpoint of this store's key"
            continue
        yield f"checkpoint {number}: the witness saw one that is not in the database"
        yield from _cut_or_changed(work, number, _read(json.dumps(signed.get("leaves", []))))


def _written(leaves: Iterable[Leaf]) -> str:
    return canonical_json([[one.owner.kind.value, one.owner.id.hex(), one.n, one.h.hex()] for one in leaves]).decode()


def _read(text: str) -> list[Leaf]:
    return [
        Leaf(Owner(OwnerKind(kind), Id(bytes.fromhex(owner))), n, bytes.fromhex(h))
        for kind, owner, n, h in json.loads(text)
    ]


def _named(owner: Owner) -> str:
    return f"{owner.kind.value} {owner.id.hex()}"
