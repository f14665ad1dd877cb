"""A house that is lived in: Ana with three scans and four shares, Nora with nothing, a doctor as guest, and one with an
account with whom Kim and Sam share.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flask import Flask, render_template
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, Playwright

from consent.guards import public
from fhir_gateway.dicom.render import Renderer
from phr.app import create_app
from tests.factories import Person, a_dataset, an_instance
from tests.fakes import FrozenClock
from tests.loopback import answering
from tests.phr.conftest import ANA, PASSWORD, SECTIONS, Browser, Doctor, Patient, ScanCenter, some_settings
from tests.phr.test_pages_providers import Provider, gives_to
from vault.blobs import DiskBlobs
from vault.database import Database, Services
from vault.facts import ReportFacts, Section
from vault.intake import open_batch
from vault.keyring import KeyClass
from vault.patients import identify
from vault.receiving import IncomingResource, Receiving
from vault.secrets import Secrets
from vault.tables import Row

ERRORS = (400, 401, 403, 404, 410, 413, 422, 429, 500, 503)
KIM = Person(name="Kimura^Kim", mrn="MRN-78", born="19710502", sex="F")
SAM = Person(name="Okafor^Sam", mrn="MRN-79", born="19900101", sex="M")
KEYS = {"pepper": b"p" * 32, "index": b"i" * 32, "mail": b"m" * 32, "audit": b"a" * 32}


@dataclass
class Household:
    """Where it stands, and who lives there; `people` are browsers without a screen that are signed in."""

    base: str
    app: Flask
    services: Services
    clock: FrozenClock
    center: ScanCenter
    people: dict[str, Browser] = field(default_factory=dict)
    scan: str = ""
    waiting_code: str = ""
    shares: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)

    def pages(self) -> dict[str, list[str]]:
        """Every address by who can open it; "nobody" is not signed in. Mishaps share one layout: three stand for all."""
        from tests.phr.test_pages_all import PATIENT, PUBLIC

        scan, shares = self.scan, self.shares
        of_the_scan = [scan, f"{scan}/report", f"{scan}/save", f"{scan}/remove", f"{scan}/pictures?picture=1"]
        return {
            "nobody": [*PUBLIC, "/languages", *(f"/mishap/{status}" for status in (404, 410, 429))],
            "ana": [
                *PATIENT,
                *of_the_scan,
                *shares,
                *(f"{one}/{what}" for one in shares[:1] for what in ("stop", "change")),
            ],
            "nora": ["/home", "/share/scans", "/shares", "/history", "/account"],
            "doctor": ["/see/scans", *(f"/see/{page}/{scan.rpartition('/')[2]}" for page in ("report", "save"))],
            "provider": [
                "/pro",
                "/pro?show=ending",
                "/pro/account",
                "/pro/password",
                "/pro/recovery-kit",
                "/pro/code",
                *self.patients,
            ],
        }


@contextmanager
def lived_in(folder: Path) -> Iterator[Household]:
    """The house at an address of its own, for as long as this lasts."""
    database = Database(f"sqlite:///{folder / 'keepray.db'}")
    Row.metadata.create_all(database.engine)
    secrets = Secrets(
        peppers={1: KEYS["pepper"]},
        pepper_id=1,
        index_key=KEYS["index"],
        mail_key=KEYS["mail"],
        audit_key=KEYS["audit"],
    )
    clock = FrozenClock()
    services = Services(database, DiskBlobs(folder / "objects"), clock, secrets)
    renderer = Renderer(1)
    with answering() as server:
        base = f"http://127.0.0.1:{server.server_port}"
        app = create_app(replace(some_settings(services, folder), base_url=base), services=services)
        app.extensions["renderer"] = renderer
        app.testing = True
        _let_mishaps_be_seen(app)
        server.app = app
        household = Household(base, app, services, clock, ScanCenter(services, renderer))
        _move_in(household)
        yield household
    renderer.close()
    database.dispose()


def _let_mishaps_be_seen(app: Flask) -> None:
    @app.get("/mishap/<int:status>")
    @public("only the tests have it")
    def mishap(status: int) -> tuple[str, int]:
        more = {"minutes": 10} if status == 429 else {}
        return render_template(f"errors/{status}.html", **more), status


def _move_in(house: Household) -> None:
    center = house.center
    knee = center.pushes_a_knee(pictures=6)
    center.reports(knee, sections=SECTIONS)
    _older_scans(center)
    ana = Patient(house.app)
    ana.joins()
    ana.adds(center.slip_for())
    house.scan = next(
        one
        for one in dict.fromkeys(re.findall(r"/scans/[0-9a-f]{32}", ana.get("/home").text))
        if "knee" in ana.get(one).text
    )
    ana.post(f"{house.scan}/report", choice="now")
    doctor = Doctor(house.app, "198.51.100.7")
    doctor.opens(ana.shares(may=("see", "save")))
    stays = _shares(ana)
    gone = Doctor(house.app, "198.51.100.8")
    gone.opens(ana.shares())
    ana.post(f"{next(one for one in _shares(ana) if one not in stays)}/stop")
    provider = Provider(house.app, "192.0.2.50")
    provider.joins(house.clock)
    house.patients = [_shares_with(house, provider, KIM, "30d")]
    provider.get(house.patients[0])
    _shares_with(house, provider, SAM, "4h")
    house.waiting_code = ana.shares()
    nora = Patient(house.app, "203.0.113.10")
    nora.joins("nora.lind")
    house.shares = _shares(ana)
    house.people = {
        "ana": ana,
        "nora": nora,
        "doctor": doctor,
        "provider": provider,
        "nobody": Browser(house.app, "203.0.113.77"),
    }


def _shares_with(house: Household, provider: Provider, person: Person, length: str) -> str:
    """Somebody with a scan of their own shares it with the provider's account; the page of that share."""
    house.center.pushes_a_knee(pictures=2, study=person.mrn, person=person)
    somebody = Patient(house.app, f"203.0.113.{person.mrn[-2:]}")
    somebody.joins(person.name.partition("^")[0].lower())
    born = {"born-day": person.born[6:], "born-month": person.born[4:6], "born-year": person.born[:4]}
    somebody.adds(house.center.slip_for(person), **born)
    gives_to(somebody, "dr.lee")
    somebody.post("/share/time", length=length)
    somebody.post("/share/check")
    return re.findall(r"/pro/patients/[0-9a-f]{32}", provider.get("/pro").text)[0]


