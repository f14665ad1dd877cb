"""Row S01: what a screen reader finds on the pages of the main job, in its order, is what somebody has approved.

Here are those that have an address of their own; those that come only after an answer are in test_walks.py.

The approved texts lie in tests/acceptance/spoken/. After a change that is meant: `APPROVE=yes` before the command writes
them anew; read the difference before it is committed.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.acceptance.household import settled

pytestmark = pytest.mark.browser
APPROVED = Path(__file__).parent / "spoken"
PAGES = {
    "add": ("nobody", "/add"), "join-name": ("nobody", "/join/name"), "sign-in": ("nobody", "/sign-in"), "home": ("ana", "/home"),
    "scan": ("ana", "SCAN"), "report": ("ana", "SCAN/report"), "share-scans": ("ana", "/share/scans"), "share-how": ("ana", "/share/how"),
    "share-time": ("ana", "/share/time"), "share-may": ("ana", "/share/may"), "shares": ("ana", "/shares"), "timeline": ("ana", "/timeline"),
    "see": ("nobody", "/see"), "doctor-list": ("doctor", "/see/scans"),
}  # fmt: skip


# What differs from run to run.
CHANCE = {
    r"\bhttp://127[^\s\"]+": "ADDRESS", r"\b127[.][0-9.]+:[0-9]+": "HOST", r"\bmailto:[^\s\"]+": "MAILTO", r"\bshlink:[^\s\"]+": "LINK", r"[0-9a-f]{32}": "ID",
    r"\b[0-9A-Z](?: [0-9A-Z]){2,3}(?:, [0-9A-Z](?: [0-9A-Z])*)+": "CODE",
    r"\bwim[0-9]+@": "wim@", r"\bThe first [0-9]+ lines": "The first N lines",
}  # fmt: skip


def spoken(page: Page) -> str:
    """The accessibility tree as text, without ids, codes and addresses that differ from run to run."""
    text = page.locator("body").aria_snapshot()
    for chance, word in CHANCE.items():
        text = re.sub(chance, word, text)
    return text + "\n"


def check_approved(found: dict[str, str]) -> None:
    """Each text is the approved one; with APPROVE it becomes that."""
    if os.environ.get("APPROVE"):
        APPROVED.mkdir(exist_ok=True)
        for name, text in found.items():
            (APPROVED / f"{name}.txt").write_text(text)
    for name, text in found.items():
        assert text == (APPROVED / f"{name}.txt").read_text(), name


def test_s01_what_a_screen_reader_says_is_what_was_approved(window, house):
    house.people["ana"].get(f"{house.scan}/pictures")  # who has seen pictures is told of the recovery kit
    found = {}
    for name, (who, address) in PAGES.items():
        page = settled(window(who), house.base + address.replace("SCAN", house.scan))
        found[name] = spoken(page)
        page.context.close()
    check_approved(found)
