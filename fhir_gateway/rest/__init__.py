"""FHIR R4 over HTTP: what sites push and ask, and what readers read and search.

`blueprint` has all routes, made when first asked for.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "SlipFacts":
        from fhir_gateway.rest.slips import SlipFacts  # noqa: PLC0415

        return SlipFacts
    if name != "blueprint":
        raise AttributeError(name)
    from fhir_gateway.rest import claims, create, discovery, everything, export, read, search, unknown  # noqa: F401, PLC0415
    from fhir_gateway.rest.answers import blueprint  # noqa: PLC0415

    return blueprint
