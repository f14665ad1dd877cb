"""Making an account: an e-mail address with its code, or just a name; then a password (experience P5 to P7).

What is chosen so far waits in the draft. The account is made in one step at the end, and a scan whose PIN waits is
taken into it at once.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent.guards import public
from consent.request import services, work
from phr import device_locks, drafts, forms, mail_codes
from phr.answers import Answer, again, onward
from phr.claiming import claim_waits, first_page_of_new
from phr.forms import Mistakes
from phr.people import begin_session, network
from vault.accounts import SignedIn, open_account
from vault.attempts import Limit, within
from vault.errors import LoginTaken, WeakPassword
from vault.ids import parse_id
from vault.passkeys import add_passkey

blueprint = Blueprint("accounts", __name__)
NOBODY_YET = public("an account is made by someone who has none")


@blueprint.get("/join")
@NOBODY_YET
def join() -> Answer:
    """P5."""
    typed = drafts.found("join").get("mail", "")
    return render_template("pages/join.html", typed=typed, claiming=claim_waits())


@blueprint.post("/join")
@NOBODY_YET
def take_mail() -> Answer:
    """A code goes to the address."""
    try:
        address = forms.read_mail(request.form)
    except Mistakes as wrong:
        return again("pages/join.html", wrong, typed=request.form.get("mail", ""), claiming=claim_waits())
    _send_code(address)
    return onward("/join/code")


@blueprint.get("/join/name")
@NOBODY_YET
def name() -> Answer:
    """P5 without an e-mail address."""
    return render_template("pages/join_name.html", typed=drafts.found("join").get("name", ""))


@blueprint.post("/join/name")
@NOBODY_YET
def take_name() -> Answer:
    """The name is kept; whether it is free shows when the account is made."""
    try:
        chosen = forms.read_account_name(request.form)
    except Mistakes as wrong:
        return again("pages/join_name.html", wrong, typed=request.form.get("name", ""))
    drafts.keep(join={"name": chosen, "ready": True})
    return onward("/join/password")


@blueprint.get("/join/code")
@NOBODY_YET
def code() -> Answer:
    """P6."""
    begun = drafts.found("join")
    if "mail" not in begun:
        return onward("/join")
    return render_template("pages/join_code.html", mail=begun["mail"], here="/join")


@blueprint.post("/join/code/again")
@NOBODY_YET
def code_again() -> Answer:
    """A new code; the old one no longer works."""
    begun = drafts.found("join")
    if "mail" not in begun:
        return onward("/join")
    _send_code(begun["mail"])
    return onward("/join/code")


@blueprint.post("/join/code")
@NOBODY_YET
def take_code() -> Answer:
    """The right code shows that the address is theirs."""
    begun = drafts.found("join")
    if "code" not in begun:
        return onward("/join")
    try:
        mail_codes.check(begun, forms.read_six(request.form))
    except Mistakes as wrong:
        return again("pages/join_code.html", wrong, mail=begun["mail"], here="/join")
    drafts.keep(join={"mail": begun["mail"], "ready": True})
    return onward("/join/password")


def _send_code(address: str) -> None:
    """A fresh code is on its way, and waits in the draft. Raises `Wait`."""
    within(services(), Limit.SIGN_UP, network())
    drafts.keep(join=mail_codes.sent_to(address))


@blueprint.get("/join/password")
@NOBODY_YET
def password() -> Answer:
    """P7."""
    begun = drafts.found("join")
    if not begun.get("ready"):
        return onward("/join")
    return render_template("pages/join_password.html", **_chosen(begun), called="")


@blueprint.post("/join/password")
@NOBODY_YET
def take_password() -> Answer:
    """The account is made, this device is signed in to it, and a waiting scan is taken."""
    begun = drafts.found("join")
    if not begun.get("ready"):
        return onward("/join")
    try:
        signed = _make_account(begun, forms.read_new_password(request.form))
    except Mistakes as wrong:
        called = forms.read_called(request.form)
        return again("pages/join_password.html", wrong, **_chosen(begun), called=called)
    if "lock" in begun:
        with work() as w:
            add_passkey(w, signed.keyring, signed.account_id, device_locks.from_draft(begun["lock"]))
    drafts.drop("join")
    return begin_session(signed, onward(first_page_of_new(signed)))


def _chosen(begun: drafts.Kept) -> dict[str, object]:
    """What the page of the password says of what was chosen before."""
    return {"login": _login(begun), "lock": _lock(begun), "claiming": claim_waits()}


def _lock(begun: drafts.Kept) -> str:
    """Whether the device lock is offered, or was tried and holds no key."""
    return "keyless" if "lock" in begun else "offered" if device_locks.is_offered() else ""


def _login(begun: drafts.Kept) -> str:
    return begun.get("mail") or begun["name"]


def _make_account(begun: drafts.Kept, chosen: str) -> SignedIn:
    within(services(), Limit.SIGN_UP, network())
    try:
        return open_account(
            services(),
            login=_login(begun),
            password=chosen,
            kind="person",
            name=forms.read_called(request.form),
            born=drafts.found("claim").get("born"),
            mail=begun.get("mail"),
            account_id=parse_id(begun["account"]) if "lock" in begun else None,
        )
    except WeakPassword as weak:
        raise Mistakes({"password": forms.weak_password(weak.reason)}) from None
    except LoginTaken:
        raise Mistakes(
            {"": _("There is an account with this email or name. Sign in, or go back and pick another.")}
        ) from None
