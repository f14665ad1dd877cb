"""Rows K02, K03, K06, K07 and J01, J02, J03, J07, J09: with the keyboard alone, without scripts, back and forth, late."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.household import PASSWORD, Household, settled
from tests.phr.conftest import BORN, Browser
from vault.sealing.codes import ClaimPin

pytestmark = pytest.mark.browser
NAME = """() => {
  const one = document.activeElement;
  return (one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent || '').replace(/\\s+/g, ' ').trim();
}"""


class Keys:
    """Somebody who has a keyboard and nothing else; counts what is pressed beyond typing."""

    def __init__(self, page: Page, house: Household) -> None:
        self.page, self.house, self.pressed = page, house, 0

    def goes(self, path: str) -> None:
        settled(self.page, self.house.base + path)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.pressed += 1

    def reach(self, name: str) -> None:
        for _ in range(70):
            if self.page.evaluate(NAME).startswith(name):
                return
            self.press("Tab")
        raise AssertionError(f"“{name}” cannot be reached on {self.page.url}")

    def enter(self, name: str) -> None:
        self.reach(name)
        with self.page.expect_navigation():
            self.press("Enter")
        self.page.wait_for_selector("body[data-ready]")

    def tick(self, name: str) -> None:
        self.reach(name)
        self.press("Space")

    def type(self, name: str, text: str) -> None:
        self.reach(name)
        self.page.keyboard.type(text)


@pytest.fixture
def keys(window, house):
    return lambda who="ana", **more: Keys(window(who, **more), house)


def picked(ana: Keys) -> None:
    ana.goes("/share/scans")
    for _ in range(12):
        ana.press("Tab")
        if ana.page.evaluate("document.activeElement.type === 'checkbox' && !document.activeElement.checked"):
            break
    if not ana.page.locator("input[name=scans]:checked").count():
        ana.press("Space")
    ana.enter("Continue")


def test_k02_a_code_is_shared_and_stopped_with_the_keyboard_alone(keys):
    ana = keys()
    picked(ana)
    if not ana.page.locator("input[value=code]").is_checked():
        ana.page.keyboard.press("ArrowUp")
    ana.enter("Continue")
    ana.enter("Share now")
    expect(ana.page.locator(".kr-code")).to_be_visible()
    ana.goes("/shares")
    ana.enter("Stop sharing with whoever has the code")
    ana.enter("Stop sharing")
    assert "Sharing has stopped" in ana.page.inner_text("main")
    assert ana.pressed <= 90


def test_k03_a_link_is_prepared_with_the_keyboard_and_an_answer_is_changed_from_the_last_page(keys):
    ana = keys()
    picked(ana)
    ana.page.locator("input[value=link]").focus()
    ana.press("Space")
    while not ana.page.url.endswith("/share/check"):
        if ana.page.url.endswith("/share/link"):
            ana.type("A name for the link", "For Dr. Lee")
        ana.enter("Continue")
    before = ana.page.inner_text(".nhsuk-summary-list")
    ana.enter("Change How long")
    while ana.page.evaluate("document.activeElement.type") != "radio":
        ana.press("Tab")
    ana.press("ArrowDown")
    ana.enter("Continue")
    while not ana.page.url.endswith("/share/check"):
        ana.enter("Continue")
    after = ana.page.inner_text(".nhsuk-summary-list")
    assert "For Dr. Lee" in after
    assert before != after


def test_k06_the_kit_is_made_and_opens_a_fresh_browser_with_the_keyboard_alone(keys, house, window):
    ana = keys("nora")
    ana.goes("/account/recovery-kit")
    ana.enter("Get my recovery kit")
    code = re.sub(r"[^0-9A-Z]", "", ana.page.locator(".kr-code .nhsuk-u-visually-hidden").first.inner_text())
    assert len(code) == 28
    ana.type("Type the third group", code[8:12])
    ana.enter("Check")
    assert "Your kit works" in ana.page.inner_text("main")
    elsewhere = keys("nobody")
    elsewhere.goes("/sign-in/recover")
    elsewhere.type("Code on your kit", code.lower())
    elsewhere.type("Email or account name", "nora.lind")
    elsewhere.type("New password", "other words for a knee")
    elsewhere.enter("Use it")
    assert "The kit you used no longer works" in elsewhere.page.inner_text("main")


def test_k07_a_report_is_let_open_with_the_keyboard_alone(keys, house):
    ana = keys()
    scans = dict.fromkeys(re.findall(r"/scans/[0-9a-f]{32}", house.people["ana"].get("/home").text))
    chest = next(one for one in scans if "chest" in house.people["ana"].get(one).text)
    ana.goes(f"{chest}/report")
    ana.enter("Read it now")
    assert "Sin alteraciones." in ana.page.inner_text("main")


def test_j01_without_scripts_everything_but_the_viewer_works(window, house):
    page = window("nobody", java_script_enabled=False)
    page.goto(house.base + "/sign-in")
    page.fill("#login", "ana.perez")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign in").last.click()
    assert page.url.endswith("/home")
    for address, said in (
        (f"{house.scan}/report", "No tear."),
        ("/shares", "Hill Clinic"),
        (f"{house.scan}/pictures?picture=1", "Picture 1 of 6"),
    ):
        page.goto(house.base + address)
        assert said in page.inner_text("main"), address
    assert page.request.get(f"{house.base}{house.scan}/report.pdf").body().startswith(b"%PDF")
    page.goto(house.base + "/languages")
    page.get_by_role("button", name="Español").click()
    assert "Hola, Ana" in page.goto(house.base + "/home").text()
    page.goto(house.base + "/languages")
    page.get_by_role("button", name="English").click()
    page.goto(f"{house.base}/shares")
    stop = page.get_by_role("link", name="Stop sharing with whoever has the code")
    if stop.count():
        stop.first.click()
        page.get_by_role("button", name="Stop sharing").click()
        assert "Sharing has stopped" in page.inner_text("main")


def test_j02_going_back_reloading_and_pressing_twice_loses_and_doubles_nothing(window, house):
    page = settled(window("ana"), house.base + "/share/scans")
    if not page.locator("input[name=scans]:checked").count():
        page.locator("label", has_text="MRI of the right knee").click()
    for _ in range(4):
        if page.url.endswith("/share/how"):
            page.locator("label", has_text="I am with the doctor now").click()
        with page.expect_navigation():
            page.get_by_role("button", name="Continue").click()
        page.wait_for_selector("body[data-ready]")
        if page.url.endswith("/check"):
            break
        page.reload()
        page.wait_for_selector("body[data-ready]")
    for _ in range(2):
        page.go_back()
        page.wait_for_selector("body[data-ready]")
    assert page.locator("input:checked").count() >= 1
    settled(page, house.base + "/share/check")
    page.context.set_offline(True)
    expect(page.get_by_text("Your phone is not online. We cannot make a code now.")).to_be_visible(timeout=1_000)
    page.context.set_offline(False)
    page.add_init_script("navigator.wakeLock.request = async (what) => { window.awake = what; }")
    before = house.people["ana"].get("/shares").text.count("kr-share__head")
    page.get_by_role("button", name="Share now").dblclick()
    page.wait_for_url("**/share/code")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("window.awake") == "screen", "the screen goes dark while a camera looks for the code"
    assert house.people["ana"].get("/shares").text.count("kr-share__head") == before + 1


def test_j03_who_is_offline_is_told_and_what_was_typed_stays(window, house):
    page = settled(window("nobody"), house.base + "/join/name")
    page.fill("#name", "somebody.new")
    page.context.set_offline(True)
    expect(page.get_by_text("You are not online. We will try again.")).to_be_visible(timeout=1_000)
    assert page.input_value("#name") == "somebody.new"
    page.context.set_offline(False)
    expect(page.get_by_text("You are not online. We will try again.")).to_be_hidden(timeout=1_000)
    with page.expect_navigation():
        page.get_by_role("button", name="Continue").click()
    assert page.url.endswith("/join/password")


def test_j03_a_slow_answer_is_announced_within_a_second(window, house):
    page = settled(window("nobody"), house.base + "/sign-in")
    page.evaluate(
        """() => {
          let begun;
          document.addEventListener('submit', () => { begun = performance.now(); });
          new MutationObserver(() => {
            const line = document.querySelector('.kr-waiting');
            if (line?.textContent) window.said ??= [line.textContent, line.getAttribute('role'), performance.now() - begun];
          }).observe(document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )

    held = []
    page.route("**/sign-in", lambda route: held.append(route))  # noqa: PLW0108  (Playwright marks its handlers)
    page.fill("#login", "ana.perez")
    page.fill("#password", "wrong")
    page.get_by_role("button", name="Sign in").last.click(no_wait_after=True)
    page.wait_for_timeout(1_000)
    held[0].fulfill(status=204)
    words, role, late = page.evaluate("window.said")
    assert (words, role) == ("One moment. This can take a few seconds.", "status")
    assert late < 1_000


def test_a15_while_a_slip_is_tried_the_page_says_so_and_then_that_nobody_need_stay(window, house):
    somebody = house.people["claiming"] = Browser(house.app, "203.0.113.78")
    somebody.post("/add", pin=ClaimPin.new().reveal())
    somebody.post("/add/birth", **BORN)
    page = window("claiming")
    page.clock.install()
    settled(page, house.base + "/sign-in")
    page.evaluate(
        """() => {
          window.said = [];
          document.addEventListener('submit', (event) => event.preventDefault());  // no answer comes
          new MutationObserver(() => {
            const words = document.querySelector('.kr-waiting[role=status]')?.textContent;
            if (words && words !== window.said.at(-1)) window.said.push(words);
          }).observe(document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )
    page.fill("#login", "ana.perez")
    page.fill("#password", "wrong")
    page.get_by_role("button", name="Sign in").last.click()
    page.clock.run_for(10_000)
    told = page.evaluate("window.said")
    assert told == [
        "Unlocking your scan. We check your slip …",
        "This takes a few seconds. You can leave this page.",
    ]


def test_j07_a_mistake_has_the_focus_its_link_leads_to_the_box_and_what_was_typed_stays(window, house):
    page = settled(window("nobody"), house.base + "/join")
    page.fill("#mail", "ana@example")
    page.get_by_role("button", name="Send me a code").click()
    page.wait_for_selector(".nhsuk-error-summary:focus")
    assert page.input_value("#mail") == "ana@example"
    page.locator(".nhsuk-error-summary a").click()
    assert page.evaluate("document.activeElement.id") == "mail"
    assert page.get_attribute("#mail", "aria-describedby").split()[-1] == "mail-error"


def test_j09_two_minutes_before_the_end_one_is_asked_and_may_stay_ten_times(window, house):
    away = house.people["away"] = Browser(house.app, "203.0.113.79")  # what ends is this stay, and not the others'
    away.post("/sign-in", login="ana.perez", password=PASSWORD)
    page = window("away")
    page.clock.install()
    settled(page, house.base + "/questions")
    dialog = page.get_by_role("dialog", name="Are you still there?")
    for _ in range(10):
        page.clock.run_for(28 * 60_000 + 6_000)
        expect(dialog).to_be_visible()
        with page.expect_response("**/stay"):
            dialog.get_by_role("button", name="Stay signed in").click()
        expect(dialog).to_be_hidden()
    page.clock.run_for(28 * 60_000 + 6_000)
    assert page.evaluate("document.activeElement.id") == "time-out-title"
    page.evaluate("document.getElementById('questions').value = 'Can it wait?'")
    page.clock.run_for(2 * 60_000 + 6_000)
    page.wait_for_url("**/sign-in?ended=1**")
    page.wait_for_selector("body[data-ready]")
    assert "so we signed you out" in page.inner_text("main")
    page.fill("#login", "ana.perez")
    page.fill("#password", PASSWORD)
    with page.expect_response("**/away/typed"):
        page.get_by_role("button", name="Sign in").last.click()
    expect(page.locator("#questions")).to_have_value("Can it wait?")
    assert page.url == house.base + "/questions"
