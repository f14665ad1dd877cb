"""The device locks that open an account, beside where it is signed in (experience K4): adding and removing them.

Also the password of an account that was made without one.
"""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template, request
from flask_babel import gettext as _

from consent.guards import needs_fresh, needs_patient
from consent.request import access, reading, services, work
from phr import device_locks, drafts, forms
from phr.answers import Answer, again, onward
from phr.device_names import device_name
from phr.forms import Mistakes
from phr.people import write_to
from vault import accounts
from vault.errors import LastWayIn, NotThere, PasskeyTaken, WeakPassword
from vault.ids import Id, parse_id
from vault.passkeys import add_passkey, drop_passkey, name_of, passkeys_of

blueprint = Blueprint("locks", __name__, url_prefix="/account")


@blueprint.get("/devices/lock")
@needs_patient
@needs_fresh
def lock() -> Answer:
    """What a device lock is, and the button that sets up this device's."""
    return render_template("pages/account/lock.html", lock="offered" if device_locks.is_offered() else "")


@blueprint.post("/devices/lock/ask")
@needs_patient
def ask() -> Answer:
    """A question for a device that has none of this account's passkeys yet."""
    me = access()
    account_id = Id(me.account_id or b"")
    with reading() as w:
        known, login = passkeys_of(w, account_id), me.own_vault().field(w, "login") or ""
    return jsonify(device_locks.ask_to_make("add", account_id=account_id, login=login, known=known))


@blueprint.post("/devices/lock")
@needs_patient
@needs_fresh
def take_lock() -> Answer:
    """This device's lock opens the account too, or says at least who is there; a letter tells."""
    me = access()
    account_id = me.account_id or b""
    try:
        passkey = device_locks.made("add")
        with work() as w:
            add_passkey(w, me.own_vault(), account_id, passkey)
    except Mistakes as wrong:
        return again("pages/account/lock.html", wrong, lock="offered")
    except PasskeyTaken:
        wrong = Mistakes({"": _("This device lock is set up already.")})
        return again("pages/account/lock.html", wrong, lock="offered")
    write_to(account_id, "lock_added")
    drafts.keep(told=_("This device's lock opens your account now.") if passkey.prf else device_locks.holds_no_key())
    return onward("/account/devices")


@blueprint.get("/devices/lock/<lock_id>/remove")
@needs_patient
@needs_fresh
def remove(lock_id: str) -> Answer:
    """Before it is gone: what it is called, and what happens."""
    return render_template("pages/account/lock_remove.html", **_called(parse_id(lock_id)))


@blueprint.post("/devices/lock/<lock_id>/remove")
@needs_patient
@needs_fresh
def take_remove(lock_id: str) -> Answer:
    """It opens nothing any more, and other devices are signed out; the last way in stays."""
    me, chosen = access(), parse_id(lock_id)
    account_id = me.account_id or b""
    try:
        with work() as w:
            drop_passkey(w, me.own_vault(), account_id, chosen, keep_session=me.session_id)
    except LastWayIn:
        wrong = Mistakes({"": _("Without it nothing opens your account. Make a password first.")})
        return again("pages/account/lock_remove.html", wrong, **_called(chosen))
    write_to(account_id, "lock_removed")
    drafts.keep(told=_("The device lock is removed. Other devices are signed out."))
    return onward("/account/devices")


def _called(lock_id: bytes) -> dict[str, object]:
    """Raises `NotThere` for anybody else's."""
    me = access()
    with reading() as w:
        if lock_id not in {one.id for one in passkeys_of(w, me.account_id or b"")}:
            raise NotThere
        return {"lock_id": lock_id.hex(), "name": name_of(w, me.own_vault(), lock_id), "called": device_name}


# -- a password beside ------------------------------------------------------------------------------------------------


@blueprint.get("/password/new")
@needs_patient
@needs_fresh
def new_password() -> Answer:
    """A first password, or one in place of a forgotten one: a device lock has just said who is there."""
    return render_template("pages/account/password_new.html")


@blueprint.post("/password/new")
@needs_patient
@needs_fresh
def take_new_password() -> Answer:
    """Only this password opens the account, beside its device locks; other devices are signed out."""
    me = access()
    account_id = me.account_id or b""
    try:
        new = forms.read_new_password(request.form)
        accounts.make_password(services(), me.own_vault(), account_id, new=new, keep_session=me.session_id)
    except Mistakes as wrong:
        return again("pages/account/password_new.html", wrong)
    except WeakPassword as weak:
        return again("pages/account/password_new.html", Mistakes({"password": forms.weak_password(weak.reason)}))
    write_to(account_id, "password_made")
    drafts.keep(told=_("Your password is changed. Other devices are signed out."))
    return onward("/account")
