"""A report as a patient reads it: the main points first, under headings that say what stands there.

The text is the site's own, word for word; only the order of its parts and their headings are ours (experience R3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from phr import dates, words
from phr.reports import PatientReport, ReportSection
from phr.scans import Scan
from vault.facts import ReportFacts, Section, StudyFacts
from vault.studies import Report

CHANGED = frozenset({"amended", "corrected", "appended"})
UNSIGNED = frozenset({"registered", "partial", "preliminary"})
WITHDRAWN = frozenset({"cancelled", "entered-in-error"})

# In the order of the page; what none of them knows keeps its own heading and comes last.
HEADINGS = (
    (re.compile(r"impression|conclusion|summary|opinion|beurteilung|conclusi", re.IGNORECASE),
     lazy_gettext("Main points (Impression)")),
    (re.compile(r"finding|result|befund|hallazgo|observation", re.IGNORECASE),
     lazy_gettext("What they saw (Findings)")),
    (re.compile(r"indication|history|reason|clinical|request", re.IGNORECASE), lazy_gettext("Why it was done")),
    (re.compile(r"technique|procedure|protocol|contrast|exam", re.IGNORECASE), lazy_gettext("How it was done")),
    (re.compile(r"compar|prior", re.IGNORECASE), lazy_gettext("Compared with")),
)  # fmt: skip
LAST = len(HEADINGS)


@dataclass(frozen=True, slots=True)
class ReadableReport:
    """One report as its page shows it."""

    id: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    byline: str
    language: str
    preliminary: bool
    changed: date | None
    older: str
    is_old: bool


def readable(reports: Sequence[Report], asked: str = "") -> tuple[ReadableReport, Report]:
    """The newest report, or the one whose id is `asked`. There must be at least one that was not withdrawn."""
    ordered = newest_first(reports)
    chosen = next((one for one in ordered if one.id.hex() == asked), ordered[0])
    older = [one for one in ordered[ordered.index(chosen) + 1 :] if _same(one.facts, chosen.facts)]
    is_old = any(_same(one.facts, chosen.facts) for one in ordered[: ordered.index(chosen)])
    facts = chosen.facts
    changed = facts.status in CHANGED or bool(older)
    return ReadableReport(
        id=chosen.id.hex(),
        sections=tuple((heading, tuple(paragraphs(text))) for heading, text in parts(facts)),
        byline=byline(facts),
        language=facts.language,
        preliminary=facts.status in UNSIGNED,
        changed=signed_on(facts) if changed else None,
        older=older[0].id.hex() if older else "",
        is_old=is_old,
    ), chosen


def newest_first(reports: Sequence[Report]) -> list[Report]:
    """Reports that stand, the newest first."""
    standing = [one for one in reports if one.facts.status not in WITHDRAWN] or list(reports)
    return sorted(standing, key=lambda one: (one.facts.issued, one.received), reverse=True)


def _same(one: ReportFacts, other: ReportFacts) -> bool:
    """Two versions of one report share an identifier, or where none was sent their title."""
    shared = set(one.identifiers) & set(other.identifiers)
    return bool(shared) or (not one.identifiers and not other.identifiers and one.title == other.title)


def parts(facts: ReportFacts) -> list[tuple[str, str]]:
    """Heading and text of each part, main points first."""
    sections = [one for one in facts.sections if one.text.strip()]
    if facts.conclusion.strip() and not any(_rank(one) == 0 for one in sections):
        sections.insert(0, Section(heading="Impression", text=facts.conclusion))
    ranked = sorted(sections, key=_rank)
    return [(_heading(one), one.text) for one in ranked]


def _rank(section: Section) -> int:
    return next((rank for rank, (known, _) in enumerate(HEADINGS) if known.search(section.heading)), LAST)


def _heading(section: Section) -> str:
    rank = _rank(section)
    if rank < LAST:
        return str(HEADINGS[rank][1])
    return section.heading.strip().capitalize() or _("Report")


def paragraphs(text: str) -> list[str]:
    """The text at its empty lines; single line breaks stay inside."""
    return [part.strip() for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if part.strip()]


def byline(facts: ReportFacts) -> str:
    """Who wrote and signed it, such as "Written by Dr. M. Ortiz, Harbor Scan Center. Signed 4 March 2026."."""
    sentences: list[str] = []
    who = ", ".join(part for part in (facts.written_by, facts.place) if part)
    if who:
        sentences.append(_("Written by %(who)s.", who=who))
    if day := signed_on(facts):
        sentences.append(_("Signed %(day)s.", day=dates.in_words(day)))
    return " ".join(sentences)


def signed_on(facts: ReportFacts) -> date | None:
    """The day it was issued."""
    return words.day_of(facts.issued[:10])


def as_paper(
    report: Report, *, scan: Scan, study: StudyFacts, patient: str, made_by: str, today: date
) -> PatientReport:
    """What our PDF of the report is printed from."""
    facts = report.facts
    changed = facts.status in CHANGED
    return PatientReport(
        site_name=facts.place or scan.place,
        patient_name=patient or words.person(study.person.name),
        born=words.day_of(study.person.born),
        scan=scan.title,
        scan_date=scan.day,
        sections=tuple(ReportSection(heading, text) for heading, text in parts(facts)),
        status=_("Changed") if changed else _("Not signed yet") if facts.status in UNSIGNED else _("Final"),
        written_by=facts.written_by,
        signed_on=signed_on(facts),
        made_on=today,
        made_by=made_by,
        asked_by=words.person(study.referrer),
        changed_on=signed_on(facts) if changed else None,
        report_language=facts.language,
    )
