"""
AuditEvent: what happened with a record, as its chain of events tells it (R4; IHE Basic Audit shapes, DICOM PS3.15).

The chain holds pseudonymous identifiers only, so an event tells who by identifier, and by name where the asker knows
it. Every event says in a subtype of ours what it was, beside the code that the standards have for it.
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from fhir_gateway.resources.codes import DCM, PARTICIPATION
from vault.audit import Did, Event

Json = dict[str, Any]

OURS = "urn:keepray:event"
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE_ROLE, DESTINATION_ROLE = "110153", "110152"
FAILED = frozenset({Did.SIGN_IN_FAILED, Did.CLAIM_FAILED, Did.REDEEM_FAILED, Did.TOKEN_REUSED})
PAPERS = frozenset({"DiagnosticReport", "DocumentReference", "Binary", "Observation"})


@dataclass(frozen=True, slots=True)
class Form:
    """How the standards write a kind of event: type, subtype, action (C, R, U, D, E)."""

    type: tuple[str, str]
    action: str
    subtype: tuple[str, str] | None = None


_REST = (TYPES, "rest")
_LOGIN, _SECURITY, _USERS = (DCM, "110114"), (DCM, "110113"), (DCM, "110137")
_EXPORT, _IMPORT = (DCM, "110106"), (DCM, "110107")
_FORMS: dict[Did, Form] = {
    Did.READ: Form(_REST, "R", (INTERACTION, "read")),
    Did.VIEWED: Form(_REST, "R", (INTERACTION, "read")),
    Did.SEARCHED: Form(_REST, "E", (INTERACTION, "search-type")),
    Did.RECEIVED: Form(_IMPORT, "C", (INTERACTION, "create")),
    Did.REPORT_RECEIVED: Form(_IMPORT, "C", (INTERACTION, "create")),
    Did.SAVED_COPY: Form(_EXPORT, "R", (LIFECYCLE, "disclose")),
    Did.PRINTED: Form(_EXPORT, "R"),
    Did.SIGNED_IN: Form(_LOGIN, "E", (DCM, "110122")),
    Did.SIGN_IN_FAILED: Form(_LOGIN, "E", (DCM, "110122")),
    Did.RECOVERY_USED: Form(_LOGIN, "E", (DCM, "110122")),
    Did.SIGNED_OUT: Form(_LOGIN, "E", (DCM, "110123")),
    Did.SIGNED_OUT_EVERYWHERE: Form(_LOGIN, "E", (DCM, "110123")),
    Did.SIGNED_UP: Form(_SECURITY, "C", _USERS),
    Did.PASSWORD_CHANGED: Form(_SECURITY, "U", _USERS),
    Did.CODE_APP_ADDED: Form(_SECURITY, "U", _USERS),
    Did.RECOVERY_MADE: Form(_SECURITY, "U", _USERS),
    Did.FORGOT_STUDY: Form((DCM, "110105"), "D"),
    Did.ERASED: Form((DCM, "110105"), "D"),
}
_ELSE = Form(_SECURITY, "E")
_GRANTS = frozenset({Did.GAVE, Did.ENDED_GRANT, Did.REDEEMED, Did.OPENED, Did.TOKEN_ISSUED, Did.TOKEN_REFRESHED})
_STUDIES = frozenset({Did.VIEWED, Did.RECEIVED, Did.REPORT_RECEIVED, Did.SAVED_COPY, Did.PRINTED, Did.FORGOT_STUDY})


@dataclass(frozen=True, slots=True)
class Telling:
    """What is needed to draw events: whose they are, where we are, and what to call whoever acted (by id or grant)."""

    patient: str
    base: str
    host: str
    brand: str
    names: dict[bytes, str]


def to_fhir(event: Event, event_id: str, telling: Telling) -> Json:
    """One event."""
    form = _FORMS.get(event.did, _ELSE)
    subtypes = [{"system": form.subtype[0], "code": form.subtype[1]}] if form.subtype else []
    return {
        "resourceType": "AuditEvent",
        "id": event_id,
        "type": {"system": form.type[0], "code": form.type[1]},
        "subtype": [*subtypes, {"system": OURS, "code": event.did.value}],
        "action": form.action,
        "recorded": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "outcome": "4" if event.did in FAILED else "0",
        "agent": _agents(event, form, telling),
        "source": {"observer": {"display": telling.brand}, "site": telling.host},
        "entity": _entities(event, telling),
    }


# --- who -------------------------------------------------------------------------------------------------------------


def _agents(event: Event, form: Form, telling: Telling) -> list[Json]:
    """The program that asked, this server, and the person. Of a read the program is the destination; of a question or
    of what is brought it is the source (IHE Basic Audit).
    """
    asks, serves = DESTINATION_ROLE, SOURCE_ROLE
    if form.action != "R":
        asks, serves = serves, asks
    user = _user(event, telling)
    client: Json = {"type": _role(asks), "who": _client(event), "requestor": user is None}
    if event.by.kind in ("app", "site") and (name := telling.names.get(event.by.id or b"")):
        client["name"] = name
    server: Json = {
        "type": _role(serves),
        "who": {"display": telling.brand},
        "requestor": False,
        "network": {"address": telling.host, "type": "1"},
    }
    return [client, server, *([user] if user is not None else [])]


def _role(code: str) -> Json:
    return {"coding": [{"system": DCM, "code": code}]}


def _client(event: Event) -> Json:
    by = event.by
    if by.kind == "site" and by.id is not None:
        return {"reference": f"Organization/{by.id.hex()}"}
    if by.kind == "app" and by.id is not None:
        return {"identifier": {"value": by.id.hex()}}
    return {"display": {"system": "this server", "operator": "the operator"}.get(by.kind, "a web browser")}


def _user(event: Event, telling: Telling) -> Json | None:
    """The person: the patient, also where an app acts for them, or someone the patient chose."""
    by = event.by
    if by.kind in ("site", "operator", "system"):
        return None
    who: Json = {"reference": f"Patient/{telling.patient}"}
    made: Json = {"type": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]}, "requestor": True}
    if by.kind in ("provider", "guest"):
        who = {"identifier": {"value": (by.id or by.via or b"").hex() or "unknown"}}
        if name := telling.names.get(by.via or b""):
            made["name"] = name
    if by.via is not None:
        made["policy"] = [f"{telling.base}/Consent/{by.via.hex()}"]
    return made | {"who": who}


# --- what ------------------------------------------------------------------------------------------------------------


def _entities(event: Event, telling: Telling) -> list[Json]:
    patient = {"reference": f"Patient/{telling.patient}"}
    made: list[Json] = [{"what": patient, "type": _kind("1"), "role": _part("1")}]
    if event.did is Did.SEARCHED:
        asked = str(event.detail.get("asked") or event.detail.get("type") or "")
        raw = f"{telling.base}/{asked}" if asked else telling.base
        made.append({"type": _kind("2"), "role": _part("24"), "query": b64encode(raw.encode()).decode("ascii")})
    elif (reference := _data(event)) is not None:
        papers = reference.partition("/")[0] in PAPERS
        made.append({"what": {"reference": reference}, "type": _kind("2"), "role": _part("3" if papers else "4")})
    return made


def _data(event: Event) -> str | None:
    """What it was done to, as far as it is a resource."""
    if event.to is None:
        return None
    if event.did is Did.READ:
        return f"{event.detail.get('type') or 'ImagingStudy'}/{event.to.hex()}"
    if event.did in _GRANTS:
        return f"Consent/{event.to.hex()}"
    return f"ImagingStudy/{event.to.hex()}" if event.did in _STUDIES else None


def _kind(code: str) -> Json:
    return {"system": ENTITY_TYPE, "code": code}


def _part(code: str) -> Json:
    return {"system": ENTITY_ROLE, "code": code}
