# pyright: basic, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
# pyright: reportAssignmentType=false, reportReturnType=false
# ruff: noqa: ANN001, ANN201, ARG002, D102, FBT002  the methods, their parameters and defaults are Authlib's
"""The flows, on Authlib; everything SMART and RFC 9700 ask beyond its defaults is overridden here.

Authlib brings the order of the checks. Ours are: storage (only derived identifiers reach SQL), single use before any
token is made, rotation with families, SMART's scopes, PKCE with S256 for everyone, `aud`, `state`, `iss`.
"""

import logging
import re
from dataclasses import dataclass

from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    OAuth2Error,
)
from flask import Response
from flask import request as flask_request

from consent import rotation
from consent.decisions import row_of
from consent.deployment import settings
from consent.errors import BadScope, TokenReused
from consent.launches import Launch, keep
from consent.oauth.asked import AskedRightly
from consent.oauth.callers import Party, find_party
from consent.oauth.flow import flow
from consent.oauth.issuing import for_grant, for_site
from consent.scopes import Scopes
from consent.tokens import CODE_SECONDS, Held, Kind, Line, issue
from vault.errors import NotThere
from vault.keyring import GrantKeyring
from vault.sites import find_site

# Authlib tells its debug log the tokens it hands out; whatever level an operator sets, it does not.
logging.getLogger("authlib").setLevel(logging.INFO)

