"""The patients who share with a provider, one row each: what is new, until when, and where each sharing stands (I1).

Names come out of what each patient gave, page by page, and are kept nowhere: of a sharing that has ended the provider's
own vault knows that there was one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask_babel import get_timezone
from flask_babel import gettext as _

from consent import shared
from consent.access import Access
from consent.shared import InboxRow
from phr import dates
from phr.scans import people_of, title_of
from phr.shares import until_words
from vault.catalogue import Catalogue, open_catalogue
from vault.database import Work
from vault.ids import Id

GIVEN = "given"  # the provider's own note that a grant was theirs
SOON = timedelta(days=7)
ENDED_SHOWN = timedelta(days=30)
NEW, ENDING = "new", "ending"


@dataclass(frozen=True, slots=True)
class OneShare:
    """One sharing of a patient's: its page, how many scans, until when in words."""

    href: str
    scans: int
    until: str


@dataclass(frozen=True, slots=True)
class Patient:
    """One row. `chips` are states as `chip` takes them, the first of them the one that counts."""

    name: str
    born: date | None
    news: str
    shares: tuple[OneShare, ...]
    chips: tuple[tuple[str, str], ...]
    ends: datetime | None
    active: datetime

    @property
    def named(self) -> str:
        """Name and birth date in one line."""
        if self.born is None:
            return self.name
        return _("%(who)s, born %(day)s", who=self.name, day=dates.in_words(self.born))

    @property
    def scans(self) -> int:
        """How many scans in all of their shares."""
        return sum(one.scans for one in self.shares)

    @property
    def is_new(self) -> bool:
        """Whether something waits to be looked at."""
        return self.chips[0][0] == NEW


def patients_of(w: Work, access: Access) -> list[Patient]:
    """Everyone who shares with this provider now: what nobody has looked at first, then the newest activity."""
    by_vault: dict[bytes, list[InboxRow]] = {}
    for one in shared.inbox(w, access):
        by_vault.setdefault(bytes(one.limits.vault_id), []).append(one)
    rows = [_patient(w, sorted(given, key=lambda one: one.given, reverse=True)) for given in by_vault.values()]
    return sorted(rows, key=lambda row: (row.is_new, row.active), reverse=True)


def _patient(w: Work, given: list[InboxRow]) -> Patient:
    opened = [(one, open_catalogue(w, one.access.opened())) for one in given]
    name, born = people_of([study for _one, catalogue in opened for study in catalogue.studies])
    news = next((words for one, catalogue in opened if (words := _news(one, catalogue))), "")
    ends = min((one.until for one in given if one.until), default=None)
    return Patient(
        name=name or _("A patient"),
        born=born,
        news=news,
        shares=tuple(_share(w, one, catalogue) for one, catalogue in opened),
        chips=_chips(given, is_new=bool(news), ends_soon=ends is not None and ends - w.now < SOON),
        ends=ends,
        active=max(_active(one, catalogue) for one, catalogue in opened),
    )


def _share(w: Work, one: InboxRow, catalogue: Catalogue) -> OneShare:
    now = w.now.astimezone(get_timezone() or UTC)
    until = until_words(one.until, now=now) if one.until else _("they stop it")
    return OneShare(f"/pro/patients/{one.grant_id.hex()}", len(catalogue.studies), until)


def _news(one: InboxRow, catalogue: Catalogue) -> str:
    """What came since they last looked; "" for nothing."""
    since = one.last_opened
    for study in catalogue.studies:
        if since is None or study.received > since:
            return _("New: %(scan)s", scan=title_of(study))
        came = [report for report in study.every_report if report.received > since]
        if any(report.version > 1 or report.replaces for report in came):
            return _("Report changed: %(scan)s", scan=title_of(study))
        if came:
            return _("Report added: %(scan)s", scan=title_of(study))
    return _("New patient") if since is None else ""


def _active(one: InboxRow, catalogue: Catalogue) -> datetime:
    came = [study.arrived for study in catalogue.studies]
    came += [report.received for study in catalogue.studies for report in study.every_report]
    return max((one.given, *came))


def _chips(given: list[InboxRow], *, is_new: bool, ends_soon: bool) -> tuple[tuple[str, str], ...]:
    state = NEW if is_new else "saved" if any(one.saved_at for one in given) else "opened"
    return ((state, ""), ("waiting", _("Ends soon"))) if ends_soon else ((state, ""),)


# -- finding ----------------------------------------------------------------------------------------------------------


def shown_of(rows: Iterable[Patient], *, show: str, find: str, now: datetime) -> list[Patient]:
    """The rows of one filter ("new", "ending" or all) that have every word of `find` in name or birth date."""
    return [row for row in rows if _is_shown(row, show, now) and _is_found(row, find)]


def _is_shown(row: Patient, show: str, now: datetime) -> bool:
    if show == NEW:
        return row.is_new
    return show != ENDING or (row.ends is not None and row.ends - now < SOON)


def _is_found(row: Patient, find: str) -> bool:
    day = f"{row.born:%d %m %Y} {dates.in_words(row.born)}" if row.born else ""
    known = list(_words(f"{row.name} {day}"))
    return all(any(_fits(word, one) for one in known) for word in _words(find))


def _words(text: str) -> Iterator[str]:
    """Letters without their marks, numbers without leading zeros."""
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter)
    )
    return (word.lstrip("0") if word.isdecimal() else word for word in re.findall(r"\w+", bare))


def _fits(word: str, known: str) -> bool:
    return word == known if word.isdecimal() else known.startswith(word)


# -- what has ended ---------------------------------------------------------------------------------------------------


def ended_of(w: Work, access: Access) -> list[tuple[datetime, datetime]]:
    """When each sharing of the last thirty days was given and when it ended, the newest end first."""
    notes = access.own_vault().fields(w, GIVEN)
    live = {one.grant_id for one in shared.inbox(w, access)}
    over = shared.ended_of(w, [Id(one) for one in notes if one not in live])
    recent = [(datetime.fromisoformat(notes[one]), ended) for one, ended in over.items() if w.now - ended < ENDED_SHOWN]
    return sorted(recent, key=lambda pair: pair[1], reverse=True)


def unnoted(w: Work, access: Access) -> dict[Id, str]:
    """Sharings the provider's vault has no note of yet, with the moment they were given."""
    notes = access.own_vault().fields(w, GIVEN)
    return {one.grant_id: one.given.isoformat() for one in shared.inbox(w, access) if one.grant_id not in notes}
