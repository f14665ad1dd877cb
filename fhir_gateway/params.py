"""
FHIR search parameters (R4 search): parsed once, then asked whether they fit a value.

A search runs over resources already opened for the asker, so that no parameter, known or not, can reach further.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from fhir_gateway.errors import BadParameter

Json = dict[str, Any]

MOST_VALUES = 200
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)")
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+\- ]\d\d:\d\d)?)?)?)?"
)


def alternatives(text: str) -> list[str]:
    r"""The values between commas; `\,` is a comma. Raises BadParameter above 200."""
    parts = _UNESCAPED_COMMA.split(text)
    if len(parts) > MOST_VALUES:
        raise BadParameter("A parameter has more alternatives than are looked for.")
    return parts


def unescaped(text: str) -> str:
    r"""The value with `\,`, `\|`, `\$` and `\\` as they are meant."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


@dataclass(frozen=True, slots=True)
class Token:
    """`code`, `system|code`, `|code` or `system|`; None means any."""

    system: str | None
    code: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The token as written. Raises BadParameter where it is empty."""
        system, bar, code = text.partition("|")
        if not bar:
            system, code = "", text
        if not code and not system:
            raise BadParameter("A parameter has no value.")
        return cls(unescaped(system) if bar else None, unescaped(code) or None)

    def fits(self, value: Json) -> bool:
        """Tell whether a Coding or an Identifier has this system and this code or value."""
        written = value.get("code", value.get("value"))
        if self.system is not None and (value.get("system") or "") != self.system:
            return False
        return self.code is None or _same_code(str(written or ""), self.code)


def _same_code(written: str, asked: str) -> bool:
    """A UID is asked for with and without its prefix (SMART Imaging Access, search by identifier)."""
    return written == asked or (written.startswith("urn:oid:") and written == f"urn:oid:{asked}")


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a partial date stands for: from `start` to before `end`. Naive where no zone was written."""

    start: datetime
    end: datetime
    exact: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """A FHIR date, dateTime or instant. Raises BadParameter."""
        match = _DATE.fullmatch(text)
        if match is None:
            raise BadParameter("A date is not written as FHIR writes dates.")
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        try:
            start = datetime(  # noqa: DTZ001  its zone comes next, if it has one
                int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
                int((fraction or "0").ljust(6, "0")[:6]),
            )  # fmt: skip
            if zone:
                start = datetime.fromisoformat(start.isoformat() + zone.replace(" ", "+").replace("Z", "+00:00"))
            end = _after(start, month=month, day=day, hour=hour, second=second, fraction=fraction)
        except (ValueError, OverflowError) as error:
            raise BadParameter("There is no such date.") from error
        return cls(start, end, exact=second is not None)

    def beside(self, other: "Span") -> tuple[datetime, datetime]:
        """Start and end of this, comparable with `other`: by the clock on the wall where that names no zone."""
        if other.start.tzinfo is None:
            return self.start.replace(tzinfo=None), self.end.replace(tzinfo=None)
        if self.start.tzinfo is None:
            return self.start.replace(tzinfo=UTC), self.end.replace(tzinfo=UTC)
        return self.start, self.end


def _after(
    start: datetime, *, month: str | None, day: str | None, hour: str | None, second: str | None, fraction: str | None
) -> datetime:
    if fraction:
        return start + timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
    if second:
        return start + timedelta(seconds=1)
    if hour:
        return start + timedelta(minutes=1)
    if day:
        return start + timedelta(days=1)
    if month:
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start.replace(year=start.year + 1)


@dataclass(frozen=True, slots=True)
class DateTest:
    """A prefix and a date (R4 search, 3.1.1.4.5)."""

    prefix: str
    asked: Span

    @classmethod
    def parse(cls, text: str) -> Self:
        """`ge2024-01-01` and the like. Raises BadParameter."""
        match = _PREFIX.fullmatch(text)
        if match is None:
            raise BadParameter("A parameter has no value.")
        return cls(match[1] or "eq", Span.parse(match[2]))

    def fits(self, value: Span) -> bool:
        """Tell whether the value stands so to the asked date."""
        start, end = value.beside(self.asked)
        low, high = self.asked.start, self.asked.end
        within = low <= start and end <= high
        answers = {
            "eq": within,
            "ne": not within,
            "gt": end > high,
            "lt": start < low,
            "ge": start >= low or end > high,
            "le": end <= high or start < low,
            "sa": start >= high,
            "eb": end <= low,
            "ap": start < high and low < end,
        }
        if self.asked.exact and self.prefix == "gt":
            return start > low  # a time to the second is a moment, not a second long
        return answers[self.prefix]


@dataclass(frozen=True, slots=True)
class ReferenceTest:
    """`123`, `Patient/123` or an absolute address of ours."""

    kind: str | None
    id: str

    @classmethod
    def parse(cls, text: str, *, base: str, kind: str | None = None) -> Self:
        """The reference as written; `kind` is that of a `:Patient` modifier. Raises BadParameter."""
        short = text.removeprefix(f"{base}/")
        head, slash, tail = short.rpartition("/")
        if not tail or "/" in head or "://" in short:
            raise BadParameter("A reference is neither an id nor one of our addresses.")
        return cls(head if slash else kind, tail)

    def fits(self, value: str) -> bool:
        """Tell whether the value, `Type/id`, is what was asked for."""
        kind, _, found = value.rpartition("/")
        return found == self.id and (self.kind is None or self.kind == kind)


def fits_text(value: str, asked: str, modifier: str) -> bool:
    """String search: begins with, case and accents aside; `:contains` anywhere, `:exact` to the letter."""
    if modifier == "exact":
        return value == asked
    plain, wanted = value.casefold(), asked.casefold()
    return wanted in plain if modifier == "contains" else plain.startswith(wanted)


def flag(text: str) -> bool:
    """`true` or `false`. Raises BadParameter."""
    if text not in ("true", "false"):
        raise BadParameter("A parameter is neither true nor false.")
    return text == "true"


def whole(text: str, *, most: int) -> int:
    """A count, lowered to `most`. Raises BadParameter."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise BadParameter("A parameter is no count.")
    return min(int(text), most)


def any_fits(tests: Iterable[Any], values: Iterable[Any]) -> bool:
    """Tell whether one of the values passes one of the tests."""
    found = list(values)
    return any(test.fits(value) for test in tests for value in found)
