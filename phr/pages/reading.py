"""The report of a scan: the patient's choice when to read it, the page, our PDF and the scan center's own files
(experience R1, R3).
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent import shared
from consent.guards import needs_patient
from consent.request import access, work
from phr import drafts, reports
from phr.answers import Answer, file, onward
from phr.people import today
from phr.report_words import as_paper, newest_first, readable
from phr.scans import Scan, scan_of, site_names
from vault import audit
from vault.audit import Did
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.errors import NotThere
from vault.facts import DocumentFacts
from vault.ids import parse_id
from vault.keyring import VaultKeyring
from vault.reading import open_document
from vault.studies import Report, Study

blueprint = Blueprint("reading", __name__)
CHOICE = "report_choice"
LONGEST_WAIT = timedelta(days=14)
SHOWN_BY_BROWSERS = {"application/pdf": "pdf", "text/plain": "txt"}


@blueprint.get("/scans/<study_id>/report")
@needs_patient
def report(study_id: str) -> Answer:
    """R1 until they chose to read, R3 after, and what to say when there is none."""
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, own, study_id)
        here = f"/scans/{scan.id}/report"
        if not study.reports:
            return render_template("pages/report_none.html", scan=scan)
        looked = _somebody_looked(w, study)
        if not _may_show(w, own, study, looked=looked):
            waiting = own.field(w, CHOICE, subject=study.id) == "wait"
            return render_template("pages/report_ask.html", scan=scan, waiting=waiting, looked=looked)
        shown, chosen = readable(study.reports, request.args.get("old", ""))
        audit.record_once(
            w,
            owner=own.owner,
            did=Did.VIEWED,
            by=access().actor,
            to=study.id,
            key=f"report {chosen.id.hex()}",
            what="report",
        )
    return render_template(
        "pages/report.html",
        scan=scan,
        report=shown,
        here=here,
        came_from=f"/scans/{scan.id}",
        documents=[(f"{here}/files/{one.resource_id}", _file_title(one)) for one in chosen.facts.documents],
        actions=[
            (f"/scans/{scan.id}/report.pdf", _("Save as PDF"), "save"),
            (f"/share/scans?scan={scan.id}", _("Share"), "sharing"),
        ],
    )


def _file_title(document: DocumentFacts) -> str:
    if document.media_type == "application/pdf":
        return _("The scan center's PDF")
    return document.title or _("A file from the scan center")


def _study(w: Work, own: VaultKeyring, study_id: str) -> tuple[Study, Scan]:
    study = open_catalogue(w, own).study(parse_id(study_id))
    return study, scan_of(study, site_names(w, [study]))


def _somebody_looked(w: Work, study: Study) -> bool:
    """Whether anyone it was shared with has opened it."""
    given = [*shared.live_for(w, access()), *shared.history_of(w, access())]
    return any(one.first_opened and set(study.folders) & set(one.limits.study_ids) for one in given)


def _may_show(w: Work, own: VaultKeyring, study: Study, *, looked: bool) -> bool:
    """Whether to show the report: as they chose for this scan, else as they chose for all."""
    choice = own.field(w, CHOICE, subject=study.id) or own.field(w, CHOICE) or "ask"
    arrived = newest_first(study.reports)[0].received
    return choice == "now" or (choice == "wait" and (looked or w.now - arrived > LONGEST_WAIT))


@blueprint.post("/scans/<study_id>/report")
@needs_patient
def choose(study_id: str) -> Answer:
    """Read now, or wait; either can be changed."""
    choice = "wait" if request.form.get("choice") == "wait" else "now"
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, own, study_id)
        own.keep_field(w, CHOICE, choice, subject=study.id)
    if choice == "now":
        return onward(f"/scans/{scan.id}/report")
    drafts.keep(told=_("The report waits until your doctor has looked."))
    return onward(f"/scans/{scan.id}")


@blueprint.get("/scans/<study_id>/report.pdf")
@needs_patient
def paper(study_id: str) -> Answer:
    """Our PDF of the newest report."""
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, own, study_id)
        newest = _newest(study)
        made_by = own.field(w, "name") or ""
        audit.record(w, owner=own.owner, did=Did.SAVED_COPY, by=access().actor, to=study.id, what="report")
    name, octets = reports.patient_report(
        as_paper(newest, scan=scan, study=study.facts, patient="", made_by=made_by, today=today())
    )
    return file(name, octets, "application/pdf")


def _newest(study: Study) -> Report:
    if not study.reports:
        raise NotThere
    return newest_first(study.reports)[0]


@blueprint.get("/scans/<study_id>/report/files/<resource_id>")
@needs_patient
def document(study_id: str, resource_id: str) -> Answer:
    """A file as the scan center sent it, untouched."""
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, own, study_id)
        known = [one for report in study.reports for one in report.facts.documents if one.resource_id == resource_id]
        if not known:
            raise NotThere
        media_type, octets = open_document(w, own, parse_id(resource_id))
        audit.record(w, owner=own.owner, did=Did.SAVED_COPY, by=access().actor, to=study.id, what="report")
    day = scan.day.isoformat() if scan.day else ""
    name = f"{day} {_('report from the scan center')}.{SHOWN_BY_BROWSERS.get(media_type, 'bin')}".strip()
    # Anything but PDF and text is handed over as octets: a page of a site's making never runs as ours.
    kind = media_type if media_type in SHOWN_BY_BROWSERS else "application/octet-stream"
    return file(name, octets, kind)
