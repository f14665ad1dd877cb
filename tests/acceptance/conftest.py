"""One house and one browser for each file of tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.acceptance.household import Household, as_person, chromium_of, lived_in


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    with lived_in(tmp_path_factory.mktemp("house")) as household:
        yield household


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = chromium_of(playwright)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser, house: Household):
    """A window of this person, each time it is called; more words are Playwright's for a new context."""
    contexts = []

    def another(who: str = "nobody", **more) -> Page:
        context = chromium.new_context(**({"viewport": {"width": 390, "height": 780}} | more))
        contexts.append(context)
        as_person(context, house, who)
        return context.new_page()

    yield another
    for context in contexts:
        context.close()
