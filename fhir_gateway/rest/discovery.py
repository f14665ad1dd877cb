"""What this server can do, told to everyone (R4 capabilities; SMART App Launch 2.2, discovery)."""

from importlib.metadata import version

import orjson
from flask import Response, current_app

from consent.guards import for_clients
from consent.oauth.told import smart_configuration as told
from fhir_gateway.resources import capability
from fhir_gateway.rest.answers import answer, blueprint, check_accepted, links

FOR_EVERYONE = "it names addresses and abilities, and nobody's data"
STATED_ON = "2026-03-01"


@blueprint.get("/metadata")
@for_clients(FOR_EVERYONE)
def metadata() -> Response:
    """The CapabilityStatement."""
    check_accepted()
    brand = current_app.extensions["settings"].brand
    made = capability.to_fhir(links(), name=brand, version=version("keepray"), date=STATED_ON, discovery=_discovery())
    return _open(answer(made))


@blueprint.get("/.well-known/smart-configuration")
@for_clients(FOR_EVERYONE)
def smart_configuration() -> Response:
    """The SMART configuration, JSON whatever is accepted."""
    return _open(Response(orjson.dumps(_discovery()), content_type="application/json"))


def _discovery() -> dict[str, object]:
    return told()


def _open(made: Response) -> Response:
    made.headers["Cache-Control"] = "public, max-age=300"
    return made
