"""Consent: a patient's grant as others' programs understand it (R4 Consent, IHE PCF Intermediate)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fhir_gateway.resources.codes import CONSENT_SCOPE, LOINC, PARTICIPATION, REASON
from vault.limits import GrantBounds

Json = dict[str, Any]

POLICY = "urn:keepray:policy:share:1"


def to_fhir(limits: GrantBounds, *, patient: str, who: str, brand: str, now: datetime, studies: Iterable[str]) -> Json:
    """One grant; `who` is what the patient calls the receiver, `studies` the ImagingStudy ids it names."""
    live = limits.ended is None and (limits.expires is None or now < limits.expires)
    period: Json = {"start": _moment(limits.not_before)}
    until = limits.ended or limits.expires
    if until is not None:
        period["end"] = _moment(until)
    return {
        "resourceType": "Consent",
        "id": limits.grant_id.hex(),
        "status": "active" if live else "inactive",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": _moment(limits.created),
        "performer": [{"reference": f"Patient/{patient}"}],
        "organization": [{"display": brand}],
        "policy": [{"uri": POLICY}],
        "provision": {
            "type": "permit",
            "period": period,
            "actor": [
                {
                    "role": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]},
                    "reference": {"display": who or "someone the patient chose"},
                }
            ],
            "purpose": [{"system": REASON, "code": "TREAT"}],
            "data": [{"meaning": "instance", "reference": {"reference": f"ImagingStudy/{study}"}} for study in studies],
        },
    }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
