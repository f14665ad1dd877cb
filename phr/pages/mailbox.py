"""Where letters go: adding an e-mail address later, or another one in place of it (experience 1.9)."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_fresh, needs_patient
from consent.request import access, reading, work
from phr import drafts, forms, mail, mail_codes
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from vault.errors import LoginTaken
from vault.mailbox import change_mail, mail_of

blueprint = Blueprint("mailbox", __name__, url_prefix="/account/mail")
HERE = "/account/mail"


def _now() -> dict[str, object]:
    own = access().own_vault()
    with reading() as w:
        now, login = mail_of(w, access().account_id or b"") or "", own.field(w, "login") or ""
    return {"now": now, "signs_in": now.casefold() == login.casefold()}


@blueprint.get("")
@needs_patient
@needs_fresh
def address() -> Answer:
    """The address there is, and a box for another one."""
    return render_template("pages/account/mail.html", **_now(), typed="")


@blueprint.post("")
@needs_patient
@needs_fresh
def take_address() -> Answer:
    """A code goes to the new address; nothing is changed yet."""
    try:
        new = forms.read_mail(request.form)
    except Mistakes as wrong:
        return again("pages/account/mail.html", wrong, **_now(), typed=request.form.get("mail", ""))
    _send_code(new)
    return onward("/account/mail/code")


def _send_code(new: str) -> None:
    """Who showed that it is them asked for it: in another account, opened here later, it counts for nothing."""
    drafts.keep_for(access().account_id or b"", mail=mail_codes.sent_to(new))


def _begun() -> dict[str, str]:
    """The change that this account began; empty where it began none."""
    return drafts.found_for(access().account_id or b"", "mail")


@blueprint.get("/code")
@needs_patient
def code() -> Answer:
    """P6, for an account that is there."""
    begun = _begun()
    if not begun:
        return onward(HERE)
    return render_template("pages/join_code.html", mail=begun["mail"], here=HERE)


@blueprint.post("/code/again")
@needs_patient
def code_again() -> Answer:
    """A new code; the old one no longer works."""
    begun = _begun()
    if begun:
        _send_code(begun["mail"])
    return onward("/account/mail/code")


@blueprint.post("/code")
@needs_patient
def take_code() -> Answer:
    """Letters go to the new address, and the old one is told."""
    begun, me = _begun(), access()
    if not begun:
        return onward(HERE)
    try:
        mail_codes.check(begun, forms.read_six(request.form))
        with work() as w:
            old = change_mail(w, me.own_vault(), me.account_id or b"", begun["mail"])
    except Mistakes as wrong:
        return again("pages/join_code.html", wrong, mail=begun["mail"], here=HERE)
    except LoginTaken:
        wrong = Mistakes({"": _("Another account signs in with this email. Use another one.")})
        return again("pages/join_code.html", wrong, mail=begun["mail"], here=HERE)
    drafts.drop("mail")
    _tell(old)
    drafts.keep(told=_("Your email address is changed.") if old else _("Your email address is added."))
    return onward("/account")


def _tell(old: str | None) -> None:
    """Whoever reads the old address learns that letters go elsewhere, but not where to."""
    if old is None:
        return
    try:
        mail.send(old, "mail_changed")
    except mail.NotSent:
        current_app.logger.warning("a letter could not be sent: mail_changed")
