"""Who may use a route, said where the route is written. A route that says nothing answers nobody.

@needs("patient/ImagingStudy.r")   a machine route: a bearer token with this scope, or whoever is signed in
@needs()                           the same; the route checks the scope itself once it knows the type
@needs_site("system/ImagingStudy.c")
@needs_any                         a site or a reader; the route checks the scope of each part of what is asked
@needs_patient, @needs_provider, @needs_guest_or_provider     pages
@needs_fresh                       above one of these: the last sign-in is at most five minutes old
@asked_by_itself                   beside one of these: a page asks this every few seconds: no sign of life
@public("reason")                  a page for everyone
@for_clients("reason")             a machine route that finds out by itself who asks, without cookies
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, abort, current_app, g, request

from consent import sessions
from consent.access import Access
from consent.asking import BY_ITSELF, from_cookie, from_header, from_header_or_cookies
from consent.cors import install_cors
from consent.errors import (
    Ambiguous,
    Area,
    FreshSignInNeeded,
    ScopeTooSmall,
    SharingEnded,
    SignInNeeded,
    Unguarded,
)
from consent.forgery import SAFE
from consent.forms import check_form, install_forms
from consent.request import access, kept, remember, services

P = ParamSpec("P")
R = TypeVar("R")
View = Callable[P, R]

_MARK = "__guards__"
OPEN_ENDPOINTS = frozenset({"static"})
RESOURCES = "/fhir/"


@dataclass(frozen=True, slots=True)
class Guard:
    """What a route says about who may use it."""

    kind: str
    scopes: tuple[str, ...] = ()
    reason: str = ""


# --- guards for machine routes ---------------------------------------------------------------------------------------


def needs(*scopes: str) -> Callable[[View[P, R]], View[P, R]]:
    """Only for whoever may look at a patient's record with all these scopes."""

    def check() -> None:
        found = _metered(from_header_or_cookies())
        if found.token_id is None and request.method not in SAFE:
            check_form()
        if found.site is not None:
            raise ScopeTooSmall(" ".join(scopes) or "patient/*.rs")
        remember(found).check_scope(*scopes)

    return _guarded(Guard("needs", scopes), check)


def needs_site(*scopes: str) -> Callable[[View[P, R]], View[P, R]]:
    """Only for a site with a token of its own and these scopes."""

    def check() -> None:
        found = from_header() if "Authorization" in request.headers else _nobody()
        if found.site is None:
            raise ScopeTooSmall(" ".join(scopes) or "system/*.c")
        remember(found).check_scope(*scopes)

    return _guarded(Guard("needs_site", scopes), check)


def for_clients(reason: str) -> Callable[[View[P, R]], View[P, R]]:
    """For registered software that says by itself who it is; cookies count for nothing here."""
    return _guarded(Guard("for_clients", reason=reason), lambda: None)


def needs_any(view: View[P, R]) -> View[P, R]:
    """For a site with a token of its own, and for whoever may look at a record; the route asks for each scope."""

    def check() -> None:
        found = _metered(from_header_or_cookies())
        if found.token_id is None and request.method not in SAFE:
            check_form()
        remember(found)

    return _guarded(Guard("needs_any"), check)(view)


def _nobody() -> Access:
    raise SignInNeeded(Area.PATIENT)


def _metered(found: Access) -> Access:
    meters = kept()
    meter = meters.resources if request.path.startswith(RESOURCES) else meters.pixels
    meter.allow(services(), found.caller)
    return found


# --- guards for pages ------------------------------------------------------------------------------------------------


def needs_patient(view: View[P, R]) -> View[P, R]:
    """Only for a patient who is signed in."""
    return _page("needs_patient", Area.PATIENT)(view)


def needs_provider(view: View[P, R]) -> View[P, R]:
    """Only for a provider who is signed in."""
    return _page("needs_provider", Area.PROVIDER)(view)


