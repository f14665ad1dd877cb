"""Adding a scan with a paper slip: the PIN, the birth date, and then the account it goes to (experience P2 to P9b).

A slip of the finger is named before anything is looked up. What was typed waits in a draft that only this browser's
cookie opens; it is in no address and no log.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_patient, public
from consent.request import access, work
from phr import drafts, forms
from phr.answers import Answer, again, onward
from phr.claiming import BEGAN, take_waiting
from phr.forms import Mistakes
from phr.people import signed_in_patient, today
from vault.ids import parse_id
from vault.links import unlink

blueprint = Blueprint("claims", __name__)
PARTS = ("day", "month", "year")
BEFORE_SIGNING_IN = public("a slip is typed before there is an account; nothing is looked up")


@blueprint.get("/add")
@BEFORE_SIGNING_IN
def add() -> Answer:
    """P2."""
    return render_template("pages/add.html")


@blueprint.post("/add")
@BEFORE_SIGNING_IN
def take_pin() -> Answer:
    """The PIN is kept if it reads well."""
    try:
        pin = forms.read_pin(request.form)
    except Mistakes as wrong:
        return again("pages/add.html", wrong)
    began = {name: kept for name, kept in drafts.found("claim").items() if name == BEGAN}
    drafts.keep(claim={"pin": pin.reveal(), **began})
    return onward("/add/birth")


@blueprint.get("/add/birth")
@BEFORE_SIGNING_IN
def birth() -> Answer:
    """P3; with what went wrong, when the slip did not open after the account was made. The PIN need not be typed again:
    its own letters show a slip of the finger, so that the date is likely what is wrong.
    """
    claim = drafts.found("claim")
    if not claim:
        return onward("/add")
    typed = _boxes(claim.get("tried", ""))
    if wrong := drafts.take("claim_mistake"):
        return again("pages/birth.html", Mistakes({"born": wrong}), typed=typed, more=True)
    return render_template("pages/birth.html", typed=typed, more="tried" in claim)


@blueprint.post("/add/birth")
@BEFORE_SIGNING_IN
def take_birth() -> Answer:
    """Signed in, the scan is taken; else an account comes first."""
    claim = drafts.found("claim")
    if not claim:
        return onward("/add")
    try:
        born = forms.read_born(request.form, today=today())
        drafts.keep(claim={**claim, "born": born})
        me = signed_in_patient()
        if me is None or me.account_id is None:
            return onward("/join")
        return onward(take_waiting(me.own_vault(), me.account_id))
    except Mistakes as wrong:
        return again("pages/birth.html", wrong, typed=_typed(), more="pin" in wrong.at or "born" in wrong.at)


def _typed() -> dict[str, str]:
    return {part: request.form.get(f"born-{part}", "") for part in PARTS}


def _boxes(born: str) -> dict[str, str]:
    """A date that was kept, as its boxes show it."""
    parts = (born[6:], born[4:6], born[:4])
    return {name: part.lstrip("0") for name, part in zip(PARTS, parts, strict=True)}


@blueprint.post("/scans/<study_id>/future")
@needs_patient
def future(study_id: str) -> Answer:
    """P9b: no takes the link away."""
    if request.form.get("answer") == "no":
        with work() as w:
            unlink(w, access().own_vault(), parse_id(request.form.get("link", "")))
        drafts.keep(told=_("New scans from this scan center need a slip."))
    drafts.drop("future")
    return onward(f"/scans/{parse_id(study_id).hex()}")
