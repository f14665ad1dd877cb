"""Providers' own doors: an account with two things to sign in with (experience 1.12)."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext as _

from consent.errors import Area
from consent.guards import needs_provider, public
from consent.request import access, reading, safe_return, services, work
from consent.request import source as address
from phr import code_apps, drafts, forms
from phr.answers import Answer, again, onward, page_at
from phr.forms import Mistakes, Visitor
from phr.pages.account import kit_words
from phr.people import begin_session, end_session, network
from vault import accounts
from vault.accounts import SignedIn
from vault.attempts import Limit, credit, spend, within
from vault.errors import LoginTaken, WeakPassword, WrongSecret
from vault.keyring import VaultKeyring

blueprint = Blueprint("provider", __name__, url_prefix="/pro")
NOBODY_YET = public("the provider's door")


# -- signing in and out -----------------------------------------------------------------------------------------------


@blueprint.get("/sign-in")
@NOBODY_YET
def sign_in() -> Answer:
    """Password and code app on one page; with the page to come back to, when a session ended in the middle."""
    back = safe_return(request.args.get("next"), "")
    if back:
        drafts.keep(pro_back=page_at(back))
    return render_template("pages/pro/sign_in.html", typed="", ended="ended" in request.args)


@blueprint.post("/sign-in")
@NOBODY_YET
def take_sign_in() -> Answer:
    """Both are right, or neither is told apart from the other."""
    try:
        login, password, six = _read_sign_in()
        signed = _signed_in(login, password, six)
    except Mistakes as wrong:
        return again("pages/pro/sign_in.html", wrong, typed=request.form.get("login", ""), ended=False)
    return begin_session(signed, onward(safe_return(drafts.take("pro_back"), "/pro") if six else "/pro/code-app"))


def _read_sign_in() -> tuple[str, str, str]:
    login = forms.read_login(request.form)
    password = forms.read_password(request.form)
    return login, password, forms.read_six(request.form) if request.form.get("code", "").strip() else ""


def _signed_in(login: str, password: str, six: str) -> SignedIn:
    wrong = Mistakes({"password": _("The name, the password or the code is not right. Check all three.")})
    try:
        signed = accounts.sign_in(services(), login=login, password=password, source=address())
    except WrongSecret:
        raise wrong from None
    if signed.kind != "provider" or not _second_factor_holds(signed, six):
        raise wrong
    return signed


def _second_factor_holds(signed: SignedIn, six: str) -> bool:
    """The numbers are right; or none are set up yet, and then setting them up comes next. Raises `Wait`."""
    with reading() as w:
        if not accounts.has_code_app(w, signed.keyring):
            return not six
    spend(services(), Limit.SECOND_FACTOR, signed.account_id)
    with work() as w:
        right = accounts.check_code_app(w, signed.keyring, six)
    if right:
        credit(services(), Limit.SECOND_FACTOR, signed.account_id)
    return right


@blueprint.post("/sign-out")
@public("whoever is signed in may always go")
def sign_out() -> Answer:
    """The cookie opens nothing any more."""
    return end_session(Area.PROVIDER, onward("/pro/sign-in"))


# -- making an account ------------------------------------------------------------------------------------------------


@blueprint.get("/join")
@NOBODY_YET
def join() -> Answer:
    """Name, clinic, and how to sign in."""
    return render_template("pages/pro/join.html", typed={"name": "", "clinic": "", "login": ""})


@blueprint.post("/join")
@NOBODY_YET
def take_join() -> Answer:
    """The account is made; next comes the code app, without which it opens nothing."""
    try:
        visitor, login, password = _read_join()
        signed = _make_account(visitor, login, password)
    except Mistakes as wrong:
        typed = {name: request.form.get(name, "") for name in ("name", "clinic", "login")}
        return again("pages/pro/join.html", wrong, typed=typed)
    return begin_session(signed, onward("/pro/code-app"))


def _read_join() -> tuple[Visitor, str, str]:
    """Everything that is wrong, at once."""
    wrong: dict[str, str] = {}
    values = []
    for read in (forms.read_visitor, forms.read_login, forms.read_new_password):
        try:
            values.append(read(request.form))
        except Mistakes as mistakes:
            wrong |= mistakes.at
    if wrong:
        raise Mistakes(wrong)
    visitor, login, password = values
    return visitor, login, password


def _make_account(visitor: Visitor, login: str, password: str) -> SignedIn:
    within(services(), Limit.SIGN_UP, network())
    try:
        signed = accounts.open_account(
            services(), login=login, password=password, kind="provider", name=visitor.name, born=None, mail=None
        )
    except WeakPassword as weak:
        raise Mistakes({"password": forms.weak_password(weak.reason)}) from None
    except LoginTaken:
        raise Mistakes({"login": _("There is an account with this email or name. Sign in, or pick another.")}) from None
    with work() as w:
        signed.keyring.keep_field(w, "clinic", visitor.clinic)
    return signed


@blueprint.get("/code-app")
@needs_provider
def code_app() -> Answer:
    """The secret as a picture and as letters, the same until it is confirmed."""
    own = access().own_vault()
    if _is_set_up(own):
        return onward("/pro")
    return render_template("pages/pro/code_app.html", **_shown(own))


def _is_set_up(own: VaultKeyring) -> bool:
    with reading() as w:
        return code_apps.is_set_up(w, own)


def _shown(own: VaultKeyring) -> dict[str, str]:
    """What was offered last, until it is confirmed."""
    shown = drafts.found_for(own.vault_id, "code_app")
    if not shown:
        shown = _offered(own)
        drafts.keep_for(own.vault_id, code_app=shown)
    return shown


def _offered(own: VaultKeyring) -> dict[str, str]:
    brand = current_app.extensions["settings"].brand
    with work() as w:
        secret = accounts.enable_code_app(w, own)
        login = own.field(w, "login") or ""
    return {"address": secret.address(brand=brand, account=login), "letters": secret.reveal()}


@blueprint.post("/code-app")
@needs_provider
def take_code_app() -> Answer:
    """The right numbers show that the app has the secret."""
    me = access()
    try:
        six = forms.read_six(request.form)
        spend(services(), Limit.SECOND_FACTOR, me.account_id or b"")
        with work() as w:
            right = accounts.confirm_code_app(w, me.own_vault(), six)
        _check(right=right)
    except Mistakes as wrong:
        return again("pages/pro/code_app.html", wrong, **_shown(me.own_vault()))
    credit(services(), Limit.SECOND_FACTOR, me.account_id or b"")
    drafts.drop("code_app")
    return _new_kit(me.own_vault()) or _ready()


def _ready() -> Answer:
    drafts.keep(told=_("Your account is ready."))
    return onward("/pro")


def _new_kit(own: VaultKeyring) -> Answer | None:
    """Where a kit led here, because the old app was lost, that kit is used up and another is made."""
    with work() as w:
        if not code_apps.is_lost(w, own):
            return None
        code_apps.call_replaced(w, own)
        code = accounts.new_recovery_code(w, own)
    drafts.keep_for(own.vault_id, kit={"code": code.reveal()})
    drafts.keep(told=_("Your new code app is set up. The kit you used no longer works. Here is a new one."))
    return onward("/pro/recovery-kit")


def _check(*, right: bool) -> None:
    if not right:
        raise Mistakes({"code": _("These are not the numbers of now. Look at the app again.")})


@blueprint.get("/account")
@needs_provider
def account() -> Answer:
    """What patients see of this account, and what opens it."""
    own = access().own_vault()
    with reading() as w:
        rows = [
            (_("Name"), own.field(w, "name") or ""),
            (_("Clinic or hospital"), own.field(w, "clinic") or ""),
            (_("You sign in with"), own.field(w, "login") or ""),
            (_("Password"), _("Set"), "/pro/password", _("Change")),
            (_("Recovery kit"), kit_words(accounts.recovery_kit(w, own)), "/pro/recovery-kit", _("Open")),
        ]
    return render_template("pages/pro/account.html", rows=rows, told=drafts.take("told"))
