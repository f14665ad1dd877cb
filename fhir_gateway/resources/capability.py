"""CapabilityStatement: what is served, drawn from the table that serves it (R4 CapabilityStatement)."""

from collections.abc import Mapping
from typing import Any

from fhir_gateway.links import Links
from fhir_gateway.resources.codes import RESTFUL_SECURITY, SMART_SERVER
from fhir_gateway.resources.kinds import KINDS, Kind
from fhir_gateway.resources.parameters import EVERYWHERE

Json = dict[str, Any]

_SMART_ADDRESSES = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


_SHORT = (
    ("authorize", "authorization"),
    ("token", "token"),
    ("introspect", "introspection"),
    ("revoke", "revocation"),
    ("manage", "management"),
    ("register", "registration"),
)


def to_fhir(links: Links, *, name: str, version: str, date: str, discovery: Mapping[str, Any]) -> Json:
    """The statement of this server; `discovery` is its smart-configuration."""
    addresses = [
        {"url": short, "valueUri": discovery[f"{name}_endpoint"]}
        for short, name in _SHORT
        if f"{name}_endpoint" in discovery
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": name, "version": version},
        "implementation": {"description": f"{name}: images and reports that a patient holds", "url": links.fhir},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/json"],
        "instantiates": [SMART_SERVER],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"url": _SMART_ADDRESSES, "extension": addresses}],
                    "cors": True,
                    "service": [{"coding": [{"system": RESTFUL_SECURITY, "code": "SMART-on-FHIR"}]}],
                },
                "resource": [_resource(kind) for kind in KINDS.values()],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(kind: Kind) -> Json:
    offered = {
        "read": kind.reads,
        "vread": kind.reads and kind.versions,
        "history-instance": kind.reads and kind.versions,
        "search-type": kind.searches,
        "create": kind.creates,
    }
    made: Json = {"type": kind.name}
    if kind.profile:
        made["supportedProfile"] = [kind.profile]
    made |= {
        "interaction": [{"code": code} for code, is_offered in offered.items() if is_offered],
        "versioning": "versioned" if kind.versions else "no-version",
        # What is drawn from what is kept has its present version alone; a report has all of them.
        "readHistory": kind.keeps_versions,
        "updateCreate": False,
        "conditionalCreate": kind.creates,
        "conditionalRead": "full-support",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "logical", "local"],
    }
    if kind.searches:
        made |= {
            "searchInclude": list(kind.includes),
            "searchRevInclude": list(kind.reverse_includes),
            "searchParam": [
                {"name": one.name, "type": one.kind, "definition": one.definition}
                for one in (*EVERYWHERE, *kind.params)
            ],
        }
    if kind.operations:
        made["operation"] = [{"name": name, "definition": definition} for name, definition in kind.operations.items()]
    return {name: value for name, value in made.items() if value != []}
