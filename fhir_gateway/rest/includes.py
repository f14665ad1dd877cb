"""What comes along with matches: `_include`, `_revinclude`, and both again with `:iterate` (R4 search 3.1.1.5.4)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.resources.parameters import Param
from fhir_gateway.rest.asked import reference_of
from fhir_gateway.rest.shelf import Found
from fhir_gateway.rest.sight import Sight

Json = dict[str, Any]

MOST_COMING_ALONG = 1000
ROUNDS = 4  # of `:iterate`; nothing we serve is linked more deeply


@dataclass(frozen=True, slots=True)
class Include:
    """`Source:parameter:Target`; `reverse` where the source is what comes along, `again` where it goes on from it."""

    source: str
    params: tuple[Param, ...]
    target: str = ""
    reverse: bool = False
    again: bool = False

    @classmethod
    def parse(cls, name: str, text: str) -> Self | None:
        """None for a type or parameter that is not known. `name` is the parameter with its modifier."""
        bare, _, modifier = name.partition(":")
        source, _, rest = text.partition(":")
        by, _, target = rest.partition(":")
        if modifier not in ("", "iterate", "recurse") or source not in KINDS or (target and target not in KINDS):
            return None
        kind = KINDS[source]
        param = kind.param(by)
        params = kind.references if by == "*" else (param,) if param in kind.references else ()
        found = tuple(one for one in params if one is not None)
        return cls(source, found, target, reverse=bare == "_revinclude", again=bool(modifier)) if found else None

    def touches(self, name: str) -> bool:
        """Whether a parameter of this name is among those followed."""
        return any(one.name == name for one in self.params)

    def coming_with(self, found: Iterable[Found], sight: Sight) -> Iterator[Found]:
        """What these bring along."""
        return self._pointing_at(found, sight) if self.reverse else self._pointed_at(found, sight)

    def _pointed_at(self, found: Iterable[Found], sight: Sight) -> Iterator[Found]:
        for one in found:
            if one.resource["resourceType"] != self.source:
                continue
            for reference in self._references(one.resource):
                there = sight.at(reference)
                if there is not None and self.target in ("", there.resource["resourceType"]):
                    yield there

    def _pointing_at(self, found: Iterable[Found], sight: Sight) -> Iterator[Found]:
        meant = {_name(one) for one in found if self.target in ("", one.resource["resourceType"])}
        for one in sight.all_of(self.source) if meant else ():
            if any(reference.removeprefix(sight.base) in meant for reference in self._references(one.resource)):
                yield one

    def _references(self, resource: Json) -> Iterator[str]:
        for param in self.params:
            yield from (found for value in param.values(resource) if (found := reference_of(value)))


def _name(found: Found) -> str:
    return f"{found.resource['resourceType']}/{found.resource['id']}"


def coming_along(matches: Sequence[Found], includes: Sequence[Include], sight: Sight) -> list[Found]:
    """Everything that comes with the matches, once each, without the matches; at most a thousand."""
    known = {_name(one) for one in matches}
    brought: list[Found] = []
    newest, asked = list(matches), list(includes)
    for _ in range(ROUNDS):
        fresh: list[Found] = []
        for include in asked:
            for one in include.coming_with(newest, sight):
                if _name(one) not in known and len(brought) + len(fresh) < MOST_COMING_ALONG:
                    known.add(_name(one))
                    fresh.append(one)
        brought += fresh
        newest, asked = fresh, [one for one in includes if one.again]
        if not fresh or not asked:
            break
    return brought
