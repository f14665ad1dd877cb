"""QIDO-RS questions: read once, then asked whether they fit a row of DICOM JSON (PS3.18 8.3.4, PS3.4 C.2.2.2)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Self

from pydicom.datadict import dictionary_VR, tag_for_keyword

from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.errors import BadParameter
from fhir_gateway.params import flag, whole

Json = dict[str, Any]

PAGE_MOST = 1000
VALUE_MOST = 16_384  # a list of two hundred UIDs fits
NAMED_MOST = 20
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_RANGED = frozenset({"DA", "TM", "DT"})
_LISTED = frozenset({"CS", "UI", "IS"})  # no value of these holds a comma, and viewers send several modalities so
_WRITTEN = frozenset({"CS", "LO", "SH", "UI"})
_JOKERS = frozenset("*?")
_COUNTED = frozenset({"IS", "US", "SS", "UL", "SL", "UV", "SV"})
_MEASURED = frozenset({"DS", "FL", "FD"})
_DIGITS = re.compile(r"[0-9.]+")
_COUNT = re.compile(r"[+-]?\d{1,20}")
_MEASURE = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?([eE][+-]?\d{1,2})?")
_EMPTY = '""'  # PS3.4 C.2.2.2.7
_SHAPES = {
    "DA": (re.compile(r"\d{8}(-(\d{8})?)?|-\d{8}"), "A date is eight digits, a range two with a hyphen between."),
    "TM": (
        re.compile(r"(?=.*\d)(\d\d(:?\d\d){0,2}(\.\d{1,6})?)?(-(\d\d(:?\d\d){0,2}(\.\d{1,6})?)?)?"),
        "A time is hours, minutes and seconds, a range two with a hyphen between.",
    ),
    "DT": (
        re.compile(r"(?=.*\d)(\d{4,14}(\.\d{1,6})?([+]\d{4})?)?(-(\d{4,14}(\.\d{1,6})?([+-]\d{4})?)?)?"),
        "A moment is four to fourteen digits, a range two with a hyphen between.",
    ),
}
NOT_FUZZY = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
NOT_MATCHED = "These attributes are not matched here and were passed over: "


def tag_of(name: str) -> str:
    """Eight digits for an attribute named by tag or keyword. Raises `BadParameter` for a name of neither form."""
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name) if name.isascii() and name.isidentifier() else None
    if tag is None:
        raise BadParameter("There is no DICOM attribute of that name.")
    return f"{tag:08X}"


def path_of(name: str) -> tuple[str, ...]:
    """The tags of a name like `00400275.00400009`, outermost first. Raises `BadParameter`."""
    return tuple(tag_of(one) for one in name.split("."))


@dataclass(frozen=True, slots=True)
class Range:
    """A date or time, or between two of which either may be open; compared digit by digit (PS3.4 C.2.2.2.5)."""

    low: str
    high: str
    open: bool

    @classmethod
    def parse(cls, asked: str) -> Self:
        """As it is asked for."""
        low, dash, high = asked.partition("-")
        return cls(_plain(low), _plain(high), bool(dash))

    def holds(self, found: str) -> bool:
        """Tell whether a date or time lies in it."""
        value = found if found.isdecimal() else _plain(found)
        if not value or not _DIGITS.fullmatch(value):
            return False
        if not self.open:
            return value.startswith(self.low)
        low, high = self.low, self.high
        return (not low or value[: len(low)] >= low) and (not high or value[: len(high)] <= high)


@dataclass(frozen=True, slots=True)
class Match:
    """One attribute and what it must be; a path leads into sequences. `several` and `empty` as asked for."""

    path: tuple[str, ...]
    asked: str
    several: bool = False
    empty: bool = False

    @property
    def vr(self) -> str:
        """The attribute's value representation."""
        try:
            return dictionary_VR(int(self.path[-1], 16))
        except KeyError:
            return "LO"

    @property
    def plain(self) -> frozenset[str] | None:
        """The texts of which one must be there as it is; None where more is compared than that."""
        written = self.vr in _WRITTEN and not (self.empty and self.asked == _EMPTY)
        return frozenset(self.wanted) if written and not set(self.asked) & _JOKERS else None

    @property
    def ranges(self) -> list[Range] | None:
        """The dates or times of which one must hold; None for what is no date or time."""
        ranged = self.vr in _RANGED and not (self.empty and self.asked == _EMPTY)
        return [Range.parse(one) for one in self.wanted] if ranged else None

    @property
    def everything(self) -> bool:
        """Universal matching: any value fits, and none (PS3.4 C.2.2.2.3)."""
        return self.asked.strip("*") == ""

    @property
    def wanted(self) -> list[str]:
        """The values of which one must be there: a list of UIDs, or several where that was asked for."""
        if self.vr in _LISTED:
            return re.split(r"[,\\]", self.asked)
        return self.asked.split("\\") if self.several else [self.asked]

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Tell whether one of the attribute's values in the row is as asked."""
        return self.everything or self.fits_one_of(_values(row, self.path))

    def fits_one_of(self, found: Iterable[Any]) -> bool:
        """Tell the same of the attribute's values."""
        values = [value for value in found if value not in (None, "", {})]
        if self.empty and self.asked == _EMPTY:
            return not values
        return any(self._is(value, one) for value in values for one in self.wanted)

    def _is(self, value: Any, asked: str) -> bool:
        vr = self.vr
        if vr in _RANGED:
            return Range.parse(asked).holds(str(value))
        if vr in _COUNTED | _MEASURED and not isinstance(value, str):
            return value == float(asked)
        return _is_like(_text(value), asked, person=vr == "PN")

    def checked(self) -> Self:
        """The same, if its value is one the attribute could have. Raises `BadParameter`."""
        if self.everything or (self.empty and self.asked == _EMPTY):
            return self
        if len(self.asked) > VALUE_MOST:
            raise BadParameter("A value is longer than is looked for.")
        for one in self.wanted:
            _check(one, self.vr)
        return self