def needs_guest_or_provider(view: View[P, R]) -> View[P, R]:
    """Only for someone a patient gave something to."""
    return _page("needs_guest_or_provider", Area.GUEST, Area.PROVIDER)(view)


def needs_patient_or_provider(view: View[P, R]) -> View[P, R]:
    """Only for someone with an account."""
    return _page("needs_patient_or_provider", Area.PATIENT, Area.PROVIDER)(view)


def needs_fresh(view: View[P, R]) -> View[P, R]:
    """Only for someone who showed in the last five minutes who they are. Stands below the guard that says who."""
    return _guarded(Guard("needs_fresh"), check_fresh)(view)


def asked_by_itself(view: View[P, R]) -> View[P, R]:
    """For what a page asks every few seconds: who asks must be signed in, but stays so no longer for it."""
    setattr(view, BY_ITSELF, True)
    return view


def check_fresh() -> None:
    """Raise `FreshSignInNeeded` unless they showed in the last five minutes who they are."""
    found = access()
    if not sessions.is_fresh(found, services().clock.now()):
        raise FreshSignInNeeded(Area.PROVIDER if found.actor.kind == "provider" else Area.PATIENT)


def public(reason: str) -> Callable[[View[P, R]], View[P, R]]:
    """For everyone; `reason` says why that is right."""

    def check() -> None:
        if request.method not in SAFE:
            check_form()

    return _guarded(Guard("public", reason=reason), check)


def _page(name: str, *areas: Area) -> Callable[[View[P, R]], View[P, R]]:
    def check() -> None:
        found = _first_of(areas)
        if request.method not in SAFE:
            check_form()
        remember(found)

    return _guarded(Guard(name), check)


def _first_of(areas: tuple[Area, ...]) -> Access:
    problem: SignInNeeded | SharingEnded = SignInNeeded(areas[0])
    for area in areas:
        try:
            return from_cookie(area)
        except SharingEnded as ended:
            problem = ended
        except SignInNeeded:
            continue
    raise problem


# --- the perimeter ---------------------------------------------------------------------------------------------------


def _guarded(guard: Guard, check: Callable[[], None]) -> Callable[[View[P, R]], View[P, R]]:
    def guarding(view: View[P, R]) -> View[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            check()
            return view(*args, **kwargs)

        setattr(guarded, _MARK, (guard, *getattr(view, _MARK, ())))
        return guarded

    return guarding


def guards_of(app: Flask) -> dict[str, tuple[Guard, ...]]:
    """Every endpoint and what it says about who may use it; () for one that says nothing."""
    views = cast("dict[str, Callable[..., Any]]", app.view_functions)
    return {name: getattr(view, _MARK, ()) for name, view in views.items() if name not in OPEN_ENDPOINTS}


def refuse_unguarded() -> None:
    """Before every request: refuse what says in two ways who is asking, and a route that has no guard.

    Raises `Ambiguous`, `Unguarded`; 400 for an address that holds other than ASCII (RFC 3986 2).
    """
    if not request.query_string.isascii():
        abort(400)
    if request.query_string and "access_token" in request.args:
        raise Ambiguous  # RFC 9700 4.3.2: a token in an address is a token in a log
    if request.endpoint is None or request.endpoint in OPEN_ENDPOINTS or _answers_by_itself():
        return
    said: tuple[Guard, ...] = getattr(current_app.view_functions[request.endpoint], _MARK, ())
    if not any(guard.kind != "needs_fresh" for guard in said):
        raise Unguarded


def _answers_by_itself() -> bool:
    """Flask lists a route's methods without asking the route."""
    rule = request.url_rule
    return request.method == "OPTIONS" and rule is not None and bool(getattr(rule, "provide_automatic_options", False))


def install_guards(app: Flask) -> None:
    """After this no route answers without a guard, preflights are answered, and templates have what forms need."""
    install_cors(app)
    install_forms(app)
    app.before_request(refuse_unguarded)
    app.teardown_request(_forget)


def _forget(_problem: BaseException | None) -> None:
    g.pop("access", None)
