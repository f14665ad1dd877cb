"""A report as a patient reads it: the main points first, under headings that say what stands there.

The text is the site's own, word for word; only the order of its parts and their headings are ours (experience R3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from phr import dates, words
from phr.glossary import on_paper
from phr.reports import KeyPicture, PatientReport, ReportSection
from phr.scans import Scan
from vault.facts import ReportFacts, Section, StudyFacts
from vault.studies import Report
from vault.versions import UNSIGNED, WITHDRAWN, is_signed

CHANGED = frozenset({"amended", "corrected", "appended"})

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
    """One report as its page shows it.

    `changed` is the day it last changed, where a signed one came before it; `older` is the one before it, which may be
    a draft. `is_old`: another one stands in its place. `others` are the scan's other reports: id and words.
    """

    id: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    byline: str
    language: str
    preliminary: bool
    withdrawn: bool
    changed: date | None
    older: str
    is_old: bool
    others: tuple[tuple[str, str], ...] = ()


def readable(reports: Sequence[Report], asked: str = "") -> tuple[ReadableReport, Report]:
    """The newest report, or the version whose id is `asked`. There must be at least one."""
    heads = standing(reports)
    families = [family_of(head, reports) for head in heads]
    family, chosen = next(
        ((family, one) for family in families for one in family if one.kept.hex() == asked), (families[0], heads[0])
    )
    before = older_than(chosen, reports)
    facts = chosen.facts
    return ReadableReport(
        id=chosen.kept.hex(),
        sections=() if is_withdrawn(chosen) else tuple((head, tuple(paragraphs(text))) for head, text in parts(facts)),
        byline=byline(facts),
        language=facts.language,
        preliminary=facts.status in UNSIGNED,
        withdrawn=is_withdrawn(chosen),
        changed=_day(chosen) if _is_changed(chosen, before) else None,
        older=before.kept.hex() if before is not None else "",
        is_old=chosen is not family[0],
        others=tuple((head.kept.hex(), _name_of(head)) for head in heads if head is not family[0]),
    ), chosen


def standing(reports: Sequence[Report]) -> list[Report]:
    """Those that nothing replaces, the newest first; drafts come after what was signed, taken back ones last."""
    there = {one.id for one in reports}
    heads = [one for one in reports if one.replaced_by not in there] or list(reports)
    return sorted(
        heads, key=lambda one: (not is_withdrawn(one), is_signed(one), one.facts.issued, one.received), reverse=True
    )


def newest_came(reports: Sequence[Report]) -> datetime:
    """When the report that is read first came here. There must be at least one."""
    return standing(reports)[0].received


def is_withdrawn(report: Report) -> bool:
    """Whether the scan center took it back."""
    return report.facts.status in WITHDRAWN


def older_than(report: Report, reports: Sequence[Report]) -> Report | None:
    """What stood before it: its version before, or the newest report it replaced. A draft that came late never did."""
    head = next((one for one in reports if one.id == report.id), report)
    before = [one for one in head.versions if one.version < report.version and not _came_late(one, head)]
    return before[0] if before else next(iter(_replaced_by(report, reports)), None)


def family_of(head: Report, reports: Sequence[Report]) -> list[Report]:
    """A report, its other versions and the reports it replaced, with theirs: what stands in front."""
    found: list[Report] = []
    waiting = [head]
    while waiting:
        report = waiting.pop(0)
        if all(one.id != report.id for one in found):
            found += [report, *report.earlier]
            waiting += _replaced_by(report, reports)
    return found


def _replaced_by(report: Report, reports: Sequence[Report]) -> list[Report]:
    head = next((one for one in reports if one.id == report.id), report)
    gone = [one for one in reports if one.id in head.replaces]
    return sorted(gone, key=lambda one: (one.facts.issued, one.received), reverse=True)


def _came_late(one: Report, head: Report) -> bool:
    """A draft that arrived when the signed report was there."""
    return one.version > head.version


def _is_changed(report: Report, before: Report | None) -> bool:
    if is_withdrawn(report):
        return False
    return report.facts.status in CHANGED or (before is not None and before.facts.status not in UNSIGNED)


def _day(report: Report) -> date:
    return signed_on(report.facts) or report.received.date()


def _name_of(report: Report) -> str:
    title = report.facts.title.strip() or _("Report")
    return _("%(title)s, %(day)s", title=title, day=dates.in_words(_day(report)))


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
    report: Report,
    others: Sequence[Report],
    *,
    scan: Scan,
    study: StudyFacts,
    made_by: str,
    today: date,
    pictures: tuple[KeyPicture, ...] = (),
    logo: tuple[str, bytes] | None = None,
) -> PatientReport:
    """What our PDF of the report is printed from; `others` are the reports of its scan, it among them."""
    facts = report.facts
    before = older_than(report, others)
    changed = _is_changed(report, before)
    return PatientReport(
        site_name=facts.place or scan.place,
        patient_name=words.person(study.person.name),
        born=words.day_of(study.person.born),
        scan=scan.title,
        scan_date=scan.day,
        sections=() if is_withdrawn(report) else tuple(ReportSection(heading, text) for heading, text in parts(facts)),
        status=_status(report, others, changed=changed),
        written_by=facts.written_by,
        signed_on=signed_on(facts),
        made_on=today,
        made_by=made_by,
        asked_by=words.person(study.referrer),
        changed_on=_day(report) if changed else None,
        replaces=signed_on(before.facts) if changed and before is not None else None,
        report_language=facts.language,
        pictures=pictures if not is_withdrawn(report) else (),
        logo=logo,
        words=on_paper([text for _, text in parts(facts)], facts.language) if not is_withdrawn(report) else (),
    )


def _status(report: Report, others: Sequence[Report], *, changed: bool) -> str:
    if is_withdrawn(report):
        return _("Taken back by the scan center")
    if all(report is not head for head in standing(others)):
        return _("Old: a newer report took its place")
    if report.facts.status in UNSIGNED:
        return _("Not signed yet")
    return _("Changed") if changed else _("Final")
