"""An old disc in a real Chromium: found by what the files hold, ticked, sent, and carried on after the line dropped."""

import zipfile

import pytest

from tests.factories import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, JPEG_LS
from tests.phr.conftest import PASSWORD
from tests.phr.test_pages_browser import chromium, house, visitor  # noqa: F401  fixtures of ours
from tests.phr.test_pages_upload import SMITH, old_pictures

pytestmark = pytest.mark.browser
SYNTAXES = (EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, JPEG_LS)


@pytest.fixture
def disc(tmp_path):
    """A disc as clinics hand them out: pictures without endings among programs and pages."""
    folder = tmp_path / "disc"
    (folder / "IMAGES" / "A").mkdir(parents=True)
    (folder / "VIEWER.EXE").write_bytes(b"MZ" + bytes(4000))
    (folder / "README.TXT").write_text("Insert the disc and wait.")
    (folder / "EMPTY").write_bytes(b"")
    for place, syntax in enumerate(SYNTAXES):
        (folder / "IMAGES" / "A" / f"I{place}").write_bytes(old_pictures(5, syntax=syntax)[place])
    other = old_pictures(2, person=SMITH, study="not hers", StudyDescription="")
    with zipfile.ZipFile(folder / "more.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for place, picture in enumerate(other):
            packed.writestr(f"deep/er/{place}.dcm", picture)
    return folder


@pytest.fixture
def ana(visitor):  # noqa: F811
    someone = visitor()
    someone.goes("/join/name")
    someone.types(name="ana.perez")
    someone.presses("Continue")
    someone.types(password=PASSWORD, called="Ana Perez")
    someone.presses("Use a password")
    someone.goes("/upload")
    return someone


def test_a_disc_is_looked_through_ticked_and_added(ana, disc):
    ana.check()
    ana.page.set_input_files("#folder", disc)
    ana.page.wait_for_selector("#mine")
    assert ana.page.title() == "Is this yours? - Keepray"
    assert "10 files read. 7 are scan pictures" in ana.page.inner_text("#status")
    assert "5 pictures" in ana.page.inner_text("#mine")
    ticks = ana.page.locator("#mine input[type=checkbox]")
    assert sorted(ticks.nth(n).is_checked() for n in range(2)) == [False, True]
    ana.check()
    with ana.page.expect_navigation(url="**/upload/added"):
        ana.page.get_by_role("button", name="Add the ticked scans").click()
    ana.settles()
    ana.check()
    assert "1 scan is in your account" in ana.page.inner_text("main")
    ana.goes("/home")
    ana.check()
    assert "SMITH" not in ana.page.content()
    assert ana.complaints == []


def test_j03_a_dropped_line_loses_nothing(ana, disc):
    ana.page.set_input_files("#folder", disc)
    ana.page.wait_for_selector("#mine")
    fallen = []

    def falls(route):
        fallen.append(route)
        route.abort("internetdisconnected") if len(fallen) < 3 else route.continue_()

    ana.page.route("**/upload/pictures", falls)
    ana.page.get_by_role("button", name="Add the ticked scans").click()
    ana.page.wait_for_selector("#line:has-text('carry on by ourselves')")
    ana.check()
    ana.page.wait_for_url("**/upload/added")
    assert len(fallen) == 3


def test_a_disc_without_pictures_says_so(ana, tmp_path):
    (tmp_path / "letter.txt").write_text("no pictures")
    ana.page.set_input_files("#files", tmp_path / "letter.txt")
    ana.page.wait_for_selector("#problem:not([hidden])")
    assert "We found no scan pictures here" in ana.page.inner_text("#problem")
    assert "Photos and PDF files cannot be added" in ana.page.inner_text("#choosing")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4")
    ana.page.set_input_files("#files", tmp_path / "report.pdf")
    ana.page.wait_for_selector("#problem-words:has-text('These are photos or PDF files.')")
    ana.check()
    assert ana.page.evaluate("document.activeElement.id") == "problem"


def test_one_who_stops_carries_on_later(ana, disc):
    ana.page.set_input_files("#folder", disc)
    ana.page.wait_for_selector("#mine")
    ana.page.route("**/upload/pictures", lambda route: route.abort("internetdisconnected"))
    ana.page.get_by_role("button", name="Add the ticked scans").click()
    ana.page.wait_for_selector("#adding:not([hidden])")
    ana.page.locator("#adding [data-cancel]").click()
    ana.page.wait_for_selector("#problem:not([hidden])")
    assert "Choose the same disc again" in ana.page.inner_text("#problem")
