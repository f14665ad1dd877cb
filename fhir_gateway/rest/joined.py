"""Parameters that look beyond the resource: `patient.identifier=…` and `_has:…` (R4 search 3.1.1.4.12, 3.1.1.4.13)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fhir_gateway.errors import BadParameter
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.resources.parameters import Param
from fhir_gateway.rest.asked import Test, reference_of
from fhir_gateway.rest.sight import Sight

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chained:
    """What a reference leads to must pass a test of its own type; each possible type has one."""

    param: Param
    tests: Mapping[str, Test]

    @classmethod
    def parse(cls, param: Param, kind: str, rest: str, text: str, base: str) -> Self | None:
        """`rest` is what follows the dot. None where no type has such a parameter; raises `BadParameter`."""
        name, _, modifier = rest.partition(":")
        if "." in name:
            raise BadParameter("Only one step of a chain is followed.")
        if kind and kind not in (param.targets or KINDS):
            raise BadParameter("A parameter has a modifier that is not known here.")
        targets = [kind] if kind else [one for one in KINDS if param.points_at(one)]
        found = {one: inner for one in targets if one in KINDS and (inner := KINDS[one].param(name)) is not None}
        if param.kind != "reference" or not found:
            return None
        return cls(param, {one: Test.parse(inner, modifier, text, base) for one, inner in found.items()})

    def fits(self, resource: Json, sight: Sight) -> bool:
        """Tell whether something it refers to, that the asker may see, is what is asked for."""
        return any(self._leads_there(value, sight) for value in self.param.values(resource))

    def _leads_there(self, value: Any, sight: Sight) -> bool:
        if any(self._names(value, test) for test in self.tests.values()):
            return True
        found = sight.at(reference_of(value), "s")
        test = None if found is None else self.tests.get(found.resource["resourceType"])
        return found is not None and test is not None and test.fits(found.resource)

    def _names(self, value: Any, test: Test) -> bool:
        """A logical reference carries the identifier itself: `basedOn.identifier` is an accession number (IHE IMR)."""
        identifier = value.get("identifier") if isinstance(value, dict) else None
        return test.param.name == "identifier" and identifier is not None and test.fits({"identifier": [identifier]})


@dataclass(frozen=True, slots=True)
class Has:
    """Something of type `source`, which refers to the resource by `by`, must pass a test."""

    source: Kind
    by: Param
    test: Test

    @classmethod
    def parse(cls, kind: Kind, rest: str, text: str, base: str) -> Self | None:
        """`rest` is `Source:reference:parameter`. None where there is no such type or parameter."""
        source, _, further = rest.partition(":")
        by_name, _, name = further.partition(":")
        name, _, modifier = name.partition(":")
        found = KINDS.get(source)
        by = found.param(by_name) if found is not None else None
        param = found.param(name) if found is not None and name else None
        if found is None or by is None or param is None or not found.searches or not by.points_at(kind.name):
            return None
        return cls(found, by, Test.parse(param, modifier, text, base))

    def fits(self, resource: Json, sight: Sight) -> bool:
        """Tell whether something the asker may search refers to it so."""
        mine = f"{resource['resourceType']}/{resource['id']}"
        return any(
            self.test.fits(one.resource)
            for one in sight.all_of(self.source.name)
            if mine in (reference_of(value).removeprefix(sight.base) for value in self.by.values(one.resource))
        )