EVERY_METHOD = ["private_key_jwt", "client_secret_basic", "client_secret_post", "none"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The patient said yes: the grant, open, and what may be asked under it."""

    keyring: GrantKeyring
    scopes: Scopes
    launch: Launch


@dataclass(frozen=True, slots=True)
class Token:
    """A code or refresh token as Authlib sees it."""

    held: Held

    code_challenge_method = "S256"

    @property
    def code_challenge(self) -> str | None:
        return self.held.row.challenge

    def get_redirect_uri(self) -> str | None:
        return self.held.row.redirect_uri

    def get_scope(self) -> str:
        return self.held.row.scope

    def check_client(self, party: Party) -> bool:
        return self.held.row.client == party.client.id


class Request(FlaskOAuth2Request):
    """The request under the address the world knows, whatever a proxy made of it."""

    def __init__(self, request) -> None:
        OAuth2Request.__init__(
            self, method=request.method, uri=settings().base_url + request.path, headers=request.headers
        )
        self._request = request
        self.payload = FlaskOAuth2Payload(request)


class CodeGrant(grants.AuthorizationCodeGrant):
    """Authorization codes: made and stored in one step, spent before any token exists."""

    TOKEN_ENDPOINT_AUTH_METHODS = EVERY_METHOD

    def generate_authorization_code(self) -> str:
        decision: Decision = self.request.user
        line = Line.begins(self.request.client.client.id, decision.keyring)
        keep(flow().work, family=line.family, grant_id=decision.keyring.grant_id, launch=decision.launch)
        bearer, _ = issue(
            flow().work,
            Kind.CODE,
            line,
            scopes=decision.scopes,
            seconds=CODE_SECONDS,
            redirect_uri=self.request.payload.redirect_uri,
            challenge=self.request.payload.data["code_challenge"],
        )
        return bearer.reveal()

    def save_authorization_code(self, code, request) -> None:
        """It is stored already, and never as it is written."""

    def query_authorization_code(self, code, client) -> Token | None:
        try:
            held = rotation.open_code(flow().work, code, client.client.id)
        except TokenReused:
            flow().keep = True  # the family has ended, and stays so although the request is refused
            return None
        return None if held is None else Token(held)

    def authenticate_user(self, authorization_code: Token) -> Token:
        if not rotation.spend_code(flow().work, authorization_code.held):
            raise InvalidGrantError("The code has been used.")
        return authorization_code

    def delete_authorization_code(self, authorization_code) -> None:
        """It was spent before the token was made; its row stays, so that a second use is seen."""


class RefreshGrant(grants.RefreshTokenGrant):
    """Refresh tokens: every one is good once."""

    TOKEN_ENDPOINT_AUTH_METHODS = EVERY_METHOD
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token) -> Token | None:
        try:
            held = rotation.rotate(flow().work, refresh_token, self.request.client.client.id)
        except TokenReused:
            flow().keep = True
            return None
        return None if held is None else Token(held)

    def _validate_token_scope(self, token: Token) -> None:
        """Narrower is allowed, wider refused; the refusal also takes back the rotation."""
        asked = self.request.payload.scope
        if not asked:
            return
        try:
            wanted = Scopes.parse(asked)
            fits = bool(wanted) and wanted == wanted.kept() and token.held.scopes.covers_all(wanted)
        except BadScope:
            fits = False
        if not fits:
            raise InvalidScopeError

    def authenticate_user(self, refresh_token: Token) -> Token:
        return refresh_token

    def revoke_old_credential(self, refresh_token) -> None:
        """It was rotated before the new one was made."""


class SiteGrant(grants.ClientCredentialsGrant):
    """A site's system: signed assertions only, a token that creates and opens nothing."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]  # noqa: RUF012


class Server(AuthorizationServer):
    """The authorization server. It keeps nothing itself; everything of a request is in `flow()`."""

    def query_client(self, client_id) -> Party | None:
        return find_party(client_id)

    def authenticate_client(self, request, methods, endpoint="token") -> Party:
        party = flow().party
        if party is None or party.method not in methods:
            raise InvalidClientError(status_code=401, description=_printable(flow().refused))
        request.auth_method = party.method
        return party

    def create_oauth2_request(self, request) -> Request:
        return Request(flask_request)

    def generate_token(
        self, grant_type, client, user=None, scope=None, expires_in=None, include_refresh_token=True
    ) -> dict:
        work, party = flow().work, client
        if isinstance(user, Token):
            if grant_type == "authorization_code":
                row = row_of(work, user.held.of_grant().grant_id)
                row.redeemed_at, row.redeemed_by = work.now, "app"
            return for_grant(work, party.client, user.held, Scopes.parse(scope))
        scopes = party.allowed(scope or "")
        if not scopes:
            raise InvalidScopeError
        try:
            site = find_site(work, party.client.site_id or b"")
        except NotThere:
            site = None
        if site is None or not site.active:
            raise InvalidClientError(status_code=401, description="The site is switched off.")
        return for_site(work, party.client, site, scopes)

    def save_token(self, token, request) -> None:
        """It is stored already."""

    def handle_response(self, status_code, payload, headers):
        response = super().handle_response(status_code, payload, headers)
        if response.location:  # RFC 9207 2: success and error alike say who answers
            response.location = add_params_to_uri(response.location, {"iss": settings().base_url})
        return response


def _printable(words: str) -> str:
    """Error descriptions hold no quotes, no backslashes and nothing outside ASCII (RFC 6749 5.2)."""
    return re.sub(r"[^ !#-\[\]-~]", "", words)


@dataclass(frozen=True, slots=True)
class Asking:
    """An authorization request that is in order; `grant` is Authlib's, which will write the answer."""

    grant: grants.AuthorizationCodeGrant
    party: Party
    scopes: Scopes
    redirect_uri: str


def token_response() -> Response:
    """The answer of the token endpoint."""
    return _server.create_token_response()


def asking() -> Asking | Response | None:
    """The authorization request in hand; the way back to the app with an error; None where the app is not known."""
    try:
        grant = _server.get_consent_grant(end_user=None)
    except OAuth2Error as problem:
        return error_response(problem) if problem.redirect_uri else None
    except ValueError:  # a parameter with letters that may not even stand in an error
        return None
    return Asking(grant, grant.request.client, Scopes.parse(grant.request.scope), grant.redirect_uri)


def decided(asked: Asking, decision: Decision | None) -> Response:
    """Back to the app: with a code, or with the news that the patient said no."""
    return _server.create_authorization_response(grant_user=decision, grant=asked.grant)


def error_response(problem: OAuth2Error) -> Response:
    """An error as the protocol writes it."""
    return _server.handle_error_response(None, problem)


def _make_server() -> Server:
    made = Server()
    made.register_grant(CodeGrant, [AskedRightly(required=True)])
    made.register_grant(RefreshGrant)
    made.register_grant(SiteGrant)
    return made


_server = _make_server()
