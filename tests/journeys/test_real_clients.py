"""Software that others wrote, with tokens from the real flows: dicomweb-client, the SMART Python client, fhirpy."""

import asyncio
import io

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from fhirclient.client import FHIRClient
from fhirclient.models.diagnosticreport import DiagnosticReport
from fhirclient.models.imagingstudy import ImagingStudy
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, ForbiddenError, ResourceNotFound

from tests.factories import JPEG_LS, some_pixels
from tests.journeys.stories import a_scan, a_story, someone
from tests.people import App, Patient, Site


@pytest.fixture
def sessions():
    """HTTP sessions with a token, closed afterwards."""
    made = []

    def with_token(token: str) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        session.trust_env = False
        made.append(session)
        return session

    yield with_token
    for one in made:
        one.close()


def test_dicomweb_client_stores_searches_and_fetches(keepray, sessions):
    site, scan = Site(keepray), a_scan(someone(), pictures=3)
    sender = DICOMwebClient(f"{keepray.base_url}/dicomweb", session=sessions(site.token))
    stored = sender.store_instances([pydicom.dcmread(io.BytesIO(one)) for one in scan.files])
    assert len(stored.ReferencedSOPSequence) == 3
    assert "FailedSOPSequence" not in stored
    ana = Patient(keepray, scan.person)
    ana.types_a_slip(site.hands_out_a_slip(scan.person))
    ana.makes_an_account()

    app = App(keepray).is_let_in_by(ana)
    reader = DICOMwebClient(f"{keepray.base_url}/dicomweb", session=sessions(app.token))
    (study,) = reader.search_for_studies(search_filters={"StudyInstanceUID": scan.uid})
    assert study["00100010"]["Value"][0]["Alphabetic"] == "Perez^Ana"
    assert len(reader.search_for_series(scan.uid)) == 1
    assert len(reader.search_for_instances(scan.uid)) == 3
    assert reader.search_for_studies(search_filters={"ModalitiesInStudy": "MR"}) == []
    described = reader.retrieve_study_metadata(scan.uid)
    assert {one["00080018"]["Value"][0] for one in described} == {scan.instance_uid(n) for n in (1, 2, 3)}
    place = (scan.uid, scan.series_uid, scan.instance_uid(2))
    (frame,) = reader.retrieve_instance_frames(*place, [1])
    assert np.array_equal(np.frombuffer(frame, "<u2").reshape(32, 40), some_pixels(rows=32, columns=40, seed=2)[0])
    assert reader.retrieve_instance_rendered(*place, media_types=("image/jpeg",))[:2] == b"\xff\xd8"
    assert reader.retrieve_instance_frames_rendered(*place, [1], media_types=("image/png",))[:4] == b"\x89PNG"
    one = reader.retrieve_instance(*place)
    assert one.InstanceNumber == 2
    assert len(reader.retrieve_study(scan.uid)) == 3


def test_a_whole_study_comes_back_octet_for_octet(keepray):
    told = a_story(keepray)
    packed = a_scan(told.patient.person, syntax=JPEG_LS)
    told.site.pushes(*packed.files)
    app = App(keepray).is_let_in_by(told.patient)
    for scan in (told.scan, packed):
        answer = app.get(scan.address(), 'multipart/related; type="application/dicom"; transfer-syntax=*')
        boundary = answer.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        parts = answer.content.split(b"--" + boundary)[1:-1]
        octets = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
        assert sorted(octets) == sorted(scan.files)


def test_the_smart_python_client_launches_and_reads(keepray):
    told = a_story(keepray, report="The SMART client reads this.")
    app = App(keepray)
    smart = FHIRClient(
        settings={
            "app_id": app.client_id,
            "api_base": f"{keepray.base_url}/fhir",
            "redirect_uri": app.returns_to,
            "scope": "patient/*.rs offline_access",
        }
    )
    smart.server.session.trust_env = False
    assert not smart.ready
    smart.prepare()
    smart.handle_callback(told.patient.decides(smart.authorize_url))
    assert smart.ready
    assert smart.patient.birthDate.isostring == "1958-03-27"
    (study,) = ImagingStudy.where({"patient": smart.patient_id}).perform_resources_iter(smart.server)
    assert study.identifier[0].value == f"urn:oid:{told.scan.uid}"
    (report,) = DiagnosticReport.where({"patient": smart.patient_id}).perform_resources_iter(smart.server)
    assert report.conclusion == "The SMART client reads this."
    assert ImagingStudy.read(study.id, smart.server).numberOfInstances == 2
    assert smart.reauthorize()
    assert DiagnosticReport.read(report.id, smart.server).status == "final"
    smart.server.session.close()


def test_fhirpy_searches_counts_pages_and_follows_references(keepray):
    told = a_story(keepray, report="fhirpy reads this.")
    told.another_scan(StudyDescription="CT of the head")
    app = App(keepray).is_let_in_by(told.patient)
    client = SyncFHIRClient(f"{keepray.base_url}/fhir", authorization=f"Bearer {app.token}")
    asked = client.resources("ImagingStudy").search(patient=app.said["patient"])
    assert asked.count() == 2
    assert len(asked.limit(1).fetch()) == 1
    assert {one["description"] for one in asked.limit(1).fetch_all()} == {"CT of the chest", "CT of the head"}
    found = asked.search(identifier=f"urn:dicom:uid|urn:oid:{told.scan.uid}").first()
    assert found.get_by_path(["series", 0, "modality", "code"]) == "CT"
    assert found["subject"].to_resource()["birthDate"] == "1958-03-27"
    together = client.resources("ImagingStudy").include("ImagingStudy", "endpoint").fetch_raw()
    assert {one.resource_type for one in (entry["resource"] for entry in together["entry"])} >= {"Endpoint"}
    report = client.resources("DiagnosticReport").search(issued__ge="2000-01-01").get()
    assert report["conclusion"] == "fhirpy reads this."
    assert report["imagingStudy"][0].to_resource().id == found.id


def test_fhirpy_hears_what_it_may_not_and_what_is_not_there(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient)
    client = SyncFHIRClient(f"{keepray.base_url}/fhir", authorization=f"Bearer {app.token}")
    with pytest.raises(ResourceNotFound):
        client.get("ImagingStudy", "0" * 32)
    with pytest.raises(ForbiddenError, match="OperationOutcome"):
        client.resource("ServiceRequest", status="active", intent="order").create()
    stranger = SyncFHIRClient(f"{keepray.base_url}/fhir", authorization="Bearer nobody")
    with pytest.raises(AuthorizationError, match="OperationOutcome"):
        stranger.resources("Patient").fetch()


def test_fhirpy_asks_for_many_things_at_once(keepray):
    told = a_story(keepray)
    app = App(keepray).is_let_in_by(told.patient)

    async def everything() -> list[list]:
        client = AsyncFHIRClient(f"{keepray.base_url}/fhir", authorization=f"Bearer {app.token}")
        kinds = ("Patient", "ImagingStudy", "DiagnosticReport", "Endpoint", "Consent")
        return await asyncio.gather(*(client.resources(kind).fetch_all() for kind in kinds))

    assert all(asyncio.run(everything()))
