"""`python -m tests.acceptance.screens FOLDER [part of an address]`: every screen at three widths, as pictures to look at;
"after" takes those alone that come only after an answer (walks.py).
With `--main` only those of docs/screens.md, as small as they are kept there.

Names are the width, who looks, and the address: `320 ana home.png`. Nothing is kept but the pictures.
"""

import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

from tests.acceptance.household import Household, as_person, chromium_of, lived_in, settled
from tests.acceptance.walks import all_walks

WIDTHS = {320: 640, 768: 1024, 1366: 768}
# What is worth a picture and has no address of its own.
MISTAKES = {
    "nobody": ["/add", "/join", "/join/name", "/sign-in", "/sign-in/recover", "/see", "/pro/join", "/pro/sign-in"],
    "ana": ["/account/password", "/account/delete/confirm"],
}

# By file name: who looks, where, how wide, in which language.
MAIN = {
    "front": ("nobody", "/", 390, "en"),
    "add": ("nobody", "/add", 390, "en"),
    "home": ("ana", "/home", 390, "en"),
    "home-es": ("ana", "/home", 390, "es"),
    "scan": ("ana", "SCAN", 390, "en"),
    "report": ("ana", "SCAN/report", 390, "en"),
    "share-how": ("ana", "/share/how", 390, "en"),
    "share-code": ("ana", "/share/code", 390, "en"),
    "shares": ("ana", "/shares", 390, "en"),
    "timeline": ("ana", "/timeline", 390, "en"),
    "viewer-patient": ("ana", "SCAN/pictures", 390, "en"),
    "viewer-doctor": ("doctor", "/see/view", 1366, "en"),
    "doctor-list": ("doctor", "/see/scans", 1366, "en"),
    "patients": ("provider", "/pro", 1366, "en"),
    "history": ("ana", "/history", 1366, "en"),
}


def name_of(who: str, address: str, scan: str) -> str:
    """A file name without ids: pictures of two runs can be compared."""
    plain = address.replace(scan, "/scan").strip("/") or "front"
    return re.sub(r"[^a-z0-9-]+", " ", f"{who} {re.sub(r'[0-9a-f]{32}', 'one', plain)}".lower()).strip()


def pages_of(house: Household, only: str) -> dict[str, list[str]]:
    """Every address that has `only` in it."""
    return {who: [one for one in dict.fromkeys(addresses) if only in one] for who, addresses in house.pages().items()}


def photograph(page: Page, folder: Path, width: int, name: str) -> None:
    """The whole page, as a screen that is long enough shows it: what is fixed to its foot hides nothing."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(height, WIDTHS[width])})
    page.screenshot(path=folder / f"{width} {name}.png", animations="disabled")
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})


def mistakes(page: Page, house: Household, folder: Path, width: int, who: str, only: str) -> None:
    """Pages with their mistakes named: the main button is pressed with nothing typed."""
    for address in MISTAKES.get(who, []):
        if only in address:
            settled(page, house.base + address)
            page.locator("main form [type=submit]").last.click()
            page.wait_for_load_state()
            page.wait_for_selector("body[data-ready]")
            if page.locator(".nhsuk-error-summary").count():
                photograph(page, folder, width, name_of(who, f"{address} mistakes", house.scan))


def dialog(page: Page, house: Household, folder: Path, width: int) -> None:
    settled(page, house.base + "/home")
    page.evaluate("document.getElementById('time-out').showModal()")
    page.screenshot(path=folder / f"{width} ana time-out.png")


def answered(chromium: Browser, house: Household, folder: Path, width: int, only: str) -> None:
    """Pages that come only after an answer."""
    contexts: list[BrowserContext] = []

    def window(who: str) -> Page:
        size = {"width": width, "height": WIDTHS[width]}
        contexts.append(chromium.new_context(viewport=size, reduced_motion="reduce"))
        as_person(contexts[-1], house, who)
        return contexts[-1].new_page()

    for name, page in all_walks(window, house):
        if only in f"after {name}":
            photograph(page, folder, width, f"after {name}")
    for context in contexts:
        context.close()


def viewers(context: BrowserContext, house: Household, folder: Path, width: int, who: str) -> None:
    """The viewer as it stands when the first sharp picture is there."""
    address = f"{house.scan}/pictures" if who == "ana" else "/see/view"
    page = context.new_page()
    page.goto(house.base + address)
    try:
        page.wait_for_selector("#picture[data-shown=full], #picture[data-shown=lossy]", timeout=60_000)
    except TooLate as late:
        sys.stderr.write(f"the viewer of {who} at {width} px shows nothing sharp yet: {late.message.splitlines()[0]}\n")
    page.screenshot(path=folder / f"{width} {who} viewer.png")
    page.close()


def main_ones(folder: Path) -> None:
    """The pictures of docs/screens.md: what fits on the screen, as WebP of some 20 KB."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, lived_in(Path(home)) as house, sync_playwright() as playwright:
        chromium = chromium_of(playwright)
        for name, (who, address, width, language) in MAIN.items():
            context = chromium.new_context(viewport={"width": width, "height": 780 if width < 700 else 768})
            as_person(context, house, who)
            context.add_cookies([{"name": "phr-language", "value": language, "url": house.base}])
            page = context.new_page()
            page.goto(house.base + address.replace("SCAN", house.scan))
            page.wait_for_selector(
                "#picture[data-shown=full]" if name.startswith("viewer") else "body[data-ready]", timeout=120_000
            )
            page.wait_for_timeout(800)
            if page.get_by_role("button", name="Got it").is_visible():
                page.get_by_role("button", name="Got it").click()
            Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(folder / f"{name}.webp", quality=70, method=6)
            context.close()
        chromium.close()


def take(folder: Path, only: str = "") -> None:
    """After this the folder holds every screen at every width."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, lived_in(Path(home)) as house, sync_playwright() as playwright:
        chromium = chromium_of(playwright)
        for width, height in reversed(WIDTHS.items()):
            for who, addresses in pages_of(house, only).items():
                context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
                as_person(context, house, who)
                page = context.new_page()
                for address in addresses:
                    settled(page, house.base + address)
                    photograph(page, folder, width, name_of(who, address, house.scan))
                mistakes(page, house, folder, width, who, only)
                if who == "ana" and only in "time-out":
                    dialog(page, house, folder, width)
                if who in {"ana", "doctor"} and only in "viewer":
                    viewers(context, house, folder, width, who)
                context.close()
        if not [one for ones in pages_of(house, only).values() for one in ones] or not only:
            for width in reversed(WIDTHS):  # last: on its way somebody stops what the pages above still show
                answered(chromium, house, folder, width, only)
        chromium.close()


if __name__ == "__main__":
    if "--main" in sys.argv:
        main_ones(Path(sys.argv[1]))
    else:
        take(Path(sys.argv[1]), *sys.argv[2:3])
