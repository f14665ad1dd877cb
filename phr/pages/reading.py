"""The report of a scan: the patient's choice when to read it, the page, our PDF and the scan center's own files
(experience R1 to R3).
"""

from __future__ import annotations

from datetime import UTC

from flask import Blueprint, render_template, request
from flask_babel import get_timezone
from flask_babel import gettext as _

from consent.guards import needs_patient
from consent.request import access, work
from phr import dates, drafts, follow_up, held_reports, report_papers, thumbnails, waiting_reports
from phr.answers import Answer, file, onward
from phr.glossary import told_in, words_in
from phr.people import today
from phr.references import pictures_beside
from phr.report_files import asked_for, files_of, handed_out_as
from phr.report_words import ReadableReport, readable
from phr.scans import Scan, scan_of, site_names
from vault import audit
from vault.audit import Did
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.errors import NotThere
from vault.ids import parse_id
from vault.keyring import VaultKeyring
from vault.reading import open_document
from vault.studies import Report, Study

blueprint = Blueprint("reading", __name__)


@blueprint.get("/scans/<study_id>/report")
@needs_patient
def report(study_id: str) -> Answer:
    """R2 while it is kept back, R1 until they chose to read, R3 after, and what to say when there is none."""
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, own, study_id)
        here = f"/scans/{scan.id}/report"
        if not study.reports:
            return render_template("pages/report_none.html", scan=scan)
        if (held := held_reports.held(w, study)) is not None:
            return render_template("pages/report_held.html", scan=scan, held=held)
        study = held_reports.shown_to_owner(w, study)
        waiting = waiting_reports.waiting_of(w, access(), study)
        if not waiting_reports.may_show(w, study, waiting):
            in_a_week = today() + waiting_reports.A_WEEK
            return render_template("pages/report_ask.html", scan=scan, waiting=waiting, in_a_week=in_a_week)
        waiting_reports.forget_note(w, access(), study, waiting)
        shown, chosen = readable(study.reports, request.args.get("old", ""))
        _note_reading(w, study, chosen)
        said = follow_up.answered(w, own, study.id)
        may_show_picture = scan.pictures and scan.has_preview and thumbnails.are_shown(w, access())
    return render_template(
        "pages/report.html",
        scan=scan,
        report=shown,
        told=drafts.take("told"),
        review=waiting.review,
        here=here,
        came_from=f"/scans/{scan.id}",
        documents=files_of(chosen, here),
        picture=f"/scans/{scan.id}/thumbnail" if may_show_picture else "",
        actions=_actions(scan, asked_for(study.reports, chosen)),
        beside=pictures_beside(study, f"/scans/{scan.id}/pictures"),
        **_beside(study, shown, said),
    )


def _note_reading(w: Work, study: Study, chosen: Report) -> None:
    me, version = access(), f"report {chosen.kept.hex()}"
    audit.record_once(w, owner=me.owner, did=Did.VIEWED, by=me.actor, to=study.id, key=version, what="report")


def _actions(scan: Scan, version: str) -> list[tuple[str, str, str]]:
    pictures = [(f"/scans/{scan.id}/pictures", _("Look at the pictures"), "picture")] if scan.pictures else []
    return [
        *pictures,
        (f"/scans/{scan.id}/report.pdf{version}", _("Save as PDF"), "save"),
        (f"/share/how?scan={scan.id}", _("Share"), "sharing"),
        ("/questions", _("Questions for my doctor"), "help"),
    ]


def _beside(study: Study, shown: ReadableReport, said: str) -> dict[str, object]:
    """What stands beside the report's own text: meanings of its words, and R4 unless they said it is not right."""
    is_asked = not (shown.is_old or shown.withdrawn or said == follow_up.WRONG)
    return {
        "words_met": words_in((text for _, texts in shown.sections for text in texts), shown.language),
        "told_in": told_in(),
        "follow_up": follow_up.follow_up_of(study.reports) if is_asked else None,
        "follow_up_said": said,
        "remind_on": follow_up.remind_on(said),
    }


@blueprint.post("/scans/<study_id>/follow-up")
@needs_patient
def say_of_follow_up(study_id: str) -> Answer:
    """R4: to be reminded on the home page and by letter, or not to be asked again."""
    own = access().own_vault()
    with work() as w:
        study, scan = _shown_study(w, own, study_id)
        kept = follow_up.answer(w, own, study, request.form.get("said", ""))
        if kept:
            zone = str(get_timezone() or UTC)
            waiting_reports.write_on(w, access(), study, follow_up.remind_on(kept), zone=zone)
    if kept:
        drafts.keep(told=_told(kept))
    return onward(f"/scans/{scan.id}/report")


def _told(kept: str) -> str:
    if day := follow_up.remind_on(kept):
        return _("We show you a note on %(day)s.", day=dates.in_words(day))
    return _("Thank you. We do not show it again.") if kept == follow_up.WRONG else _("Good. We made a note of it.")


def _study(w: Work, own: VaultKeyring, study_id: str) -> tuple[Study, Scan]:
    study = open_catalogue(w, own).study(parse_id(study_id))
    return study, scan_of(study, site_names(w, [study]))


def _shown_study(w: Work, own: VaultKeyring, study_id: str) -> tuple[Study, Scan]:
    study, scan = _study(w, own, study_id)
    return held_reports.shown_to_owner(w, study), scan


@blueprint.post("/scans/<study_id>/report")
@needs_patient
def choose(study_id: str) -> Answer:
    """Read now, wait, or wait and get a note on a day; each can be changed."""
    choice = request.form.get("choice", "")
    with work() as w:
        study, scan = _study(w, access().own_vault(), study_id)
        note_on = waiting_reports.choose(w, access(), study, choice, zone=str(get_timezone() or UTC))
    if note_on:
        drafts.keep(told=_("The report waits. We tell you again on %(day)s.", day=dates.in_words(note_on)))
    elif choice == waiting_reports.WAIT:
        drafts.keep(told=_("The report waits until your doctor has looked."))
    else:
        return onward(f"/scans/{scan.id}/report")
    return onward(f"/scans/{scan.id}")


@blueprint.get("/scans/<study_id>/report.pdf")
@needs_patient
def paper(study_id: str) -> Answer:
    """Our PDF of the newest report, or of the one that was asked for."""
    own = access().own_vault()
    with work() as w:
        study, scan = _shown_study(w, own, study_id)
        if not study.reports:
            raise NotThere
        _shown, chosen = readable(study.reports, request.args.get("old", ""))
        made_by = own.field(w, "name") or ""
        audit.record(w, owner=own.owner, did=Did.SAVED_COPY, by=access().actor, to=study.id, what="report")
    return file(*report_papers.printed(chosen, study, scan, made_by=made_by), "application/pdf")


@blueprint.get("/scans/<study_id>/report/files/<resource_id>")
@needs_patient
def document(study_id: str, resource_id: str) -> Answer:
    """A file as the scan center sent it, untouched."""
    own = access().own_vault()
    with work() as w:
        study, scan = _shown_study(w, own, study_id)
        if not any(one.resource_id == resource_id for report in study.every_report for one in report.facts.documents):
            raise NotThere
        media_type, octets = open_document(w, own, parse_id(resource_id))
        audit.record(w, owner=own.owner, did=Did.SAVED_COPY, by=access().actor, to=study.id, what="report")
    day = scan.day.isoformat() if scan.day else ""
    kind, ending = handed_out_as(media_type)
    return file(f"{day} {_('report from the scan center')}.{ending}".strip(), octets, kind)
