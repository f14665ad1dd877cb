"""Scans and shares over the years, for who would rather look than read."""

from __future__ import annotations

from flask import Blueprint, render_template

from consent.guards import needs_patient
from consent.request import access, reading
from phr.answers import Answer
from phr.dose import doses_of, writes_dose
from phr.shares import ended_shares_of, shares_of
from phr.timelines import chart_of_scans, chart_of_shares, charts_of_doses
from vault.catalogue import open_catalogue

blueprint = Blueprint("timeline", __name__)


@blueprint.get("/timeline")
@needs_patient
def timeline() -> Answer:
    """Two drawings, each with its table."""
    with reading() as w:
        catalogue = open_catalogue(w, access().own_vault())
        shares = [*shares_of(w, access(), catalogue), *ended_shares_of(w, access(), catalogue)]
        scans = chart_of_scans(catalogue.studies)
        shared = chart_of_shares(shares, now=w.now)
        has_doses = any(writes_dose(study) for study in catalogue.studies)
    return render_template("pages/timeline.html", scans=scans, shared=shared, has_doses=has_doses)


@blueprint.get("/timeline/doses")
@needs_patient
def doses() -> Answer:
    """What X-ray machines wrote about radiation, scan by scan."""
    own = access().own_vault()
    with reading() as w:
        found = doses_of(w, own, open_catalogue(w, own))
    return render_template("pages/doses.html", charts=charts_of_doses(found))
