"""Everything below the FHIR base that is not served says so in FHIR's words."""

from flask import Response

from consent.guards import for_clients
from fhir_gateway.outcome import Issue, Refusal
from fhir_gateway.resources.kinds import KINDS
from fhir_gateway.rest.answers import blueprint, refused

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_AT_THE_BASE = [method for method in _METHODS if method != "POST"]  # where bundles are sent


@blueprint.route("", methods=_AT_THE_BASE)
@blueprint.route("/", methods=_AT_THE_BASE)
@blueprint.route("/<path:_rest>", methods=_METHODS)
@for_clients("it only says that there is nothing")
def nothing_here(_rest: str = "") -> Response:
    """405 for what a type that is served does not offer, 404 for all else."""
    kind, _, rest = _rest.partition("/")
    if kind in KINDS and "/" not in rest and "$" not in rest:
        allowed = "GET, HEAD" if rest or not KINDS[kind].creates else "GET, HEAD, POST"
        return refused(Refusal(405, Issue("not-supported", "This is not offered here."), headers={"Allow": allowed}))
    return refused(Refusal(404, Issue("not-supported", "This is not offered here.")))
