"""Saving a copy of one's own scan: the report, one picture, or all of it (experience D1)."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.guards import check_fresh, needs_patient
from consent.request import access, reading, work
from phr import copies, whole_copy, words
from phr.answers import Answer, file, goes_on_with
from phr.copies import Way
from phr.held_reports import shown_to_owner
from phr.scans import Scan, preview_series, scan_of, site_names
from vault import audit
from vault.audit import Did
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.errors import NotThere
from vault.ids import parse_id
from vault.reading import find_preview
from vault.sealing.stream import Kind
from vault.studies import Study

blueprint = Blueprint("saving", __name__)
LARGE = 100_000_000  # octets
# Kinds of pictures that machines take of their own screens, with whatever stands there (PS3.3 C.7.6.1.1.3).
MOST_EVER = 1 << 62
DRAWN_ON = frozenset({"US", "IVUS", "SC", "OT", "ES", "XC", "RF", "XA", "PX", "IO", "BMD", "ECG"})


@blueprint.get("/scans/<study_id>/save")
@needs_patient
def save(study_id: str) -> Answer:
    """D1, with sizes."""
    with work() as w:
        study, scan = _study(w, study_id)
    octets = copies.size_of(study)
    return render_template("pages/save.html", scan=scan, ways=_ways(study, scan, octets), came_from=f"/scans/{scan.id}")


def _study(w: Work, study_id: str) -> tuple[Study, Scan]:
    study = shown_to_owner(w, open_catalogue(w, access().own_vault()).study(parse_id(study_id)))
    return study, scan_of(study, site_names(w, [study]))


def _ways(study: Study, scan: Scan, octets: int) -> list[Way]:
    here = f"/scans/{scan.id}"
    ways: list[Way] = []
    if scan.reports:
        ways.append(
            Way(_("The report (PDF)"), _("For reading and printing. Usually less than 1 MB."), f"{here}/report.pdf")
        )
    if preview_series(study):
        ways.append(Way(_("One picture (JPEG)"), _nameless(study), f"{here}/save/picture.jpg"))
    if scan.pictures:
        sentence = _("Same as a disc. A ZIP file of %(size)s, with a page to look at inside.", size=words.size(octets))
        if octets > LARGE:
            sentence = " ".join((sentence, _("It is large: on mobile data it may cost you. Use Wi-Fi.")))
        ways.append(Way(_("All pictures (for a doctor)"), sentence, f"{here}/save/all.zip", file=copies.name_of(scan)))
    ways.append(
        Way(_("Everything I have (ZIP)"), _("All scans, reports and your history."), "/save/everything", _("Continue"))
    )
    return ways


def _nameless(study: Study) -> str:
    """A machine that hands on its own screen may have drawn the name into the picture, where nobody can take it off."""
    if DRAWN_ON & set(study.modalities):
        return _("To show family. We leave your name off, but the machine may have drawn it in. Look at it first.")
    return _("To show family. Your name is left off.")


@blueprint.get("/scans/<study_id>/save/picture.jpg")
@needs_patient
def picture(study_id: str) -> Answer:
    """The middle picture of the largest group, without a name on it."""
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, study_id)
        series = preview_series(study)
        if series is None:
            raise NotThere
        jpeg = find_preview(w, own, study.uid, series, Kind.QUICK_VIEW)
        audit.record(w, owner=own.owner, did=Did.SAVED_COPY, by=access().actor, to=study.id, what="picture")
    day = scan.day.isoformat() if scan.day else ""
    return file(f"{day} {scan.title}.jpg".strip(), jpeg, "image/jpeg")


@blueprint.get("/scans/<study_id>/save/all.zip")
@needs_patient
def everything(study_id: str) -> Answer:
    """Every picture and report of the scan."""
    own = access().own_vault()
    with work() as w:
        study, scan = _study(w, study_id)
        made_by = own.field(w, "name") or ""
        _note(w, study, "all")
    return copies.copy_of(study, scan, made_by=made_by)


@blueprint.get("/save/everything")
@needs_patient
def all_there_is() -> Answer:
    """How much it is, before it begins."""
    with work() as w:
        studies = open_catalogue(w, access().own_vault()).studies
        last_event, _hash = audit.head(w, access().own_vault().owner)
    octets = sum(copies.size_of(study) for study in {study.uid: study for study in studies}.values())
    return render_template(
        "pages/save_everything.html", count=len(studies), size=words.size(octets), to=last_event, file=whole_copy.name()
    )


@blueprint.get("/save/everything.zip")
@needs_patient
def whole_record() -> Answer:
    """All scans, reports and the history, after showing who one is; what was begun so goes on without."""
    if "If-Range" not in request.headers:
        check_fresh()
    own = access().own_vault()
    with reading() as w:
        last_event = min(request.args.get("to", type=int, default=MOST_EVER), audit.head(w, own.owner)[0])
        everything = whole_copy.everything_of(w, last_event=last_event)
    plan = whole_copy.plan_of(everything)
    if not goes_on_with(plan):
        check_fresh()
    with work() as w:
        _note(w, None, "everything")
    return whole_copy.sent(plan)


def _note(w: Work, study: Study | None, what: str) -> None:
    """Once an hour: a copy that is fetched in parts is one copy."""
    me, of = access(), study.id if study else None
    key = f"{me.caller.hex()} {of.hex() if of else ''} {what}"
    audit.record_once(w, owner=me.owner, did=Did.SAVED_COPY, by=me.actor, to=of, key=key, what=what)
