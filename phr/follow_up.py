"""Where a report asks for another scan: its own sentence, and when that would be (experience R4).

Nothing here judges. A sentence is found by its words alone and shown as it stands; what to do about it is for the
patient and their doctor. The patient's answer is kept with the scan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from phr.report_words import is_withdrawn, parts, signed_on, standing
from phr.words import day_of
from vault.database import Work
from vault.ids import Id
from vault.keyring import VaultKeyring
from vault.studies import Report, Study

ANSWER = "follow_up"
KNOWN, WRONG, REMIND = "known", "wrong", "remind:"

_ASKING = re.compile(r"\b(recommend\w*|suggest\w*|advise\w*|follow[- ]?up|repeat)\b", re.IGNORECASE)
_SCAN = re.compile(
    r"\b(ct|mri|mr|pet|ultrasound|sonograph\w*|x-?ray|radiograph\w*|mammogra\w*|scan|imaging|follow[- ]?up)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(no|not|without|never)\b[^.]*\b(follow[- ]?up|recommend\w*|need\w*|necessary|imaging)\b", re.IGNORECASE
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "nine": 9, "twelve": 12}
_WHEN = re.compile(
    rf"\b(\d{{1,2}}|{'|'.join(_NUMBERS)})\s*(?:(?:-|–|to)\s*\d{{1,2}}\s*)?[- ]?(week|month|year)s?\b", re.IGNORECASE
)
_EVERY_YEAR = re.compile(r"\b(annual(?:ly)?|yearly)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])|\n+")
_MOST_LETTERS = 400


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One sentence of a report, the day it counts from, and the day it leads to; None where it names no time."""

    sentence: str
    counted_from: date | None
    due: date | None


def follow_up_of(reports: Sequence[Report]) -> FollowUp | None:
    """The first sentence of the newest report that may ask for another scan."""
    heads = [one for one in standing(reports) if not is_withdrawn(one)]
    if not heads:
        return None
    facts = heads[0].facts
    begin = signed_on(facts) or day_of(facts.effective[:10])
    for _heading, text in parts(facts):
        for sentence in _sentences(text):
            if _asks(sentence):
                return FollowUp(sentence, begin, _due(sentence, begin))
    return None


def _sentences(text: str) -> list[str]:
    found = (" ".join(one.split()) for one in _SENTENCE.split(text.replace("\r\n", "\n")))
    return [one for one in found if 0 < len(one) <= _MOST_LETTERS]


def _asks(sentence: str) -> bool:
    return bool(_ASKING.search(sentence) and _SCAN.search(sentence)) and not _NOT.search(sentence)


def _due(sentence: str, begin: date | None) -> date | None:
    if begin is None:
        return None
    found = _WHEN.search(sentence)
    if found is None:
        return _later(begin, months=12) if _EVERY_YEAR.search(sentence) else None
    count = _NUMBERS.get(found[1].lower()) or int(found[1])
    unit = found[2].lower()
    if unit == "week":
        return date.fromordinal(begin.toordinal() + 7 * count)
    return _later(begin, months=count * (12 if unit == "year" else 1))


def _later(begin: date, *, months: int) -> date:
    """The same day that many months on, or the last of a shorter month."""
    year, month = divmod(begin.month - 1 + months, 12)
    for day in range(begin.day, begin.day - 4, -1):
        try:
            return date(begin.year + year, month + 1, day)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


# -- what the patient said --------------------------------------------------------------------------------------------


def answer(work: Work, own: VaultKeyring, study: Study, said: str) -> str:
    """Keep "known", "wrong" or "remind"; returns what is kept: "" where it is none of them, or names no day."""
    asked = follow_up_of(study.reports)
    kept = said if said in {KNOWN, WRONG} else ""
    if said == "remind" and asked is not None and asked.due is not None:
        kept = f"{REMIND}{asked.due.isoformat()}"
    if kept:
        own.keep_field(work, ANSWER, kept, subject=study.id)
    return kept


def answered(work: Work, own: VaultKeyring, study_id: bytes) -> str:
    """What they said before: "known", "wrong", "remind:" with the day, or ""."""
    return own.field(work, ANSWER, subject=study_id) or ""


def remind_on(said: str) -> date | None:
    """The day of an answer that asks to be reminded."""
    return date.fromisoformat(said.removeprefix(REMIND)) if said.startswith(REMIND) else None


def reminders(work: Work, own: VaultKeyring) -> dict[Id, date]:
    """The scans whose reminder was asked for, and when each is due."""
    said = {Id(study_id): remind_on(one) for study_id, one in own.fields(work, ANSWER).items()}
    return {study_id: day for study_id, day in said.items() if day is not None}
