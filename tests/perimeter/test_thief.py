"""
The thief test (docs/format.md 17): after a whole story somebody takes the disk, and finds nothing.

The server is killed as by a power cut, then searched: database, write-ahead log, objects, journal, outbox, logs,
temporary files, the settings.
"""

import base64
import json
import urllib.parse
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from phr.mail import OutboxMailer
from tests.authenticator import Device
from tests.factories import Person, a_text_report, an_instance, some_pixels
from tests.houses import RunningHouse
from tests.journeys.stories import a_scan
from tests.papers import a_report
from tests.people import App, Guest, Patient, Provider, Site
from tests.perimeter.canaries import Canaries, Search
from tests.postgres import a_database
from tests.receivers import Receiver, octets_of

ROW = (np.arange(40) * 1117 % 4096).astype("<u2")
WORDS = {
    "conclusion": "Zygomaticotemporal quibbleworth fracture.",
    "findings": "FINDINGS: Borborygmus kleptoparasite seen.",
    "page": "<p>Floccinaucinihilipilification of the spleen.</p>",
    "pdf": b"%PDF-1.4\n% sesquipedalian antidisestablishment\n%%EOF\n",
    "sr": "Honorificabilitudinitatibus in the left lung.",
}
XOCHITL = Person(name="Quetzalpapalotl^Xochitlquetzal", mrn="MRN-7730-ZWQX", born="19471103", sex="F")
MAIL = "xochitl.quetzal@mailbox.example"


