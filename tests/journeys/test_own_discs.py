"""An old disc in the patient's account, as everybody else meets it: theirs to share, and never their identity."""

import re

from tests.factories import Person
from tests.journeys.stories import a_scan, a_story
from tests.people import App, Guest


def adds(patient, scan):
    """Add a scan as the page for old discs does."""
    page = patient.open("/upload")
    token = re.search(r'data-token="([^"]+)"', page.answer.text)[1]
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in scan.files) + b"--b--"
    answer = patient.ask(
        "POST",
        "/upload/pictures",
        data=body,
        X_CSRF_Token=token,
        Content_Type='multipart/related; type="application/dicom"; boundary=b',
    )
    assert answer.json() == {"kept": len(scan.files), "refused": 0}
    done = patient.ask("POST", "/upload/done", data={"csrf_token": token, "scan": scan.uid, "kept": "1"})
    assert done.status_code in {200, 303}


def test_a_strangers_disc_never_says_who_the_patient_is(keepray):
    told = a_story(keepray)
    smith = a_scan(Person(name="Smith^John", mrn="S-1", born="19710502", sex="M"), StudyDate="20260901")
    adds(told.patient, smith)
    app = App(keepray).is_let_in_by(told.patient)
    patient = app.reads(f"Patient/{app.said['patient']}")
    assert "Smith" not in str(patient)
    assert "S-1" not in str(patient)
    doctor = Guest(keepray)
    page = doctor.opens(told.patient.gives_a_code(told.id, the_added(told), may=("see", "save")).code)
    assert "SMITH" not in page.answer.text


def the_added(told):
    return (set(re.findall(r"/scans/([0-9a-f]{32})", told.patient.open("/home").answer.text)) - {told.id}).pop()


def test_software_reads_an_added_scan_and_that_the_patient_sent_it(keepray):
    told = a_story(keepray)
    old = a_scan(told.scan.person, StudyDate="20190601", InstitutionName="Old Town Clinic")
    adds(told.patient, old)
    app = App(keepray).is_let_in_by(told.patient)
    studies = [one["resource"] for one in app.reads("ImagingStudy")["entry"]]
    added = next(one for one in studies if one["identifier"][0]["value"] == f"urn:oid:{old.uid}")
    assert app.get(old.address(1), "application/dicom").content == old.files[0]
    sent = app.reads(f"Provenance?target=ImagingStudy/{added['id']}")["entry"][0]["resource"]
    assert f"Patient/{app.said['patient']}" in str(sent["agent"])
