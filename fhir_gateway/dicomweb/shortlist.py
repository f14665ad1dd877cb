"""Which of many studies a question is about, found in the columns that are kept of them; only those are then opened.

A column says of a study what its row would say, so that what is compared here need not be compared again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from consent.access import Access
from fhir_gateway.dicomweb.gathered import each_once
from fhir_gateway.dicomweb.query import PAGE_MOST, Match, Query
from fhir_gateway.dicomweb.rows import person_of
from vault.catalogue import listing
from vault.database import Work
from vault.ids import Id
from vault.sheets import Sheet, open_sheet
from vault.studies import Study

# The attributes that have a column.
COLUMN_OF: Final = {
    "00080020": "date",
    "00080030": "time",
    "00080050": "accession",
    "00080061": "modalities",
    "00080090": "referrer",
    "00081030": "description",
    "00100010": "name",
    "00100020": "mrn",
    "00100030": "born",
    "00100040": "sex",
    "0020000D": "uid",
    "00200010": "number",
}
_PEOPLE: Final = frozenset({"name", "referrer"})


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The places of studies that may fit, in the order of the answer. `sure`: all fit, and each stands for itself."""

    sheet: Sheet
    places: Sequence[int]
    sure: bool

    def ids(self, page: slice) -> list[Id]:
        """The studies at some of the places."""
        return self.sheet.ids_at(self.places[page])


def shortlist(work: Work, access: Access, query: Query) -> Shortlist | None:
    """What the columns say of the question; None where there are so few studies that all are looked at."""
    sheet = open_sheet(work, access.opened())
    if sheet is None:
        return None
    kept: Sequence[int] = range(sheet.listed)
    compared = [match for match in query.matches if not match.everything]
    columns = [(match, COLUMN_OF[match.path[0]]) for match in compared if _has_column(match)]
    for match, name in columns:
        words = sheet.words(name)
        fitting = _fitting(match, name, set(words))  # the same words come again and again
        kept = [at for at in kept if words[at] in fitting]
    if sheet.is_plain:
        return Shortlist(sheet, kept, sure=len(columns) == len(compared))
    # Two sites pushed one study: what fits of either is told of both together.
    uids = sheet.words("uid")
    meant = {uids[at] for at in kept}
    return Shortlist(sheet, [at for at in range(sheet.listed) if uids[at] in meant], sure=False)


def opened(work: Work, access: Access, listed: Shortlist, page: slice) -> list[Study]:
    """The studies on the list, in its order; of a list that is sure, one page."""
    ids = listed.ids(page if listed.sure else slice(None))
    if len(ids) <= PAGE_MOST:
        return each_once(work, access, listing(work, access.opened(), ids).studies)
    wanted = frozenset(ids)
    return each_once(work, access, [one for one in listing(work, access.opened()).studies if one.id in wanted])


def _has_column(match: Match) -> bool:
    return len(match.path) == 1 and match.path[0] in COLUMN_OF


def _fitting(match: Match, column: str, words: set[str]) -> set[str]:
    """Those of the column's words that fit."""
    plain, ranges = match.plain, match.ranges
    if plain is not None and column == "modalities":
        return {word for word in words if not plain.isdisjoint(word.split("\\"))}
    if plain is not None:
        return words & plain - {""}
    if ranges is not None:
        return {word for word in words if any(one.holds(word) for one in ranges)}
    return {word for word in words if match.fits_one_of(_values(word, column))}


def _values(word: str, column: str) -> list[Any]:
    if not word:
        return []
    if column == "modalities":
        return word.split("\\")
    return [person_of(word)] if column in _PEOPLE else [word]
