"""Scans and shares over the years, for who would rather look than read."""

from __future__ import annotations

from flask import Blueprint, render_template

from consent.guards import needs_patient
from consent.request import access, reading
from phr.answers import Answer
from phr.shares import ended_shares_of, shares_of
from phr.timelines import chart_of_scans, chart_of_shares
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
    return render_template("pages/timeline.html", scans=scans, shared=shared)
