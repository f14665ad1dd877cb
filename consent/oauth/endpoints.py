"""The addresses that software asks about tokens: token, introspection, revocation."""

from collections.abc import Callable

from flask import Response, request

from consent import grants, tokens
from consent.deployment import settings, work
from consent.errors import ClientRefused, TokenRefused
from consent.guards import for_clients
from consent.oauth import machines
from consent.oauth.asked import is_ours
from consent.oauth.callers import Party, identify
from consent.oauth.discovery import SHARE_CODE
from consent.oauth.flow import NOT_KEPT, Flow, answer, begin, flow, refuse
from consent.oauth.identity import claims_of
from consent.oauth.issuing import context_of
from consent.oauth.server import OAuth2Error, error_response, token_response
from consent.oauth.share_code import redeem_by_software
from consent.refusals import refusal_of
from consent.registered import INTROSPECT, PUBLIC, client_of
from consent.scopes import SIGN_IN
from consent.tables import TokenRow
from consent.tokens import Bearer, Held, Kind
from vault import audit
from vault.audit import Actor, Did
from vault.database import Work
from vault.errors import Expired, NotThere, StoreAway, Wait
from vault.keyring import Owner, OwnerKind
from vault.sealing.errors import Busy
from vault.sharing import limits

_KINDS = (Kind.ACCESS, Kind.REFRESH, Kind.SITE)
_HINTS = {"access_token", "refresh_token"}


@machines.post("/token")
@for_clients("a client says itself who it is")
def token() -> Response:
    """Tokens for codes, refresh tokens, signed assertions and share codes (RFC 6749 3.2)."""
    if request.form.get("resource") and not is_ours(request.form["resource"]):
        return refuse(400, "invalid_target", "Tokens of this server are for its own FHIR base.")  # RFC 8707 2
    if request.form.get("grant_type") == SHARE_CODE:
        return _answered(redeem_by_software)
    return _answered(lambda party, refused: _in_one_work(party, refused, token_response))


@machines.post("/introspect")
@for_clients("a client says itself who it is, or brings a token of its own")
def introspect() -> Response:
    """What a token is worth (RFC 7662). Whatever is not the caller's business is not active."""
    return _answered(lambda party, refused: _in_one_work(party, refused, _introspected))


@machines.post("/revoke")
@for_clients("a client says itself who it is")
def revoke() -> Response:
    """A token and all that came of the same decision open nothing any more (RFC 7009)."""
    return _answered(lambda party, refused: _in_one_work(party, refused, _revoked))


# --- one frame for all -----------------------------------------------------------------------------------------------


class _Undo(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


def _answered(make: Callable[[Party | None, str], Response]) -> Response:
    if request.query_string:
        return refuse(400, "invalid_request", "Parameters belong in the body.")
    if request.mimetype != "application/x-www-form-urlencoded":
        return refuse(400, "invalid_request", "The body is application/x-www-form-urlencoded.")
    if any(len(values) > 1 for _, values in request.form.lists()):
        return refuse(400, "invalid_request", "Each parameter is sent once.")
    try:
        try:
            party, refused = identify(), ""
        except ClientRefused as problem:
            party, refused = None, problem.reason
        response = make(party, refused)
    except (Wait, Busy, StoreAway) as problem:
        return _later(problem)
    except (Expired, NotThere):  # the patient stopped it while this was on its way
        return refuse(400, "invalid_grant", "The sharing has ended.")
    response.headers.update(NOT_KEPT)
    return response


def _in_one_work(party: Party | None, refused: str, make: Callable[[], Response]) -> Response:
    """A refusal takes back what was begun, except where it had to write: a secret used twice."""
    try:
        with work() as w:
            begun = begin(w, party, refused)
            response = make()
            _undo_unless_kept(begun, response)
    except _Undo as undone:
        return undone.response
    except OAuth2Error as problem:
        return error_response(problem)
    return response


def _undo_unless_kept(begun: Flow, response: Response) -> None:
    if response.status_code >= 400 and not begun.keep:
        raise _Undo(response)


def _later(problem: Wait | Busy | StoreAway) -> Response:
    found = refusal_of(problem)
    assert found is not None
    response = refuse(found.status, "temporarily_unavailable", found.words)
    response.headers.update(found.headers)
    return response


# --- introspection ---------------------------------------------------------------------------------------------------


def _introspected() -> Response:
    begun = flow()
    asking = _asker(begun)
    if asking is None:
        return refuse(401, "invalid_client", begun.refused or "The client has to authenticate.")
    if "token" not in request.form:
        return refuse(400, "invalid_request", "token is missing.")
    held = _held(begun, request.form["token"])
    if held is None or not _may_ask(asking, held.row):
        return answer({"active": False})
    return answer(_facts_of(begun, held))


def _asker(begun: Flow) -> Party | None:
    """The client that authenticated, or the client whose own access token is in the header (SMART, introspection)."""
    if begun.party is not None:
        return None if begun.party.method == PUBLIC else begun.party
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    held = _held(begun, text.strip()) if scheme.lower() == "bearer" else None
    if held is None or held.row.client is None or held.row.kind == Kind.REFRESH:
        return None
    return Party(client_of(begun.work, held.row.client))


def _may_ask(asking: Party, row: TokenRow) -> bool:
    return row.client == asking.client.id or INTROSPECT in asking.client.rights


def _held(begun: Flow, text: str) -> Held | None:
    bearer = Bearer.read(text, *_KINDS)
    if bearer is None:
        return None
    try:
        return tokens.open_bearer(begun.work, bearer)
    except TokenRefused:
        return None


def _facts_of(begun: Flow, held: Held) -> dict[str, object]:
    row, client = held.row, client_of(begun.work, held.row.client or b"")
    facts: dict[str, object] = {
        "active": True,
        "scope": row.scope,
        "client_id": client.client_id,
        "exp": int(row.expires.timestamp()),
        "iat": int(row.issued.timestamp()),
    }
    if row.kind != Kind.REFRESH:
        facts |= {"token_type": "Bearer"}
    if row.grant is not None:
        vault_id = limits(begun.work, row.grant).vault_id
        facts |= context_of(begun.work, row.family, vault_id)
        if SIGN_IN in held.scopes:
            facts |= claims_of(begun.work, client, vault_id, scopes=held.scopes, issuer=settings().base_url)
    return facts


# --- revocation ------------------------------------------------------------------------------------------------------


def _revoked() -> Response:
    begun = flow()
    if begun.party is None:
        return refuse(401, "invalid_client", begun.refused or "The client has to authenticate.")
    if "token" not in request.form:
        return refuse(400, "invalid_request", "token is missing.")
    if request.form.get("token_type_hint", "access_token") not in _HINTS:
        return refuse(400, "unsupported_token_type", "Access and refresh tokens can be revoked.")
    row = tokens.find(begun.work, request.form["token"], *_KINDS)
    if row is None:
        return Response(status=200)
    if row.client != begun.party.client.id:
        return refuse(400, "invalid_grant", "The token was issued to another client.")
    _give_back(begun.work, row)
    return Response(status=200)


def _give_back(w: Work, row: TokenRow) -> None:
    if row.grant is None:
        tokens.end_family(w, row.family)
        return
    grants.give_back(w, row.grant, row.family)
    owner = Owner(OwnerKind.VAULT, limits(w, row.grant).vault_id)
    by = Actor("app", row.client, row.grant)
    audit.record(w, owner=owner, did=Did.TOKEN_REVOKED, by=by, to=row.grant)
