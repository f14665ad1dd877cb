"""Endpoint: where the pictures are (R4 Endpoint, SMART Imaging Access). Never a token in it."""

from typing import Any

from fhir_gateway.resources.codes import ENDPOINT_KIND, ENDPOINT_PAYLOAD, NEEDS_TOKEN

Json = dict[str, Any]

ENDPOINT_ID = "dicomweb"  # one server, one endpoint: the same for all, and it says nothing of anyone


def to_fhir(address: str) -> Json:
    """The endpoint as a resource of its own."""
    return _endpoint(ENDPOINT_ID, address)


def contained(address: str) -> Json:
    """The same inside an ImagingStudy, which refers to it as `#e`."""
    return _endpoint("e", address)


def _endpoint(endpoint_id: str, address: str) -> Json:
    return {
        "resourceType": "Endpoint",
        "id": endpoint_id,
        "extension": [{"url": url, "valueBoolean": True} for url in NEEDS_TOKEN],
        "status": "active",
        "connectionType": {"system": ENDPOINT_KIND, "code": "dicom-wado-rs"},
        "payloadType": [{"coding": [{"system": ENDPOINT_PAYLOAD, "code": "any"}], "text": "DICOM WADO-RS"}],
        "address": address,
    }
