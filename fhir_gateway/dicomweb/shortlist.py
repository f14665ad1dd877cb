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
    """The studies that may fit, in the order of the answer. `sure`: all of them fit, and each stands for itself."""

    ids: list[Id]
    sure: bool


def shortlist(work: Work, access: Access, query: Query) -> Shortlist | None:
    """What the columns say of the question; None where there are so few studies that all are looked at."""
    sheet = open_sheet(work, access.opened())
    if sheet is None:
        return None
    uids = sheet.words("uid")
    last = uids.index("") if "" in uids else len(uids)  # the studies that have no pictures stand last
    kept: list[int] = list(range(last))
    compared = [match for match in query.matches if not match.everything]
    columns = [(match, COLUMN_OF[match.path[0]]) for match in compared if _has_column(match)]
    for match, name in columns:
        words, fits = sheet.words(name), _Tester(match, name)
        kept = [at for at in kept if fits(words[at])]
    if len(set(uids[:last])) == last:
        return Shortlist(_ids(sheet, kept), sure=len(columns) == len(compared))
    # Two sites pushed one study: what fits of either is told of both together.
    meant = {uids[at] for at in kept}
    return Shortlist(_ids(sheet, [at for at in range(last) if uids[at] in meant]), sure=False)


def opened(work: Work, access: Access, listed: Shortlist, page: slice) -> list[Study]:
    """The studies on the list, in its order; of a list that is sure, one page."""
    ids = listed.ids[page] if listed.sure else listed.ids
    if len(ids) <= PAGE_MOST:
        return each_once(work, access, listing(work, access.opened(), ids).studies)
    wanted = frozenset(ids)
    return each_once(work, access, [one for one in listing(work, access.opened()).studies if one.id in wanted])


def _ids(sheet: Sheet, places: Sequence[int]) -> list[Id]:
    ids = sheet.ids
    return [ids[at] for at in places]


def _has_column(match: Match) -> bool:
    return len(match.path) == 1 and match.path[0] in COLUMN_OF


class _Tester:
    """Compares the words of one column, each but once: days, names and modalities come again and again."""

    def __init__(self, match: Match, column: str) -> None:
        self._match, self._column = match, column
        self._known: dict[str, bool] = {}

    def __call__(self, word: str) -> bool:
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._match.fits_one_of(self._values(word))
        return known

    def _values(self, word: str) -> list[Any]:
        if not word:
            return []
        if self._column == "modalities":
            return word.split("\\")
        return [person_of(word)] if self._column in _PEOPLE else [word]
