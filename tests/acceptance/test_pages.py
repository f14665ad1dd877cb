"""Rows A01 to A19 of every page: one tour through the house on a small phone, and each row reads what was seen."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.household import as_person, settled
from tests.acceptance.looking import BARE, LOOK, LOOKED_AT, OVERFLOW, SPACED, found_by_axe

pytestmark = pytest.mark.browser
PHONE = {"width": 320, "height": 640}
SHORT = {"width": 640, "height": 320}
STYLES = Path("phr/static/site/site.css")


# The heading names the scan or a person; the title does not, since it stands in tabs and the browser's history.
NAMED_ON_THE_PAGE_ALONE = re.compile(
    r"/home|/scans/ID(/report|/pictures)?|/see/report/ID|/shares/ID(/stop|/change)?|/pro/patients/ID"
)


@dataclass
class Seen:
    """What was found on one page."""

    address: str
    facts: dict
    axe: list[str]
    unsure: list[str]
    after: dict[str, object] = field(default_factory=dict)


def look(page, *, unhurried: bool) -> Seen:
    facts = page.evaluate(LOOK)
    axe, unsure = found_by_axe(page)
    seen = Seen(page.url, facts, axe, unsure)
    page.evaluate(SPACED)
    seen.after["spaced"] = (page.evaluate(OVERFLOW), page.evaluate(LOOK)["clipped"])
    page.evaluate(BARE)
    if unhurried:
        page.set_viewport_size({"width": 640, "height": 640})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        seen.after["double"] = (page.evaluate(OVERFLOW), page.evaluate(LOOK)["clipped"])
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size(SHORT)
        seen.after["short"] = page.evaluate(OVERFLOW)
        page.set_viewport_size(PHONE)
    return seen


@pytest.fixture(scope="module")
def tour(house, chromium) -> dict[str, Seen]:
    """Every page, once, at 320 px, by somebody who wants less motion."""
    found = {}
    for who, addresses in house.pages().items():
        context = chromium.new_context(viewport=PHONE, reduced_motion="reduce")
        as_person(context, house, who)
        page = context.new_page()
        for address in dict.fromkeys(addresses):
            found[f"{who} {address}"] = look(settled(page, house.base + address), unhurried=True)
        context.close()
    return found


def faults(tour, name):
    return {where: seen.facts[name] for where, seen in tour.items() if seen.facts[name]}


def test_a01_axe_finds_nothing_on_any_page(tour):
    assert {where: seen.axe for where, seen in tour.items() if seen.axe} == {}
    unsure = {where: set(seen.unsure) - LOOKED_AT for where, seen in tour.items()}
    assert {where: rules for where, rules in unsure.items() if rules} == {}


@pytest.mark.thorough
@pytest.mark.parametrize("size", [(768, 1024), (1366, 768)])
def test_a01_a03_larger_screens_are_no_worse(house, chromium, size):
    for who, addresses in house.pages().items():
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
        as_person(context, house, who)
        page = context.new_page()
        for address in dict.fromkeys(addresses):
            settled(page, house.base + address)
            assert found_by_axe(page)[0] == [], address
            assert page.evaluate(OVERFLOW) == 0, address
        context.close()


def test_a03_nothing_scrolls_sideways_on_320_px(tour):
    assert faults(tour, "overflow") == {}


def test_a04_letters_twice_as_large_cut_nothing_off(tour):
    bad = {where: seen.after["double"] for where, seen in tour.items() if seen.after["double"] != (0, [])}
    assert bad == {}


def test_a05_wide_spacing_cuts_nothing_off(tour):
    bad = {where: seen.after["spaced"] for where, seen in tour.items() if seen.after["spaced"] != (0, [])}
    assert bad == {}


def test_a06_fingers_find_every_target(tour):
    assert faults(tour, "small") == {}
    assert faults(tour, "smallPrimary") == {}


def test_a09_nothing_jumps_the_line(tour):
    assert faults(tour, "tabindex") == {}


def test_a11_nothing_moves_for_who_wants_less_motion(tour):
    assert faults(tour, "moving") == {}


def test_a12_a_phone_on_its_side_shows_everything(tour):
    assert {where: seen.after["short"] for where, seen in tour.items() if seen.after["short"]} == {}
    assert "orientation" not in STYLES.read_text()


def test_a13_what_does_something_has_a_name_of_its_own(tour):
    assert faults(tour, "sameName") == {}
    assert faults(tour, "icons") == {}
    assert faults(tour, "codes") == {}


def test_a14_titles_tell_pages_apart_and_begin_with_the_heading(tour):
    assert {where: seen.facts["h1"] for where, seen in tour.items() if seen.facts["h1"] != 1} == {}
    assert faults(tour, "skipped") == {}
    titles = defaultdict[tuple[str, str], set[str]](set)
    for where, seen in tour.items():
        title = re.fullmatch(r"(?:Error: )?(.+) - Keepray", seen.facts["title"])
        assert title, where
        path = re.sub(r"[0-9a-f]{32}", "ID", urlsplit(seen.address).path)
        if not NAMED_ON_THE_PAGE_ALONE.fullmatch(path):
            assert title[1].startswith(" ".join(seen.facts["heading"].split())), where
        area = path.split("/")[1] if path.startswith(("/see/", "/pro")) else "everybody and patients"
        titles[area, title[1]].add(path)
    assert {title: paths for title, paths in titles.items() if len(paths) > 1} == {}


def test_a15_only_mistakes_and_the_time_out_speak_at_once(tour):
    assert faults(tour, "loud") == {}


def test_a17_nobody_is_kept_from_zooming_or_seeing_where_they_are(tour):
    for where, seen in tour.items():
        assert "user-scalable" not in seen.facts["viewport"], where
        assert "maximum-scale" not in seen.facts["viewport"], where


def test_a17_no_style_of_ours_takes_the_focus_away_without_another_sign():
    """The design system's own rules are overruled by ours for everything that takes the focus."""
    css = STYLES.read_text()
    assert re.search(r"a:focus-visible,button:focus-visible,[^{]*\{outline:3px solid #1b2427 !important", css)
    bare = re.findall(r"([^{}]*:focus[^{}]*)\{[^{}]*outline:\s*(?:0|none)[^{}]*\}", css)
    # A card shows the focus of its one link.
    assert [one for one in bare if ".kr-" in one and one != ".kr-scan a:focus-visible"] == []


