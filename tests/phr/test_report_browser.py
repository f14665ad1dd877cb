"""A report in a real Chromium: its words open with the keyboard alone, and nothing of it is lost without a script."""

import pytest

from tests.phr.conftest import BORN, PASSWORD
from tests.phr.test_pages_browser import chromium, house, visitor  # noqa: F401  fixtures of ours
from vault.facts import Section

pytestmark = pytest.mark.browser
SAID = (
    Section("Findings", "A joint effusion.\n\nThe ligaments are intact."),
    Section("Impression", "No fracture. Recommend repeat MRI in 6 months."),
)


@pytest.fixture
def ana(visitor, scan_center):  # noqa: F811
    uid = scan_center.pushes_a_knee()
    scan_center.reports(uid, sections=SAID)
    pin = scan_center.slip_for().reveal()
    someone = visitor()
    someone.goes("/join/name")
    someone.types(name="ana.perez")
    someone.presses("Continue")
    someone.types(password=PASSWORD, called="Ana Perez")
    someone.presses("Use a password")
    someone.goes("/add")
    someone.types(pin=pin)
    someone.presses("Continue")
    someone.types(**{name.replace("-", "_"): value for name, value in BORN.items()})
    someone.presses("Continue")
    someone.scan = someone.page.url.removeprefix(someone.base).partition("?")[0]
    return someone


def test_k07_parts_and_words_open_and_close_with_the_keyboard_alone(ana):
    ana.goes(f"{ana.scan}/report")
    button = ana.page.get_by_role("button", name="Read it now")
    button.focus()
    with ana.page.expect_navigation():
        ana.page.keyboard.press("Enter")
    ana.settles()
    ana.page.set_viewport_size({"width": 320, "height": 640})
    said = ana.page.locator(".kr-part", has_text="What they saw")
    assert [said.evaluate("part => part.open"), ana.page.locator(".kr-part").first.evaluate("part => part.open")] == [
        False,
        True,
    ]
    said.locator("summary").focus()
    ana.page.keyboard.press("Enter")
    word = ana.page.get_by_role("button", name="effusion")
    assert word.get_attribute("aria-expanded") == "false"
    word.focus()
    ana.page.keyboard.press("Enter")
    assert word.get_attribute("aria-expanded") == "true"
    assert "Fluid that has collected" in ana.page.inner_text("main")
    ana.check()
    ana.page.keyboard.press("Escape")
    ana.page.set_viewport_size({"width": 1366, "height": 768})
    assert ana.page.locator(".kr-part[open]").count() == ana.page.locator(".kr-part").count()
    text, picture = (ana.page.locator(one).bounding_box() for one in (".kr-reading", ".kr-beside img"))
    assert picture["x"] > text["x"] + text["width"]
    assert word.get_attribute("aria-expanded") == "false"
    assert "Recommend repeat MRI in 6 months." in ana.page.inner_text("q")
    assert ana.page.inner_text(".kr-report >> nth=0") == "No fracture. Recommend repeat MRI in 6 months."


@pytest.mark.parametrize("path", ["/questions", "/account/alerts", "/share/doctor", "/save/everything"])
def test_new_pages_hold_at_every_width(ana, path):
    ana.goes(path)
    ana.check()
    assert ana.complaints == []
