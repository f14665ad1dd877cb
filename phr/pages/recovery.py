"""The way back in, and the kit that makes it: L1, L2 and K1, K3 of the experience."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_fresh, needs_patient, public
from consent.request import access, services, source, work
from phr import drafts, forms, kit_nudge, own_keys, reports
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from phr.people import begin_session, write_to
from vault import accounts
from vault.errors import WeakPassword, WrongSecret
from vault.ids import parse_id

blueprint = Blueprint("recovery", __name__)
LOCKED_OUT = public("for those who cannot sign in")


@blueprint.get("/sign-in/recover")
@LOCKED_OUT
def ways() -> Answer:
    """L1; the QR code of a kit opens it with the code in the box."""
    return render_template("pages/recover.html", typed="")


@blueprint.get("/sign-in/recover/none")
@LOCKED_OUT
def none() -> Answer:
    """L2."""
    return render_template("pages/recover_none.html")


@blueprint.post("/sign-in/recover")
@LOCKED_OUT
def use_kit() -> Answer:
    """Signed in, with a new password; the used kit is dead and the next page makes a new one."""
    try:
        login, code, password = _read_recovery()
        signed = accounts.recover(services(), login=login, code=code, new_password=password, source=source())
    except Mistakes as wrong:
        return again("pages/recover.html", wrong, typed=request.form.get("login", ""))
    except WeakPassword as weak:
        wrong = Mistakes({"password": forms.weak_password(weak.reason)})
        return again("pages/recover.html", wrong, typed=request.form.get("login", ""))
    except WrongSecret:
        wrong = Mistakes({"code": _("The name and the code do not go together. Check both.")})
        return again("pages/recover.html", wrong, typed=request.form.get("login", ""))
    write_to(signed.account_id, "kit_used")
    drafts.keep(told=_("You are signed in. The kit you used no longer works. Make a new one now."))
    return begin_session(signed, onward("/account/recovery-kit"))


def _read_recovery() -> tuple[str, forms.RecoveryCode, str]:
    """Everything that is wrong with what was typed, at once."""
    wrong: dict[str, str] = {}
    values = []
    for read in (forms.read_recovery_code, forms.read_login, forms.read_new_password):
        try:
            values.append(read(request.form))
        except Mistakes as mistakes:
            wrong |= mistakes.at
    if wrong:
        raise Mistakes(wrong)
    code, login, password = values
    return login, code, password


# -- the kit ----------------------------------------------------------------------------------------------------------


@blueprint.get("/account/recovery-kit")
@needs_patient
def kit() -> Answer:
    """K1; K3 once it was checked."""
    return render_template("pages/account/kit.html", **_kit_values(), told=drafts.take("told"))


def _kit_values() -> dict[str, object]:
    with work() as w:
        made = accounts.recovery_kit(w, access().own_vault())
    fresh = drafts.found_for(access().own_vault().vault_id, "kit")
    return {
        "made": made.made,
        "confirmed": made.confirmed,
        "number": made.number,
        "code": fresh.get("code", ""),
    }


@blueprint.post("/account/recovery-kit")
@needs_patient
@needs_fresh
def make_kit() -> Answer:
    """A new code; the old kit is dead. It is shown until it is checked, for an hour at most."""
    with work() as w:
        code = accounts.new_recovery_code(w, access().own_vault())
    drafts.keep_for(access().own_vault().vault_id, kit={"code": code.reveal()})
    return onward("/account/recovery-kit")


@blueprint.post("/account/recovery-kit/later")
@needs_patient
def put_off() -> Answer:
    """P10, put off: back to the scan it was asked on."""
    kit_nudge.put_off()
    return onward(f"/scans/{parse_id(request.form.get('scan', '')).hex()}")


@blueprint.post("/account/recovery-kit.pdf")
@needs_patient
def kit_paper() -> Answer:
    """The kit as a PDF to save or to print, while its code is at hand."""
    return own_keys.print_kit(reports.recovery_kit, where="/account/recovery-kit")


@blueprint.post("/account/recovery-kit/check")
@needs_patient
def check_kit() -> Answer:
    """K3: the third group typed back shows that they have the kit."""
    try:
        group = forms.read_group(request.form)
        own_keys.check_kit(group)
    except Mistakes as wrong:
        return again("pages/account/kit.html", wrong, **_kit_values(), told="")
    drafts.drop("kit")
    drafts.keep(told=_("Your kit works. Old kits no longer work."))
    return onward("/account/recovery-kit")
