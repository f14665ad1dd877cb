"""The viewer for everyone: by keys and screen reader, on small screens, and without JavaScript."""

from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import expect

import phr
from tests.viewer.conftest import DESK, PHONE
from tests.viewer.gallery import Gallery
from tests.viewer.samples import a_ct, without_a_picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SMALL = {"width": 320, "height": 640}
AXE = Path(phr.__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def gallery():
    gallery = Gallery()
    gallery.hang(*a_ct(6))
    gallery.hang(without_a_picture(), study_title="Heart curve")
    return gallery


def violations(page):
    page.evaluate(AXE.read_text() + ";0")
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]]


@pytest.mark.parametrize("toolbar", ["patient", "clinician"])
@pytest.mark.parametrize("size", [SMALL, DESK], ids=["320", "1366"])
def test_a01_the_viewer_breaks_no_rule_of_access(visit, gallery, size, toolbar):
    gallery.toolbar = toolbar
    me = visit(gallery, size=size)
    me.sees("full")
    assert violations(me.page) == []
    me.tool("Window" if toolbar == "clinician" else "Light").click()
    assert violations(me.page) == []
    me.press("?")
    assert violations(me.page) == []
    me.page.keyboard.press("Escape")
    me.press("q")
    me.says("No broken bone is seen.")
    assert violations(me.page) == []
    gallery.ended = 401
    me.page.locator(".v-ended").wait_for()
    assert violations(me.page) == []


def test_the_tags_break_no_rule_of_access(visit, gallery):
    gallery.toolbar = "clinician"
    me = visit(gallery)
    me.sees("full")
    me.press("d")
    me.page.get_by_label("Search tags").wait_for()
    assert violations(me.page) == []


@pytest.mark.parametrize("toolbar", ["patient", "clinician"])
def test_a06_a_small_phone_scrolls_nothing_sideways_and_every_tool_is_large_enough(visit, gallery, toolbar):
    gallery.toolbar = toolbar
    me = visit(gallery, size=SMALL, has_touch=True, is_mobile=True)
    me.sees("full")
    assert me.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    picture = me.picture.bounding_box()
    assert picture["height"] > 180
    for button in me.page.locator("button:visible").all():
        box = button.bounding_box()
        assert box["width"] >= 44, button.inner_text()
        assert box["height"] >= 44, button.inner_text()
        assert box["y"] + box["height"] <= SMALL["height"] + 1


def test_a04_large_letters_cut_nothing_off(visit, gallery):
    me = visit(gallery, size={"width": 640, "height": 900})
    me.sees("full")
    me.page.evaluate("document.documentElement.style.fontSize = '200%'")
    me.page.wait_for_timeout(300)
    assert me.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    cut = "[...document.querySelectorAll('.v-tool')].filter((one) => one.scrollHeight > one.clientHeight + 2).length"
    assert me.page.evaluate(cut) == 0


def test_groups_lie_over_the_picture_on_a_phone(visit, gallery):
    me = visit(gallery, size=PHONE, has_touch=True, is_mobile=True)
    me.sees("full")
    groups = me.page.locator("#groups")
    expect(groups).to_be_hidden()
    me.tool("Groups").click()
    expect(groups).to_be_visible()
    me.page.get_by_role("link", name="ECG").click()
    expect(groups).to_be_hidden()
    me.says("This kind of picture cannot be shown here: ECG wave.")


def test_a11_nothing_moves_for_who_wants_less_motion(visit, gallery):
    me = visit(gallery, reduced_motion="reduce")
    me.sees("full")
    assert me.page.evaluate("document.getAnimations().length") == 0


def test_keys_alone_lead_to_every_part(visit, gallery):
    me = visit(gallery)
    me.sees("full")
    seen = []
    for _ in range(14):
        me.page.keyboard.press("Tab")
        seen.append(me.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert seen[0] == "Skip to the picture"
    assert "picture" in seen
    assert "Play" in seen
    assert "Earlier" in seen


def test_j01_without_javascript_pictures_are_turned_like_pages(visit, gallery):
    me = visit(gallery, size=PHONE, java_script_enabled=False)
    expect(me.page.locator("#quick")).to_be_visible()
    me.page.get_by_role("link", name="Look at the pictures one by one").click()
    image = me.page.get_by_role("img", name="Picture 4 of 6, CT of the chest")
    expect(image).to_be_visible()
    assert image.bounding_box()["width"] > 300
    me.page.get_by_role("link", name="Next picture").click()
    me.page.get_by_role("link", name="Next picture").click()
    expect(me.page.get_by_role("img", name="Picture 6 of 6, CT of the chest")).to_be_visible()
    expect(me.page.get_by_role("link", name="Next picture")).to_have_count(0)
    me.page.get_by_role("link", name="Picture before").click()
    expect(me.page.get_by_role("img", name="Picture 5 of 6, CT of the chest")).to_be_visible()
    assert any("/frames/1/rendered" in path for path in gallery.asked)


def test_the_paged_pictures_break_no_rule_of_access(visit, gallery):
    me = visit(gallery, size=SMALL, path="/scans/1/pictures?picture=2")
    expect(me.page.get_by_role("img", name="Picture 2 of 6, CT of the chest")).to_be_visible()
    assert violations(me.page) == []
    assert me.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_k04_a_doctor_looks_compares_and_ends_with_keys_alone(visit, gallery):
    gallery.toolbar = "clinician"
    gallery.hang(*a_ct(12, description="Old"), taken=date(2024, 5, 2))
    gallery.hang(*a_ct(20, description="New"), taken=date(2026, 3, 4))
    me = visit(gallery)
    me.sees("full")
    keys = me.page.keyboard
    keys.press("Tab")
    keys.press("Enter")  # "Skip to the picture"
    expect(me.picture).to_be_focused()
    keys.press("]")
    keys.press("]")
    keys.press("]")
    me.says("11 of 20")
    for _ in range(9):
        keys.press("ArrowDown")
    me.at(20)
    keys.press("Alt+3")
    expect(me.corner("bottom-right")).to_contain_text("W 1800 L 400")
    keys.press("p")
    expect(me.page.locator(".v-pane")).to_have_count(2)
    for _ in range(30):
        keys.press("Shift+Tab")
        if me.page.evaluate("document.activeElement.textContent.trim()") == "End":
            break
    keys.press("Enter")
    me.says("You are out.")