def _shares(ana: Patient) -> list[str]:
    return list(dict.fromkeys(re.findall(r'href="(/shares/[0-9a-f]{32})"', ana.get("/shares").text)))


def _older_scans(center: ScanCenter) -> None:
    shared = {"person": ANA, "rows": 48, "columns": 48, "InstitutionName": "Harbor Scan Center"}
    center.pushes(
        an_instance(study="chest", series="front", modality="CR", BodyPartExamined="CHEST", StudyDate="20240512", StudyDescription="Chest", **shared),
        *(an_instance(number=n, study="head", series="axial", BodyPartExamined="HEAD", StudyDate="20190601", StudyDescription="Head", **shared) for n in range(1, 4)),
    )  # fmt: skip
    _reports_in_spanish(center, a_dataset(study="chest").StudyInstanceUID)


def _reports_in_spanish(center: ScanCenter, study_uid: str) -> None:
    pusher = center.pusher()
    patient = identify(center.services.secrets, center.site, mrn=ANA.mrn, issuer=None, born=ANA.born)
    facts = ReportFacts(
        title="Tórax", status="final", issued="2024-05-13T10:00:00+02:00", written_by="Dra. L. Ruiz", place="Harbor Scan Center",
        study_uids=(study_uid,), identifiers=("RP-2",), known_as="RP-2", language="es",
        sections=(Section("Hallazgos", "Sin alteraciones."),),
    )  # fmt: skip
    body = {"type": "DiagnosticReport", "facts": facts.to_dict(), "fhir": {"resourceType": "DiagnosticReport"}}
    batch = open_batch(center.services, pusher, patient, study_uid)
    with Receiving(center.services, pusher) as receiving:
        receiving.resource(batch, IncomingResource(key_class=KeyClass.REPORTS, body=body))
        receiving.commit()


def chromium_of(playwright: Playwright) -> Chromium:
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    )


def as_person(context: BrowserContext, house: Household, who: str) -> None:
    """The window holds the cookies of this person."""
    jar = house.people[who].client._cookies.values()
    context.add_cookies(
        [{"name": one.key, "value": one.value, "url": house.base, "httpOnly": True, "sameSite": "Lax"} for one in jar]
    )


def settled(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    return page


__all__ = ["ERRORS", "PASSWORD", "Household", "as_person", "chromium_of", "lived_in", "settled"]