def test_a18_every_picture_has_words(tour):
    assert faults(tour, "images") == {}
    assert faults(tour, "thumbnails") == {}


# A login is also the name of somebody else, whom one shares with.
FILLED_BY_BROWSERS = {
    "mail": ("email", "email"), "password": ("current-password", "new-password"), "new": ("new-password",),
    "old": ("current-password",), "born-day": ("bday-day",), "born-month": ("bday-month",), "born-year": ("bday-year",),
    "login": ("username", "off"), "clinic": ("organization",),
}  # fmt: skip


def test_a19_boxes_say_what_a_browser_may_fill_in(tour):
    wrong = {}
    for where, seen in tour.items():
        for name, _, autocomplete, _ in seen.facts["boxes"]:
            if name in FILLED_BY_BROWSERS and autocomplete not in FILLED_BY_BROWSERS[name]:
                wrong[where] = (name, autocomplete)
    assert wrong == {}


def test_j10_no_other_host_is_asked_and_nothing_is_kept(tour):
    assert faults(tour, "foreign") == {}
    # While somebody is signed in htmx notes the address of a page that changes by itself; it goes with the session.
    for where, seen in tour.items():
        local, session, cookies = seen.facts["kept"]
        assert (local, cookies) == (0, ""), where
        assert session == 0 or not where.startswith("nobody"), where
    for where, seen in tour.items():
        assert not re.search(r"knee|Ana\b|Perez|Dr\. J", seen.facts["title"]), where
        assert not re.search(r"knee|perez|19580327", seen.address, re.IGNORECASE), where
