"""Row S01: what a screen reader finds on the pages of the main job, in its order, is what somebody has approved.

The approved texts lie in tests/acceptance/spoken/. After a change that is meant: `APPROVE=yes` before the command writes
them anew; read the difference before it is committed.
"""

import os
import re
from pathlib import Path

import pytest

from tests.acceptance.household import settled

pytestmark = pytest.mark.browser
APPROVED = Path(__file__).parent / "spoken"
PAGES = {
    "add": ("nobody", "/add"), "birth-date": ("nobody", "/join/name"), "sign-in": ("nobody", "/sign-in"), "home": ("ana", "/home"),
    "scan": ("ana", "SCAN"), "report": ("ana", "SCAN/report"), "share-scans": ("ana", "/share/scans"), "share-how": ("ana", "/share/how"),
    "share-time": ("ana", "/share/time"), "share-may": ("ana", "/share/may"), "shares": ("ana", "/shares"), "timeline": ("ana", "/timeline"),
    "see": ("nobody", "/see"), "doctor-list": ("doctor", "/see/scans"),
}  # fmt: skip


def spoken(page) -> str:
    """The accessibility tree as text, without ids and addresses that differ from run to run."""
    text = page.locator("body").aria_snapshot()
    return re.sub(r"[0-9a-f]{32}", "ID", re.sub(r"http://127[^\s\"]+", "ADDRESS", text)) + "\n"


def test_s01_what_a_screen_reader_says_is_what_was_approved(window, house):
    house.people["ana"].get(f"{house.scan}/pictures")  # who has seen pictures is told of the recovery kit
    found = {}
    for name, (who, address) in PAGES.items():
        page = settled(window(who), house.base + address.replace("SCAN", house.scan))
        found[name] = spoken(page)
        page.context.close()
    if os.environ.get("APPROVE"):
        APPROVED.mkdir(exist_ok=True)
        for name, text in found.items():
            (APPROVED / f"{name}.txt").write_text(text)
    for name, text in found.items():
        assert text == (APPROVED / f"{name}.txt").read_text(), name
