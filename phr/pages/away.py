"""Staying signed in, and what a time-out leaves behind (experience T1, T2).

What somebody had typed when they were signed out waits sealed in the draft of their browser, and is given back once, to
the same account and on the same page.
"""

from __future__ import annotations

import json

from flask import Blueprint, Response, jsonify, request

from consent.errors import Area
from consent.guards import needs_patient_or_provider, public
from consent.request import access, signed_in
from phr import drafts
from phr.answers import Answer
from phr.people import end_session

blueprint = Blueprint("away", __name__)
LONGEST = 20_000  # letters of what was typed; longer is not kept


@blueprint.post("/stay")
@public("asked by the time-out dialog; answers whether somebody is signed in")
def stay() -> Answer:
    """204 while signed in to the area of the page, which counts as being there; 401 after."""
    return ("", 204) if signed_in(_area()) else ("", 401)


@blueprint.post("/away")
@public("whoever is signed in may always go")
def leave() -> Response:
    """Nobody answered the dialog: the cookie opens nothing any more, and what was typed waits for the same account."""
    me, typed = signed_in(_area()), request.form.get("typed", "")
    if me is not None and me.account_id is not None and 0 < len(typed) <= LONGEST:
        drafts.keep_for(me.account_id, typed={"page": request.form.get("page", ""), "boxes": typed})
    return end_session(_area(), Response(status=204))


@blueprint.post("/away/typed")
@needs_patient_or_provider
def typed() -> Response:
    """What this account had typed on this page, once; an empty list for everybody else and every other page."""
    kept = drafts.found_for(access().account_id or b"", "typed")
    drafts.drop("typed")
    is_here = bool(kept) and kept["page"] == request.form.get("page")
    return jsonify(_read(kept["boxes"]) if is_here else [])


def _read(boxes: str) -> object:
    try:
        return json.loads(boxes)
    except ValueError:
        return []


def _area() -> Area:
    """Whose page asks; one that does not say is a patient's."""
    return next((one for one in Area if one == request.form.get("area")), Area.PATIENT)
