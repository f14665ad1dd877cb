"""A provider's list of the patients who share with them, and what each shares (experience I1, I2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.access import together
from consent.errors import SharingEnded
from consent.guards import asked_by_itself, needs_provider
from consent.redeeming import Redeemer, redeem
from consent.request import access, reading, remember, services, work
from consent.request import source as address
from phr import code_apps, drafts, forms, patients, visits
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from phr.visits import Visit
from vault import accounts
from vault.errors import Expired, WrongSecret
from vault.ids import Id, parse_id

blueprint = Blueprint("inbox", __name__, url_prefix="/pro")
LONGEST_SEARCH = 80


def with_code_app(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """Only once the second thing to sign in with is set up; else that page comes first."""

    @wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Answer:
        with reading() as w:
            ready = code_apps.is_set_up(w, access().own_vault())
        return view(*args, **kwargs) if ready else onward("/pro/code-app")

    return asked


@blueprint.get("")
@needs_provider
@with_code_app
def inbox() -> Answer:
    """I1: what nobody has looked at yet first."""
    find, show = drafts.text("find"), request.args.get("show", "")
    with reading() as w:
        every = patients.patients_of(w, access())
        ended = patients.ended_of(w, access())
        waiting = patients.unnoted(w, access())
        login, now = access().own_vault().field(w, "login") or "", w.now
        kit = accounts.recovery_kit(w, access().own_vault())
    if waiting:
        _note(waiting)
    return render_template(
        "pages/pro/inbox.html",
        count=len(every),
        rows=patients.shown_of(every, show=show, find=find, now=now),
        ended=ended,
        show=show if show in {patients.NEW, patients.ENDING} else "",
        find=find,
        login=login,
        has_kit=kit.made is not None,
        told=drafts.take("told"),
    )


def _note(given: Mapping[Id, str]) -> None:
    own = access().own_vault()
    with work() as w:
        for grant_id, moment in given.items():
            own.keep_field(w, patients.GIVEN, moment, subject=grant_id)


@blueprint.post("/find")
@needs_provider
@with_code_app
def find() -> Answer:
    """What is looked for is a name or a birth date: it stands in no address, and is forgotten within the hour."""
    typed = " ".join(request.form.get("find", "").split())[:LONGEST_SEARCH]
    drafts.drop("find")
    if typed:
        drafts.keep(find=typed)
    return onward("/pro")


@blueprint.get("/code")
@needs_provider
@with_code_app
def code() -> Answer:
    """A code that a patient gave."""
    return render_template("pages/pro/enter_code.html")


@blueprint.post("/code")
@needs_provider
@with_code_app
def take_code() -> Answer:
    """The code is spent, and the patient stands in the list for as long as they share."""
    own = access().own_vault()
    try:
        typed = forms.read_share_code(request.form)
        with reading() as w:
            me = Redeemer(name=own.field(w, "name") or "", clinic=own.field(w, "clinic") or "", provider=access())
        redeemed = redeem(services(), typed, me, source=address())
    except Mistakes as wrong:
        return again("pages/pro/enter_code.html", wrong)
    except (WrongSecret, Expired):
        wrong = Mistakes({"code": _("This code does not work. Check it with your patient. A code opens once.")})
        return again("pages/pro/enter_code.html", wrong)
    return onward(f"/pro/patients/{redeemed.grant_id.hex()}")


# -- one patient ------------------------------------------------------------------------------------------------------


def _visit(grant_id: str) -> Visit:
    """The pages of the patient who gave this sharing: all that they share, and from here on nobody else's.

    Raises `SharingEnded`.
    """
    wanted = parse_id(grant_id)
    given = {one.grant.grant_id: one for one in access().each if one.grant is not None}
    if wanted not in given:
        raise SharingEnded
    vault_id = given[wanted].vault_id
    same = [one for one in given.values() if one.vault_id == vault_id]
    remember(same[0] if len(same) == 1 else together(access().opened().owner, same, signed_in=access()))
    here = f"/pro/patients/{wanted.hex()}"
    return Visit(base=here, scans=here, alive=f"{here}/alive", ended="/see/ended", end="", back="/pro")


@blueprint.get("/patients/<grant_id>")
@needs_provider
@with_code_app
def patient(grant_id: str) -> Answer:
    """All scans that a patient shares."""
    return visits.scans(_visit(grant_id))


@blueprint.get("/patients/<grant_id>/alive")
@needs_provider
@asked_by_itself
def alive(grant_id: str) -> Answer:
    """204 while the sharing holds and they are signed in; the viewer asks every few seconds, and is told 401 after."""
    _visit(grant_id)
    return "", 204


@blueprint.get("/patients/<grant_id>/view")
@needs_provider
@with_code_app
def view(grant_id: str) -> Answer:
    """The pictures."""
    return visits.pictures(_visit(grant_id))


@blueprint.get("/patients/<grant_id>/report/<study_id>")
@needs_provider
@with_code_app
def report(grant_id: str, study_id: str) -> Answer:
    """The report."""
    return visits.report(_visit(grant_id), study_id)


@blueprint.post("/patients/<grant_id>/report/<study_id>/reviewed")
@needs_provider
@with_code_app
def confirm_review(grant_id: str, study_id: str) -> Answer:
    """I2: they have reviewed the report."""
    return visits.confirm_review(_visit(grant_id), study_id)


@blueprint.get("/patients/<grant_id>/report/<study_id>.pdf")
@needs_provider
@with_code_app
def report_paper(grant_id: str, study_id: str) -> Answer:
    """The report as PDF, if the patient allows a copy."""
    _visit(grant_id)
    return visits.report_paper(study_id)


@blueprint.get("/patients/<grant_id>/report/<study_id>/files/<resource_id>")
@needs_provider
@with_code_app
def document(grant_id: str, study_id: str, resource_id: str) -> Answer:
    """A file of the scan center's."""
    _visit(grant_id)
    return visits.document(study_id, resource_id)


@blueprint.get("/patients/<grant_id>/save/<study_id>")
@needs_provider
@with_code_app
def ways_to_save(grant_id: str, study_id: str) -> Answer:
    """V5: what can be saved, and how large it is."""
    return visits.ways_to_save(_visit(grant_id), study_id)


@blueprint.get("/patients/<grant_id>/save/<study_id>.zip")
@needs_provider
@with_code_app
def save(grant_id: str, study_id: str) -> Answer:
    """Everything of one scan, if the patient allows it."""
    _visit(grant_id)
    return visits.save(study_id)
