"""The device lock in place of a password: joining, signing in, showing again who one is (experience P7, T3).

A lock that holds no key says who is there, and the password opens the scans. Where scripts do not run, pages offer the
password alone.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_patient, public
from consent.request import access, reading, safe_return, services, source
from phr import device_locks, drafts, forms
from phr.answers import Answer, again, onward
from phr.claiming import claim_waits, first_page, first_page_of_new
from phr.forms import Mistakes
from phr.people import begin_session, network, renew_session
from vault import accounts
from vault.accounts import SignedIn
from vault.attempts import Limit, within
from vault.errors import LoginTaken, PasskeyTaken, WrongSecret
from vault.ids import Id, new_id, parse_id
from vault.passkeys import NewPasskey, Passkey, open_account_with_passkey, passkeys_of, sign_in_with_passkey

blueprint = Blueprint("passkeys", __name__)
NOBODY_YET = public("the door itself")


# -- joining ----------------------------------------------------------------------------------------------------------


@blueprint.post("/join/passkey/ask")
@NOBODY_YET
def ask_at_joining() -> Answer:
    """The account's identifier is settled now, since the device keeps it with the passkey."""
    begun = drafts.found("join")
    if not begun.get("ready"):
        return Response(status=409)
    account_id = new_id()
    drafts.keep(join={**begun, "account": account_id.hex()})
    return jsonify(device_locks.ask_to_make("join", account_id=account_id, login=begun.get("mail") or begun["name"]))


@blueprint.post("/join/passkey")
@NOBODY_YET
def take_at_joining() -> Answer:
    """The account is made with this device's lock; where that holds no key, a password comes next."""
    begun = drafts.found("join")
    if "account" not in begun:
        return onward("/join")
    try:
        passkey = device_locks.made("join")
        if passkey.prf is None:
            drafts.keep(join={**begun, "lock": device_locks.to_draft(passkey)})
            return onward("/join/password")
        signed = _make_account(begun, passkey)
    except Mistakes as wrong:
        login = begun.get("mail") or begun["name"]
        about = {"login": login, "lock": "offered", "claiming": claim_waits()}
        return again("pages/join_password.html", wrong, **about, called="")
    drafts.drop("join")
    return begin_session(signed, onward(first_page_of_new(signed)))


def _make_account(begun: drafts.Kept, passkey: NewPasskey) -> SignedIn:
    within(services(), Limit.SIGN_UP, network())
    try:
        return open_account_with_passkey(
            services(),
            account_id=parse_id(begun["account"]),
            login=begun.get("mail") or begun["name"],
            passkey=passkey,
            name="",
            born=drafts.found("claim").get("born"),
            mail=begun.get("mail"),
        )
    except (LoginTaken, PasskeyTaken):
        raise Mistakes(
            {"": _("There is an account with this email or name. Sign in, or go back and pick another.")}
        ) from None


# -- signing in -------------------------------------------------------------------------------------------------------


@blueprint.post("/sign-in/passkey/ask")
@NOBODY_YET
def ask_at_the_door() -> Answer:
    """Any passkey of ours may answer: nobody has said who they are."""
    return jsonify(device_locks.ask_to_show("sign-in"))


@blueprint.post("/sign-in/passkey")
@NOBODY_YET
def take_at_the_door() -> Answer:
    """This device is signed in, and a waiting scan is taken; a lock without a key goes on to the password."""
    try:
        passkey, key = device_locks.shown("sign-in"), device_locks.key()
        if key is None or not passkey.opens:
            drafts.keep(lock={"account": passkey.account_id.hex()})
            return onward("/sign-in/password")
        signed = _unlocked(passkey, key)
    except Mistakes as wrong:
        return again(
            "pages/sign_in.html", wrong, typed="", shared=[], ended=False, claiming=claim_waits(), lock="offered"
        )
    return _signed_in(signed)


def _unlocked(passkey: Passkey, key: bytes) -> SignedIn:
    try:
        return sign_in_with_passkey(services(), passkey, prf=key, source=source())
    except WrongSecret:
        raise Mistakes({"": device_locks.not_opened()}) from None


@blueprint.get("/sign-in/password")
@NOBODY_YET
def password() -> Answer:
    """P7: the lock has said who is there, and cannot unlock scans."""
    account_id = _known_by_lock()
    if account_id is None:
        return onward("/sign-in")
    return render_template("pages/sign_in_password.html", has_password=_has_password(account_id))


@blueprint.post("/sign-in/password")
@NOBODY_YET
def take_password() -> Answer:
    """The password of whoever the lock said is there."""
    account_id = _known_by_lock()
    if account_id is None:
        return onward("/sign-in")
    try:
        typed = forms.read_password(request.form)
        signed = accounts.sign_in_to(services(), account_id, password=typed, source=source())
    except Mistakes as wrong:
        return again("pages/sign_in_password.html", wrong, has_password=_has_password(account_id))
    except WrongSecret:
        wrong = Mistakes({"password": _("This is not your password. Try again.")})
        return again("pages/sign_in_password.html", wrong, has_password=_has_password(account_id))
    drafts.drop("lock")
    return _signed_in(signed)


def _known_by_lock() -> Id | None:
    known = drafts.found("lock").get("account")
    return parse_id(known) if known else None


def _has_password(account_id: Id) -> bool:
    with reading() as w:
        return accounts.has_password(w, account_id)


def _signed_in(signed: SignedIn) -> Answer:
    if signed.came_back:
        drafts.keep(told=_("Your account stays. Nobody can see your scans until you share them again."))
    return begin_session(signed, onward(first_page(signed)))


# -- showing again who one is -----------------------------------------------------------------------------------------


@blueprint.post("/check/passkey/ask")
@needs_patient
def ask_again() -> Answer:
    """One of the passkeys of who is signed in."""
    with reading() as w:
        known = passkeys_of(w, access().account_id or b"")
    return jsonify(device_locks.ask_to_show("check", known=known))


@blueprint.post("/check/passkey")
@needs_patient
def take_again() -> Answer:
    """They showed again who they are: back to what they were about to do, under a new cookie."""
    me = access()
    try:
        shown = device_locks.shown("check")
    except Mistakes as wrong:
        return again("pages/check.html", wrong, ways=device_locks.ways_of(me))
    if shown.account_id != me.account_id:
        wrong = Mistakes({"": device_locks.not_opened()})
        return again("pages/check.html", wrong, ways=device_locks.ways_of(me))
    return renew_session(me, onward(safe_return(drafts.take("back"), "/home")))
