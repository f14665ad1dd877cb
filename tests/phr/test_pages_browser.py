"""The pages in a real Chromium: by mouse, by keyboard alone, at 320 px, under axe, with nothing refused by the policy."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from phr.app import create_app
from tests.loopback import answering
from tests.phr.conftest import PASSWORD, SECTIONS

pytestmark = pytest.mark.browser
AXE = Path("node_modules/axe-core/axe.min.js")
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"


@pytest.fixture
def house(settings, services, renderer) -> Iterator[str]:
    """The app at an address of its own; answers where."""
    with answering() as server:
        base = f"http://127.0.0.1:{server.server_port}"
        server.app = create_app(replace(settings, base_url=base), services=services)
        server.app.extensions["renderer"] = renderer
        yield base


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Visitor:
    """Someone at a screen 320 px wide; every page they see is checked."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.page: Page = context.new_page()
        self.base = base
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def goes(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.settles()

    def settles(self) -> None:
        self.page.wait_for_selector("body[data-ready]")
        self.check()

    def check(self) -> None:
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(wide) <= 0, self.page.url
        self.page.evaluate(AXE.read_text() + ";0")
        found = self.page.evaluate(f"axe.run(document, {RULES})")["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], self.page.url

    def presses(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()
        self.settles()

    def follows(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name).first.click()
        self.settles()

    def types(self, **boxes: str) -> None:
        for box, text in boxes.items():
            self.page.fill(f"#{box.replace('_', '-')}", text)

    def code(self) -> str:
        return re.sub(r"[^0-9A-Z]", "", self.page.locator(".kr-code .nhsuk-u-visually-hidden").first.inner_text())


@pytest.fixture
def visitor(chromium: Browser, house: str):
    """Another visitor, with a browser of their own, each time it is called."""
    contexts = []

    def another() -> Visitor:
        contexts.append(chromium.new_context(viewport={"width": 320, "height": 640}))
        return Visitor(contexts[-1], house)

    yield another
    for context in contexts:
        context.close()


def test_from_the_slip_to_the_end_of_sharing(visitor, scan_center):
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=SECTIONS)
    pin = scan_center.slip_for().reveal().replace("-", "")
    ana = visitor()

    ana.goes(f"/add#{pin}")
    assert ana.page.url == f"{ana.base}/add"
    assert ana.page.input_value("#pin").replace(" ", "") == pin
    ana.presses("Continue")
    ana.types(born_day="27", born_month="3", born_year="1958")
    ana.presses("Continue")
    ana.follows("Use an account name instead")
    ana.types(name="ana.perez")
    ana.presses("Continue")
    ana.types(password=PASSWORD, called="Ana")
    ana.presses("Use a password")
    assert "Your scan is now in your account." in ana.page.inner_text("main")
    ana.presses("Yes, send them")

    scan = ana.page.url.removeprefix(ana.base)
    ana.goes(f"{scan}/report")
    ana.presses("Read it now")
    assert "No tear." in ana.page.inner_text("main")
    for path in (f"{scan}/save", "/home", "/account", "/account/devices", "/history", "/share/scans"):
        ana.goes(path)
    ana.presses("Pick all")
    ana.presses("Continue")
    ana.presses("Share now")
    code = ana.code()

    doctor = visitor()
    doctor.goes(f"/see#{code}")
    assert doctor.page.url == f"{doctor.base}/see"
    doctor.presses("Continue")
    doctor.types(name="Dr. J. Lee", clinic="Hill Clinic")
    doctor.page.get_by_role("button", name="See the scans").click()
    doctor.page.wait_for_url("**/see/view")
    doctor.page.wait_for_selector("#viewer")
    ana.page.wait_for_selector("text=Dr. J. Lee, Hill Clinic can see your scans", timeout=10_000)

    ana.goes("/shares")
    ana.follows("Stop sharing")
    ana.presses("Stop sharing")
    doctor.page.wait_for_selector("text=Sharing has ended", timeout=5_000)
    assert ana.complaints == []
    assert not [said for said in doctor.complaints if "Content Security Policy" in said]


def test_a_slip_is_added_with_the_keyboard_alone(visitor, scan_center):
    scan_center.pushes_a_knee()
    ana = visitor()
    keys, pressed = ana.page.keyboard, 0

    def tab_to(what: str) -> None:
        """As who has a keyboard alone does: past the head of a page that was just opened, by its first link."""
        nonlocal pressed
        if ana.page.evaluate("document.activeElement === document.body"):
            keys.press("Tab")
            keys.press("Enter")
            pressed += 2
        here = "document.activeElement.id || document.activeElement.textContent.trim()"
        while ana.page.evaluate(here) != what:
            keys.press("Tab")
            pressed += 1
            assert pressed <= 40, f"{what} cannot be reached"

    def enter() -> None:
        nonlocal pressed
        with ana.page.expect_navigation():
            keys.press("Enter")
        pressed += 1
        ana.page.wait_for_selector("body[data-ready]")

    ana.goes("/add")
    tab_to("pin")
    keys.type(scan_center.slip_for().reveal().lower())
    enter()
    for box, text in (("born-day", "27"), ("born-month", "3"), ("born-year", "1958")):
        tab_to(box)
        keys.type(text)
    enter()
    tab_to("Use an account name instead")
    enter()
    tab_to("name")
    keys.type("ana.perez")
    enter()
    tab_to("password")
    keys.type(PASSWORD)
    enter()
    tab_to("Look at the pictures")
    enter()
    ana.page.wait_for_selector("#picture[data-shown]:not([data-shown=none])")
    assert pressed <= 40


def test_a_mistake_is_named_in_the_browser_and_has_the_focus(visitor):
    ana = visitor()
    ana.goes("/add")
    ana.types(pin="7KQ4 M9TX 2RWP 5HD")
    ana.page.get_by_role("button", name="Continue").click()
    ana.page.wait_for_selector(".nhsuk-error-summary")
    assert "You typed 15." in ana.page.inner_text(".nhsuk-error-summary")
    assert ana.page.evaluate("document.activeElement.className").startswith("nhsuk-error-summary")
    assert ana.page.title() == "Error: Add your scan - Keepray"
    ana.check()


def test_a_mistake_put_right_at_once_is_no_double_press(visitor):
    ana = visitor()
    ana.goes("/add")
    press = "document.querySelector('main [type=submit]').click()"
    ana.page.evaluate(press)
    ana.page.wait_for_selector(".nhsuk-error-summary")
    ana.page.evaluate(f"document.querySelector('[data-code]').value = '7KQ4M9TX2RWP5HD'; {press}")
    assert "You typed 15." in ana.page.inner_text(".nhsuk-error-summary")


def test_after_the_visit_the_back_button_shows_nothing(visitor, ana_with_a_scan):
    code = ana_with_a_scan.shares()
    doctor = visitor()
    doctor.goes("/see")
    doctor.types(code=code)
    doctor.presses("Continue")
    doctor.types(name="Dr. J. Lee", clinic="Hill Clinic")
    doctor.page.get_by_role("button", name="See the scans").click()
    doctor.page.wait_for_url("**/see/view")
    doctor.goes("/see/scans")
    doctor.presses("End")
    doctor.page.go_back()
    doctor.page.wait_for_load_state()
    assert "PEREZ" not in doctor.page.content()
    kept = "JSON.stringify([localStorage.length, sessionStorage.length, document.cookie])"
    assert doctor.page.evaluate(kept) == '[0,0,""]'
