"""Whom study keys belong to, and the parts in which they can be given."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from vault.ids import Id


class KeyClass(StrEnum):
    """The three parts of a batch that can be given separately."""

    META = "meta"
    PICTURES = "img"
    REPORTS = "rep"


class OwnerKind(StrEnum):
    """What study keys can be sealed to."""

    VAULT = "vault"
    CLAIM = "claim"
    SITE = "site"
    GRANT = "grant"
    SYSTEM = "system"  # has a chain of events, never keys


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner by kind and identifier."""

    kind: OwnerKind
    id: Id


SYSTEM = Owner(OwnerKind.SYSTEM, Id(bytes(16)))


def classes_from(bits: int) -> Iterable[KeyClass]:
    """The key classes that a grant's bits name."""
    return [kind for bit, kind in ((1, KeyClass.META), (2, KeyClass.PICTURES), (4, KeyClass.REPORTS)) if bits & bit]
