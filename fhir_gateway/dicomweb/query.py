"""QIDO-RS questions: read once, then asked whether they fit a row of DICOM JSON (PS3.18 8.3.4, PS3.4 C.2.2.2)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from pydicom.datadict import dictionary_VR, tag_for_keyword

from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.errors import BadParameter
from fhir_gateway.params import flag, whole

Json = dict[str, Any]

PAGE_MOST = 1000
_CONTROL = frozenset(
    {"limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"}
)
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_RANGED = frozenset({"DA", "TM", "DT"})
_LISTED = frozenset({"CS", "UI", "SH", "LO", "IS"})
_DIGITS = re.compile(r"[0-9.]+")
NOT_FUZZY = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
NOT_MATCHED = "Some of the attributes asked for are not matched here; they were passed over."


def tag_of(name: str) -> str:
    """Eight digits for an attribute named by tag or keyword. Raises `BadParameter` for a name of neither form."""
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name) if name.isascii() and name.isidentifier() else None
    if tag is None:
        raise BadParameter("There is no DICOM attribute of that name.")
    return f"{tag:08X}"


@dataclass(frozen=True, slots=True)
class Match:
    """One attribute and what it must be; a path leads into sequences."""

    path: tuple[str, ...]
    asked: str

    @property
    def vr(self) -> str:
        """The attribute's value representation."""
        try:
            return dictionary_VR(int(self.path[-1], 16))
        except KeyError:
            return "LO"

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Tell whether one of the attribute's values in the row is as asked."""
        if self.asked in ("", "*"):
            return True  # universal matching
        values = list(_values(row, self.path))
        if self.vr in _RANGED:
            return any(_in_range(str(value), self.asked) for value in values)
        wanted = re.split(r"[,\\]", self.asked) if self.vr in _LISTED else [self.asked]
        return any(_is_like(_text(value), one, person=self.vr == "PN") for value in values for one in wanted)


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
    def parse(cls, items: Iterable[tuple[str, str]], *, matched: frozenset[str]) -> Self:
        """The question as asked; attributes outside `matched` are passed over with a warning. Raises `BadParameter`."""
        matches: list[Match] = []
        fields: set[str] = set()
        limit, offset, everything = PAGE_MOST, 0, False
        warnings: list[str] = []
        for name, value in items:
            match name:
                case "limit":
                    limit = max(0, whole(value, most=PAGE_MOST))
                case "offset":
                    offset = whole(value, most=10**9)
                case "includefield":
                    names = [one for one in value.split(",") if one]
                    everything = everything or "all" in names
                    fields |= {tag_of(one.rpartition(".")[2]) for one in names if one != "all"}
                case "fuzzymatching":
                    warnings += [NOT_FUZZY] if flag(value) else []
                case "emptyvaluematching" | "multiplevaluematching":
                    warnings += [NOT_MATCHED] if flag(value) else []
                case "accept" | "charset":
                    continue
                case _:
                    path = tuple(tag_of(one) for one in name.split("."))
                    if path[-1] in matched:
                        matches.append(_checked(Match(path, value.strip())))
                    else:
                        warnings.append(NOT_MATCHED)
        return cls(tuple(matches), frozenset(fields), everything, limit, offset, tuple(dict.fromkeys(warnings)))

    def uids(self, tag: str) -> frozenset[str] | None:
        """The UIDs asked for under this tag, or None for any."""
        asked = [one.asked for one in self.matches if one.path == (tag,) and one.asked not in ("", "*")]
        return frozenset(re.split(r"[,\\]", asked[0])) if asked else None

    def page(self, rows: Sequence[Json]) -> list[Json]:
        """The rows of this page."""
        return list(rows[self.offset : self.offset + self.limit])

    def fitting(self, rows: Iterable[Json]) -> list[Json]:
        """The rows that fit."""
        return [row for row in rows if all(match.fits(row) for match in self.matches)]


def _checked(match: Match) -> Match:
    anything = match.asked in ("", "*")
    if match.vr == "UI" and not (anything or all(is_uid(one) for one in re.split(r"[,\\]", match.asked))):
        raise BadParameter("A UID is digits and dots, at most 64 characters.")
    if match.vr == "DA" and match.asked not in ("", "*") and not re.fullmatch(r"\d{8}(-(\d{8})?)?|-\d{8}", match.asked):
        raise BadParameter("A date is eight digits, a range two of them with a hyphen between.")
    return match


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
    return any(fnmatchcase(one.casefold(), pattern.casefold()) for one in groups)


def _in_range(found: str, asked: str) -> bool:
    """A date or time between two, either of which may be open; compared digit by digit (PS3.4 C.2.2.2.5)."""
    value = found.partition(".")[0].replace(":", "")
    low, dash, high = asked.replace(":", "").partition("-")
    if not value or not _DIGITS.fullmatch(value):
        return False
    if not dash:
        return value.startswith(low.partition(".")[0])
    low, high = low.partition(".")[0], high.partition(".")[0]
    return (not low or value[: len(low)] >= low) and (not high or value[: len(high)] <= high)
