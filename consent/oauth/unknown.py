"""What programs are told below /oauth where there is nothing, or where something went wrong: JSON, never a page."""

from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException

from consent.guards import for_clients
from consent.oauth import machines
from consent.oauth.flow import refuse
from consent.refusals import refusal_of

_CODES = {
    401: "invalid_token", 403: "insufficient_scope", 429: "temporarily_unavailable", 500: "server_error",
    503: "temporarily_unavailable",
}  # fmt: skip
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@machines.route("/<path:_rest>", methods=list(_METHODS))
@for_clients("it only says that there is nothing")
def nothing_here(_rest: str) -> Response:
    """405 for an address that is asked in another way, 404 for all else."""
    allowed = [method for method in _METHODS if _answers(method)]
    if not allowed:
        return refuse(404, "invalid_request", "There is nothing at this address.")
    response = refuse(405, "invalid_request", f"This address is asked by {' or '.join(allowed)}.")
    response.headers["Allow"] = ", ".join(allowed)
    return response


def _answers(method: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    endpoint, _ = adapter.match(request.path, method=method)  # which is this route where there is no other
    return endpoint != request.endpoint


@machines.errorhandler(Exception)
def refuse_problem(problem: Exception) -> Response:
    """What went wrong, as an OAuth error (RFC 6749 5.2); a fault of ours says nothing but that it was one."""
    if isinstance(problem, HTTPException) and problem.code is not None and problem.code < 500:
        return refuse(problem.code, "invalid_request", problem.name)
    found = refusal_of(problem)
    if found is not None:
        response = refuse(found.status, _CODES.get(found.status, "invalid_request"), found.words)
        response.headers.update(found.headers)
        return response
    current_app.logger.error("a request to the authorization server failed: %s", type(problem).__name__)
    if current_app.testing:
        raise problem
    return refuse(500, "server_error", "Something went wrong here.")
