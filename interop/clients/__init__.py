"""One module per client. Each has `drive(scene)`: a sentence of what was done, or `Failed`."""

from collections.abc import Callable

from interop.clients import fhir_kit, health_link, ohif, orthanc, python, smart_browser, validators
from interop.scene import Scene

CLIENTS: dict[str, Callable[[Scene], str]] = {
    "fhirclient-python": python.smart,
    "fhirpy": python.fhirpy,
    "dicomweb-client": python.dicomweb,
    "fhirclient": smart_browser.drive,
    "fhir-kit-client": fhir_kit.drive,
    "ohif": ohif.with_token,
    "ohif-asking": ohif.by_asking,
    "orthanc-push": orthanc.push,
    "orthanc-pull": orthanc.pull,
    "health-link": health_link.drive,
    "validators": validators.drive,
}
