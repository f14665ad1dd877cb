"""A FHIR search as it was asked: parsed once, applied to resources in memory (R4 search)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlencode

from fhir_gateway.errors import BadParameter
from fhir_gateway.outcome import Issue, Refusal
from fhir_gateway.params import (
    DateTest,
    ReferenceTest,
    Span,
    Token,
    alternatives,
    any_fits,
    fits_text,
    flag,
    unescaped,
    whole,
)
from fhir_gateway.resources.kinds import SPELLED_ALSO, Kind, Param, token_values

Json = dict[str, Any]

PAGE, PAGE_MOST = 50, 200
PATIENT_PARAMS = ("patient", "subject")
_PASSED = frozenset({"_format", "_pretty", "_total"})
_SUMMARIES = frozenset({"true", "false", "text", "data", "count"})
_MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"not"}),
    "string": frozenset({"exact", "contains"}),
    "reference": frozenset({"Patient", "ImagingStudy", "Endpoint", "ServiceRequest", "Organization", "Practitioner"}),
    "date": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One parameter of the question: any of its alternatives must fit."""

    param: Param
    modifier: str
    asked: tuple[Any, ...]

    @classmethod
    def parse(cls, param: Param, modifier: str, text: str, base: str) -> Self:
        """Raises `BadParameter`."""
        if modifier == "missing":
            return cls(param, modifier, (flag(text),))
        if modifier and modifier not in _MODIFIERS[param.kind]:
            raise BadParameter("A parameter has a modifier that is not known here.")
        parts = alternatives(text)
        match param.kind:
            case "token":
                return cls(param, modifier, tuple(Token.parse(one) for one in parts))
            case "date":
                return cls(param, modifier, tuple(DateTest.parse(one) for one in parts))
            case "reference":
                return cls(
                    param, modifier, tuple(ReferenceTest.parse(one, base=base, kind=modifier or None) for one in parts)
                )
            case _:
                return cls(param, modifier, tuple(unescaped(one) for one in parts))

    def fits(self, resource: Json) -> bool:
        """Tell whether the resource has what is asked for."""
        values = list(self.param.values(resource))
        if self.modifier == "missing":
            return (not values) == self.asked[0]
        match self.param.kind:
            case "token":
                found = any_fits(self.asked, [token_values(value) for value in values])
                return found != (self.modifier == "not")
            case "date":
                return any_fits(self.asked, [Span.parse(str(value)) for value in values])
            case "reference":
                return any_fits(self.asked, [str(value) for value in values])
            case _:
                return any(fits_text(str(value), one, self.modifier) for value in values for one in self.asked)


@dataclass(frozen=True, slots=True)
class Question:
    """A whole search. `used` is what of it was understood, as it was written."""

    kind: Kind
    tests: tuple[Test, ...] = ()
    count: int = PAGE
    sort: tuple[tuple[Param, bool], ...] = ()
    includes: frozenset[str] = frozenset()
    summary: str = "false"
    elements: tuple[str, ...] = ()
    page: str = ""
    used: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def parse(cls, kind: Kind, items: Iterable[tuple[str, str]], *, base: str, strict: bool) -> Self:
        """The question. Raises `BadParameter`; for what is not known, `Refusal` 400 if `strict`."""
        tests: list[Test] = []
        named: dict[str, Any] = {}
        used: list[tuple[str, str]] = []
        for name, text in items:
            if name in _PASSED:
                continue
            bare, _, modifier = name.partition(":")
            param = kind.param(bare) or kind.param(SPELLED_ALSO.get(bare, bare))
            if param is not None:
                tests.append(Test.parse(param, modifier, text, base))
                used.append((name, text))
            elif _control(kind, name, text, named):
                if name != "_page":
                    used.append((name, text))
            elif strict:
                raise Refusal(400, Issue("not-supported", "A parameter is not known here."))
        return cls(kind, tuple(tests), used=tuple(used), **named)

    @property
    def patients(self) -> set[str]:
        """The ids of the patients it names."""
        return {
            one.id
            for test in self.tests
            if test.param.name in PATIENT_PARAMS and test.param.kind == "reference" and test.modifier != "missing"
            for one in test.asked
        }

    def fits(self, resource: Json) -> bool:
        """Tell whether the resource is one of those asked for."""
        return all(test.fits(resource) for test in self.tests)

    def order(self, resource: Json) -> list[Any]:
        """What the resource is sorted by; where there is no value it comes last."""
        return [(not (values := sorted(map(str, param.values(resource)))), values[:1]) for param, _ in self.sort]

    def sorted(self, found: list[Any], resource_of: Any) -> list[Any]:
        """In the order asked for; of equals the order stays."""
        for param, descending in reversed(self.sort):
            present = [one for one in found if any(True for _ in param.values(resource_of(one)))]
            absent = [one for one in found if not any(True for _ in param.values(resource_of(one)))]
            present.sort(key=lambda one, by=param: min(map(str, by.values(resource_of(one)))), reverse=descending)
            found = present + absent
        return found

    # --- pages ---

    def offset(self, whose: bytes) -> int:
        """Where the page begins. Raises `Refusal` 404 for a link that is another asker's, or of another question."""
        if not self.page:
            return 0
        try:
            octets = urlsafe_b64decode(self.page + "=" * (-len(self.page) % 4))
        except (NotBase64, ValueError):
            octets = b""
        if len(octets) != 20 or octets[4:] != self._mark(whose, octets[:4]):
            raise Refusal(404, Issue("not-found", "There is no such page."))
        return int.from_bytes(octets[:4], "big")

    def page_at(self, whose: bytes, offset: int) -> str:
        """The opaque name of a page, good for this asker and this question alone."""
        at = offset.to_bytes(4, "big")
        return urlsafe_b64encode(at + self._mark(whose, at)).rstrip(b"=").decode("ascii")

    def _mark(self, whose: bytes, at: bytes) -> bytes:
        return sha256(b"\0".join([whose, at, self.kind.name.encode(), urlencode(self.used).encode()])).digest()[:16]

    def address(self, base: str, page: str = "") -> str:
        """This question as it was understood."""
        query = urlencode([*self.used, *([("_page", page)] if page else [])], safe=":/|,")
        return f"{base}/{self.kind.name}" + (f"?{query}" if query else "")


def _control(kind: Kind, name: str, text: str, named: dict[str, Any]) -> bool:
    """Take in a result parameter; False for one that is not known."""
    match name:
        case "_count":
            named["count"] = whole(text, most=PAGE_MOST)
        case "_page":
            named["page"] = text
        case "_summary":
            if text not in _SUMMARIES:
                raise BadParameter("There is no such summary.")
            named["summary"] = text
        case "_elements":
            named["elements"] = tuple(one.strip() for one in text.split(",") if one.strip())
        case "_sort":
            return _sort(kind, text, named)
        case "_include":
            if text not in kind.includes:
                return False
            named["includes"] = named.get("includes", frozenset()) | {text}
        case _:
            return False
    return True


def _sort(kind: Kind, text: str, named: dict[str, Any]) -> bool:
    order = [(kind.param(one.removeprefix("-")), one.startswith("-")) for one in text.split(",")]
    if any(param is None for param, _ in order):
        return False
    named["sort"] = tuple((param, descending) for param, descending in order if param is not None)
    return True