@dataclass(slots=True)
class _Reading:
    """What has been read of a question so far."""

    pairs: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])
    said: dict[str, str] = field(default_factory=dict[str, str])
    fields: set[str] = field(default_factory=set[str])
    everything: bool = False

    def take(self, name: str, value: str) -> None:
        """One parameter. Raises `BadParameter`; only `includefield` may be repeated (PS3.18 8.3.4)."""
        if name == "includefield":
            names = [one.strip() for one in value.split(",") if one.strip()]
            self.everything = self.everything or "all" in names
            self.fields |= {path_of(one)[0] for one in names if one != "all"}
        elif name in _CONTROL:
            if name in self.said:
                raise BadParameter("A parameter is given twice.")
            self.said[name] = value
        elif name not in _PASSED:
            path = path_of(name)
            if path in self.pairs:
                raise BadParameter("An attribute is asked for twice.")
            self.pairs[path] = value.strip()

    def flag(self, name: str) -> bool:
        """Whether a parameter that is `true` or `false` is true. Raises `BadParameter`."""
        return flag(self.said.get(name, "false"))


_CONTROL = frozenset({"limit", "offset", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"})
_PASSED = frozenset({"accept", "charset"})


@dataclass(frozen=True, slots=True)
class Query:
    """A whole question."""

    matches: tuple[Match, ...]
    fields: frozenset[str]
    everything: bool
    limit: int
    offset: int
    warnings: tuple[str, ...]

    @classmethod
    def parse(cls, items: Iterable[tuple[str, str]], *, matched: frozenset[str] | None) -> Self:
        """The question as asked; attributes outside `matched` (None: any) are passed over with a warning.

        Raises `BadParameter`.
        """
        read = _Reading()
        for name, value in items:
            read.take(name, value)
        several, empty = read.flag("multiplevaluematching"), read.flag("emptyvaluematching")
        asked = [Match(path, value, several=several, empty=empty).checked() for path, value in read.pairs.items()]
        passed = [one for one in asked if matched is not None and one.path[0] not in matched]
        warnings = [NOT_FUZZY] if read.flag("fuzzymatching") else []
        if passed:
            named = sorted(".".join(one.path) for one in passed)
            warnings.append(NOT_MATCHED + ", ".join(named[:NAMED_MOST]))
        return cls(
            matches=tuple(one for one in asked if one not in passed),
            fields=frozenset(read.fields),
            everything=read.everything,
            limit=whole(read.said["limit"], most=PAGE_MOST) if "limit" in read.said else PAGE_MOST,
            offset=whole(read.said.get("offset", "0"), most=10**9),
            warnings=tuple(warnings),
        )

    def uids(self, tag: str) -> frozenset[str] | None:
        """The UIDs asked for under this tag, or None for any."""
        for one in self.matches:
            if one.path == (tag,) and not one.everything and one.asked != _EMPTY:
                return frozenset(one.wanted)
        return None

    def matches_any(self, tags: frozenset[str]) -> bool:
        """Tell whether something is asked of one of these attributes."""
        return any(one.path[0] in tags and not one.everything for one in self.matches)

    def wants_any(self, tags: frozenset[str]) -> bool:
        """Tell whether one of these attributes is to come along."""
        return self.everything or bool(tags & self.fields)

    def stays_within(self, tags: frozenset[str]) -> bool:
        """Tell whether nothing is asked of other attributes than these, and none of others is to come along."""
        compared = (one.path[0] for one in self.matches if not one.everything)
        return not self.everything and self.fields <= tags and all(tag in tags for tag in compared)

    def page(self, rows: Sequence[Any]) -> list[Any]:
        """The rows of this page."""
        return list(rows[self.offset : self.offset + self.limit])

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row fits in all that was asked."""
        return all(match.fits(row) for match in self.matches)


def _check(asked: str, vr: str) -> None:
    if vr == "UI" and not is_uid(asked):
        raise BadParameter("A UID is digits and dots, at most 64 characters.")
    if vr in _COUNTED and not _COUNT.fullmatch(asked):
        raise BadParameter("A count is a whole number.")
    if vr in _MEASURED and not _MEASURE.fullmatch(asked):
        raise BadParameter("A measure is a decimal number.")
    if vr in _SHAPES and not _SHAPES[vr][0].fullmatch(asked):
        raise BadParameter(_SHAPES[vr][1])


def _values(row: Mapping[str, Any], path: Sequence[str]) -> Iterable[Any]:
    values = row.get(path[0], {}).get("Value") or []
    if len(path) == 1:
        return values
    return [found for item in values if isinstance(item, dict) for found in _values(item, path[1:])]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "=".join(str(value.get(kind, "")) for kind in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=")
    return str(value)


def _is_like(found: str, asked: str, *, person: bool) -> bool:
    """Literal, or with * and ?; in a name case does not count, and each way of writing it may fit (PS3.4 C.2.2.2.4)."""
    pattern = asked.replace("[", "[[]")
    if not person:
        return fnmatchcase(found, pattern)
    groups = [found, *found.split("=")]
    return any(fnmatchcase(one.casefold().rstrip("^"), pattern.casefold().rstrip("^")) for one in groups)


def _plain(moment: str) -> str:
    """Without colons, fraction and offset."""
    return re.sub(r"[+-]\d{4}$", "", moment).partition(".")[0].replace(":", "")
