"""The page on which a patient lets an app in, or not (SMART App Launch 2.2, standalone launch)."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import cast
from urllib.parse import urlencode

from flask import Response, current_app, g, make_response, redirect, render_template, request

from consent import grants, sessions
from consent.access import Access
from consent.deployment import reading, services, work
from consent.errors import Area, FreshSignInNeeded
from consent.forms import sign_in_address
from consent.grants import For, Offer
from consent.guards import for_clients, needs_patient, public
from consent.launches import Launch
from consent.oauth import blueprint
from consent.oauth.flow import NOT_KEPT, begin
from consent.oauth.server import Asking, Decision, asking, decided
from consent.redirects import form_target
from consent.request import access, signed_in
from consent.scopes import Scopes
from consent.sees import COMES_BACK, FOR_ONE_SCAN, classes_of, sees
from consent.tokens import ACCESS_SECONDS, CODE_SECONDS
from vault.catalogue import open_catalogue
from vault.database import Work
from vault.ids import Id
from vault.sharing import Standing
from vault.studies import Study

PARAMETERS = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "resource", "launch",
    "code_challenge", "code_challenge_method", "nonce", "prompt", "max_age",
)  # fmt: skip
DURATIONS = {
    "4h": timedelta(hours=4),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
USUAL = "90d"
JUST_NOW = timedelta(minutes=1)
TIME_TO_DECIDE = sessions.FRESH + timedelta(minutes=15)
LONGEST = 8_000


@blueprint.get("/authorize")
@public("an app begins here; nothing is shown before the patient has signed in")
def authorize() -> Response:
    """The page that asks the patient; the way to the sign-in where no patient is signed in."""
    with reading() as w:
        asked = _asked(w)
        if isinstance(asked, Response):
            return asked
        patient = signed_in(Area.PATIENT)
        if patient is None:
            return redirect(sign_in_address(request.full_path), 303)  # type: ignore[return-value]
        if not sessions.is_fresh(patient, w.now, within=_fresh_enough()):
            raise FreshSignInNeeded(Area.PATIENT)
        g.access = patient
        return _page(w, patient, asked, {})


@blueprint.post("/authorize")
@for_clients("an app may begin with a form; the answer is only the way to the page")
def authorize_by_form() -> Response:
    """The same as an address, for apps that send a form (SMART, authorize-post)."""
    sent = [(name, value) for name in PARAMETERS for value in request.form.getlist(name)]
    query = urlencode(sent)
    if request.query_string or len(query) > LONGEST:
        return _refused()
    return redirect(f"{request.path}?{query}", 303)  # type: ignore[return-value]


@blueprint.post("/authorize/decide")
@needs_patient
def decide() -> Response:
    """The patient's answer: back to the app, with a code or without."""
    patient = access()
    if request.query_string:
        return _refused()
    if not sessions.is_fresh(patient, services().clock.now(), within=TIME_TO_DECIDE):
        raise FreshSignInNeeded(Area.PATIENT)
    with work() as w:
        asked = _asked(w)
        if isinstance(asked, Response):
            return asked
        if request.form.get("decision") != "allow":
            return _not_kept(decided(asked, None))
        chosen, errors = _chosen(w, patient)
        if errors:
            return _page(w, patient, asked, errors)
        study = _the_one_scan(asked, chosen)
        scopes = asked.scopes if study else asked.scopes.without(FOR_ONE_SCAN)
        given = grants.give(w, patient, _offer(w, asked, scopes, [*chosen, *_loose(w, patient)]))
        launch = Launch(nonce=request.form.get("nonce", ""), study=study, auth_time=patient.auth_time)
        return _not_kept(decided(asked, Decision(given.keyring, scopes, launch)))


# --- reading what was asked ------------------------------------------------------------------------------------------


def _asked(w: Work) -> Asking | Response:
    """The request, or the answer to one that is not in order: back to the app where it is known, else a page."""
    begin(w, None, "")
    if len(request.query_string) > LONGEST:
        return _refused()
    found = asking()
    if found is None:
        return _refused()
    return _not_kept(found) if isinstance(found, Response) else found


