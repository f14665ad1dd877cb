"""FHIR as sites send it: a transaction with the patient, the study and the report."""

import base64
from typing import Any

from tests.factories import Person, a_uid

Json = dict[str, Any]
LOINC = "http://loinc.org"


def an_identifier(value: str, system: str = "") -> Json:
    return {"value": value, **({"system": system} if system else {})}


def a_patient(person: Person) -> Json:
    family, _, given = person.name.partition("^")
    born = person.born
    return {
        "resourceType": "Patient",
        "identifier": [an_identifier(person.mrn, person.issuer)],
        "name": [{"family": family, **({"given": given.split("^")} if given else {})}],
        **({"birthDate": f"{born[:4]}-{born[4:6]}-{born[6:]}"} if born else {}),
    }


def a_study(uid: str, description: str = "CT of the chest") -> Json:
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        "subject": {"reference": "urn:uuid:7d1ee1b4-0000-4000-8000-000000000001"},
        "started": "2026-01-05",
        "description": description,
    }


def a_report(
    conclusion: str = "No acute finding.", *, pdf: bytes = b"", text: str = "", number: str = "R-1", html: str = ""
) -> Json:
    forms = [("application/pdf", pdf), ("text/plain", text.encode()), ("text/html", html.encode())]
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "identifier": [{"system": "urn:example:reports", "value": number}],
        "category": [{"coding": [{"system": LOINC, "code": "LP29684-5"}]}],
        "code": {"coding": [{"system": LOINC, "code": "18748-4"}], "text": "CT of the chest"},
        "subject": {"reference": "urn:uuid:7d1ee1b4-0000-4000-8000-000000000001"},
        "imagingStudy": [{"reference": "urn:uuid:7d1ee1b4-0000-4000-8000-000000000002"}],
        "issued": "2026-01-05T12:00:00+01:00",
        "conclusion": conclusion,
        "presentedForm": [
            {"contentType": kind, "title": "Report", "data": base64.b64encode(octets).decode()}
            for kind, octets in forms
            if octets
        ],
    }


def a_transaction(person: Person, study: str, report: Json | None = None) -> Json:
    """The bundle of one study; `study` names it as in `factories`."""
    resources = [
        ("urn:uuid:7d1ee1b4-0000-4000-8000-000000000001", a_patient(person)),
        ("urn:uuid:7d1ee1b4-0000-4000-8000-000000000002", a_study(a_uid("study", study))),
        *([("urn:uuid:7d1ee1b4-0000-4000-8000-000000000003", report)] if report else []),
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(url, one) for url, one in resources]}


def _entry(url: str, resource: Json) -> Json:
    identifier = resource["identifier"][0]
    condition = f"identifier={identifier.get('system', '')}|{identifier['value']}"
    return {
        "fullUrl": url,
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"], "ifNoneExist": condition},
    }


def parameters(**values: Any) -> Json:
    """A Parameters resource: strings, whole numbers, identifiers."""
    kinds = {str: "valueString", int: "valueInteger", dict: "valueIdentifier"}
    listed = [
        {"name": name, ("valueDate" if name == "birthDate" else kinds[type(value)]): value}
        for name, value in values.items()
        if value is not None
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def values_of(parameters: Json) -> dict[str, Any]:
    """The values in a Parameters resource by name."""
    return {
        one["name"]: next(value for name, value in one.items() if name.startswith("value"))
        for one in parameters["parameter"]
    }
