"""When a report is read: at once, after a doctor has looked, or with a note on a day (experience R1, I2).

That a doctor has looked is what somebody says who was given the report and read it as it stands now. That an app
fetched it, that someone opened a link, or that a doctor saw the pictures before it came, says nothing of the kind.
The choice for one scan stands before the choice for all; both are kept sealed, as fields of the owner's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from consent import alerts, shared
from consent.access import Access
from consent.receipts import reviews_of
from phr.people import today
from phr.report_words import newest_came
from vault.database import Work
from vault.ids import Id
from vault.keyring import VaultKeyring
from vault.studies import Study

CHOICE = "report_choice"
WAIT, NOW, ASK = "wait", "now", "ask"
LONGEST_WAIT = timedelta(days=14)
A_WEEK = timedelta(days=7)
MORNING = time(8)


@dataclass(frozen=True, slots=True)
class Review:
    """Who said that they reviewed the report, and when."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """What stands for a report that has not been read: what they chose, and who has looked meanwhile."""

    choice: str
    note_on: date | None
    review: Review | None

    @property
    def is_waiting(self) -> bool:
        """Whether they chose to wait, with a note or without."""
        return self.choice == WAIT


def waiting_of(work: Work, access: Access, study: Study) -> Waiting:
    """How it stands with the report of this scan."""
    own = access.own_vault()
    choice = own.field(work, CHOICE, subject=study.id) or own.field(work, CHOICE) or ASK
    kind, _, day = choice.partition(":")
    return Waiting(kind, date.fromisoformat(day) if day else None, review_of(work, access, study))


def may_show(work: Work, study: Study, waiting: Waiting) -> bool:
    """Whether to show the report: a doctor has reviewed it, they chose to read, or it has waited for 14 days."""
    if waiting.review is not None or waiting.choice == NOW:
        return True
    return waiting.is_waiting and work.now - newest_came(study.reports) > LONGEST_WAIT


def choose(work: Work, access: Access, study: Study, choice: str, *, zone: str) -> date | None:
    """Keep "now", "wait" or "remind"; answers the day of the note where one was asked for."""
    day = today() + A_WEEK if choice == "remind" else None
    kept = f"{WAIT}:{day.isoformat()}" if day else WAIT if choice == WAIT else NOW
    _keep(work, access, study, kept)
    write_on(work, access, study, day, zone=zone)
    return day


def write_on(work: Work, access: Access, study: Study, day: date | None, *, zone: str) -> None:
    """A letter about this scan goes out at 8 in the morning of that day, and no other; None, or a day gone by: none."""
    due = datetime.combine(day, MORNING, ZoneInfo(zone)) if day and day >= today() else None
    if access.account_id is not None:
        alerts.remind(work, access.account_id, study.id, due)


def forget_note(work: Work, access: Access, study: Study, waiting: Waiting) -> None:
    """They read the report: nobody is reminded of what they have read."""
    if waiting.note_on is not None:
        _keep(work, access, study, NOW)
        write_on(work, access, study, None, zone="UTC")


def _keep(work: Work, access: Access, study: Study, kept: str) -> None:
    access.own_vault().keep_field(work, CHOICE, kept, subject=study.id)


def notes_due(work: Work, own: VaultKeyring) -> set[Id]:
    """The scans whose report waits, and whose day has come."""
    chosen = {Id(study_id): kept.partition(":") for study_id, kept in own.fields(work, CHOICE).items()}
    return {
        study_id
        for study_id, (kind, _, day) in chosen.items()
        if kind == WAIT and day and date.fromisoformat(day) <= today()
    }


def review_of(work: Work, access: Access, study: Study) -> Review | None:
    """The first who said that they reviewed the report as it stands; there must be one."""
    came = newest_came(study.reports)
    said = next(((grant_id, at) for grant_id, at in reviews_of(work, study.folders).items() if at >= came), None)
    if said is None:
        return None
    grant_id, at = said
    return Review(shared.names_for(work, access).get(grant_id, ""), at)