class Told:
    """A story in which every kind of secret and fact occurs, and what they were."""

    def __init__(self, house: RunningHouse) -> None:
        self.house, self.canaries = house, Canaries()
        self.site = Site(house)
        self._the_person()
        self._the_push()
        self._the_slips()
        self._the_patient()
        self._the_doctors()
        self._the_apps()
        self._the_links()
        self._the_papers()
        self._what_browsers_and_programs_held()

    def _the_person(self) -> None:
        family, _, given = XOCHITL.name.partition("^")
        add = self.canaries.add
        add("name", XOCHITL.name, family, given, family.upper())
        add("number", XOCHITL.mrn)
        add("born", XOCHITL.born, "1947-11-03", "3 November 1947")
        for name, words in WORDS.items():
            add(f"report's {name}", words)

    def _the_push(self) -> None:
        pixels = some_pixels(rows=32, columns=40)
        pixels[0, 10] = ROW
        self.scan = a_scan(
            XOCHITL, pixels=pixels, AccessionNumber="ACC-ZW-5519", StudyDescription="Quixotic pharyngogram",
            ReferringPhysicianName="Mxyzptlk^Gustav", InstitutionName="Wyvernsbridge Infirmary",
        )  # fmt: skip
        large = an_instance(
            study=self.scan.name,
            number=3,
            person=XOCHITL,
            rows=1024,
            columns=1024,
            StudyDescription="Quixotic pharyngogram",
        )
        spoken = a_text_report(WORDS["sr"], study=self.scan.name, person=XOCHITL)
        self.site.pushes(*self.scan.files, large, spoken)
        report = a_report(
            WORDS["conclusion"], text=WORDS["findings"], html=WORDS["page"], pdf=WORDS["pdf"], number="RPT-QX-88120"
        )
        self.site.reports(XOCHITL, self.scan.name, report)
        self.canaries.add("accession", "ACC-ZW-5519")
        self.canaries.add("report's number", "RPT-QX-88120")
        self.canaries.add("description", "Quixotic pharyngogram")
        self.canaries.add("referrer", "Mxyzptlk^Gustav", "Mxyzptlk")
        self.canaries.add("institution", "Wyvernsbridge Infirmary")
        self.canaries.add("UIDs", self.scan.uid, self.scan.series_uid, self.scan.instance_uid(1))
        self.canaries.add("pixels", ROW.tobytes())
        self.canaries.add("seal seed", self.site.seed, self.site.seal_seed)
        self.canaries.add("site's key", self.site.key["d"])

    def _the_slips(self) -> None:
        self.slips = [self.site.hands_out_a_slip(XOCHITL), self.site.hands_out_a_slip(XOCHITL, "reissue-claim")]
        self.slips.append(self.site.hands_out_a_slip(Person(name="Other^One", mrn="MRN-OTHER-1", born="19600606")))
        for number, slip in enumerate(self.slips):
            bare = slip.pin.replace("-", "")
            self.canaries.add(f"slip {number}", slip.pin, bare, bare[4:15], slip.pin[5:18])

    def _the_patient(self) -> None:
        self.patient = Patient(self.house, XOCHITL, login=MAIL, password="plumage verdigris oblong tacit")
        page = self.patient.types_a_slip(self.slips[1])
        page = page.send("Send me a code", mail=MAIL)
        settings = self.house.settings
        mail_key = base64.urlsafe_b64decode(settings["PHR_MAIL_KEY"] + "=")
        letter = OutboxMailer(self.house.data / "outbox", mail_key).letters()[0]
        assert letter.to == MAIL
        six = next(word for word in letter.text.split() if word.strip(".").isdigit()).strip(".")
        page = page.send("Continue", code=six)
        page = page.send("Use a password", password=self.patient.password, called="Xochitlquetzal")
        assert page.path.startswith("/scans/"), page
        self.id = page.path.rpartition("/")[2]
        self.patient.open(f"{page.path}/report").send("Read it now")
        self.patient.another_browser().signs_in("wrong jackdaws love my sphinx")
        kit = self.patient.makes_a_recovery_kit()
        self.canaries.add("mail", MAIL)
        self.canaries.add("mailed code in words", f"is {six}", f"{six}\n\n")
        self.canaries.add("password", self.patient.password, "wrong jackdaws love my sphinx")
        self._the_device_locks()
        self.canaries.add("kit", kit, " ".join(kit[at : at + 4] for at in range(0, 28, 4)), kit[4:24])

    def _the_device_locks(self) -> None:
        """One beside a password, and one that is the only way into its vault."""
        self.lock, self.alone = Device(self.house.base_url), Device(self.house.base_url)
        assert self.patient.sets_up_a_lock(self.lock).path == "/account/devices"
        self.locked = Patient(self.house, Person(name="Lock^Only", mrn="MRN-LOCK-1", born="19600606"))
        assert self.locked.joins_by_lock(self.alone).path == "/home"
        assert self.locked.another_browser().signs_in_by_lock(self.alone).path == "/home"
        for number, device in enumerate((self.lock, self.alone)):
            self.canaries.add_secret(f"device lock {number}", device.key)

    def _the_doctors(self) -> None:
        self.guest, self.doctor = Guest(self.house), Provider(self.house, "Dr. Przybylski-Vex", "Umbrageous Clinic")
        shares = [self.patient.gives_a_code(may=("see", "save")) for _ in range(3)]
        self.guest.opens(shares[0].code, "Dr. Kwashiorkor", "Syzygy Hospital")
        self.guest.ask("GET", self.scan.address())
        self.guest.ask("GET", f"{self.scan.address(1)}/rendered")
        self.guest.ask("GET", f"/see/save/{self.id}.zip")
        self.doctor.password = "obelisk marzipan quorum ditty"
        self.doctor.makes_an_account()
        self.doctor.enters(shares[1].code)
        self.patient.stops(shares[0].id)
        for number, share in enumerate(shares):
            self.canaries.add(f"share code {number}", share.code, share.code[4:19])
        self.canaries.add("doctors", "Kwashiorkor", "Syzygy Hospital", "Przybylski-Vex", "Umbrageous Clinic")
        self.canaries.add("doctor's password", self.doctor.password)
        self.canaries.add("code app", self.doctor.letters, self.doctor.secret)
        self.canaries.add("doctor's login", self.doctor.login)

    def _the_apps(self) -> None:
        self.apps = [App(self.house), App(self.house, "Keeper", secret=True)]
        self.held: list[str] = []
        for app in self.apps:
            code = app.code_in(self.patient.decides(app.request()))
            app.exchanges(code)
            self.held += [code, app.token, app.refresh_token]
            app.reads(f"Patient/{app.said['patient']}")
            app.get(f"/fhir/ImagingStudy?identifier=urn:oid:{self.scan.uid}")
            app.get(f"/dicomweb/studies?PatientID={XOCHITL.mrn}&PatientName=Quetzal*")
            app.get(self.scan.address(1), "application/dicom")
            app.refreshes()
            self.held += [app.token, app.refresh_token]
            self.canaries.add(f"{app.name}'s verifier", app.verifier)
        assert self.apps[1].secret
        self.canaries.add("client secret", self.apps[1].secret)
        self.apps[1].at("revoke", token=self.apps[1].refresh_token)

    def _the_links(self) -> None:
        """One in use and one that was stopped; of the first, a file is still waiting to be fetched."""
        shown = [self.patient.gives_a_link(number="yes", label="Heliotrope wisteria") for _ in range(2)]
        for number, one in enumerate(shown):
            link = Receiver(self.house.session(), one.link, "Eyjafjallajoekull Emergency")
            files = link.manifest(passcode=one.number)
            token = link.opens(link.fetches(files[1]), "application/smart-api-access")["access_token"]
            self.canaries.add_secret(f"token of link {number}", token)
            secrets = (link.url, files[0]["location"], link.payload["key"])
            for secret in (each.rpartition("/")[2] for each in secrets):
                self.canaries.add(f"link {number}", secret, octets_of(secret))
        self.patient.stops(shown[1].id)
        self.canaries.add("link's words", "Heliotrope", "Eyjafjallajoekull")

    def _the_papers(self) -> None:
        page = f"/scans/{self.id}"
        assert self.patient.ask("GET", f"{page}/report.pdf").content[:4] == b"%PDF"
        assert self.patient.ask("GET", f"{page}/save/all.zip").content[:2] == b"PK"
        assert self.patient.ask("GET", "/history.pdf").status_code == 200
        # Questions that go wrong, so that there is something to log.
        self.site.stores(b"not a picture of " + XOCHITL.name.encode())
        self.site.sends({"resourceType": "Patient", "name": [{"family": XOCHITL.name}], "nonsense": XOCHITL.mrn})
        self.patient.ask("GET", f"/scans/{XOCHITL.mrn}?q={urllib.parse.quote(XOCHITL.name)}")
        self.apps[0].get(f"/fhir/Patient/{XOCHITL.mrn}")
        self.apps[0].get(f"/dicomweb/studies/{self.scan.uid}/series/x")

    def _what_browsers_and_programs_held(self) -> None:
        people = (self.patient, self.guest, self.doctor)
        for number, cookie in enumerate(cookie for one in people for cookie in one.cookies()):
            self.canaries.add_secret(f"cookie {number}", cookie)
        for number, token in enumerate([*self.site.tokens, *self.held]):
            self.canaries.add_secret(f"token {number}", token)


