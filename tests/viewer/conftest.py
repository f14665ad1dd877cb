"""A browser, and visitors to the gallery."""

import io
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

import phr
from tests.viewer.gallery import Gallery, open_to_visitors

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 780}
FIRST_PICTURE_MILLISECONDS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "visit" in getattr(item, "fixturenames", ()) or "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with warnings.catch_warnings(), sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


@dataclass
class Visit:
    """A person in front of the viewer."""

    page: Page
    context: BrowserContext
    gallery: Gallery
    complaints: list[str] = field(default_factory=list)

    @property
    def picture(self) -> Locator:
        return self.page.locator("#picture")

    def sees(self, quality: str = "full") -> None:
        """Waits until the picture stands on the screen in this quality."""
        self.page.wait_for_selector(f"#picture[data-shown={quality}]", timeout=FIRST_PICTURE_MILLISECONDS)

    def at(self, number: int) -> None:
        """Waits until this picture is shown, sharp."""
        self.page.wait_for_selector(f'#picture[data-number="{number}"]:is([data-shown=full],[data-shown=lossy])')

    def shot(self) -> Image.Image:
        """The picture as it is on the screen, without the letters over it."""
        over = "document.querySelectorAll('.v-corners, .v-said').forEach((one) => (one.style.visibility = '{}'))"
        self.page.evaluate(over.format("hidden"))
        self.page.evaluate("document.activeElement?.blur()")
        octets = self.picture.screenshot(caret="initial")
        self.page.evaluate(over.format(""))
        return Image.open(io.BytesIO(octets)).convert("RGB")

    def greys(self) -> tuple[int, int]:
        return self.shot().convert("L").getextrema()

    def mean(self) -> float:
        """How bright the upper half is, which no panel covers."""
        shot = self.shot().convert("L")
        histogram = shot.crop((0, 0, shot.width, shot.height // 2)).histogram()
        return sum(value * count for value, count in enumerate(histogram)) / sum(histogram)

    def press(self, *keys: str) -> None:
        self.picture.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def tool(self, name: str) -> Locator:
        return self.page.get_by_role("toolbar").get_by_role("button", name=name, exact=True)

    def corner(self, where: str) -> Locator:
        return self.page.locator(f".v-{where}")

    def says(self, sentence: str) -> None:
        expect(self.page.get_by_text(sentence).first).to_be_visible()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    manifest = Path(phr.__file__).parent / "static" / "viewer" / "manifest.json"
    assert manifest.is_file(), "the viewer is built by `make setup`"
    with ExitStack() as leaving:

        def go(gallery: Gallery, *, size: dict[str, int] = DESK, path: str = "/scans/1/pictures", **options) -> Visit:
            leaving.enter_context(open_to_visitors(gallery))
            context = browser.new_context(viewport=size, **options)
            leaving.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(FIRST_PICTURE_MILLISECONDS)
            visitor = Visit(page, context, gallery)
            page.on("console", lambda said: visitor.complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
            page.goto(gallery.address + path)
            return visitor

        yield go
