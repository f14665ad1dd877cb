"""Everything below the FHIR base that is not served says so in FHIR's words."""

from flask import Response

from consent.guards import for_clients
from fhir_gateway.outcome import Issue, Refusal
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.rest.answers import blueprint, refused

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_AT_THE_BASE = [method for method in _METHODS if method != "POST"]  # where bundles are sent
_READING = ("GET", "HEAD")


@blueprint.route("", methods=_AT_THE_BASE)
@blueprint.route("/", methods=_AT_THE_BASE)
@blueprint.route("/<path:_rest>", methods=_METHODS)
@for_clients("it only says that there is nothing")
def nothing_here(_rest: str = "") -> Response:
    """405 for what a type that is served does not offer, 404 for all else."""
    name, _, rest = _rest.partition("/")
    allowed = _allowed(KINDS[name], rest) if name in KINDS else ()
    issue = Issue("not-supported", "This is not offered here.")
    return refused(Refusal(405, issue, headers={"Allow": ", ".join(allowed)}) if allowed else Refusal(404, issue))


def _allowed(kind: Kind, rest: str) -> tuple[str, ...]:
    """What may be done at an address of the type; nothing where it is no address of a resource."""
    steps = rest.split("/") if rest else []
    if not steps:
        return _READING * kind.searches + ("POST",) * kind.creates
    if rest == "_search":
        return ("POST",)
    of_versions = kind.versions and steps[1:2] == ["_history"] and len(steps) <= 3
    return _READING if "$" not in rest and (len(steps) == 1 or of_versions) else ()
