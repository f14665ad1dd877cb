"""FHIR resources as sites send them."""

import base64
from typing import Any

from tests import factories

MRN_SYSTEM = "https://harbor.example.org/mrn"
PDF = b"%PDF-1.4\nwords of a report\n%%EOF\n"


def a_patient_resource(mrn: str = "MRN1", born: str = "1970-01-01", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": MRN_SYSTEM, "value": mrn}],
        "name": [{"family": "Example", "given": ["Ada"]}],
        "birthDate": born,
        "gender": "female",
    } | more


def a_study_resource(subject: str, study: str = "one", **more: Any) -> dict[str, Any]:
    uid = factories.a_uid("study", study)
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "subject": {"reference": subject},
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
    } | more


def an_attachment(octets: bytes = PDF, kind: str = "application/pdf", **more: Any) -> dict[str, Any]:
    return {"contentType": kind, "data": base64.b64encode(octets).decode()} | more


def a_report_resource(subject: str, study: str | None = None, **more: Any) -> dict[str, Any]:
    made = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"system": "http://loinc.org", "code": "LP29684-5"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "18748-4"}], "text": "CT chest"},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-01-05T09:30:00Z",
        "issued": "2026-01-05T12:00:00Z",
        "conclusion": "No acute finding.",
        "presentedForm": [an_attachment()],
    }
    if study is not None:
        made["imagingStudy"] = [{"reference": study}]
    return {name: value for name, value in (made | more).items() if value is not None}


def an_entry(resource: dict[str, Any], url: str, condition: str | None = None) -> dict[str, Any]:
    asked = {"method": "POST", "url": resource["resourceType"]}
    if condition:
        asked["ifNoneExist"] = condition
    return {"fullUrl": f"urn:uuid:{url}", "resource": resource, "request": asked}


def a_bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def a_push(study: str = "one", **report: Any) -> dict[str, Any]:
    """What a site sends for one study: patient, study, who wrote, where, and the report."""
    doctor = {"resourceType": "Practitioner", "name": [{"family": "Weiss", "given": ["Rae"], "prefix": ["Dr."]}]}
    house = {"resourceType": "Organization", "name": "Harbor Radiology"}
    order = {
        "resourceType": "ServiceRequest",
        "status": "completed",
        "intent": "order",
        "subject": {"reference": "urn:uuid:p"},
        "requester": {"reference": "urn:uuid:d"},
        "identifier": [
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                "value": "A123",
            }
        ],
    }
    told = {
        "basedOn": [{"reference": "urn:uuid:q"}],
        "resultsInterpreter": [{"reference": "urn:uuid:d"}],
        "performer": [{"reference": "urn:uuid:o"}],
    } | report
    return a_bundle(
        an_entry(a_patient_resource(), "p", f"identifier={MRN_SYSTEM}|MRN1"),
        an_entry(a_study_resource("urn:uuid:p", study), "s"),
        an_entry(a_report_resource("urn:uuid:p", "urn:uuid:s", **told), "r"),
        an_entry(order, "q"),
        an_entry(doctor, "d"),
        an_entry(house, "o"),
    )


def a_document_resource(subject: str, study_uid: str | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18748-4"}]},
        "subject": {"reference": subject},
        "date": "2026-01-05T12:00:00Z",
        "content": [{"attachment": an_attachment()}],
    }
    if study_uid is not None:
        made["context"] = {"related": [{"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{study_uid}"}}]}
    return made | more


def an_observation_resource(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging"},
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "21889-1"}], "text": "Size of nodule"},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-01-05T09:30:00Z",
        "valueQuantity": {"value": 4, "unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm"},
    } | more
