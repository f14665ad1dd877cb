"""Token answers: what each flow hands out, and the event it leaves behind."""

from typing import Any

from consent.deployment import settings
from consent.launches import launch_of
from consent.oauth.identity import id_token
from consent.registered import Client
from consent.scopes import SIGN_IN, Scopes
from consent.sees import COMES_BACK
from consent.tokens import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    SITE_SECONDS,
    Bearer,
    Held,
    Kind,
    Line,
    issue,
)
from vault import audit
from vault.audit import Actor, Did
from vault.database import Work
from vault.keyring import Owner, OwnerKind
from vault.sharing import check_live, limits
from vault.sites import Site


def for_grant(work: Work, client: Client, held: Held, scopes: Scopes) -> dict[str, Any]:
    """What an app gets for a code or a refresh token. A refreshed one keeps the scopes of the first."""
    refreshed = held.row.kind == Kind.REFRESH
    line = Line.goes_on(held)
    token = under_grant(work, line, scopes)
    if SIGN_IN in scopes and not refreshed:
        launch, vault_id = launch_of(work, line.family), limits(work, held.of_grant().grant_id).vault_id
        issuer = settings().base_url
        token["id_token"] = id_token(work, client, vault_id, launch, scopes=scopes, issuer=issuer)
    if refreshed or COMES_BACK in held.scopes:
        bearer, _ = issue(work, Kind.REFRESH, line, scopes=held.scopes, seconds=REFRESH_SECONDS)
        token["refresh_token"] = bearer.reveal()
    _record(work, client, line, Did.TOKEN_REFRESHED if refreshed else Did.TOKEN_ISSUED)
    return token


def for_share_code(work: Work, client: Client, line: Line, scopes: Scopes) -> dict[str, Any]:
    """What software gets for a patient's code; a refresh token where it asked to come back."""
    token = under_grant(work, line, scopes)
    if COMES_BACK in scopes:
        bearer, _ = issue(work, Kind.REFRESH, line, scopes=scopes, seconds=REFRESH_SECONDS)
        token["refresh_token"] = bearer.reveal()
    _record(work, client, line, Did.TOKEN_ISSUED)
    return token


def for_site(work: Work, client: Client, site: Site, scopes: Scopes) -> dict[str, Any]:
    """What a site's system gets: five minutes, no refresh token."""
    bearer, _ = issue(work, Kind.SITE, Line.begins(client.id, None), scopes=scopes, seconds=SITE_SECONDS)
    audit.record(work, owner=site.owner, did=Did.TOKEN_ISSUED, by=Actor("site", site.id), to=client.id)
    return _answer(bearer, SITE_SECONDS, scopes)


def under_grant(work: Work, line: Line, scopes: Scopes) -> dict[str, Any]:
    """An access token over a grant, with whose record it opens (SMART launch context)."""
    assert line.keyring is not None
    bearer, expires = issue(work, Kind.ACCESS, line, scopes=scopes, seconds=ACCESS_SECONDS)
    vault_id = check_live(work, line.keyring.grant_id).vault_id
    seconds = int((expires - work.now).total_seconds())
    return _answer(bearer, seconds, scopes) | context_of(work, line.family, vault_id)


def context_of(work: Work, family: bytes, vault_id: bytes) -> dict[str, Any]:
    """The launch context: the patient, that an app should show whose record it is, and the scan it was launched for."""
    context: dict[str, Any] = {"patient": vault_id.hex(), "need_patient_banner": True}
    study = launch_of(work, family).study
    if study is not None:
        context["fhirContext"] = [{"reference": f"ImagingStudy/{study.hex()}"}]
    return context


def _answer(bearer: Bearer, seconds: int, scopes: Scopes) -> dict[str, Any]:
    return {
        "access_token": bearer.reveal(),
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": str(scopes),
    }


def _record(work: Work, client: Client, line: Line, did: Did) -> None:
    assert line.keyring is not None
    grant_id = line.keyring.grant_id
    owner = Owner(OwnerKind.VAULT, check_live(work, grant_id).vault_id)
    audit.record(work, owner=owner, did=did, by=Actor("app", client.id, grant_id), to=grant_id)
