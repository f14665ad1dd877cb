"""
FHIR search parameters (R4 search): parsed once, then asked whether they fit a value.

A search runs over resources already opened for the asker, so that no parameter, known or not, can reach further.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from fhir_gateway.errors import BadParameter

Json = dict[str, Any]

MOST_VALUES = 200
_FHIR_CODES = ("http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/")
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")
_ALWAYS, _FOR_EVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
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
        *before, code = _UNESCAPED_BAR.split(text, maxsplit=1)
        if not code and not any(before):
            raise BadParameter("A parameter has no value.")
        return cls(unescaped(before[0]) if before else None, unescaped(code) or None)

    def fits(self, value: Json) -> bool:
        """Tell whether a Coding or an Identifier has this system and this code or value."""
        written = value.get("code", value.get("value"))
        if self.system is not None and not self._same_system(value):
            return False
        return self.code is None or _same_code(str(written or ""), self.code)

    def _same_system(self, value: Json) -> bool:
        """A bare code has the system that its element is bound to, which FHIR itself defines."""
        written = value.get("system") or ""
        return written == self.system or (bool(value.get("bare")) and str(self.system).startswith(_FHIR_CODES))


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

    @classmethod
    def between(cls, start: str, end: str) -> Self:
        """A Period: without a beginning or an end it goes on for ever. Raises BadParameter."""
        first, last = (Span.parse(one) if one else None for one in (start, end))
        return cls(first.start if first else _ALWAYS, last.end if last else _FOR_EVER, exact=False)

    def beside(self, other: "Span") -> tuple[datetime, datetime]:
        """Start and end of this, comparable with `other`: by the clock on the wall where that names no zone."""
        if other.start.tzinfo is None:
            return self.start.replace(tzinfo=None), self.end.replace(tzinfo=None)
        return _zoned(self.start), _zoned(self.end)

    @property
    def order(self) -> datetime:
        """What it is sorted by: the moment it begins."""
        return _zoned(self.start)


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


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
        about = min(high - low, timedelta(days=366))  # "approximately" is as vague again as the date itself
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
            "ap": start - high < about and low - end < about,
        }
        if self.asked.exact and self.prefix == "gt":
            return start > low  # a time to the second is a moment, not a second long
        return answers[self.prefix]


@dataclass(frozen=True, slots=True)
class ReferenceTest:
    """`123`, `Patient/123`, an absolute address of ours, or the address of something elsewhere."""

    kind: str | None
    id: str

    @classmethod
    def parse(cls, text: str, *, base: str, kind: str | None = None) -> Self:
        """The reference as written; `kind` is that of a `:Patient` modifier. Raises BadParameter."""
        short = unescaped(text).removeprefix(f"{base}/").partition("/_history/")[0]
        if "://" in short or short.startswith("urn:"):
            return cls(None, short)
        head, slash, tail = short.rpartition("/")
        if not tail or "/" in head:
            raise BadParameter("A reference is neither an id nor an address.")
        return cls(head if slash else kind, tail)

    def fits(self, value: str) -> bool:
        """Tell whether the value, `Type/id` or an address elsewhere, is what was asked for."""
        if "://" in value or value.startswith("urn:"):
            return value == self.id
        kind, _, found = value.partition("/_history/")[0].rpartition("/")
        return found == self.id and (self.kind is None or self.kind == kind)


def fits_text(value: str, asked: str, modifier: str) -> bool:
    """String search: begins with, case and accents aside; `:contains` anywhere, `:exact` to the letter."""
    if modifier == "exact":
        return value == asked
    plain, wanted = plain_text(value), plain_text(asked)
    return wanted in plain if modifier == "contains" else plain.startswith(wanted)


def plain_text(text: str) -> str:
    """The text without what a search passes over: case and accents."""
    parted = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in parted if not unicodedata.combining(letter)).casefold()


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
