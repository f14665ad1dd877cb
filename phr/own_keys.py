"""Changing a password and printing a recovery kit: the same for patients and for providers."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app, request
from flask_babel import gettext as _

from consent.request import access, reading, services, work
from phr import drafts, forms
from phr.answers import Answer, again, file, onward
from phr.forms import Mistakes
from phr.people import today
from phr.reports import Paper, RecoveryKit
from vault import accounts
from vault.errors import WeakPassword, WrongSecret


def change_password(page: str, *, then: str) -> Answer:
    """Only the new one opens the account and other devices are signed out, or the page says what was wrong."""
    me = access()
    try:
        old = forms.read_password(request.form, "old")
        new = forms.read_new_password(request.form)
        accounts.change_password(
            services(), me.own_vault(), me.account_id or b"", old=old, new=new, keep_session=me.session_id
        )
    except Mistakes as wrong:
        return again(page, wrong)
    except WeakPassword as weak:
        return again(page, Mistakes({"password": forms.weak_password(weak.reason)}))
    except WrongSecret:
        return again(page, Mistakes({"old": _("This is not your password. Try again.")}))
    drafts.keep(told=_("Your password is changed. Other devices are signed out."))
    return onward(then)


def print_kit(draw: Callable[[RecoveryKit], Paper], *, where: str) -> Answer:
    """The kit as a PDF to save or to print while its code is at hand; else the page `where` one is made."""
    own = access().own_vault()
    fresh = drafts.found_for(own.vault_id, "kit")
    if not fresh:
        return onward(where)
    with reading() as w:
        made, login = accounts.recovery_kit(w, own), own.field(w, "login") or ""
    name, octets = draw(
        RecoveryKit(
            address=current_app.extensions["settings"].base_url,
            account_name=login,
            made_on=today(),
            kit_number=made.number,
            code=fresh["code"],
        )
    )
    return file(name, octets, "application/pdf", shown="inline" if "print" in request.form else "attachment")


def check_kit(group: str) -> None:
    """The third group, typed back, shows that they have the kit. Raises `Mistakes`."""
    with work() as w:
        right = accounts.confirm_recovery_code(w, access().own_vault(), group)
    if not right:
        raise Mistakes({"group": _("This is not the third group. Look at your kit again.")})