def keys_of(house: RunningHouse) -> Canaries:
    found = Canaries()
    for name, written in house.secrets.items():
        found.add(name, written, base64.urlsafe_b64decode(written + "="))
    return found


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def robbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """The folders of a server that was killed in the middle of everything, and the story that was told in it."""
    url, rows = "", None
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_url")
        url = a_database(server)
        rows = postgres_files(url)
    house = RunningHouse(tmp_path_factory.mktemp("robbed"), url).start()
    try:
        told = Told(house)
        if rows:
            flush_postgres(url)
    finally:
        house.kill()
    return told, rows or []


def postgres_files(url: str) -> list[Path]:
    """Where PostgreSQL keeps this database and its journal."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        folder = Path(connection.scalar(sa.text("SHOW data_directory")))
        number = connection.scalar(sa.text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    engine.dispose()
    return [folder / "base" / str(number), folder / "pg_wal"]


def flush_postgres(url: str) -> None:
    address = sa.make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("CHECKPOINT"))
    engine.dispose()


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    canaries = Canaries()
    canaries.add("word", "zugzwang-Ärger")
    needles = canaries.spellings()
    search = Search(needles)
    spellings = (
        "zugzwang-Ärger".encode(), "zugzwang-Ärger".encode().hex().encode(), base64.b64encode(b"ab" + "zugzwang-Ärger".encode()),
        base64.urlsafe_b64encode(b"a" + "zugzwang-Ärger".encode()), "zugzwang-Ärger".encode("utf-16-be"),
    )  # fmt: skip
    for number, spelling in enumerate(spellings):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "file").write_bytes(b"\x00" * ((8 << 20) - 5) + spelling + b"tail")
        assert search.in_folder(place), spelling


def test_a_thief_of_everything_finds_no_fact_and_no_secret(robbed) -> None:
    told, rows = robbed
    search = Search(told.canaries.spellings())
    assert search.in_folder(told.house.folder) == {}
    for folder in rows:
        assert search.in_folder(folder) == {}


def test_what_is_no_secret_is_found_so_the_search_is_one(robbed) -> None:
    told, rows = robbed
    operators = Canaries()
    operators.add("the site's name", told.site.name)
    search = Search(operators.spellings())
    found = [search.in_folder(folder) for folder in (rows or [told.house.data])]
    assert any(found)


def test_the_keys_of_the_settings_lie_in_the_settings_alone(robbed) -> None:
    told, rows = robbed
    search = Search(keys_of(told.house).spellings())
    assert search.in_folder(told.house.folder, but=frozenset({"settings.env"})) == {}
    assert set(search.in_folder(told.house.folder)) == {"settings.env"}
    for folder in rows:
        assert search.in_folder(folder) == {}


def test_nothing_is_left_in_temporary_folders_and_no_core_file(robbed) -> None:
    told, _ = robbed
    left = [one for one in told.house.tmp.rglob("*") if one.is_file() and one.stat().st_size]
    assert left == []
    assert not list(told.house.folder.rglob("core*"))


def test_files_are_readable_by_their_owner_alone(robbed) -> None:
    told, _ = robbed
    loose = [one.name for one in told.house.data.rglob("*") if one.is_file() and one.stat().st_mode & 0o077]
    assert loose == []
    assert told.house.data.stat().st_mode & 0o077 == 0


def test_the_log_says_little(robbed) -> None:
    told, _ = robbed
    lines = told.house.log.read_text().splitlines()
    assert not any("Traceback" in line for line in lines)
    assert len(lines) < 30, lines


def test_the_server_goes_on_after_the_robbery_and_the_histories_verify(robbed) -> None:
    told, _ = robbed
    verified = told.house.phr("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    told.house.start()
    try:
        assert told.locked.another_browser().signs_in_by_lock(told.alone).path == "/home"
        again = told.patient.another_browser()
        assert again.signs_in().path == "/home"
        assert again.scans() == [told.id]
        assert again.ask("GET", told.scan.address(1), Accept="application/dicom").content == told.scan.files[0]
    finally:
        told.house.stop()
    assert Search(told.canaries.spellings()).in_folder(told.house.folder) == {}


def test_settings_are_not_in_what_an_operator_prints(robbed) -> None:
    told, _ = robbed
    search = Search(keys_of(told.house).spellings())
    for words in (("doctor",), ("site", "list"), ("client", "list"), ("audit", "verify")):
        said = told.house.phr(*words)
        assert search.in_octets((said.stdout + said.stderr).encode()) == set(), words
    assert json.loads(told.house.phr("site", "list").stdout)["sites"][0]["name"] == "Harbor Scan Center"
