"""Software that others wrote, with tokens from the real flows: dicomweb-client, and the SMART Python client."""

import io

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from fhirclient.client import FHIRClient
from fhirclient.models.diagnosticreport import DiagnosticReport
from fhirclient.models.imagingstudy import ImagingStudy

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
