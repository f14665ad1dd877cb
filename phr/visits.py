"""What somebody sees of a patient who shared with them: the same for a guest with a code and for a provider's list.

Every page here first asks the sharing whether it still holds; the patient sees when it was first opened, and when a
copy was saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import NamedTuple

from flask import render_template, request
from flask_babel import get_timezone
from flask_babel import gettext as _

from consent.access import Access
from consent.receipts import has_reviewed, mark_opened, mark_reviewed, mark_saved
from consent.request import access, remember, services, work
from fhir_gateway.looking import tell_viewed
from phr import copies, dates, report_papers, words
from phr.answers import Answer, file, onward
from phr.copies import Way
from phr.pages.shown import Link, ShownStudy, Surroundings
from phr.pages.viewer import pictures_page
from phr.references import pictures_beside
from phr.report_files import asked_for, files_of, handed_out_as
from phr.report_words import newest_came, readable
from phr.scans import Scan, people_of, scan_of, scans_of, shown_study, site_names
from phr.shares import until_words
from phr.timelines import REGIONS, region_of
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.errors import NotThere
from vault.ids import parse_id
from vault.keyring import KeyClass
from vault.reading import open_document
from vault.studies import Study


@dataclass(frozen=True, slots=True)
class Visit:
    """Where the pages of a visit lie, and where it ends."""

    base: str
    scans: str
    alive: str
    ended: str
    end: str
    back: str


GUEST = Visit(base="/see", scans="/see/scans", alive="/see/alive", ended="/see/ended", end="/see/end", back="")


class ListedScan(NamedTuple):
    """One scan in a visitor's list."""

    title: str
    day_words: str
    place: str
    pictures_words: str
    added_by_patient: bool
    links: list[tuple[str, str]]


def scans(visit: Visit) -> Answer:
    """Every scan of this visit, with what can be opened of it: by part of the body, the newest first."""
    _tell_opened(access().each)
    with work() as w:
        catalogue = open_catalogue(w, access().opened())
        groups = _by_part(visit, catalogue.studies, scans_of(w, catalogue))
        bar = _whose(w, visit, catalogue.studies, access().each)
    return render_template("pages/see/list.html", groups=groups, **bar)


def _by_part(visit: Visit, studies: Sequence[Study], listed: Sequence[Scan]) -> list[tuple[str, list[ListedScan]]]:
    """Scans of one part stand together, so that what came before is seen; a single part needs no name."""
    parts: dict[str, list[ListedScan]] = {}
    for study, scan in zip(studies, listed, strict=True):
        parts.setdefault(region_of(study), []).append(_listed(visit, scan))
    return [(str(REGIONS[part]) if len(parts) > 1 else "", scans) for part, scans in parts.items()]


def _listed(visit: Visit, scan: Scan) -> ListedScan:
    links = [(_pictures_of(visit, scan), _("Look at the pictures"))] if scan.pictures else []
    if scan.reports:
        links.append((f"{visit.base}/report/{scan.id}", _("Read the report")))
    links.append((f"{visit.base}/save/{scan.id}", _("Save a copy")))
    return ListedScan(scan.title, scan.day_words, scan.place, scan.pictures_words, scan.is_own, links)


def _pictures_of(visit: Visit, scan: Scan) -> str:
    """The viewer over all scans, which begins with this one."""
    return f"{visit.base}/view?scan={scan.id}"


def pictures(visit: Visit) -> Answer:
    """The viewer over all scans of this visit."""
    _tell_opened(access().each)
    with work() as w:
        catalogue = open_catalogue(w, access().opened())
        sites = site_names(w, catalogue.studies)
        shown = [_shown(w, visit, study, scan_of(study, sites)) for study in catalogue.studies if study.series]
        who, until = _bar(w, catalogue.studies, access().each)
        links = [*_links(visit, catalogue.studies, sites)]
    for study in catalogue.studies:
        tell_viewed(services(), access(), study.id)
    around = Surroundings(
        toolbar="clinician",
        title=_("Shared scans"),
        address=f"{visit.base}/view",
        alive_url=visit.alive,
        ended_url=visit.ended,
        back=Link(_("All scans"), visit.scans),
        bar=f"{who} {until}",
        links=links,
        end_url=visit.end,
        may_save="yes" if all(_may_save(one) for one in access().each) else "no",
    )
    return pictures_page(shown, around, request.args)


