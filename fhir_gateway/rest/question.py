"""A FHIR search as it was asked: parsed once, applied to resources in memory (R4 search)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from fhir_gateway.errors import BadParameter
from fhir_gateway.outcome import Issue, Refusal
from fhir_gateway.params import ReferenceTest, whole
from fhir_gateway.resources.kinds import Kind
from fhir_gateway.resources.parameters import Param
from fhir_gateway.rest.asked import Test, order_of
from fhir_gateway.rest.includes import Include
from fhir_gateway.rest.joined import Chained, Has
from fhir_gateway.rest.shelf import Found
from fhir_gateway.rest.sight import Sight

Json = dict[str, Any]
Pairs = tuple[tuple[str, str], ...]

PAGE, PAGE_MOST = 50, 200
PATIENT_PARAMS = ("patient", "subject")
PASSED = frozenset({"_format", "_pretty"})
_SUMMARIES = frozenset({"true", "false", "text", "data", "count"})
_TOTALS = frozenset({"none", "estimate", "accurate"})
_MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Question:
    """A whole search. `used` is what of it was understood, as it was written."""

    kind: Kind
    tests: tuple[Test, ...] = ()
    joined: tuple[Chained | Has, ...] = ()
    count: int = PAGE
    sort: tuple[tuple[Param, bool], ...] = ()
    includes: tuple[Include, ...] = ()
    summary: str = "false"
    elements: tuple[str, ...] = ()
    total: str = "accurate"
    used: Pairs = ()

    @classmethod
    def parse(cls, kind: Kind, items: Iterable[tuple[str, str]], *, base: str, strict: bool) -> Self:
        """The question. Raises `BadParameter`; for what is not known, `Refusal` 400 if `strict`."""
        tests: list[Test] = []
        joined: list[Chained | Has] = []
        named: dict[str, Any] = {}
        used: list[tuple[str, str]] = []
        for number, (name, text) in enumerate(items):
            if number >= _MOST_PARAMETERS:
                raise BadParameter("The question has more parameters than are looked at.")
            if name in PASSED:
                continue
            test = _test(kind, name, text, base)
            if isinstance(test, Test):
                tests.append(test)
            elif test is not None:
                joined.append(test)
            elif not _control(kind, name, text, named):
                if strict:
                    raise Refusal(400, Issue("not-supported", "A parameter is not known here."))
                continue
            used.append((name, text))
        return cls(kind, tuple(tests), tuple(joined), used=tuple(used), **named)

    @property
    def patients(self) -> set[str]:
        """The ids of the patients it names."""
        return {
            one.id
            for test in self.tests
            if test.param.name in PATIENT_PARAMS and test.param.kind == "reference"
            for one in test.asked
            if isinstance(one, ReferenceTest)
        }

    @property
    def asks_for_endpoints(self) -> bool:
        """Whether the endpoint must be told as a resource of its own, not only inside each study."""
        return (
            any(one.touches("endpoint") for one in self.includes)
            or any(one.param.name == "endpoint" for one in self.tests)
            or any(isinstance(one, Chained) and one.param.name == "endpoint" for one in self.joined)
            or any(isinstance(one, Has) and one.by.name == "endpoint" for one in self.joined)
        )

    @property
    def looks_into_instances(self) -> bool:
        """Whether studies must be drawn with their instances to be compared."""
        return any(one.param.in_instances for one in self.tests)

    @property
    def asks_for_studies_alone(self) -> bool:
        """Whether it asks for whole studies, in the order they are listed in, and for nothing but whose they are."""
        every = self.summary == "false" and self.count > 0 and not (self.elements or self.sort or self.includes)
        whose = all(one.param.kind == "reference" and one.param.name in PATIENT_PARAMS for one in self.tests)
        return self.kind.name == "ImagingStudy" and every and whose and not self.joined

    def matches(self, sight: Sight) -> list[Found]:
        """Everything that fits, in the order asked for."""
        found = sight.shelf.all_of(self.kind.name)
        return self._sorted([one for one in found if self._fits(one, sight)])

    def _fits(self, found: Found, sight: Sight) -> bool:
        light = [test for test in self.tests if not test.param.in_instances]
        if not all(test.fits(found.resource) for test in light):
            return False
        if self.looks_into_instances:
            whole_one = sight.shelf.whole(found).resource
            if not all(test.fits(whole_one) for test in self.tests if test.param.in_instances):
                return False
        return all(one.fits(found.resource, sight) for one in self.joined)

    def _sorted(self, found: list[Found]) -> list[Found]:
        """By each key in turn; of equals the order stays, and what has no value comes last."""
        for param, descending in reversed(self.sort):
            keyed = [(order_of(param, one.resource), one) for one in found]
            present = [(keys[-1] if descending else keys[0], one) for keys, one in keyed if keys]
            present.sort(key=lambda pair: pair[0], reverse=descending)
            found = [one for _, one in present] + [one for keys, one in keyed if not keys]
        return found

    def address(self, base: str) -> str:
        """This question as it was understood."""
        query = urlencode(self.used, safe=":/|,")
        return f"{base}/{self.kind.name}" + (f"?{query}" if query else "")


def _test(kind: Kind, name: str, text: str, base: str) -> Test | Chained | Has | None:
    """A search parameter, a chain or a `_has`; None for a name that is none of them. Raises `BadParameter`."""
    if name.startswith("_has:"):
        return Has.parse(kind, name.removeprefix("_has:"), text, base)
    head, dot, rest = name.partition(".")
    bare, _, modifier = head.partition(":")
    param = kind.param(bare)
    if param is None:
        return None
    if dot:
        return Chained.parse(param, modifier, rest, text, base)
    return Test.parse(param, modifier, text, base)


def _control(kind: Kind, name: str, text: str, named: dict[str, Any]) -> bool:
    """Take in a result parameter; False for one that is not known."""
    match name.partition(":")[0]:
        case "_count":
            named["count"] = whole(text, most=PAGE_MOST)
        case "_summary":
            named["summary"] = _one_of(_SUMMARIES, text)
        case "_total":
            named["total"] = _one_of(_TOTALS, text)
        case "_elements":
            named["elements"] = tuple(one.strip() for one in text.split(",") if one.strip())
        case "_sort":
            return _sort(kind, text, named)
        case "_include" | "_revinclude":
            include = Include.parse(name, f"{kind.name}:*" if (name, text) == ("_include", "*") else text)
            if include is None:
                return False
            named["includes"] = (*named.get("includes", ()), include)
        case _:
            return False
    return True


def _one_of(words: frozenset[str], text: str) -> str:
    if text not in words:
        raise BadParameter("A parameter has a value that is none of its own.")
    return text


def _sort(kind: Kind, text: str, named: dict[str, Any]) -> bool:
    order = [(kind.param(one.removeprefix("-")), one.startswith("-")) for one in text.split(",")]
    if any(param is None or param.in_instances for param, _ in order):
        return False
    named["sort"] = tuple((param, descending) for param, descending in order if param is not None)
    return True
