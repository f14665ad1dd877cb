"""A link by e-mail or as a picture: made on a phone, opened in anybody's browser, over when the patient says so."""

import json
import re
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.houses import RunningHouse
from tests.journeys.stories import Story, a_scan, someone
from tests.papers import a_report
from tests.people import Patient, Site
from tests.phr.test_pages_browser import Visitor
from tests.receivers import Receiver

pytestmark = pytest.mark.browser
PDF = b"%PDF-1.4\n% a report of the scan center\n%%EOF\n"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, sqlite_house: RunningHouse) -> Iterator[Callable[[], Visitor]]:
    """Another visitor with a screen 320 px wide, each time it is called; every page they see is checked."""
    contexts = []

    def another() -> Visitor:
        contexts.append(chromium.new_context(viewport={"width": 320, "height": 640}))
        return Visitor(contexts[-1], sqlite_house.base_url)

    yield another
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def told(sqlite_house: RunningHouse) -> Story:
    site, scan = Site(sqlite_house), a_scan(someone("Perez^Ana", "19580327"))
    site.pushes(*scan.files)
    site.reports(scan.person, scan.name, a_report("A small nodule.", pdf=PDF))
    patient = Patient(sqlite_house, scan.person)
    patient.types_a_slip(site.hands_out_a_slip(scan.person))
    return Story(site, patient, scan, patient.makes_an_account().path.rpartition("/")[2])


def opens(reader: Visitor, link: str, number: str = "", name: str = "Riverbend Emergency") -> None:
    reader.page.goto(link)
    reader.settles()
    reader.types(recipient=name)
    if number:
        reader.types(number=number)
    reader.page.get_by_role("button", name="Open", exact=True).click()


def payload_of(said: dict[str, str]) -> str:
    return "#shlink:/" + urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def problem(reader: Visitor) -> str:
    """The sentence on top, which has the focus."""
    reader.page.wait_for_selector("#problem:not([hidden])")
    assert reader.page.evaluate("document.activeElement.id") == "problem"
    assert reader.page.title().startswith("Error: ")
    reader.check()
    return reader.page.inner_text("#problem-words")


def test_a_link_made_on_a_phone_is_opened_by_a_doctor_until_it_is_stopped(visitor, told):
    ana = visitor()
    ana.goes("/sign-in")
    ana.types(login=told.patient.login, password=told.patient.password)
    ana.presses("Sign in")
    ana.goes("/share/scans")
    ana.presses("Pick all")
    ana.page.get_by_label("Send a link").check()
    ana.presses("Continue")
    assert "gets a copy of the report" in ana.page.inner_text("main")
    ana.types(label="For Dr. Lee")
    ana.presses("Continue")
    assert "“For Dr. Lee”. Pictures and reports. With a number." in ana.page.inner_text("main")
    ana.presses("Share now")
    link = ana.page.locator(".kr-link a").inner_text()
    number = re.sub(r"\D", "", ana.page.locator(".kr-code__value [aria-hidden]").inner_text())
    letter = ana.page.get_by_role("link", name="Send by email").get_attribute("href")
    assert parse_qs(letter.partition("?")[2])["body"] == [link]  # their own mail program writes it
    assert number not in letter
    assert ana.page.locator("[data-print]").is_visible()
    ana.page.emulate_media(media="print")
    assert ana.page.locator(".kr-qr").is_visible()
    assert not ana.page.locator(".kr-code").is_visible()  # the number goes another way than the paper
    ana.page.emulate_media(media="screen")

    asked: list[str] = []
    doctor = visitor()
    doctor.page.on("request", lambda one: asked.append(f"{one.url} {one.post_data or ''} {one.all_headers()}"))
    opens(doctor, link, "000000" if number != "000000" else "000001")
    assert problem(doctor) == "This number is wrong. Tries left: 4."
    doctor.types(number=f"{number[:3]} {number[3:]}")
    doctor.page.keyboard.press("Enter")
    doctor.page.wait_for_selector("#shown h2")
    assert doctor.page.evaluate("document.activeElement.tagName") == "H2"
    for _ in range(50):
        if doctor.page.evaluate("document.querySelector('#shown img').naturalWidth") > 0:
            break
        doctor.page.wait_for_timeout(100)
    assert doctor.page.evaluate("document.querySelector('#shown img').naturalWidth") > 0
    doctor.check()
    shown = doctor.page.inner_text("#shown")
    for words in ("Ana Perez", "Born 27 March 1958", "CT of the chest", "A small nodule."):
        assert words in shown, shown
    with doctor.page.expect_download() as saved:
        doctor.page.get_by_role("link", name="Save the report").click()
    assert saved.value.path().read_bytes() == PDF
    doctor.page.get_by_role("button", name="Look at the pictures").click()
    doctor.page.wait_for_url("**/see/scans")
    assert "CT of the chest" in doctor.page.inner_text("main")
    key = Receiver(told.patient.house.session(), link).payload["key"]
    assert len(asked) > 5
    assert not [one for one in asked if key in one or "shlink" in one]

    ana.goes("/shares")
    assert "Link: For Dr. Lee" in ana.page.inner_text("main")
    ana.follows("See what they open")
    assert "Riverbend Emergency (Link: For Dr. Lee) opened what you shared." in ana.page.inner_text("main")
    ana.follows("Stop sharing")
    ana.presses("Stop sharing")
    opens(doctor, link, number)
    assert problem(doctor).startswith("This link does not work any more.")
    assert not doctor.page.locator("#ask").is_visible()
    assert ana.complaints == []
    assert not [said for said in doctor.complaints if "Content Security Policy" in said]


def test_a_single_file_opens_without_a_number_and_with_the_keyboard_alone(visitor, told):
    shown = told.patient.gives_a_link(opens="reports", number="no")
    reader = visitor()
    reader.goes(shown.link.removeprefix(reader.base))
    assert not reader.page.locator("#number").is_visible()
    for _ in range(12):
        if reader.page.evaluate("document.activeElement.id") == "recipient":
            break
        reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    assert problem(reader) == "Type your name or your clinic."
    reader.page.focus("#recipient")
    reader.page.keyboard.type("Dr. Lee")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_selector("#shown h2")
    assert "A small nodule." in reader.page.inner_text("#shown")
    assert not reader.page.get_by_role("button", name="Look at the pictures").is_visible()


@pytest.mark.parametrize(
    ("behind", "sentence"),
    [
        ("", "There is no link here."),
        ("#something", "There is no link here."),
        ("#shlink:/eyJ1cmwiOiJodHRwczovL2V4YW1", "This is not a whole health link."),
        (
            payload_of({"url": "https://other.example/x", "key": "A" * 43}),
            "This link was made by another service.",
        ),
    ],
)
def test_what_is_no_link_of_ours_is_named(visitor, behind, sentence):
    reader = visitor()
    reader.goes(f"/link{behind}")
    assert problem(reader).startswith(sentence)


def test_a_link_with_another_key_shows_nothing(visitor, told):
    shown = told.patient.gives_a_link(number="no")
    payload = Receiver(told.patient.house.session(), shown.link).payload | {"key": "A" * 43}
    reader = visitor()
    opens(reader, f"{reader.base}/link{payload_of(payload)}")
    assert problem(reader).startswith("The files do not fit this link")
    assert reader.page.inner_text("#shown") == ""
