"""Nothing leaks sideways: logs, error pages, printed secrets, mail (threats L05, L11; docs/format.md 15)."""

from __future__ import annotations

import logging
import pickle
import traceback
from contextlib import suppress
from dataclasses import replace

import pytest

from phr.mail import OutboxMailer
from tests.houses import IndoorHouse
from tests.journeys.stories import Story, a_story, someone
from tests.people import App, Guest, Patient, Software
from tests.perimeter.canaries import Canaries, Search
from tests.receivers import Receiver
from vault.health_links import HealthLink
from vault.keyring import KeyPair
from vault.sealing.codes import ClaimPin, RecoveryCode, ShareCode
from vault.secrets import Secrets

TELLING = (
    "Traceback",
    'File "',
    "site-packages",
    "werkzeug",
    "Werkzeug",
    "flask",
    "sqlalchemy",
    "SELECT ",
    ".py",
    "/work",
    "/tmp",
)


def is_plain(text: str) -> bool:
    return not any(word in text for word in TELLING)


@pytest.fixture
def told(indoors: IndoorHouse) -> Story:
    return a_story(indoors, person=someone("Quetzalpapalotl^Xochitl", "19471103"))


def test_error_answers_say_what_to_do_and_nothing_of_the_machine(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    house, ana = told.patient.house, told.patient
    app = App(house)
    answers = {
        400: ana.ask("GET", "/fhir/Patient?access_token=x"),
        401: app.get("/fhir/Patient"),
        403: told.site.get("/fhir/Patient"),
        404: ana.ask("GET", "/no/such/page"),
        405: ana.ask("DELETE", "/home"),
        406: ana.ask("GET", "/fhir/Patient", Accept="application/xml"),
        409: told.site.stores(b"nonsense"),
        413: ana.ask("POST", "/add", data={"pin": "x" * 100_000}),
        415: told.site.ask("POST", "/fhir/Patient", data="x", headers={"Content-Type": "text/plain"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, (status, answer.status_code, answer.text[:300])
        assert is_plain(answer.text), (status, answer.text)
    for path in ("/home", f"/scans/{told.id}", "/fhir/Patient", "/dicomweb/studies"):
        with monkeypatch.context() as fault:
            fault.setitem(house.app.extensions, "services", replace(house.services, clock=_BrokenClock()))
            answer = ana.ask("GET", path)
        assert answer.status_code == 500, path
        assert is_plain(answer.text), answer.text
        assert "Xochitl" not in answer.text


class _BrokenClock:
    def now(self) -> object:
        raise ValueError("Quetzalpapalotl cannot be shown, MRN-1, phat_secret")


def test_a_fault_is_logged_by_its_kind_and_not_in_its_words(
    told: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = told.patient.house
    with caplog.at_level(logging.DEBUG):
        for path in ("/home", "/fhir/Patient?name=Quetzalpapalotl", "/dicomweb/studies?PatientName=Quetzalpapalotl"):
            with monkeypatch.context() as fault:
                broken = replace(house.services, clock=_BrokenClock())
                fault.setitem(house.app.extensions, "services", broken)
                told.patient.ask("GET", path)
    assert "ValueError" in caplog.text
    assert "Quetzalpapalotl" not in caplog.text
    assert "phat_secret" not in caplog.text


def test_a_whole_story_leaves_no_fact_and_no_secret_in_the_log(
    indoors: IndoorHouse, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        told = a_story(indoors, person=someone("Quetzalpapalotl^Xochitl", "19471103"))
        ana = told.patient
        share = ana.gives_a_code()
        Guest(indoors).opens(share.code)
        shown = ana.gives_a_link(number="yes", label="Wisteria")
        link = Receiver(indoors.session(), shown.link)
        file = link.manifest(passcode=shown.number)[0]
        assert link.asks(passcode="wrong").status_code == 401
        assert link.fetches(file)
        assert link.http.get(file["location"]).status_code == 404
        app = App(indoors).is_let_in_by(ana)
        app.get(f"/dicomweb/studies?PatientName=Quetzalpapalotl&StudyInstanceUID={told.scan.uid}")
        ana.another_browser().signs_in("wrong horse battery staple")
        ana.ask("GET", f"{told.page}/save/all.zip")
        ana.ask("GET", f"{told.page}/report.pdf")
    canaries = Canaries()
    canaries.add("person", "Quetzalpapalotl", "19471103", told.patient.person.mrn, told.scan.uid)
    canaries.add("link", link.url.rpartition("/")[2], link.payload["key"], file["location"].rpartition("/")[2])
    canaries.add("link's words", "Wisteria", link.recipient)
    canaries.add(
        "secrets", share.code, ana.password, ana.login, "wrong horse battery staple", *ana.cookies(), app.token
    )
    written = "\n".join(f"{one.getMessage()} {one.exc_text or ''} {one.args!r}" for one in caplog.records)
    assert Search(canaries.spellings()).in_octets(written.encode()) == set()


def secrets_of_every_kind() -> list[object]:
    keys = Secrets({1: b"p" * 32}, 1, b"i" * 32, b"m" * 32, b"a" * 32)
    link = HealthLink(b"s" * 32, b"s" * 32, "P", "ssss", "7373")
    return [ClaimPin.new(), ShareCode.new(7), RecoveryCode.new(), keys, KeyPair.from_seed(b"s" * 32), link]


@pytest.mark.parametrize("secret", secrets_of_every_kind(), ids=lambda one: type(one).__name__)
def test_secrets_do_not_print(secret: object) -> None:
    hidden = _inside(secret)
    printed = [repr(secret), f"{secret!r}", repr([secret]), _traced(secret)]
    with suppress(TypeError, pickle.PicklingError):  # refusing to be written is fine
        printed += [str(secret), f"{secret}"]
        printed.append(repr(pickle.dumps(secret)))
    for text in printed:
        assert not any(word in text for word in hidden), text


def _inside(secret: object) -> list[str]:
    if hasattr(secret, "reveal"):
        written = secret.reveal()
        return [written, written.replace("-", ""), written.replace("-", "")[4:15]]
    if isinstance(secret, Secrets):
        return ["pppp", "iiii", "mmmm", "aaaa"]
    return ["ssss", "7373"]


def _traced(secret: object) -> str:
    return "".join(traceback.format_exception(ValueError(secret)))


def test_settings_do_not_print(indoors: IndoorHouse) -> None:
    settings = indoors.app.extensions["settings"]
    for written in indoors.secrets.values():
        assert written not in repr(settings)
        assert written not in str(settings)
    assert str(settings.pepper) not in repr(settings)


def test_an_outbox_names_nobody_and_its_letters_hold_no_finding(indoors: IndoorHouse) -> None:
    from tests.journeys.stories import a_scan
    from tests.people import Site

    site, person = Site(indoors), someone("Quetzalpapalotl^Xochitl")
    site.pushes(*a_scan(person, StudyDescription="CT of the thorax").files)
    ana = Patient(indoors, person, login="xochitl@mailbox.example")
    ana.types_a_slip(site.hands_out_a_slip(person))
    page = ana.open("/join").send("Send me a code", mail=ana.login)
    outbox = OutboxMailer(indoors.folder / "data" / "outbox", indoors.services.secrets.mail_key)
    six = next(word.strip(".") for word in outbox.letters()[0].text.split() if word.strip(".").isdigit())
    page.send("Continue", code=six).send("Use a password", password=ana.password, called="Xochitl")
    ana.another_browser().signs_in()
    letters = outbox.letters()
    assert letters
    for letter in letters:
        assert letter.to == ana.login
        for word in ("thorax", "CT", "Quetzalpapalotl", "report", "PIN "):
            assert word not in letter.subject + letter.text, letter.text
    canaries = Canaries()
    canaries.add("mail", ana.login, "Xochitl", "mailbox.example")
    assert Search(canaries.spellings()).in_folder(indoors.folder / "data" / "outbox") == {}


def test_the_health_page_names_nobody(told: Story) -> None:
    answer = Software(told.patient.house).get("/healthz")
    assert set(answer.json()) == {"status", "database", "blobs", "keys"}
    assert set(answer.json().values()) == {"ok"}


def test_the_history_tells_the_patient_and_nobody_else(told: Story) -> None:
    doctor = Guest(told.patient.house)
    doctor.opens(told.patient.gives_a_code().code)
    assert told.patient.open("/history").says("Dr. J. Lee")
    for path in ("/history", "/history.pdf", "/shares", "/account"):
        assert doctor.open(path).path == "/sign-in", path
