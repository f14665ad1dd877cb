"""Everything a patient has, to take away: all scans, reports and the history in one ZIP (experience D1).

As with one scan nothing is made ready on a disk, and the length is known before the first octet. Reports are pages of
plain HTML here, so that a record of many years begins to arrive within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response, current_app, render_template
from flask_babel import gettext as _

from consent.request import access, services
from fhir_gateway.dicom.media import Entry, Page, Taken, ZipPlan, medium
from fhir_gateway.looking import watched
from phr import dates
from phr.answers import ranged
from phr.copies import ENDINGS, pictures_of, taken
from phr.event_words import TOLD, sentence
from phr.held_reports import all_shown_to_owner
from phr.history import names_for
from phr.people import today
from phr.report_words import byline, is_withdrawn, paragraphs, parts, standing
from phr.scans import Scan, scans_of
from vault import audit
from vault.catalogue import Catalogue, open_catalogue
from vault.database import Work
from vault.facts import DocumentFacts
from vault.reading import open_document
from vault.studies import Report, Study

MOST_EVENTS = 5000


@dataclass(frozen=True, slots=True)
class Shelf:
    """One scan in the copy: what it is called, and where its pages are."""

    scan: Scan
    reports: tuple[str, ...]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """What there is, by name; its pictures and papers are opened as the copy is made."""

    catalogue: Catalogue
    scans: dict[str, Scan]
    history: Page


def everything_of(work: Work, *, last_event: int) -> Everything:
    """All that the patient who asks has, with the history up to that event: what happens meanwhile changes nothing."""
    catalogue = all_shown_to_owner(work, open_catalogue(work, access().own_vault()))
    scans = {scan.id: scan for scan in scans_of(work, catalogue)}
    return Everything(catalogue, scans, _history(work, catalogue, last_event))


def plan_of(everything: Everything) -> ZipPlan:
    """All of it in one file. Raises `CopyNotAllowed`."""
    catalogue = everything.catalogue
    pages: list[Page | Entry] = [everything.history]
    shelves: list[Shelf] = []
    for number, study in enumerate(catalogue.studies, start=1):
        shelves.append(_shelf(study, everything.scans[study.id.hex()], f"IHE_PDI/SCAN{number}", pages))
    words = {"shelves": shelves, "made_on": today(), "settings": current_app.extensions["settings"]}
    readme = render_template("copies/everything.txt", **words).replace("\n", "\r\n")
    leading = [
        Page("README.TXT", readme.encode()),
        Page("INDEX.HTM", render_template("copies/everything.html", **words).encode()),
    ]
    return medium(_all_pictures(catalogue), [*leading, *pages])


def name() -> str:
    """What the file is called."""
    return _("%(day)s everything.zip", day=today().isoformat())


def sent(plan: ZipPlan) -> Response:
    """The file, or the part of it that was asked for."""
    return ranged(name(), plan, lambda pieces: watched(pieces, services(), access()), "application/zip")


def _all_pictures(catalogue: Catalogue) -> Iterator[Taken]:
    """Each instance once, though two sites may have sent it."""
    for study in {study.uid: study for study in catalogue.studies if study.series}.values():
        yield from taken(study)


def _shelf(study: Study, scan: Scan, folder: str, pages: list[Page | Entry]) -> Shelf:
    """Puts the scan's pages among the `pages`, and says where they are."""
    papers: list[Page | Entry] = []
    for number, report in enumerate(standing(study.reports), start=1):
        papers.append(_report(report, scan, f"{folder}/REPORT{number}.HTM"))
        files = [one for one in report.facts.documents if not one.drawn and one.size]
        papers += [
            _file(document, f"{folder}/SITE{number}{place}.{ENDINGS.get(document.media_type, 'BIN')}")
            for place, document in enumerate(files, start=1)
        ]
    pictures = list(pictures_of(study, f"{folder}/PICTURE", most=1))
    pages += [*papers, *pictures]
    return Shelf(scan, tuple(page.name for page in papers), tuple(page.name for page in pictures))


def _report(report: Report, scan: Scan, name: str) -> Page:
    sections = [] if is_withdrawn(report) else [(head, paragraphs(text)) for head, text in parts(report.facts)]
    drawn = render_template(
        "copies/report.html", scan=scan, sections=sections, byline=byline(report.facts), report=report.facts
    )
    return Page(name, drawn.encode())


def _file(document: DocumentFacts, name: str) -> Entry:
    """A site's own file, opened when its turn comes: many of them would not fit into memory."""
    return Entry(name, document.size, _opening(document.resource_id), mark=document.resource_id.encode())


def _opening(resource_id: str) -> Callable[[], list[bytes]]:
    room, own = services(), access().own_vault()

    def opened() -> list[bytes]:
        with room.reading() as work:
            return [open_document(work, own, bytes.fromhex(resource_id))[1]]

    return opened


def _history(work: Work, catalogue: Catalogue, last_event: int) -> Page:
    names = names_for(work, access(), catalogue)
    events = audit.events(work, access().own_vault().owner, before=last_event + 1, most=MOST_EVENTS, kinds=TOLD)
    rows = [(dates.in_full(one.at), sentence(one, names)) for one in events]
    return Page("IHE_PDI/HISTORY.HTM", render_template("copies/history.html", rows=rows).encode())
