"""Everything below the DICOMweb base that is not served says so in its own form, not in a page's."""

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from consent.guards import for_clients
from fhir_gateway.dicomweb.answers import blueprint

_READING = ["GET", "HEAD"]


@blueprint.route("/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@for_clients("it only says that there is nothing")
def nothing_here(_rest: str) -> Response:
    """404 for what is nowhere; 405 where something is asked to change, since objects are stored and never changed."""
    if request.method in _READING:
        raise NotFound
    raise MethodNotAllowed(valid_methods=_READING)
