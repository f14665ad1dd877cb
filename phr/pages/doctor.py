"""A doctor with a code on a computer that knows nothing of them (experience V1 to V6).

The code is read before anything is looked up; guesses are counted by where they come from. The visit is a cookie over
one grant, which ends with the sharing, after a quarter of an hour of quiet, and after four hours in any case.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.errors import Area
from consent.guards import asked_by_itself, needs_guest_or_provider, public
from consent.redeeming import Redeemer, redeem
from consent.request import services, set_cookie, source
from phr import drafts, forms, visits
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from phr.people import end_session
from vault.errors import Expired, WrongSecret
from vault.sealing.codes import ShareCode

blueprint = Blueprint("doctor", __name__)
WITH_A_CODE = public("whoever holds a code may try it; tries are counted")


@blueprint.get("/see")
@WITH_A_CODE
def see() -> Answer:
    """V1."""
    return render_template("pages/see/code.html")


@blueprint.post("/see")
@WITH_A_CODE
def take_code() -> Answer:
    """The code is kept if it reads well."""
    try:
        code = forms.read_share_code(request.form)
    except Mistakes as wrong:
        return again("pages/see/code.html", wrong)
    drafts.keep(see={"code": code.reveal()})
    return onward("/see/who")


@blueprint.get("/see/who")
@WITH_A_CODE
def who() -> Answer:
    """V2."""
    if not drafts.found("see"):
        return onward("/see")
    return render_template("pages/see/who.html", typed={"name": "", "clinic": ""})


@blueprint.post("/see/who")
@WITH_A_CODE
def begin() -> Answer:
    """The code is spent, and the visit begins."""
    kept = drafts.found("see")
    if not kept:
        return onward("/see")
    try:
        visitor = forms.read_visitor(request.form)
    except Mistakes as wrong:
        typed = {name: request.form.get(name, "") for name in ("name", "clinic")}
        return again("pages/see/who.html", wrong, typed=typed)
    drafts.drop("see")
    redeemer = Redeemer(name=visitor.name, clinic=visitor.clinic)
    try:
        redeemed = redeem(services(), ShareCode.parse(kept["code"]), redeemer, source=source())
    except (WrongSecret, Expired):
        wrong = Mistakes({"code": _("This code does not work. Check it with your patient. A code opens once.")})
        return again("pages/see/code.html", wrong)
    assert redeemed.cookie is not None
    return set_cookie(onward("/see/view"), redeemed.cookie)


# -- the visit --------------------------------------------------------------------------------------------------------


@blueprint.get("/see/view")
@needs_guest_or_provider
def view() -> Answer:
    """V4: the pictures, with the clinician's tools."""
    return visits.pictures(visits.GUEST)


@blueprint.get("/see/report/<study_id>")
@needs_guest_or_provider
def report(study_id: str) -> Answer:
    """The report beside the pictures."""
    return visits.report(visits.GUEST, study_id)


@blueprint.post("/see/report/<study_id>/reviewed")
@needs_guest_or_provider
def confirm_review(study_id: str) -> Answer:
    """I2: they have reviewed the report."""
    return visits.confirm_review(visits.GUEST, study_id)


@blueprint.get("/see/report/<study_id>.pdf")
@needs_guest_or_provider
def report_paper(study_id: str) -> Answer:
    """The report as PDF, if the patient allows a copy."""
    return visits.report_paper(study_id)


@blueprint.get("/see/report/<study_id>/files/<resource_id>")
@needs_guest_or_provider
def document(study_id: str, resource_id: str) -> Answer:
    """A file of the scan center's."""
    return visits.document(study_id, resource_id)


@blueprint.get("/see/save/<study_id>")
@needs_guest_or_provider
def ways_to_save(study_id: str) -> Answer:
    """V5: what can be saved, and how large it is."""
    return visits.ways_to_save(visits.GUEST, study_id)


@blueprint.get("/see/save/<study_id>.zip")
@needs_guest_or_provider
def save(study_id: str) -> Answer:
    """Everything of one scan, if the patient allows it."""
    return visits.save(study_id)


@blueprint.get("/see/alive")
@needs_guest_or_provider
@asked_by_itself
def alive() -> Answer:
    """204 while the sharing holds; the viewer asks every few seconds, and is told 401 after."""
    return "", 204


@blueprint.get("/see/end")
@public("says goodbye")
def goodbye() -> Answer:
    """V6."""
    return render_template("pages/see/end.html")


@blueprint.post("/see/end")
@public("whoever looks may always go")
def end() -> Answer:
    """The cookie opens nothing any more."""
    return end_session(Area.GUEST, onward("/see/end"))


@blueprint.get("/see/ended")
@public("says that sharing has ended; holds nothing")
def ended() -> Answer:
    """What a visitor sees when the patient stopped it."""
    return render_template("pages/see/ended.html"), 410


@blueprint.get("/see/scans")
@needs_guest_or_provider
def scans() -> Answer:
    """Everything that was shared, as a list."""
    return visits.scans(visits.GUEST)