def _shown(w: Work, visit: Visit, study: Study, scan: Scan) -> ShownStudy:
    return shown_study(w, access().opened(), study, scan, report_url=f"{visit.base}/report/{scan.id}")


def _links(visit: Visit, studies: tuple[Study, ...], sites: dict[bytes, str]) -> list[Link]:
    """A report's link names its scan where there are several."""
    several = sum(bool(study.reports) for study in studies) > 1
    found = []
    for study in studies:
        scan = scan_of(study, sites)
        if study.reports:
            named = _("Report: %(scan)s", scan=scan.named) if several else _("Report")
            found.append(Link(named, f"{visit.base}/report/{scan.id}"))
    only = f"{visit.base}/save/{studies[0].id.hex()}" if len(studies) == 1 else visit.scans
    return [*found, Link(_("Save a copy"), only)]


def _bar(w: Work, studies: tuple[Study, ...], under: Sequence[Access]) -> tuple[str, str]:
    """V4: whom one looks at, and until when; of several sharings, until when the first of them lasts."""
    name, born = people_of(studies)
    who = f"{name}." if name else _("A patient.")
    if born:
        who = _("%(who)s Born %(day)s.", who=who, day=dates.in_words(born))
    ends = {one.grant.expires for one in under if one.grant is not None}
    until = min((moment for moment in ends if moment is not None), default=None)
    if until is None:
        return who, _("Shared by the patient until they stop it.")
    until = until_words(until, now=w.now.astimezone(get_timezone() or UTC))
    if len(ends) > 1:
        return who, _("Shared by the patient in parts. The first part: until %(until)s.", until=until)
    return who, _("Shared by the patient until %(until)s.", until=until)


def _whose(w: Work, visit: Visit, studies: tuple[Study, ...], under: Sequence[Access]) -> dict[str, object]:
    """The bar for a page's template."""
    who, until = _bar(w, studies, under)
    return {"visit": visit, "patient": who, "until": until}


def _tell_opened(under: Sequence[Access]) -> None:
    """Each sharing was opened, each in a transaction of its own: they may be told in another order elsewhere."""
    for one in under:
        with work() as w:
            mark_opened(w, one)


def _may_save(me: Access) -> bool:
    return me.grant is not None and not me.grant.view_only


# -- reports and copies -----------------------------------------------------------------------------------------------


def _under(w: Work, study_id: bytes, what: KeyClass) -> Access:
    """The sharing that gave this of a study; of two, one that allows a copy. Raises `NotThere`."""
    fitting = [one for one in access().each if one.can_read(w, study_id)]
    giving = [one for one in fitting if one.grant and what in one.grant.classes] or fitting
    if not giving:
        raise NotThere
    return next((one for one in giving if _may_save(one)), giving[0])


def _narrowed(w: Work, study_id: str, what: KeyClass) -> Access:
    """The same; from here on this request sees no other, so that what one shows is not saved by leave of another."""
    return remember(_under(w, parse_id(study_id), what))


def _study(w: Work, study_id: str) -> tuple[Study, Scan]:
    study = open_catalogue(w, access().opened()).study(parse_id(study_id))
    return study, scan_of(study, site_names(w, [study]))


