"""
What one search may look at beside what it is asked for: other types the asker may search, and what is referred to.

Following a reference, being referred to and coming along all end here, so that none of them reaches further than a
search or a read of its own would.
"""

from functools import cached_property

from consent.access import Access
from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.rest.shelf import Found, Shelf

_Index = dict[str, Found]


class Sight:
    """Everything one search sees, each type drawn once for each letter of the scopes."""

    def __init__(self, shelf: Shelf, access: Access) -> None:
        self.shelf, self._access = shelf, access
        self._drawn: dict[tuple[str, str], _Index] = {}

    @cached_property
    def base(self) -> str:
        """The FHIR base, which an absolute reference begins with."""
        return f"{self.shelf.base}/"

    def all_of(self, kind: str, letter: str = "s") -> list[Found]:
        """Every resource of a type that the asker may search (or read: `r`); none where they may not."""
        return list(self._index(kind, letter).values())

    def at(self, reference: str, letter: str = "r") -> Found | None:
        """What a reference leads to, if the asker may read it."""
        kind, _, resource_id = reference.removeprefix(self.base).partition("/_history/")[0].partition("/")
        return self._index(kind, letter).get(resource_id) if kind in KINDS else None

    def _index(self, kind: str, letter: str) -> _Index:
        if not KINDS[kind].searches or not self._access.can_scope(f"patient/{kind}.{letter}"):
            return {}
        if (kind, letter) not in self._drawn:
            self._drawn[kind, letter] = {str(one.resource["id"]): one for one in self.shelf.all_of(kind, letter)}
        return self._drawn[kind, letter]
