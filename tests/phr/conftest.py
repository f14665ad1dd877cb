"""The app over a real store, a scan center that has pushed real DICOM, and people with browsers."""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fhir_gateway.dicom.render import Renderer
from fhir_gateway.dicomweb.previews import make_previews
from fhir_gateway.dicomweb.pushing import Push
from phr.app import create_app
from phr.config import Settings
from tests.factories import Person, a_dataset, an_instance
from tests.fakes import FrozenClock
from vault import claims
from vault.audit import Actor
from vault.blobs import DiskBlobs
from vault.database import Database, Services
from vault.facts import ReportFacts, Section
from vault.intake import Pusher, open_batch
from vault.keyring import KeyClass
from vault.patients import identify
from vault.receiving import IncomingResource, Receiving
from vault.sealing.codes import ClaimPin
from vault.secrets import Secrets
from vault.sites import SiteDetails, add_site, find_site
from vault.tables import Row

PASSWORD = "four words for a knee"
BORN = {"born-day": "27", "born-month": "3", "born-year": "1958"}
ANA = Person(name="Perez^Ana", mrn="MRN-77", born="19580327", sex="F")


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    """One darkroom for all tests: starting it is slow."""
    made = Renderer(1)
    yield made
    made.close()


@pytest.fixture(scope="session")
def one_set_of_keys() -> Secrets:
    """The same keys for every test here, so that a store can be taken up again."""
    pepper, index, mail, audit = (os.urandom(32) for _ in range(4))
    return Secrets(peppers={1: pepper}, pepper_id=1, index_key=index, mail_key=mail, audit_key=audit)


@pytest.fixture
def secrets(one_set_of_keys: Secrets) -> Secrets:
    return one_set_of_keys


def some_settings(services: Services, folder: Path) -> Settings:
    keys = services.secrets
    return Settings(
        base_url="http://localhost",
        pepper=keys.pepper,
        index_key=keys.index_key,
        mail_key=keys.mail_key,
        audit_key=keys.audit_key,
        data=folder,
        demo=True,
        help_phone="555 0199",
    )


def an_app(settings: Settings, services: Services, renderer: Renderer) -> Flask:
    made = create_app(settings, services=services)
    made.extensions["renderer"] = renderer
    made.testing = True
    return made


@pytest.fixture
def settings(services: Services, tmp_path: Path) -> Settings:
    return some_settings(services, tmp_path)


@pytest.fixture
def app(settings: Settings, services: Services, renderer: Renderer) -> Flask:
    return an_app(settings, services, renderer)


class Browser:
    """One browser: it keeps cookies, follows redirects, and fills in forms as the page has them."""

    def __init__(self, app: Flask, address: str = "203.0.113.9") -> None:
        self.client: FlaskClient = app.test_client()
        self.address = address

    def get(self, path: str, **more) -> TestResponse:
        return self._asked(
            self.client.get(path, environ_base={"REMOTE_ADDR": self.address}, follow_redirects=True, **more)
        )

    def post(self, path: str, *, page: str | None = None, **typed) -> TestResponse:
        """Post to `path` from `page` (itself if None), with that page's token."""
        token = self.token(page or path)
        typed = {name.replace("__", "-"): value for name, value in typed.items()}
        answer = self.client.post(
            path,
            data={"csrf_token": token, **typed},
            environ_base={"REMOTE_ADDR": self.address},
            follow_redirects=True,
        )
        return self._asked(answer)

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert found, f"no form on {page}"
        return found[1]

    def _asked(self, answer: TestResponse) -> TestResponse:
        self.path = answer.request.path
        return answer


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def another_browser(app: Flask) -> Browser:
    return Browser(app, "198.51.100.7")


class ScanCenter:
    """A site that pushes, reports and hands out slips."""

    def __init__(self, services: Services, renderer: Renderer) -> None:
        self.services, self.renderer = services, renderer
        with services.work() as work:
            made = add_site(work, SiteDetails(name="Harbor Scan Center", phone="555 0100", zone="Europe/Madrid"))
            self.site = find_site(work, made.site_id)
        self.seed = made.seal_seed

    def pusher(self) -> Pusher:
        return Pusher.of(self.site, os.urandom(32), self.services.clock.now() + timedelta(seconds=300))

    def pushes(self, *files: bytes) -> None:
        push = Push(self.services, self.pusher())
        outcome = push.take(("application/dicom", iter([memoryview(one)])) for one in files)
        assert outcome.status == 200, outcome
        make_previews(self.services, self.renderer, push.arrived)

    def pushes_a_knee(self, *, pictures: int = 3, study: str = "knee", person: Person = ANA, **more) -> str:
        files = [
            an_instance(
                number=number, study=study, series="sagittal", person=person, modality="MR",
                sop_class="1.2.840.10008.5.1.4.1.1.4", BodyPartExamined="KNEE", Laterality="R", StudyDate="20260303",
                StudyDescription="Knee MRI", InstitutionName="Harbor Scan Center", rows=64, columns=64, **more,
            )
            for number in range(1, pictures + 1)
        ]  # fmt: skip
        self.pushes(*files)
        return a_dataset(study=study).StudyInstanceUID

    def reports(
        self, study_uid: str, *, person: Person = ANA, status: str = "final", issued: str = "2026-03-04", **more
    ) -> None:
        patient = identify(self.services.secrets, self.site, mrn=person.mrn, issuer=None, born=person.born)
        pusher = self.pusher()
        batch = open_batch(self.services, pusher, patient, study_uid)
        facts = ReportFacts(
            title="MRI of the knee", status=status, issued=f"{issued}T10:00:00+01:00", written_by="Dr. M. Ortiz",
            place="Harbor Scan Center", study_uids=(study_uid,), identifiers=("RP-1",), known_as="RP-1", **more,
        )  # fmt: skip
        body = {"type": "DiagnosticReport", "facts": facts.to_dict(), "fhir": {"resourceType": "DiagnosticReport"}}
        with Receiving(self.services, pusher) as receiving:
            receiving.resource(
                batch,
                IncomingResource(key_class=KeyClass.REPORTS, body=body),
            )
            receiving.commit()

    def slip_for(self, person: Person = ANA) -> ClaimPin:
        patient = identify(self.services.secrets, self.site, mrn=person.mrn, issuer=None, born=person.born)
        issued = claims.issue(
            self.services, site=self.site, patient=patient, born=person.born, days=90,
            seal_seed=self.seed, by=Actor("site", self.site.id),
        )  # fmt: skip
        assert issued.pin is not None
        return issued.pin


