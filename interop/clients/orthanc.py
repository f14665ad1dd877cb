"""Debian's Orthanc with its DICOMweb plugin: as a site's archive that pushes, and as a doctor's archive that pulls."""

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from interop.scene import Failed, Scene, check, free_port
from tests.factories import JPEG_LS, Person, a_ct_series, a_uid
from tests.people import App, Patient, Software

Json = dict[str, Any]
PROGRAM = "Orthanc"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
READY_SECONDS = 60
SHARE_CODE = "urn:keepray:oauth:grant-type:share-code"
WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def push(scene: Scene) -> str:
    """A site's archive sends a study by STOW-RS; the patient claims it and has every object as it was sent."""
    person = Person(name="Archive^Anna", mrn="ORTHANC-1", born="19850605", sex="F")
    site = scene.site("A site with Orthanc")
    sent = a_ct_series(3, study="orthanc", person=person)
    sent += a_ct_series(2, study="orthanc", series="packed", person=person, syntax=JPEG_LS)
    with Orthanc.running(scene) as orthanc:
        orthanc.knows("keepray", f"{scene.base_url}/dicomweb/", site.token)
        for file in sent:
            orthanc.post("/instances", file)
        (study,) = orthanc.get("/studies")
        told = orthanc.post("/dicom-web/servers/keepray/stow", {"Resources": [study], "Synchronous": True})
        again = orthanc.post("/dicom-web/servers/keepray/stow", {"Resources": [study], "Synchronous": True})
        kept = orthanc.files()
    patient = Patient(scene, person)
    patient.types_a_slip(site.hands_out_a_slip(person))
    patient.makes_an_account()
    app = App(scene, "Reads what Orthanc sent").is_let_in_by(patient)
    arrived = whole_study(app, a_uid("study", "orthanc"))
    check(len(arrived) == len(sent), "brings every object", (len(arrived), told, again))
    check(digests(arrived) == digests(kept), "brings every object as it was", told)
    return f"{len(sent)} objects (one series JPEG-LS) sent by STOW-RS, twice without harm; claimed, byte-equal"


def pull(scene: Scene) -> str:
    """A doctor's archive, registered nowhere, finds and retrieves with the token that a share code was redeemed for."""
    archive = Software(scene)
    told = tokens(
        archive,
        grant_type=SHARE_CODE,
        code=scene.told["share_code"],
        scope="patient/*.rs offline_access",
        name="Dr. J. Lee",
        clinic="Hill Clinic",
    )
    with Orthanc.running(scene) as orthanc:
        orthanc.knows("keepray", f"{scene.base_url}/dicomweb/", archive.token)
        orthanc.post("/dicom-web/servers/keepray/qido", {"Uri": "/studies", "Arguments": {}})
        tokens(archive, grant_type="refresh_token", refresh_token=told["refresh_token"])
        orthanc.knows("keepray", f"{scene.base_url}/dicomweb/", archive.token)
        found = orthanc.post("/dicom-web/servers/keepray/qido", {"Uri": "/studies", "Arguments": {"PatientName": "*"}})
        check(len(found) == len(scene.studies), "finds the scans", found)
        asked = {"Resources": [{"Study": one["study_uid"]} for one in scene.studies], "Synchronous": True}
        orthanc.post("/dicom-web/servers/keepray/retrieve", asked)
        kept = orthanc.files()
    wanted = sum(one["instances"] for one in scene.studies)
    check(len(kept) == wanted, f"has all {wanted} objects", len(kept))
    sent = [octets for one in scene.studies for octets in whole_study(archive, one["study_uid"])]
    check(digests(kept) == digests(sent), "keeps every object as it was", "")
    done = f"{len(found)} scans found by QIDO-RS, {len(kept)} objects retrieved by WADO-RS, byte-equal"
    return f"code redeemed, token renewed, {done}"


def tokens(archive: Software, **form: str) -> Json:
    """The answer of the token endpoint to a client that needs no registration; its token is used from now on."""
    answer = archive.ask("POST", "/oauth/token", token="", data={"client_id": "keepray-pull", **form})
    check(answer.status_code == 200, f"is given tokens ({form['grant_type']})", answer.text)
    archive.token = answer.json()["access_token"]
    return answer.json()


class Orthanc:
    """One that runs for a while, with a store of its own in a folder that goes with it."""

    def __init__(self, port: int, http: requests.Session) -> None:
        self.base, self.http = f"http://127.0.0.1:{port}", http

    @classmethod
    @contextmanager
    def running(cls, scene: Scene) -> Iterator["Orthanc"]:
        program = shutil.which(PROGRAM, path="/usr/sbin:/usr/bin:/usr/local/bin")
        if program is None or not PLUGIN.exists():
            raise Failed("Orthanc or its DICOMweb plugin is not there: apt-get install orthanc orthanc-dicomweb.")
        port, folder = free_port(), scene.folder / f"orthanc-{time.monotonic_ns()}"
        folder.mkdir()
        config = folder / "orthanc.json"
        config.write_text(json.dumps(_config(port, folder)))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, str(config)], stdout=log, stderr=log, cwd=folder)
        try:
            orthanc = cls(port, scene.session())
            orthanc.wait(process, folder / "log")
            yield orthanc
        finally:
            process.terminate()
            process.wait(30)
            (scene.seen / f"{folder.name}.log").write_bytes((folder / "log").read_bytes())

    def wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        for _ in range(READY_SECONDS * 10):
            if process.poll() is not None:
                break
            try:
                if self.http.get(f"{self.base}/system", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise Failed(f"Orthanc does not start:\n{log.read_text()[-2000:]}")

    def knows(self, name: str, url: str, token: str) -> None:
        """A DICOMweb server with the header it wants; a renewed token is put the same way."""
        server = {"Url": url, "HttpHeaders": {"Authorization": f"Bearer {token}"}}
        answer = self.http.put(f"{self.base}/dicom-web/servers/{name}", json=server, timeout=30)
        check(answer.ok, "takes the server", answer.text)

    def get(self, path: str) -> Any:
        answer = self.http.get(f"{self.base}{path}", timeout=60)
        check(answer.ok, f"answers {path}", answer.text)
        return answer.json()

    def post(self, path: str, body: bytes | Json) -> Any:
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        answer = self.http.post(f"{self.base}{path}", timeout=300, **sent)
        check(answer.ok, f"does {path}", answer.text)
        return answer.json()

    def files(self) -> list[bytes]:
        """Every object it keeps."""
        ids = self.get("/instances")
        return [self.http.get(f"{self.base}/instances/{one}/file", timeout=60).content for one in ids]


def _config(port: int, folder: Path) -> Json:
    return {
        "Name": "interop",
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def whole_study(app: Software, uid: str) -> list[bytes]:
    """Every object of a study as Keepray hands it out (PS3.18 8.7.1)."""
    answer = app.get(f"/dicomweb/studies/{uid}", WHOLE)
    check(answer.status_code == 200, "hands out the study", answer.text[:300])
    boundary = answer.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
    parts = answer.content.split(b"--" + boundary)[1:-1]
    return [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]


def digests(files: list[bytes]) -> list[str]:
    """What they hold, in an order of its own; the 128 octets before a file's mark are nobody's (PS3.10 7.1)."""
    return sorted(hashlib.sha256(file[128:]).hexdigest() for file in files)
