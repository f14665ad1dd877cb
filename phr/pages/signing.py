"""Signing in and out, staying signed in, and showing again who one is (experience T1 to T3)."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.errors import Area
from consent.guards import needs_patient, public
from consent.request import access, reading, safe_return, services, source
from consent.sessions import Place
from phr import device_locks, drafts, forms, kit_nudge
from phr.answers import Answer, again, onward, page_at
from phr.claiming import claim_waits, first_page
from phr.forms import Mistakes
from phr.people import begin_session, end_session, renew_session
from vault import accounts
from vault.accounts import SignedIn
from vault.errors import WrongSecret

blueprint = Blueprint("signing", __name__)
NOBODY_YET = public("the door itself")


@blueprint.get("/sign-in")
@NOBODY_YET
def sign_in() -> Answer:
    """With the page to come back to, when a session ended in the middle or a page asked who is there."""
    back = safe_return(request.args.get("next"), "")
    if back:
        drafts.keep(back=page_at(back))
    return render_template(
        "pages/sign_in.html",
        typed="",
        shared=[],
        ended="ended" in request.args,
        claiming=claim_waits(),
        lock=_lock(),
    )


@blueprint.post("/sign-in")
@NOBODY_YET
def take_sign_in() -> Answer:
    """This device is signed in; a waiting scan is taken."""
    shared = request.form.getlist("shared")
    try:
        signed = _signed_in(forms.read_login(request.form), forms.read_password(request.form))
    except Mistakes as wrong:
        said = {"typed": request.form.get("login", ""), "shared": shared, "claiming": claim_waits(), "lock": _lock()}
        return again("pages/sign_in.html", wrong, ended=False, **said)
    if signed.came_back:
        drafts.keep(told=_("Your account stays. Nobody can see your scans until you share them again."))
    place = Place.SHARED if shared else Place.OWN
    return begin_session(signed, onward(first_page(signed)), place=place)


def _lock() -> str:
    return "offered" if device_locks.is_offered() else ""


def _signed_in(login: str, password: str) -> SignedIn:
    """Raises `Mistakes` in the same words for a name nobody has and for a wrong password, and `Wait`."""
    try:
        signed = accounts.sign_in(services(), login=login, password=password, source=source())
    except WrongSecret:
        raise Mistakes({"password": _("The name or the password is not right. Check both.")}) from None
    if signed.kind != "person":
        raise Mistakes({"login": _("This is a provider account. Use the provider sign-in.")})
    return signed


@blueprint.get("/sign-out")
@needs_patient
def leave() -> Answer:
    """What to think of before; the button below signs out at once."""
    with reading() as w:
        due = kit_nudge.is_due(w, access().own_vault())
    return render_template("pages/sign_out.html", kit_due=due)


@blueprint.post("/sign-out")
@public("whoever is signed in may always go")
def sign_out() -> Answer:
    """The cookie opens nothing any more, and what was typed is forgotten."""
    drafts.drop_all()
    return end_session(Area.PATIENT, onward("/"))


@blueprint.get("/check")
@needs_patient
def check() -> Answer:
    """T3."""
    back = safe_return(request.args.get("next"), "")
    if back:
        drafts.keep(back=back)
    return render_template("pages/check.html", ways=device_locks.ways_of(access()))


@blueprint.post("/check")
@needs_patient
def take_check() -> Answer:
    """They showed again who they are: back to what they were about to do, under a new cookie."""
    me = access()
    try:
        password = forms.read_password(request.form)
        accounts.check_password(services(), me.own_vault(), me.account_id or b"", password)
    except Mistakes as wrong:
        return again("pages/check.html", wrong, ways=device_locks.ways_of(me))
    except WrongSecret:
        wrong = Mistakes({"password": _("This is not your password. Try again.")})
        return again("pages/check.html", wrong, ways=device_locks.ways_of(me))
    return renew_session(me, onward(safe_return(drafts.take("back"), "/home")))
