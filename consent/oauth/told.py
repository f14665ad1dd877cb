"""What the authorization server tells: of itself and its keys to everyone, of who signed in to the app they let in."""

from typing import Any

from flask import Response, request

from consent import signing_keys
from consent.asking import from_header
from consent.deployment import reading, services, settings
from consent.errors import Area, ScopeTooSmall, SignInNeeded
from consent.guards import for_clients
from consent.oauth import machines, well_known
from consent.oauth.discovery import REGISTER, address_of, discovery, openid_configuration, server_metadata
from consent.oauth.flow import answer
from consent.oauth.identity import claims_of
from consent.registered import find_client
from consent.scopes import SIGN_IN


def smart_configuration() -> dict[str, Any]:
    """The SMART configuration of this deployment."""
    return discovery(settings().base_url) | _offered()


def _offered() -> dict[str, str]:
    """What is there only where the operator wants it."""
    return {"registration_endpoint": address_of(settings().base_url, REGISTER)} if settings().open_registration else {}


_KEPT = "public, max-age=300"


@machines.get("/jwks.json")
@for_clients("public keys")
def keys() -> Response:
    """The public halves of the keys that id tokens are signed with (RFC 7517); access tokens are no JWTs."""
    signing_keys.make_sure(services())
    with reading() as w:
        return _for_a_while({"keys": signing_keys.published(w)})


@well_known.get("/.well-known/oauth-authorization-server")
@for_clients("says where to ask")
def metadata() -> Response:
    """What the authorization server says of itself (RFC 8414)."""
    return _for_a_while(server_metadata(settings().base_url) | _offered())


@well_known.get("/.well-known/openid-configuration")
@for_clients("says where to ask")
def openid() -> Response:
    """The same for OpenID Connect (Discovery 1.0, 4)."""
    return _for_a_while(openid_configuration(settings().base_url) | _offered())


@machines.route("/userinfo", methods=["GET", "POST"])
@for_clients("an app brings the token of whoever it asks about")
def userinfo() -> Response:
    """Who let the app in, as its id token said (OpenID Connect Core 5.3)."""
    if "Authorization" not in request.headers:
        raise SignInNeeded(Area.PATIENT)
    asker = from_header()
    if SIGN_IN not in asker.scopes or asker.vault_id is None:
        raise ScopeTooSmall(SIGN_IN)
    with reading() as w:
        client = find_client(w, asker.client_id or "")
        told = claims_of(w, client, asker.vault_id, scopes=asker.scopes, issuer=settings().base_url)
    return answer({name: value for name, value in told.items() if name != "iss"})


def _for_a_while(body: dict[str, Any]) -> Response:
    response = answer(body)
    response.headers["Cache-Control"] = _KEPT
    del response.headers["Pragma"]
    return response
