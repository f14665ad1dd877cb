"""Apps register themselves, where the operator allows it (RFC 7591), and change or end that (RFC 7592)."""

import json
from collections.abc import Callable

from flask import Response, request

from consent import clients, registration
from consent.deployment import reach, services, settings, source, work
from consent.errors import BadRegistration, UnknownClient
from consent.guards import for_clients
from consent.oauth import machines
from consent.oauth.discovery import REGISTER, address_of
from consent.oauth.flow import answer, refuse
from consent.registration import ITSELF, Registered, Wanted
from consent.tables import ClientRow
from consent.throttle import allow_registration, allow_token_request
from vault.database import Work

LONGEST = 64 * 1024


@machines.post("/register")
@for_clients("an app says of itself what it is; patients are told that nobody checked it")
def register() -> Response:
    """A client of one's own (RFC 7591 3)."""
    if not settings().open_registration:
        return refuse(404, "invalid_request", "Apps are registered by the operator here.")
    allow_registration(services(), address=source())
    try:
        wanted = _wanted()
        with work() as w:
            made = registration.register(w, wanted, reach=reach())
            return answer(_with_secrets(made), 201)
    except BadRegistration as problem:
        return _bad(problem)


@machines.route("/register/<client_id>", methods=["GET", "PUT", "DELETE"])
@for_clients("an app brings the token of its registration")
def registered(client_id: str) -> Response:
    """The registration: told, replaced or ended (RFC 7592 2)."""
    allow_token_request(services(), client_id="", address=source())
    doing: dict[str, Callable[[Work, ClientRow, str], Response]] = {
        "GET": lambda _, row, token: answer(_with_secrets(Registered(row, token=token))),
        "HEAD": lambda _, row, token: answer(_with_secrets(Registered(row, token=token))),
        "PUT": _replaced,
        "DELETE": _ended,
    }
    try:
        with work() as w:
            token = _token()
            return doing[request.method](w, registration.find_registered(w, client_id, token), token)
    except BadRegistration as problem:
        return _bad(problem)
    except UnknownClient:
        return _opens_nothing()


def _replaced(w: Work, row: ClientRow, token: str) -> Response:
    wanted = _wanted()
    if wanted.client_id != row.client_id:
        raise BadRegistration("invalid_client_metadata", "client_id is the one that was given")
    registration.change(w, row, wanted, reach=reach())
    return answer(_with_secrets(Registered(row, token=token)))


def _ended(w: Work, row: ClientRow, _token: str) -> Response:
    clients.switch_off(w, row.client_id, by=ITSELF)
    response = answer({}, 204)
    response.data = b""
    return response


def _wanted() -> Wanted:
    if request.mimetype != "application/json" or (request.content_length or 0) > LONGEST:
        raise BadRegistration("invalid_client_metadata", "the body is application/json, of at most 64 KiB")
    try:
        body: object = json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise BadRegistration("invalid_client_metadata", "the body is not JSON") from None
    return registration.parse(body)


def _token() -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _with_secrets(made: Registered) -> dict[str, object]:
    secret: dict[str, object] = {"client_secret_expires_at": 0}
    if made.secret is not None:
        secret["client_secret"] = made.secret
    return {
        **registration.told(made.row),
        **(secret if made.row.secret else {}),
        "registration_access_token": made.token,
        "registration_client_uri": f"{address_of(settings().base_url, REGISTER)}/{made.row.client_id}",
    }


def _bad(problem: BadRegistration) -> Response:
    return refuse(400, problem.error, f"Not registered: {problem.reason}.")


def _opens_nothing() -> Response:
    response = refuse(401, "invalid_token", "The registration token opens nothing.")
    response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response
