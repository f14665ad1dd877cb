"""Deleting an account: what it means, the word that confirms it, and seven days to come back (experience X1 to X3)."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _

from consent import grants
from consent.errors import Area
from consent.guards import needs_fresh, needs_patient, public
from consent.request import access, clear_cookie, work
from phr import dates, drafts
from phr.answers import Answer, again, onward
from phr.forms import Mistakes
from phr.people import today, write_to
from vault import custody, openers
from vault.tables import AccountRow

blueprint = Blueprint("leaving", __name__)
TO_CHANGE_ONES_MIND = timedelta(days=7)


def _backups_gone(days: int = 0) -> object:
    return today() + timedelta(days=days + current_app.extensions["settings"].backup_days)


@blueprint.get("/account/delete")
@needs_patient
def delete() -> Answer:
    """X1."""
    return render_template("pages/account/delete.html", backups=_backups_gone(TO_CHANGE_ONES_MIND.days))


@blueprint.get("/account/delete/confirm")
@needs_patient
@needs_fresh
def confirm() -> Answer:
    """X2."""
    return render_template("pages/account/delete_confirm.html", chosen="later")


@blueprint.post("/account/delete/confirm")
@needs_patient
@needs_fresh
def leave() -> Answer:
    """In seven days, unless they sign in before; or now, which nothing undoes."""
    when = "now" if request.form.get("when") == "now" else "later"
    if request.form.get("word", "").strip().upper() != "DELETE":
        wrong = Mistakes({"word": _("Type the word DELETE.")})
        return again("pages/account/delete_confirm.html", wrong, chosen=when)
    day = _erase_now() if when == "now" else _erase_later()
    drafts.drop_all()
    drafts.keep(gone=day)
    return clear_cookie(onward("/goodbye"), Area.PATIENT)


def _erase_now() -> str:
    me = access()
    with work() as w:
        custody.erase_vault(w, me.own_vault(), by=me.actor)
    return ""


def _erase_later() -> str:
    """Everyone is shut out at once, this device too; signing in again calls it off."""
    me = access()
    own = me.own_vault()
    with work() as w:
        grants.end_all(w, me)
        row = w.session.get_one(AccountRow, me.account_id)
        row.erase_after = w.now + TO_CHANGE_ONES_MIND
        openers.end_sessions(w, own.vault_id)
        day = dates.in_words(w.now + TO_CHANGE_ONES_MIND)
    write_to(me.account_id or b"", "leaving", day=day)
    return day


@blueprint.get("/goodbye")
@public("says that an account is gone, to whoever just left")
def goodbye() -> Answer:
    """X3."""
    return render_template("pages/account/gone.html", day=drafts.text("gone"), backups=_backups_gone())
