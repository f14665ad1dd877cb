"""PyPI `fhirclient`, `fhirpy`, `dicomweb-client`; tests/journeys/test_real_clients.py asks more of each."""

import io
from collections import Counter

import numpy as np
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from fhirclient.client import FHIRClient
from fhirclient.models.diagnosticreport import DiagnosticReport
from fhirclient.models.imagingstudy import ImagingStudy
from fhirpy import SyncFHIRClient

from interop.scene import READS, Scene, check
from tests.factories import Person, a_ct_series, a_uid, some_pixels
from tests.people import App, Patient


def smart(scene: Scene) -> str:
    """fhirclient, the SMART Python client: a launch through the consent page, reads, and a new token."""
    app = App(scene, "Python app")
    client = FHIRClient(
        settings={
            "app_id": app.client_id,
            "api_base": scene.told["fhir_base"],
            "redirect_uri": app.returns_to,
            "scope": READS,
        }
    )
    client.server.session.trust_env = False
    client.prepare()
    client.handle_callback(scene.patient.decides(client.authorize_url))
    born = client.patient.birthDate.isostring
    studies = list(ImagingStudy.where({"patient": client.patient_id}).perform_resources_iter(client.server))
    reports = list(DiagnosticReport.where({"patient": client.patient_id}).perform_resources_iter(client.server))
    renewed = client.reauthorize()
    again = ImagingStudy.read(studies[0].id, client.server)
    client.server.session.close()
    check(born == scene.told["patient"]["born"], "reads the patient", born)
    check(len(studies) == len(scene.studies), "reads every scan", len(studies))
    check(renewed and again.id == studies[0].id, "reads on with a new token", renewed)
    return f"launched, read the patient, {len(studies)} scans and {len(reports)} reports; refreshed and read again"


def fhirpy(scene: Scene) -> str:
    """fhirpy: pages, counts, includes and references."""
    app = scene.allowed("Analysis script")
    client = SyncFHIRClient(scene.told["fhir_base"], authorization=f"Bearer {app.token}")
    asked = client.resources("ImagingStudy").search(patient=app.said["patient"])
    found = asked.limit(1).fetch_all()
    check(asked.count() == len(found) == len(scene.studies), "counts and pages every scan", len(found))
    check(found[0]["subject"].to_resource()["birthDate"] == scene.told["patient"]["born"], "follows references", found)
    included = client.resources("ImagingStudy").include("ImagingStudy", "endpoint").fetch_raw()
    kinds = Counter(entry["resource"].resource_type for entry in included["entry"])
    check(kinds["Endpoint"], "includes the endpoints", kinds)
    return f"counted and paged {len(found)} scans, followed a reference, included {kinds['Endpoint']} endpoint"


def dicomweb(scene: Scene) -> str:
    """dicomweb-client: stores as a site; searches, fetches and renders as the patient's app."""
    person = Person(name="Python^Pia", mrn="PY-1", born="19910217", sex="F")
    site = scene.site("A site with a script")
    files = a_ct_series(3, study="python", person=person)
    stored = _client(scene, site.token).store_instances([pydicom.dcmread(io.BytesIO(one)) for one in files])
    check(len(stored.ReferencedSOPSequence) == len(files), "stores every object", stored)
    patient = Patient(scene, person)
    patient.types_a_slip(site.hands_out_a_slip(person))
    patient.makes_an_account()
    reader = _client(scene, App(scene, "Reads the script's scans").is_let_in_by(patient).token)
    study, series, instance = (
        a_uid("study", "python"), a_uid("series", "python", "first"), a_uid("instance", "python", "first", 2),
    )  # fmt: skip
    check(len(reader.search_for_instances(study)) == len(files), "finds every object", "")
    (frame,) = reader.retrieve_instance_frames(study, series, instance, [1])
    wanted = some_pixels(rows=32, columns=40, seed=2)[0]
    check(np.array_equal(np.frombuffer(frame, "<u2").reshape(32, 40), wanted), "has the pixels as they were", "")
    check(len(reader.retrieve_study(study)) == len(files), "retrieves the study", "")
    drawn = reader.retrieve_instance_rendered(study, series, instance, media_types=("image/jpeg",))
    check(drawn[:2] == b"\xff\xd8", "has it rendered", drawn[:8])
    return f"stored {len(files)} objects, found them, fetched metadata, a frame pixel-equal, the study, and a JPEG"


def _client(scene: Scene, token: str) -> DICOMwebClient:
    session: requests.Session = scene.session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(scene.told["dicomweb_base"], session=session)
