"""The hashes of the audit chain and of its checkpoints (docs/format.md 11). They hide nothing; they bind."""

import hashlib

from vault.sealing.derive import lp
from vault.sealing.labels import Label


def link(owner16: bytes, number: int, previous: bytes, event: bytes) -> bytes:
    """The chain's next hash (32 octets); `event` is canonical JSON, `previous` 32 zero octets at number 0."""
    return hashlib.sha256(lp(Label.AUDIT, owner16, number, previous, event)).digest()


def leaf(owner16: bytes, number: int, head: bytes) -> bytes:
    """A checkpoint's leaf for one owner's chain."""
    return hashlib.sha256(b"\x00" + lp(Label.AUDIT_LEAF, owner16, number, head)).digest()


def node(left: bytes, right: bytes) -> bytes:
    """A checkpoint's inner node; its first octet keeps it apart from any leaf."""
    return hashlib.sha256(b"\x01" + left + right).digest()
