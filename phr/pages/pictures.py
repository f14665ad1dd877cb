"""The pictures of one's own scan: the viewer, or one picture to a page where scripts are off."""

from __future__ import annotations

from flask import Blueprint, request
from flask_babel import gettext as _

from consent.guards import asked_by_itself, needs_patient
from consent.request import access, services, sign_in_address, work
from fhir_gateway.looking import tell_viewed
from phr.answers import Answer
from phr.pages.shown import Link, ShownStudy, Surroundings
from phr.pages.viewer import pictures_page
from phr.priors import priors_of
from phr.scans import scan_of, shown_study, site_names
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.ids import parse_id
from vault.studies import Study

blueprint = Blueprint("pictures", __name__)


@blueprint.get("/scans/<study_id>/pictures")
@needs_patient
def pictures(study_id: str) -> Answer:
    """The viewer; asked with a picture's number, that one alone."""
    own = access().own_vault()
    with work() as w:
        catalogue = open_catalogue(w, own)
        study = catalogue.study(parse_id(study_id))
        scan = scan_of(study, site_names(w, [study]))
        here = f"/scans/{scan.id}"
        shown = [_shown(w, one) for one in (study, *priors_of(study, catalogue.studies))]
        first_time = own.field(w, "hints") is None
        if first_time:
            own.keep_field(w, "hints", "shown")
    tell_viewed(services(), access(), study.id)
    around = Surroundings(
        toolbar="patient",
        title=_("Pictures"),
        address=f"{here}/pictures",
        alive_url="/alive",
        ended_url=f"{sign_in_address(request.full_path.rstrip('?'))}&ended=1",
        back=Link(_("Back to the scan"), here),
        links=[Link(_("Report"), f"{here}/report")] if study.reports else [],
        may_save="yes",
        hints="show" if first_time else "hide",
    )
    return pictures_page(shown, around, request.args)


def _shown(w: Work, study: Study) -> ShownStudy:
    scan = scan_of(study, site_names(w, [study]))
    return shown_study(w, access().own_vault(), study, scan, report_url=f"/scans/{scan.id}/report")


@blueprint.get("/alive")
@needs_patient
@asked_by_itself
def alive() -> Answer:
    """204 while the session holds; the guard answers 401 after."""
    return "", 204