def report(visit: Visit, study_id: str) -> Answer:
    """The newest report, or an older one that was asked for."""
    with work() as w:
        study, scan = _study(w, study_id)
        under = _under(w, study.id, KeyClass.REPORTS)
        mark_opened(w, under)
        bar = _whose(w, visit, (study,), [under])
        if not study.reports:
            raise NotThere
        shown, chosen = readable(study.reports, request.args.get("old", ""))
        reviewed = has_reviewed(w, under, study.id, came=newest_came(study.reports))
    tell_viewed(services(), access(), study.id)
    here = f"{visit.base}/report/{scan.id}"
    actions = [(_pictures_of(visit, scan), _("Look at the pictures"), "picture")] if scan.pictures else []
    may_save = _may_save(under)
    return render_template(
        "pages/report.html",
        scan=scan,
        report=shown,
        here=here,
        came_from=visit.scans,
        confirm="" if reviewed else f"{here}/reviewed",
        beside=pictures_beside(study, f"{visit.base}/view"),
        documents=files_of(chosen, here) if may_save else [],
        **bar,
        actions=[
            *actions,
            *([(f"{here}.pdf{asked_for(study.reports, chosen)}", _("Save as PDF"), "save")] if may_save else []),
        ],
    )


def confirm_review(visit: Visit, study_id: str) -> Answer:
    """I2: the patient sees that a doctor has looked at the report."""
    with work() as w:
        study, scan = _study(w, study_id)
        if not study.reports:
            raise NotThere
        mark_reviewed(w, _under(w, study.id, KeyClass.REPORTS), study.id, came=newest_came(study.reports))
    return onward(f"{visit.base}/report/{scan.id}")


def report_paper(study_id: str) -> Answer:
    """Our PDF of the newest report, or of the one that was asked for. Raises `CopyNotAllowed`."""
    with work() as w:
        _narrowed(w, study_id, KeyClass.REPORTS).check_copies()
        study, scan = _study(w, study_id)
        if not study.reports:
            raise NotThere
        mark_saved(w, access(), study.id, what="report")
    _shown, chosen = readable(study.reports, request.args.get("old", ""))
    return file(*report_papers.printed(chosen, study, scan), "application/pdf")


def document(study_id: str, resource_id: str) -> Answer:
    """A file as the scan center sent it. Raises `CopyNotAllowed`."""
    with work() as w:
        _narrowed(w, study_id, KeyClass.REPORTS).check_copies()
        study, scan = _study(w, study_id)
        if not any(one.resource_id == resource_id for report in study.every_report for one in report.facts.documents):
            raise NotThere
        media_type, octets = open_document(w, access().opened(), parse_id(resource_id))
        mark_saved(w, access(), study.id, what="report")
    kind, ending = handed_out_as(media_type)
    return file(f"{_iso(scan.day)} report.{ending}".strip(), octets, kind)


def ways_to_save(visit: Visit, study_id: str) -> Answer:
    """V5: what there is to save of one scan, with sizes; nothing where the patient has not said yes."""
    with work() as w:
        mark_opened(w, _narrowed(w, study_id, KeyClass.PICTURES))
        study, scan = _study(w, study_id)
        bar = _whose(w, visit, (study,), [access()])
    ways: list[Way] = []
    may_save = _may_save(access())
    if may_save and scan.pictures:
        sentence = _("A DICOM ZIP file of %(size)s. It opens in any PACS.", size=words.size(copies.size_of(study)))
        href = f"{visit.base}/save/{scan.id}.zip"
        ways.append(Way(_("All pictures (for a doctor)"), sentence, href, file=copies.name_of(scan)))
    if may_save and scan.reports:
        ways.append(Way(_("The report (PDF)"), _("For reading and printing."), f"{visit.base}/report/{scan.id}.pdf"))
    return render_template("pages/save.html", scan=scan, ways=ways, came_from=visit.scans, may_save=may_save, **bar)


def save(study_id: str) -> Answer:
    """Everything of one scan. Raises `CopyNotAllowed`."""
    with work() as w:
        _narrowed(w, study_id, KeyClass.PICTURES).check_copies()
        study, scan = _study(w, study_id)
        mark_saved(w, access(), study.id, what="all")
    return copies.copy_of(study, scan, made_by="")


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
