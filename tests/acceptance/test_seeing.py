"""Rows A02, A07, A08, A10, A16, L03 and P04: mistakes and dialogs, colours, focus, other scripts, other ways of seeing."""

import io
import re
from pathlib import Path
from unittest import mock

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page

from phr import languages
from tests.acceptance.household import settled
from tests.acceptance.looking import BARE, LOOK, OVERFLOW, SPACED, found_by_axe
from tests.acceptance.screens import MISTAKES
from tests.languages import pseudo

pytestmark = pytest.mark.browser
PHONE = {"width": 320, "height": 640}


# -- A02


def test_a02_axe_finds_nothing_when_mistakes_are_named(window, house):
    for who, addresses in MISTAKES.items():
        page = window(who, viewport=PHONE)
        for address in addresses:
            settled(page, house.base + address)
            page.locator("main form [type=submit]").last.click()
            page.wait_for_selector(".nhsuk-error-summary")
            page.wait_for_selector("body[data-ready]")
            assert found_by_axe(page)[0] == [], address
            assert page.title().startswith("Error: "), address
            assert page.evaluate("document.activeElement.className").startswith("nhsuk-error-summary"), address


def test_a02_axe_finds_nothing_in_the_time_out(window, house):
    page = settled(window("ana", viewport=PHONE), house.base + "/home")
    page.evaluate("document.getElementById('time-out').showModal()")
    assert found_by_axe(page)[0] == []
    assert page.evaluate(OVERFLOW) == 0


# -- A07

STYLE = Path("viewer/site.scss").read_text()
# What is written on what; the last number is the least contrast.
COLOURS = [
    ("#1b2427", "#ffffff", 4.5), ("#1b2427", "#f6f4ef", 4.5), ("#4a5659", "#ffffff", 4.5), ("#4a5659", "#f6f4ef", 4.5),
    ("#ffffff", "#0b4f5c", 4.5), ("#ffffff", "#0f6b3f", 4.5), ("#0a5a80", "#ffffff", 4.5), ("#5b3b8c", "#ffffff", 4.5),
    ("#b3261e", "#ffffff", 4.5), ("#5a686c", "#ffffff", 3.0), ("#0f5132", "#d5f0df", 4.5), ("#5c4300", "#ffedb8", 4.5),
    ("#7a1a14", "#fbdcd9", 4.5), ("#0b4f5c", "#d8ecf0", 4.5), ("#ffcf33", "#1b2427", 3.0), ("#ffcf33", "#0b4f5c", 3.0),
]  # fmt: skip
SHADES = [
    ("#e8eef0", "#0d1214", 4.5),
    ("#a9b7bc", "#0d1214", 4.5),
    ("#6f8187", "#0d1214", 3.0),
    ("#7fd8e8", "#0d1214", 3.0),
]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "paper", "least"), COLOURS)
def test_a07_our_colours_can_be_told_apart(ink, paper, least):
    assert contrast(ink, paper) >= least
    assert ink in STYLE or ink == "#ffffff"


@pytest.mark.parametrize(("ink", "paper", "least"), SHADES)
def test_a07_the_viewers_colours_can_be_told_apart(ink, paper, least):
    assert contrast(ink, paper) >= least
    assert ink in Path("viewer/viewer.css").read_text()


# -- A08

OUTLINE = """() => {
  const one = document.activeElement;
  const shown = one.matches('input[type=radio], input[type=checkbox]') ? one.nextElementSibling : one;
  const card = one.closest('.kr-scan') ?? one;
  const style = [one, shown, card].map((part) => [getComputedStyle(part), getComputedStyle(part, '::before')]).flat();
  const seen = style.some((s) => (parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== 'none') || s.boxShadow !== 'none' || parseFloat(s.borderTopWidth) >= 4);
  const box = one.getBoundingClientRect();
  const top = document.elementFromPoint(Math.min(box.left + box.width / 2, innerWidth - 1), Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1));
  const covered = top && !one.contains(top) && !top.contains(one) && !one.labels?.[0]?.contains(top) && getComputedStyle(top.closest('.kr-nav--bottom, .kr-does .kr-actions') ?? one).position.match(/fixed|sticky/) !== null;
  return { name: one.outerHTML.slice(0, 90), body: one === document.body, seen, covered };
}"""


def stops_on(page: Page) -> list[dict]:
    """Where the Tab key leads on this page, to its end or back to its beginning."""
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(OUTLINE)
        if stop["body"] or (stops and stop["name"] == stops[0]["name"] and len(stops) > 3):
            break
        stops.append(stop)
    return stops


@pytest.mark.parametrize(
    ("who", "address"),
    [("nobody", "/"), ("nobody", "/sign-in"), ("ana", "/home"), ("ana", "/share/scans"), ("ana", "/account"), ("ana", "SCAN")],
)  # fmt: skip
def test_a08_a09_where_one_is_can_be_seen_and_is_not_covered(window, house, who, address):
    stops = stops_on(settled(window(who, viewport=PHONE), house.base + address.replace("SCAN", house.scan)))
    assert len(stops) > 4
    assert [one["name"] for one in stops if not one["seen"]] == []
    assert [one["name"] for one in stops if one["covered"]] == []