def _fresh_enough() -> timedelta:
    """How lately the patient must have shown who they are: as the app asks, within our bounds (OIDC Core 3.1.2.1)."""
    if {"login", "select_account"} & set(request.args.get("prompt", "").split()):
        return JUST_NOW
    asked = timedelta(seconds=int(request.args.get("max_age") or sessions.FRESH.total_seconds()))
    return min(sessions.FRESH, max(JUST_NOW, asked))


def _chosen(w: Work, patient: Access) -> tuple[list[Study], dict[str, str]]:
    """The scans that the patient's answer names, and what is wrong with the answer."""
    studies = open_catalogue(w, patient.own_vault()).studies
    picks = request.form.get("scans", "all") == "pick"
    ticked = set(request.form.getlist("study"))
    chosen = [study for study in studies if not picks or study.id.hex() in ticked]
    errors: dict[str, str] = {}
    if picks and not chosen:
        errors["study"] = "none-ticked"
    if request.form.get("duration", USUAL) not in DURATIONS:
        errors["duration"] = "not-offered"
    return chosen, errors


def _loose(w: Work, patient: Access) -> tuple[Study, ...]:
    """Papers that are about no scan: they go with the whole of the record, and with nothing less."""
    picks = request.form.get("scans", "all") == "pick"
    return () if picks else open_catalogue(w, patient.own_vault()).papers


def _the_one_scan(asked: Asking, chosen: list[Study]) -> Id | None:
    """The scan that the app is to open first, where it asked for one and the patient chose one."""
    return chosen[0].id if FOR_ONE_SCAN in asked.scopes and len(chosen) == 1 and chosen[0].uid else None


def _offer(w: Work, asked: Asking, scopes: Scopes, chosen: list[Study]) -> Offer:
    duration = DURATIONS[request.form.get("duration", USUAL)]
    lasts = duration if COMES_BACK in scopes else timedelta(seconds=CODE_SECONDS + ACCESS_SECONDS)
    picks = request.form.get("scans", "all") == "pick"
    return Offer(
        study_ids=tuple(dict.fromkeys(folder for study in chosen for folder in (study.id, *study.folders))),
        expires=w.now + lasts,
        kind=For.APP,
        view_only=False,
        classes=classes_of(scopes),
        standing=Standing() if scopes.has_every_type and not picks else None,
        client=asked.party.client.id,
        scopes=scopes,
    )


# --- pages -----------------------------------------------------------------------------------------------------------


def _page(w: Work, patient: Access, asked: Asking, errors: dict[str, str]) -> Response:
    studies = open_catalogue(w, patient.own_vault()).studies
    title = cast("Callable[[Study], str]", current_app.extensions.get("study_title", _plain_title))
    seen = sees(asked.scopes)
    page = render_template(
        "consent/authorize.html",
        app_name=asked.party.client.name,
        maker=asked.party.client.maker,
        registered_itself=asked.party.client.registered_itself,
        goes_to=form_target(asked.redirect_uri),
        sees=seen,
        scopes=[str(scope) for scope in asked.scopes],
        studies=[(study.id.hex(), title(study), _taken(study)) for study in studies],
        minutes=ACCESS_SECONDS // 60,
        parameters={name: request.values[name] for name in PARAMETERS if name in request.values},
        problems=errors,
        scans=request.form.get("scans", "pick" if seen.one_scan and studies else "all"),
        ticked=request.form.getlist("study"),
        duration=request.form.get("duration", USUAL),
    )
    # Browsers hold the redirect that answers a form against the page's form-action.
    g.form_targets = (form_target(asked.redirect_uri),)
    return _not_kept(make_response(page, 422 if errors else 200))


def _refused() -> Response:
    """An app that is not known, or wants its answer elsewhere: never redirected (RFC 6749 4.1.2.1)."""
    return _not_kept(make_response(render_template("consent/refused.html"), 400))


def _not_kept(response: Response) -> Response:
    response.headers.update(NOT_KEPT)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Frame-Options", "DENY")
    return response


def _plain_title(study: Study) -> str:
    return study.facts.description or ", ".join(sorted(study.modalities)) or "Scan"


def _taken(study: Study) -> date | None:
    try:
        return date.fromisoformat(study.facts.date)
    except ValueError:
        return None
