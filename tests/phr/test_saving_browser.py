"""Saving a large copy in a real Chromium: piece by piece, on after a drop, and as a plain link without scripts."""

import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from flask import Flask
from playwright.sync_api import Browser

from phr.app import create_app
from tests.loopback import answering
from tests.phr.conftest import PASSWORD, Patient, ScanCenter
from tests.phr.test_pages_browser import Visitor, chromium  # noqa: F401  a fixture

pytestmark = pytest.mark.browser
ON_ITS_WAY = 0.5  # seconds; what is cut off sooner may not have been read yet, and nothing is there to go on from
# A file of the page's own, in place of the dialog that a browser without a screen does not show.
PICKER = """
window.showSaveFilePicker = async (options) => {
  window.asked = options.suggestedName;
  return (await navigator.storage.getDirectory()).getFileHandle('copy.zip', { create: true });
};
"""
SAVED = """
async () => {
  const file = await (await navigator.storage.getDirectory()).getFileHandle('copy.zip').then((one) => one.getFile());
  return [...new Uint8Array(await file.arrayBuffer())];
}
"""


class Line:
    """Between the app and the browser: it drops ZIPs after so many octets, as often as it is told to."""

    def __init__(self) -> None:
        self.drops: list[int] = []
        self.asked: list[str] = []

    def around(self, app: Flask):
        def answer(environ, start_response) -> Iterable[bytes]:
            given = app(environ, start_response)
            if not environ["PATH_INFO"].endswith(".zip"):
                return given
            self.asked.append(environ.get("HTTP_RANGE", ""))
            return self._dropping(given, self.drops.pop(0)) if self.drops else given

        return answer

    @staticmethod
    def _dropping(pieces: Iterable[bytes], after: int) -> Iterator[bytes]:
        for piece in pieces:
            yield bytes(piece)[:after]
            after -= len(piece)
            if after <= 0:
                time.sleep(ON_ITS_WAY)
                raise ConnectionError("dropped")


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def house(settings, services, renderer, line: Line) -> Iterator[str]:
    with answering() as server:
        base = f"http://127.0.0.1:{server.server_port}"
        app = create_app(replace(settings, base_url=base), services=services)
        app.extensions["renderer"] = renderer
        server.app = line.around(app)
        yield base


@pytest.fixture
def ana(chromium: Browser, house: str, scan_center: ScanCenter, ana_with_a_scan: Patient) -> Iterator[Visitor]:  # noqa: F811
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    context.add_init_script(PICKER)
    visitor = Visitor(context, house)
    visitor.goes("/sign-in")
    visitor.types(login="ana.perez", password=PASSWORD)
    visitor.presses("Sign in")
    visitor.goes(f"{ana_with_a_scan.scan()}/save")
    yield visitor
    context.close()


def saves(visitor: Visitor) -> None:
    visitor.page.locator("a[data-save]").click()


def saved(visitor: Visitor) -> bytes:
    visitor.page.get_by_text("Your files are saved on this device.").first.wait_for()
    return bytes(visitor.page.evaluate(SAVED))


def test_a_copy_is_saved_piece_by_piece_and_goes_on_after_drops(ana: Visitor, line: Line):
    line.drops = [3_000, 9_000]
    saves(ana)
    with zipfile.ZipFile(BytesIO(saved(ana))) as copy:
        assert copy.testzip() is None
        assert "DICOMDIR" in copy.namelist()
    assert line.asked[0] == ""
    assert len(line.asked) == 3
    assert all(one.startswith("bytes=") and one.endswith("-") for one in line.asked[1:])
    assert ana.page.evaluate("window.asked").endswith("all pictures.zip")
    ana.check()
    line.drops = []
    with ana.page.expect_response("**/*.zip"):
        ana.page.get_by_role("button", name="Save them again").click()
    saved(ana)
    assert line.asked[3:] == [""]


def test_a_line_that_stays_dead_stops_and_is_carried_on_by_hand(ana: Visitor, line: Line):
    ana.page.clock.install()
    line.drops = [3_000, *[0] * 6]
    saves(ana)
    ana.page.get_by_text("The line dropped. We carry on by ourselves.").first.wait_for()
    button = ana.page.get_by_role("button", name="Carry on")
    soon = time.monotonic() + 30
    while not button.is_visible() and time.monotonic() < soon:
        ana.page.clock.fast_forward(2_000)  # hours must not pass: the page would sign her out
        time.sleep(0.1)
    button.wait_for()
    assert "Saving stopped at" in ana.page.inner_text("#saving")
    ana.check()
    line.drops = []
    button.click()
    assert zipfile.ZipFile(BytesIO(saved(ana))).testzip() is None


def test_saving_is_given_up_and_nothing_is_left(ana: Visitor, line: Line):
    line.drops = [3_000] * 3
    saves(ana)
    ana.page.get_by_text("The line dropped. We carry on by ourselves.").first.wait_for()
    ana.page.get_by_role("button", name="Cancel").click()
    ana.page.get_by_text("Stopped. Nothing was saved.").wait_for()
    assert ana.page.evaluate(SAVED) == []


def test_a_browser_without_such_files_takes_the_link(ana: Visitor, line: Line):
    ana.page.add_init_script("delete window.showSaveFilePicker")
    ana.page.reload()
    with ana.page.expect_download() as began:
        saves(ana)
    assert began.value.suggested_filename.endswith("all pictures.zip")
    assert not ana.page.locator("#saving").is_visible()