SECTIONS = (
    Section("Technique", "Sagittal and coronal sequences."),
    Section("Findings", "The ligaments are intact.\n\nA small effusion."),
    Section("Impression", "No tear."),
)


@pytest.fixture
def scan_center(services: Services, renderer: Renderer) -> ScanCenter:
    return ScanCenter(services, renderer)


class Patient(Browser):
    """Ana, who has a browser and does things in her own words."""

    def joins(self, name: str = "ana.perez") -> TestResponse:
        self.post("/join/name", name=name)
        return self.post("/join/password", password=PASSWORD, called="Ana")

    def signs_in(self, name: str = "ana.perez", password: str = PASSWORD) -> TestResponse:
        return self.post("/sign-in", login=name, password=password)

    def adds(self, pin: ClaimPin, **born: str) -> TestResponse:
        self.post("/add", pin=pin.reveal())
        return self.post("/add/birth", **(born or BORN))

    def scan(self) -> str:
        """The address of her newest scan."""
        found = re.search(r'href="(/scans/[0-9a-f]{32})"', self.get("/home").text)
        assert found
        return found[1]

    def shares(self, *, length: str = "4h", may: tuple[str, ...] = ("see",)) -> str:
        """Share the newest scan by code; answers the code."""
        self.post("/share/scans", scans=self.scan().rpartition("/")[2])
        self.post("/share/how", how="code")
        self.post("/share/time", length=length)
        self.post("/share/may", may=list(may))
        shown = self.post("/share/check").text
        found = re.search(r'class="nhsuk-u-visually-hidden">([0-9A-Z ,]{40,})<', shown)
        assert found, shown
        return re.sub(r"[^0-9A-Z]", "", found[1])


@pytest.fixture
def ana(app: Flask) -> Patient:
    return Patient(app)


@dataclass(frozen=True)
class Before:
    """What had happened before a test begins: the store as it was left, and Ana's cookies."""

    folder: Path
    seed: bytes
    site_id: bytes
    cookies: dict[str, str]

    def bring_back(self, services: Services, folder: Path, center: ScanCenter, ana: Patient) -> None:
        with sqlite3.connect(self.folder / "keepray.db") as kept, sqlite3.connect(folder / "keepray.db") as here:
            kept.backup(here)
        kept.close()
        here.close()
        shutil.copytree(self.folder / "objects", folder / "objects", dirs_exist_ok=True)
        with services.reading() as work:
            center.site, center.seed = find_site(work, self.site_id), self.seed
        for name, value in self.cookies.items():
            ana.client.set_cookie(name, value)


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory, renderer: Renderer, one_set_of_keys: Secrets) -> Before:
    """Ana has joined and added a reported MRI of her right knee. Done once: stretching passwords and PINs is slow."""
    folder = tmp_path_factory.mktemp("before")
    database = Database(f"sqlite:///{folder / 'keepray.db'}")
    Row.metadata.create_all(database.engine)
    services = Services(database, DiskBlobs(folder / "objects"), FrozenClock(), one_set_of_keys)
    app = an_app(some_settings(services, folder), services, renderer)
    center, ana = ScanCenter(services, renderer), Patient(app)
    uid = center.pushes_a_knee()
    center.reports(uid, sections=SECTIONS)
    ana.joins()
    ana.adds(center.slip_for())
    database.dispose()
    cookies = {cookie.key: cookie.value for cookie in ana.client._cookies.values()}
    return Before(folder, center.seed, center.site.id, cookies)


@pytest.fixture
def ana_with_a_scan(
    before: Before, services: Services, tmp_path: Path, scan_center: ScanCenter, ana: Patient
) -> Patient:
    """She has joined and added a reported MRI of her right knee."""
    before.bring_back(services, tmp_path, scan_center, ana)
    return ana


class Doctor(Browser):
    """Dr. Lee on a computer that knows nothing of her."""

    def opens(self, code: str) -> TestResponse:
        self.post("/see", code=code)
        return self.post("/see/who", name="Dr. J. Lee", clinic="Hill Clinic")


@pytest.fixture
def doctor(app: Flask) -> Doctor:
    return Doctor(app, "198.51.100.7")
