"""Which client is asking, and whether it is that client. Slow work is done here, before any transaction begins."""

from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote_plus

from flask import request

from consent.deployment import kept, reading, services, settings, source, work
from consent.errors import BadScope, ClientRefused, UnknownClient
from consent.oauth import assertion
from consent.oauth.discovery import SHARE_CODE, TOKEN, address_of
from consent.registered import APP, PUBLIC, SECRET, SIGNED, SITE, Client, client_of, find_client, stretch_for_nobody
from consent.scopes import SIGN_IN, TELL_WHO, Scopes
from consent.throttle import allow_token_request
from consent.tokens import Kind, find

_GRANTS = {APP: {"authorization_code", "refresh_token", SHARE_CODE}, SITE: {"client_credentials"}}


@dataclass(frozen=True, slots=True)
class Party:
    """A client as a flow sees it. `method` is how it showed who it is; None where it was only named."""

    client: Client
    method: str | None = None

    @property
    def client_id(self) -> str:
        """The public identifier."""
        return self.client.client_id

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether this kind of client uses this flow."""
        return grant_type in _GRANTS[self.client.kind]

    def check_response_type(self, response_type: str) -> bool:
        """Whether this kind of client asks patients."""
        return self.client.kind == APP and response_type == "code"

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the client may be sent back there."""
        return self.client.returns_to(redirect_uri)

    def get_default_redirect_uri(self) -> None:
        """There is none: every request names its own."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What of `scope` the client may have; None if that is nothing."""
        allowed = self.allowed(scope or "")
        return str(allowed) if allowed else None

    def allowed(self, scope: str) -> Scopes:
        """The same, parsed. What cannot be kept, unknown scopes and filters, is left out."""
        try:
            found = Scopes.asked(scope).kept().narrowed(self.client.scopes)
        except BadScope:
            return Scopes()
        return found if SIGN_IN in found else found.without(*TELL_WHO)


def find_party(client_id: str) -> Party | None:
    """The active client of this name, which has shown nothing yet."""
    with reading() as w:
        try:
            return Party(find_client(w, client_id))
        except UnknownClient:
            return None


def identify() -> Party:
    """The client that sent this form. Raises `ClientRefused`, `Wait`."""
    ways = [way for way in (_basic(), _posted(), _signed()) if way is not None]
    if len(ways) > 1:
        raise ClientRefused("Authenticate in one way, not in several.")
    if not ways:
        return _named(request.form.get("client_id") or _refreshing())
    way, client_id, proof = ways[0]
    return _proven(way, client_id, proof)


def _counted(client_id: str) -> Party | None:
    """The client of this name, one request of it counted. Raises `Wait`."""
    party = find_party(client_id) if client_id else None
    allow_token_request(services(), client_id="" if party is None else client_id, address=source())
    return party


def _named(client_id: str) -> Party:
    party = _counted(client_id)
    if party is None or party.client.auth != PUBLIC:
        raise ClientRefused("The client has to authenticate.")
    return Party(party.client, PUBLIC)


def _refreshing() -> str:
    """Whose refresh token is in the form: many an app without a secret leaves its name out when it refreshes."""
    if request.form.get("grant_type") != "refresh_token":
        return ""
    with reading() as w:
        row = find(w, request.form.get("refresh_token", ""), Kind.REFRESH)
        try:
            return "" if row is None else client_of(w, row.client or b"").client_id
        except UnknownClient:
            return ""


def _proven(way: str, client_id: str, proof: str) -> Party:
    party = _counted(client_id)
    if way == SIGNED:
        _check_signed(party, assertion.read_assertion(proof))
    elif party is None:
        stretch_for_nobody(proof, services().secrets)
    if party is None:
        raise ClientRefused("The client could not be authenticated.")
    wanted = SIGNED if way == SIGNED else SECRET
    if party.client.auth != wanted:
        raise ClientRefused("The client was not registered for this way to authenticate.")
    if wanted == SECRET and not party.client.has_secret(proof, services().secrets):
        raise ClientRefused("The client could not be authenticated.")
    if request.form.get("client_id", client_id) != client_id:
        raise ClientRefused("client_id names another client.")
    return Party(party.client, way)


def _check_signed(party: Party | None, sent: assertion.Assertion) -> None:
    if party is None or party.client.auth != SIGNED:
        raise ClientRefused("The client could not be authenticated.")
    audience = address_of(settings().base_url, TOKEN)
    assertion.check_assertion(sent, party.client, kept().key_sets, audience=audience, now=services().clock.now())
    with work() as w:  # used from now on, whatever comes of the request
        assertion.note_assertion(w, sent)


def _basic() -> tuple[str, str, str] | None:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = b64decode(sent.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise ClientRefused("The Authorization header is not Basic.") from None
    return "client_secret_basic", unquote_plus(client_id), unquote_plus(secret)


def _posted() -> tuple[str, str, str] | None:
    secret = request.form.get("client_secret")
    return None if secret is None else ("client_secret_post", request.form.get("client_id", ""), secret)


def _signed() -> tuple[str, str, str] | None:
    text, kind = request.form.get("client_assertion"), request.form.get("client_assertion_type")
    if text is None and kind is None:
        return None
    if kind != assertion.TYPE:
        raise ClientRefused("The client_assertion_type is not known.")
    return SIGNED, assertion.read_assertion(text or "").client_id, text or ""
