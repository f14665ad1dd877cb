"""Provenance: which site sent what, and when it came (R4; US Core Provenance: author and transmitter)."""

from typing import Any

Json = dict[str, Any]

PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
TRANSMITTER = {
    "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type",
    "code": "transmitter",
}


def of_sent(target: Json, *, sender: Json, drawn_from: str, brand: str) -> Json:
    """Where a resource came from; its id is the target's. `sender` refers to the site's Organization.

    `drawn_from` is the resource that this server drew it from, "" for what came as it is.
    """
    kind = target["resourceType"]
    agents = [_agent({"system": PARTICIPANT, "code": "author"}, sender), _agent(TRANSMITTER, sender)]
    made: Json = {
        "resourceType": "Provenance",
        "id": target["id"],
        "target": [{"reference": f"{kind}/{target['id']}"}],
        "recorded": target["meta"]["lastUpdated"],
        "activity": {"coding": [{"system": OPERATION, "code": "CREATE"}]},
        "agent": agents,
    }
    if drawn_from:
        made["agent"] = [*agents, _agent({"system": PARTICIPANT, "code": "assembler"}, {"display": brand})]
        made["entity"] = [{"role": "derivation", "what": {"reference": drawn_from}}]
    return made


def _agent(kind: Json, who: Json) -> Json:
    return {"type": {"coding": [kind]}, "who": who}
