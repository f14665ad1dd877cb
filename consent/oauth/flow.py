"""What one request to the authorization server has at hand, and how its answers are written."""

from dataclasses import dataclass
from typing import Any, cast

from flask import Response, g, jsonify

from consent.oauth.callers import Party
from vault.database import Work

NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(slots=True)
class Flow:
    """The unit of work, the client that showed who it is, or why it could not; `keep` commits even a refusal."""

    work: Work
    party: Party | None = None
    refused: str = "The client has to authenticate."
    keep: bool = False


def begin(work: Work, party: Party | None, refused: str) -> Flow:
    """From now on `flow()` answers this."""
    found = Flow(work, party, refused)
    g.flow = found
    return found


def flow() -> Flow:
    """The flow of this request."""
    return cast("Flow", g.flow)


def answer(body: dict[str, Any], status: int = 200) -> Response:
    """A JSON answer that nobody keeps."""
    response = jsonify(body)
    response.status_code = status
    response.headers.update(NOT_KEPT)
    return response


def refuse(status: int, error: str, description: str) -> Response:
    """An OAuth error (RFC 6749 5.2)."""
    response = answer({"error": error, "error_description": description}, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="oauth"'
    return response
