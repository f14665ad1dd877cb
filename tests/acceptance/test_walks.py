"""Rows A01 and S01 of pages that come only after an answer, seen in one walk through them all."""

from dataclasses import dataclass

import pytest

from tests.acceptance.household import as_person
from tests.acceptance.looking import LOOKED_AT, OVERFLOW, found_by_axe
from tests.acceptance.test_spoken import check_approved, spoken
from tests.acceptance.walks import all_walks

pytestmark = [pytest.mark.browser, pytest.mark.thorough]
# The bar of actions stands over the foot of the picture until one scrolls; what is left of that link is large enough.
COVERED = {"scan just added": {"target-size"}}
# What is drawn by a script as it arrives, in parts whose order is chance.
NOT_SPOKEN = {"pro viewer"}


@dataclass
class Seen:
    """What was found on one page."""

    axe: list[str]
    unsure: set[str]
    overflow: int
    said: str


@pytest.fixture(scope="module")
def walked(house, chromium) -> dict[str, Seen]:
    """Every page of every walk at 320 px, by its name."""
    contexts, found = [], {}

    def window(who: str):
        contexts.append(chromium.new_context(viewport={"width": 320, "height": 640}, reduced_motion="reduce"))
        as_person(contexts[-1], house, who)
        return contexts[-1].new_page()

    for name, page in all_walks(window, house):
        faults, unsure = found_by_axe(page)
        found[name] = Seen(
            faults, set(unsure) - LOOKED_AT - COVERED.get(name, set()), page.evaluate(OVERFLOW), spoken(page)
        )
    for context in contexts:
        context.close()
    return found


def test_a01_axe_finds_nothing_on_pages_that_come_after_an_answer(walked):
    bad = {name: seen for name, seen in walked.items() if seen.axe or seen.unsure or seen.overflow}
    assert bad == {}


def test_s01_what_is_said_after_an_answer_is_what_was_approved(walked):
    check_approved({f"after {name}": seen.said for name, seen in walked.items() if name not in NOT_SPOKEN})
