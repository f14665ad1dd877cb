"""Saving a copy of one's own scan: the report, one picture, or all of it (experience D1)."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, render_template
from flask_babel import gettext as _

from consent.guards import needs_patient
from consent.request import access, work
from phr import copies, words
from phr.answers import Answer, file
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


class Way(NamedTuple):
    """One thing that can be saved."""

    title: str
    words: str
    href: str


@blueprint.get("/scans/<study_id>/save")
@needs_patient
def save(study_id: str) -> Answer:
    """D1, with sizes."""
    with work() as w:
        study, scan = _study(w, study_id)
    octets = copies.size_of(study)
    return render_template("pages/save.html", scan=scan, ways=_ways(study, scan, octets), came_from=f"/scans/{scan.id}")


def _study(w: Work, study_id: str) -> tuple[Study, Scan]:
    study = open_catalogue(w, access().own_vault()).study(parse_id(study_id))
    return study, scan_of(study, site_names(w, [study]))


def _ways(study: Study, scan: Scan, octets: int) -> list[Way]:
    here = f"/scans/{scan.id}"
    ways: list[Way] = []
    if scan.reports:
        ways.append(Way(_("The report (PDF)"), _("For reading and printing."), f"{here}/report.pdf"))
    if preview_series(study):
        ways.append(
            Way(_("One picture (JPEG)"), _("To show family. Your name is left off."), f"{here}/save/picture.jpg")
        )
    if scan.pictures:
        sentence = _("Same as a disc. A ZIP file of %(size)s, with a page to look at inside.", size=words.size(octets))
        ways.append(Way(_("All pictures (for a doctor)"), sentence, f"{here}/save/all.zip"))
    return ways


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
        audit.record(w, owner=own.owner, did=Did.SAVED_COPY, by=access().actor, to=study.id, what="all")
    return copies.copy_of(study, scan, made_by=made_by)
