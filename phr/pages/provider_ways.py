"""A provider's password and recovery kit, and the way back in with two things out of three (docs/keys.md).

A kit alone opens no list of patients: with it comes the password, where a phone was lost, or the code app, where the
password was forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_provider, public
from consent.request import access, reading, services, source, work
from phr import code_apps, drafts, forms, own_keys, reports
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from phr.pages.inbox import with_code_app
from phr.people import begin_session
from vault import accounts
from vault.accounts import SignedIn
from vault.errors import WeakPassword, WrongSecret
from vault.sealing.codes import RecoveryCode

blueprint = Blueprint("provider_ways", __name__, url_prefix="/pro")
LOCKED_OUT = public("for providers who cannot sign in")
KIT = "/pro/recovery-kit"


# -- the password -----------------------------------------------------------------------------------------------------


@blueprint.get("/password")
@needs_provider
@with_code_app
def password() -> Answer:
    """The old one and the new one."""
    return render_template("pages/pro/password.html")


@blueprint.post("/password")
@needs_provider
@with_code_app
def take_password() -> Answer:
    """Only the new one opens the account; other devices are signed out."""
    return own_keys.change_password("pages/pro/password.html", then="/pro/account")


# -- the kit ----------------------------------------------------------------------------------------------------------


@blueprint.get("/recovery-kit")
@needs_provider
@with_code_app
def kit() -> Answer:
    """Whether there is one; its code while it is new."""
    return render_template("pages/pro/kit.html", **_kit_values(), told=drafts.take("told"))


def _kit_values() -> dict[str, object]:
    with reading() as w:
        made = accounts.recovery_kit(w, access().own_vault())
    code = drafts.found_for(access().own_vault().vault_id, "kit").get("code", "")
    return {"made": made.made, "confirmed": made.confirmed, "number": made.number, "code": code}


@blueprint.post("/recovery-kit")
@needs_provider
@with_code_app
def make_kit() -> Answer:
    """For whoever knows the password: a new code, and the old kit is dead."""
    me = access()
    try:
        accounts.check_password(
            services(), me.own_vault(), me.account_id or b"", forms.read_password(request.form, "password")
        )
    except Mistakes as wrong:
        return again("pages/pro/kit.html", wrong, **_kit_values(), told="")
    except WrongSecret:
        wrong = Mistakes({"password": _("This is not your password. Try again.")})
        return again("pages/pro/kit.html", wrong, **_kit_values(), told="")
    with work() as w:
        code = accounts.new_recovery_code(w, me.own_vault())
    drafts.keep_for(me.own_vault().vault_id, kit={"code": code.reveal()})
    return onward(KIT)


@blueprint.post("/recovery-kit.pdf")
@needs_provider
@with_code_app
def kit_paper() -> Answer:
    """The kit as a PDF to save or to print, while its code is at hand."""
    return own_keys.print_kit(reports.provider_kit, where=KIT)


@blueprint.post("/recovery-kit/check")
@needs_provider
@with_code_app
def check_kit() -> Answer:
    """The third group typed back shows that they have the kit."""
    try:
        own_keys.check_kit(forms.read_group(request.form))
    except Mistakes as wrong:
        return again("pages/pro/kit.html", wrong, **_kit_values(), told="")
    drafts.drop("kit")
    drafts.keep(told=_("Your kit works. Old kits no longer work."))
    return onward(KIT)


# -- the way back in --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class _Shown:
    """What somebody who cannot sign in has: the kit, and either the numbers of the code app or the password."""

    login: str
    code: RecoveryCode
    six: str
    password: str

    def __repr__(self) -> str:
        return "_Shown(…)"


@blueprint.get("/sign-in/recover")
@LOCKED_OUT
def recover() -> Answer:
    """The QR code of a kit opens it with the code in the box."""
    return render_template("pages/pro/recover.html", typed="")


@blueprint.post("/sign-in/recover")
@LOCKED_OUT
def take_recover() -> Answer:
    """Signed in with the kit and one thing more; next comes whatever was lost."""
    try:
        shown = _read_recover()
        signed = _with_code_app(shown) if shown.six else _with_password(shown)
    except WeakPassword as weak:
        wrong = Mistakes({"new": forms.weak_password(weak.reason)})
        return again("pages/pro/recover.html", wrong, typed=request.form.get("login", ""))
    except Mistakes as wrong:
        return again("pages/pro/recover.html", wrong, typed=request.form.get("login", ""))
    except WrongSecret:
        wrong = Mistakes({"code": _("These do not go together. Check the code, the name and the password or numbers.")})
        return again("pages/pro/recover.html", wrong, typed=request.form.get("login", ""))
    if not shown.six:
        return begin_session(signed, onward("/pro/code-app"))
    drafts.keep(told=_("You are signed in. The kit you used no longer works. Make a new one now."))
    return begin_session(signed, onward(KIT))


def _read_recover() -> _Shown:
    """Everything that is wrong, at once."""
    wrong: dict[str, str] = {}
    for read in (forms.read_recovery_code, forms.read_login, _read_other):
        try:
            read(request.form)
        except Mistakes as mistakes:
            wrong |= mistakes.at
    if wrong:
        raise Mistakes(wrong)
    six, known = _read_other(request.form)
    return _Shown(forms.read_login(request.form), forms.read_recovery_code(request.form), six, known)


def _read_other(typed: forms.Typed) -> tuple[str, str]:
    """The numbers of the code app with a new password, or the password they have."""
    if typed.get("six", "").strip():
        return forms.read_six(typed, "six"), forms.read_new_password(typed, "new")
    if not typed.get("password", ""):
        raise Mistakes({"password": _("Type your password. Or, if you forgot it, the numbers of your code app.")})
    return "", forms.read_password(typed)


def _with_code_app(shown: _Shown) -> SignedIn:
    """The password was forgotten: the new one opens the account, and the kit is used up."""
    return accounts.recover(
        services(),
        login=shown.login,
        code=shown.code,
        new_password=shown.password,
        source=source(),
        kind="provider",
        second=lambda w, own: accounts.has_code_app(w, own) and accounts.check_code_app(w, own, shown.six),
    )


def _with_password(shown: _Shown) -> SignedIn:
    """The phone was lost: the account opens nothing until another code app is set up, which uses up the kit."""
    signed = accounts.sign_in(services(), login=shown.login, password=shown.password, source=source())
    accounts.prove_kit(services(), login=shown.login, code=shown.code, source=source(), kind="provider")
    with work() as w:
        code_apps.call_lost(w, signed.keyring)
    return signed