@pytest.mark.thorough
def test_a08_a09_the_same_holds_on_every_page(window, house):
    lost = {}
    for who, addresses in house.pages().items():
        page = window(who, viewport=PHONE)
        for address in addresses:
            stops = stops_on(settled(page, house.base + address))
            if bad := [one["name"] for one in stops if one["covered"] or not one["seen"]]:
                lost[f"{who} {address}"] = bad
    assert lost == {}


def test_a08_focus_changes_what_is_seen(window, house):
    page = settled(window("nobody", viewport=PHONE), house.base + "/add")
    button = page.get_by_role("button", name="Continue")
    before = Image.open(io.BytesIO(page.screenshot())).convert("L")
    page.focus("#pin")
    page.keyboard.press("Tab")
    after = Image.open(io.BytesIO(page.screenshot(caret="hide"))).convert("L")
    box = button.bounding_box()
    around = (int(box["x"]) - 8, int(box["y"]) - 8, int(box["x"] + box["width"]) + 8, int(box["y"] + box["height"]) + 8)
    changed = sum(ImageChops.difference(before.crop(around), after.crop(around)).histogram()[40:])
    assert changed >= 2 * 2 * (box["width"] + box["height"]) * 0.8


# -- A10


def test_a10_with_forced_colours_and_more_contrast_everything_keeps_its_edge(window, house):
    page = window("ana", viewport=PHONE, forced_colors="active", contrast="more")
    for address in ("/home", "/share/code", "/shares"):
        settled(page, house.base + address)
        assert page.evaluate(OVERFLOW) == 0
        bare = page.evaluate(
            "[...document.querySelectorAll('.nhsuk-button, .kr-chip, .kr-card, .nhsuk-input')].filter((one) => one.checkVisibility())"
            ".filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) < 1).map((one) => one.outerHTML.slice(0, 80))"
        )
        assert bare == [], address
    settled(page, house.base + "/share/code")
    assert page.evaluate("getComputedStyle(document.querySelector('.kr-qr')).forcedColorAdjust") == "none"


# -- A16, L03


@pytest.fixture
def also_arabic():
    with mock.patch.dict(languages.LANGUAGES, {"ar": "العربية"}):
        yield


def test_a16_a_script_from_the_right_turns_the_page_around(window, house, also_arabic):
    page = window("ana", viewport=PHONE)
    page.context.add_cookies([{"name": "phr-language", "value": "ar", "url": house.base}])
    for address in ("/home", house.scan, "/share/scans", "/account", "/history"):
        settled(page, house.base + address)
        assert page.evaluate("[document.documentElement.dir, document.documentElement.lang]") == ["rtl", "ar"]
        assert page.evaluate(OVERFLOW) == 0, address
        assert "site.rtl.css" in page.content()
    settled(page, house.base + "/home")
    mark, way_in = (page.locator(one).bounding_box() for one in (".kr-brand", ".kr-language"))
    assert mark["x"] > way_in["x"], "the mark stands where reading begins"
    picture = page.locator(".kr-scan__picture").first
    assert picture.bounding_box()["x"] > page.locator(".kr-scan__text").first.bounding_box()["x"]
    assert picture.evaluate("(one) => getComputedStyle(one).transform") == "none", "pictures are never mirrored"


def test_a16_a_report_in_another_language_says_so(house, window):
    ana = house.people["ana"]
    scans = list(dict.fromkeys(re.findall(r"/scans/[0-9a-f]{32}", ana.get("/home").text)))
    chest = next(one for one in scans if "chest" in ana.get(one).text)
    ana.post(f"{chest}/report", choice="now")
    assert 'lang="es"' in re.sub(r"<header.*?</header>", "", ana.get(f"{chest}/report").text, flags=re.DOTALL)


@pytest.fixture
def strange():
    with pseudo.spoken() as language:
        yield language


@pytest.mark.thorough
def test_l03_longer_words_cut_nothing_off(window, house, strange):
    """The same pages with sentences 40 % longer: rows A03 and A05 hold for languages that need more room."""
    for who, addresses in house.pages().items():
        page = window(who, viewport=PHONE)
        page.context.add_cookies([{"name": "phr-language", "value": strange, "url": house.base}])
        for address in dict.fromkeys(addresses):
            settled(page, house.base + address)
            assert page.evaluate(OVERFLOW) == 0, address
            assert page.evaluate(LOOK)["clipped"] == [], address
            page.evaluate(SPACED)
            assert page.evaluate(OVERFLOW) == 0, address
            page.evaluate(BARE)


# -- P04


def test_p04_paper_shows_what_is_read_and_nothing_to_press(window, house):
    page = window("ana")
    for address, said in (
        ("/history", "opened what you shared"),
        ("/shares", "Hill Clinic"),
        (f"{house.scan}/report", "No tear."),
    ):
        settled(page, house.base + address)
        page.emulate_media(media="print")
        shown = page.evaluate("document.body.innerText")
        assert said in shown, address
        hidden = page.locator("header, footer, nav, .nhsuk-button").all()
        assert [one.inner_text() for one in hidden if one.is_visible()] == [], address
        cut = page.evaluate(
            "[...document.querySelectorAll('.kr-card, tr')].filter((one) => getComputedStyle(one).breakInside !== 'avoid').length"
        )
        assert cut == 0, address
        page.emulate_media(media="screen")
