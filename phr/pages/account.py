"""The account: how one signs in, where one is signed in, and what has been chosen (experience K4, R1 settings)."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from consent import alerts, sessions
from consent.guards import needs_fresh, needs_patient
from consent.request import access, reading, work
from phr import dates, device_locks, drafts, forms, kit_nudge, languages, own_keys, thumbnails
from phr.answers import Answer, again, onward
from phr.device_names import device_name
from phr.forms import Mistakes
from phr.shares import shares_of
from vault import accounts
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.ids import parse_id
from vault.links import links_of, unlink
from vault.sites import find_site

blueprint = Blueprint("account", __name__, url_prefix="/account")
CHOICES = {"ask": "Ask me each time", "now": "Show me at once", "wait": "Wait until my doctor has looked"}


@blueprint.get("")
@needs_patient
def account() -> Answer:
    """Everything there is to choose, with what is chosen."""
    own, account_id = access().own_vault(), access().account_id or b""
    with reading() as w:
        kit = accounts.recovery_kit(w, own)
        choice = own.field(w, "report_choice") or "ask"
        asks_first = kit_nudge.asks_before_leaving(w, access())
        small = thumbnails.CHOICES[thumbnails.choice_of(w, access())]
        rows = [
            (_("You sign in with"), own.field(w, "login") or ""),
            (_("Your name"), own.field(w, "name") or _("Not given"), "/account/name", _("Change")),
            (_("E-mail"), accounts.mail_of(w, account_id) or _("None"), "/account/mail", _("Change")),
            _password_row(w),
            (_("Recovery kit"), kit_words(kit), "/account/recovery-kit", _("Open")),
            (_("Devices"), str(len(sessions.devices_of(w, access()))), "/account/devices", _("See")),
            (_("Future scans"), str(len(links_of(w, own.vault_id))), "/account/future-scans", _("See")),
            (_("When a new report comes"), _(CHOICES[choice]), "/account/reports", _("Change")),
            (_("Alerts"), _alert_words(w), "/account/alerts", _("Change")),
            (_("Small pictures"), small, "/account/thumbnails", _("Change")),
        ]
    return render_template("pages/account/index.html", rows=rows, asks_first=asks_first, told=drafts.take("told"))


def _password_row(w: Work) -> tuple[str, str, str, str]:
    if accounts.has_password(w, access().account_id or b""):
        return _("Password"), _("Set"), "/account/password", _("Change")
    return _("Password"), _("None. A device lock opens your account"), "/account/password/new", _("Make one")


def _alert_words(w: Work) -> str:
    account_id = access().account_id or b""
    if accounts.mail_of(w, account_id) is None:
        return _("Off")
    choices = alerts.choices_of(w, account_id)
    return _("By email") if choices.new_scan or choices.not_opened else _("Off")


def kit_words(kit: accounts.Kit) -> str:
    """Whether there is one, since when, and whether it was checked."""
    if kit.made is None:
        return _("None yet")
    made = dates.in_words(kit.made)
    return _("Checked. Made on %(day)s", day=made) if kit.confirmed else _("Made on %(day)s, not checked", day=made)


@blueprint.get("/name")
@needs_patient
def name() -> Answer:
    """What to be called."""
    with reading() as w:
        called = access().own_vault().field(w, "name") or ""
    return render_template("pages/account/name.html", called=called)


@blueprint.post("/name")
@needs_patient
def take_name() -> Answer:
    """Kept, locked like everything else."""
    with work() as w:
        access().own_vault().keep_field(w, "name", forms.read_called(request.form))
    drafts.keep(told=_("Your name is changed."))
    return onward("/account")


@blueprint.get("/password")
@needs_patient
def password() -> Answer:
    """The old one and the new one."""
    with reading() as w:
        if not accounts.has_password(w, access().account_id or b""):
            return onward("/account/password/new")
    return render_template("pages/account/password.html")


@blueprint.post("/password")
@needs_patient
def take_password() -> Answer:
    """Only the new one opens the account; other devices are signed out."""
    return own_keys.change_password("pages/account/password.html", then="/account")


# -- devices ----------------------------------------------------------------------------------------------------------


@blueprint.get("/devices")
@needs_patient
def devices() -> Answer:
    """K4."""
    with reading() as w:
        found = sessions.devices_of(w, access())
        locks = device_locks.locks_of(w, access().own_vault(), access().account_id or b"")
    return render_template(
        "pages/account/devices.html",
        devices=found,
        locks=locks,
        lock_offered=device_locks.is_offered(),
        called=device_name,
        told=drafts.take("told"),
    )


@blueprint.post("/devices/<session_id>/sign-out")
@needs_patient
def sign_out_device(session_id: str) -> Answer:
    """That device is signed out, wherever it is."""
    with work() as w:
        sessions.sign_out_device(w, access(), parse_id(session_id))
    drafts.keep(told=_("The device is signed out."))
    return onward("/account/devices")


@blueprint.post("/devices/sign-out-others")
@needs_patient
def sign_out_others() -> Answer:
    """Only this device stays."""
    with work() as w:
        sessions.sign_out_everywhere_else(w, access())
    drafts.keep(told=_("All other devices are signed out."))
    return onward("/account/devices")


# -- choices ----------------------------------------------------------------------------------------------------------


@blueprint.get("/reports")
@needs_patient
def reports() -> Answer:
    """R1 settings."""
    with reading() as w:
        chosen = access().own_vault().field(w, "report_choice") or "ask"
    return render_template("pages/account/reports.html", chosen=chosen)


@blueprint.post("/reports")
@needs_patient
def take_reports() -> Answer:
    """For reports that come from now on and those not read yet."""
    choice = request.form.get("choice", "")
    if choice not in CHOICES:
        wrong = Mistakes({"choice": _("Pick what to do when a new report comes.")})
        return again("pages/account/reports.html", wrong, chosen=None)
    with work() as w:
        access().own_vault().keep_field(w, "report_choice", choice)
    drafts.keep(told=_("Saved."))
    return onward("/account")


@blueprint.get("/thumbnails")
@needs_patient
def small_pictures() -> Answer:
    """Whether lists show them."""
    with reading() as w:
        chosen = thumbnails.choice_of(w, access())
    return render_template("pages/account/thumbnails.html", offered=list(thumbnails.CHOICES.items()), chosen=chosen)


@blueprint.post("/thumbnails")
@needs_patient
def take_small_pictures() -> Answer:
    """From the next page on."""
    choice, offered = request.form.get("choice", ""), list(thumbnails.CHOICES.items())
    if choice not in thumbnails.CHOICES:
        wrong = Mistakes({"choice": _("Pick when to show small pictures.")})
        return again("pages/account/thumbnails.html", wrong, offered=offered, chosen=None)
    with work() as w:
        access().own_vault().keep_field(w, thumbnails.FIELD, choice)
    drafts.keep(told=_("Saved."))
    return onward("/account")


@blueprint.get("/alerts")
@needs_patient
def alert_choices() -> Answer:
    """Which letters come, and when."""
    account_id = access().account_id or b""
    with reading() as w:
        address, chosen = accounts.mail_of(w, account_id), alerts.choices_of(w, account_id)
    ticked = [one for one in ("new_scan", "not_opened", "quiet") if getattr(chosen, one)]
    return render_template("pages/account/alerts.html", address=address, chosen=ticked)


@blueprint.post("/alerts")
@needs_patient
def take_alert_choices() -> Answer:
    """Letters come as they ticked, in the language they read now."""
    ticked = request.form.getlist("alerts")
    choices = alerts.Choices(
        new_scan="new_scan" in ticked,
        not_opened="not_opened" in ticked,
        quiet="quiet" in ticked,
        language=languages.here(),
    )
    with work() as w:
        alerts.choose(w, access().account_id or b"", choices)
    drafts.keep(told=_("Saved."))
    return onward("/account")


@blueprint.get("/future-scans")
@needs_patient
def future_scans() -> Answer:
    """Which scan centers send new scans without a slip."""
    with reading() as w:
        links = [
            {"id": one.id.hex(), "site": find_site(w, one.site_id).details.name, "since": one.since}
            for one in links_of(w, access().own_vault().vault_id)
        ]
    return render_template("pages/account/future.html", links=links, told=drafts.take("told"))


@blueprint.post("/future-scans/<link_id>")
@needs_patient
@needs_fresh
def turn_off(link_id: str) -> Answer:
    """That scan center's next scan waits for a new slip."""
    with work() as w:
        unlink(w, access().own_vault(), parse_id(link_id))
    drafts.keep(told=_("Turned off. The next scan from there needs a slip."))
    return onward("/account/future-scans")


@blueprint.get("/apps")
@needs_patient
def apps() -> Answer:
    """The apps among those who can see something."""
    with reading() as w:
        live = shares_of(w, access(), open_catalogue(w, access().own_vault()))
    return render_template("pages/account/apps.html", shares=[one for one in live if one.is_app])
