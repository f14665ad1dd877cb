"""What one search parameter asks, and whether a resource answers it (R4 search 3.1.1.4)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from fhir_gateway.errors import BadParameter
from fhir_gateway.params import (
    DateTest,
    ReferenceTest,
    Span,
    Token,
    alternatives,
    fits_text,
    flag,
    plain_text,
    unescaped,
)
from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.resources.parameters import Param

Json = dict[str, Any]

_MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"not", "text"}),
    "string": frozenset({"exact", "contains"}),
    "reference": frozenset({"identifier"}),
    "uri": frozenset({"below", "above"}),
    "date": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One parameter with its values: any of its alternatives must fit."""

    param: Param
    modifier: str
    asked: tuple[Any, ...]

    @classmethod
    def parse(cls, param: Param, modifier: str, text: str, base: str) -> Self:
        """Raises `BadParameter`."""
        if modifier == "missing":
            return cls(param, modifier, (flag(text),))
        check_modifier(param, modifier)
        return cls(param, modifier, tuple(_read(param, modifier, one, base) for one in alternatives(text)))

    def fits(self, resource: Json) -> bool:
        """Tell whether the resource has what is asked for."""
        values = list(self.param.values(resource))
        if self.modifier == "missing":
            return (not values) == self.asked[0]
        found = any(self._fits_one(value) for value in values)
        return found != (self.modifier == "not")

    def _fits_one(self, value: Any) -> bool:
        comparable = _COMPARABLE.get(self.modifier) or _COMPARABLE[self.param.kind]
        return any(self._same(found, one) for found in comparable(value) for one in self.asked)

    def _same(self, found: Any, asked: Any) -> bool:
        if self.modifier == "text":
            return asked in plain_text(found)
        if isinstance(asked, str):
            return _fits_uri(found, asked, self.modifier) if self.param.kind == "uri" else self._same_text(found, asked)
        return asked.fits(found)

    def _same_text(self, found: str, asked: str) -> bool:
        return fits_text(found, asked, self.modifier)


def check_modifier(param: Param, modifier: str) -> None:
    """Raise `BadParameter` for a modifier that is not understood: it is never passed over (R4 search 3.1.1.4.4)."""
    named = param.kind == "reference" and modifier in (param.targets or KINDS)
    if modifier and not named and modifier not in _MODIFIERS[param.kind]:
        raise BadParameter("A parameter has a modifier that is not known here.")


def _read(param: Param, modifier: str, text: str, base: str) -> Any:
    """One alternative as it is compared. Raises `BadParameter`."""
    if not text:
        raise BadParameter("A parameter has no value.")
    if modifier == "text":
        return plain_text(unescaped(text))
    if param.kind == "token" or modifier == "identifier":
        return Token.parse(text)
    if param.kind == "date":
        return DateTest.parse(text)
    if param.kind == "reference":
        return ReferenceTest.parse(text, base=base, kind=modifier or None)
    return unescaped(text)


def _fits_uri(value: str, asked: str, modifier: str) -> bool:
    if modifier == "below":
        return value == asked or value.startswith(asked.rstrip("/") + "/")
    if modifier == "above":
        return value == asked or asked.startswith(value.rstrip("/") + "/")
    return value == asked


# --- what lies at a path, made comparable ----------------------------------------------------------------------------


def codes_of(value: Any) -> Iterator[Json]:
    """The codings of a CodeableConcept; a Coding, Identifier or ContactPoint as it is; a bare code as one of FHIR's."""
    if not isinstance(value, dict):
        yield {"code": value if isinstance(value, str) else str(value).lower(), "bare": True}
    elif isinstance(value.get("coding"), list):
        yield from (one for one in value["coding"] if isinstance(one, dict))
    else:
        yield value


def words_of(value: Any) -> Iterator[str]:
    """The words that go with a code or an identifier."""
    if not isinstance(value, dict):
        return
    yield from (str(value[name]) for name in ("text", "display") if value.get(name))
    for inner in [*(value.get("coding") or []), value.get("type")]:
        yield from words_of(inner)


def texts_of(value: Any) -> Iterator[str]:
    """The texts of a name or an address, part by part."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("use", "period", "type"):
                yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)


def identifiers_of(value: Any) -> Iterator[Json]:
    """The identifier of a logical reference."""
    if isinstance(value, dict) and isinstance(value.get("identifier"), dict):
        yield value["identifier"]


def span_of(value: Any) -> Span | None:
    """The time of a date, dateTime, instant or Period; None for what a sender wrote as none of them."""
    try:
        if isinstance(value, dict):
            return Span.between(str(value.get("start") or ""), str(value.get("end") or ""))
        return Span.parse(str(value))
    except BadParameter:
        return None


def reference_of(value: Any) -> str:
    """`Type/id`, or the address of something elsewhere; "" for a reference that is only logical."""
    found = value.get("reference") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


_COMPARABLE: Mapping[str, Callable[[Any], Iterable[Any]]] = {
    "text": words_of,
    "identifier": identifiers_of,
    "token": codes_of,
    "date": lambda value: [span for span in [span_of(value)] if span is not None],
    "reference": lambda value: [reference_of(value)],
    "string": texts_of,
    "uri": lambda value: [str(value)],
}


def order_of(param: Param, resource: Json) -> list[Any]:
    """What a resource is sorted by under this parameter: its values, the first of which counts ascending."""
    values = list(param.values(resource))
    match param.kind:
        case "date":
            return sorted(span.order for span in map(span_of, values) if span is not None)
        case "token":
            return sorted(str(one.get("code", one.get("value", ""))) for value in values for one in codes_of(value))
        case "reference":
            return sorted(map(reference_of, values))
        case _:
            return sorted(plain_text(text) for text in _all(values))


def _all(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from texts_of(value)
