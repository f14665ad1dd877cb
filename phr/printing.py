"""Prints a page of HTML as an accessible PDF, in a child process that can reach nothing.

This file is both sides: the rest of the house calls `pdf`; the child runs the file itself. A
report comes from outside, so the child has limits of memory and time, reads only the files it
was handed, asks no network and no disk for anything, and its words never reach a log.

PrintingError
├── PrintingUnavailable   this machine lacks the libraries that draw text
├── PrintingBusy          enough is being printed already; ask again in a moment
└── PrintingRefused       the page was too big, too deep or too slow to print
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30
CPU_SECONDS = 20
MEMORY = 768 << 20
NO_LIBRARIES = 3  # what the child ends with when Pango is not there

# Printing may use this many processors and hold up this many more requests: alone in its process, or until told better.
AT_ONCE = max(1, min(4, os.cpu_count() or 1))
IN_LINE = 8
END_OF_ROLL = "end-of-roll"
AFTER_THE_END = 20  # CSS pixels left below, so that the cutter takes no letters
YIELDING = 10  # a press works when nobody waits for a picture (nice(2))

# The only settings the child inherits: where programs and libraries lie.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH")

TypeAndOctets = tuple[str, bytes]


class PrintingError(Exception):
    """No PDF could be made."""


class PrintingUnavailable(PrintingError):
    """This machine lacks the libraries that draw text."""

    def __init__(self) -> None:
        super().__init__("PDFs cannot be made here: install libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0.")


class PrintingBusy(PrintingError):
    """Enough is being printed already."""

    def __init__(self) -> None:
        super().__init__("Many PDFs are being made just now. Try again in a minute.")


class PrintingRefused(PrintingError):
    """The page was too big, too deep or too slow to print."""

    def __init__(self) -> None:
        super().__init__("This page could not be made into a PDF.")


_line = threading.BoundedSemaphore(AT_ONCE + IN_LINE)
_presses = threading.BoundedSemaphore(AT_ONCE)


def keep_to(*, processes: int, threads: int) -> None:
    """Called once at start: printing takes its part of the cores, and never more than half of the threads.

    Pictures are answered by the others, however many PDFs are asked for.
    """
    global _line, _presses
    most = max(1, threads // 2)
    at_once = max(1, min(AT_ONCE // processes, most))
    _line, _presses = threading.BoundedSemaphore(max(at_once, most)), threading.BoundedSemaphore(at_once)


def check_room() -> None:
    """Raise PrintingBusy where nobody could print now: asked before the page to be printed is put together."""
    if not _line.acquire(blocking=False):
        raise PrintingBusy
    _line.release()


def pdf(html: str, files: Mapping[str, TypeAndOctets], *, seconds: int = SECONDS, roll: str = "") -> bytes:
    """The page as a tagged PDF (PDF/UA-1, ISO 14289-1), with every font it uses inside.

    `roll` is the width of a paper roll, such as "80mm": the page is as long as what stands above the element with the
    id END_OF_ROLL, and no longer.

    `html` names its files as `given:name`; `files` holds them as (media type, octets). Nothing
    else is fetched. Raises PrintingUnavailable, PrintingBusy or PrintingRefused.
    """
    given = {name: (kind, base64.b64encode(octets).decode()) for name, (kind, octets) in files.items()}
    order = json.dumps({"html": html, "files": given, "roll": roll}).encode()
    with _place_at_a_press():
        return _print(order, seconds)


@contextmanager
def _place_at_a_press() -> Iterator[None]:
    if not _line.acquire(blocking=False):
        raise PrintingBusy
    try:
        with _presses:
            yield
    finally:
        _line.release()


def _print(order: bytes, seconds: int) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__],
            input=order,
            capture_output=True,
            timeout=seconds,
            check=False,
            env=_surroundings(),
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        # Raised anew without its cause, which holds the page.
        raise PrintingRefused from None
    if done.returncode == NO_LIBRARIES:
        raise PrintingUnavailable
    # What the child complains of may hold words of the report: it is dropped.
    if done.returncode or not done.stdout.startswith(b"%PDF"):
        raise PrintingRefused
    return done.stdout


def _surroundings() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    memory = "/dev/shm"  # noqa: S108  (fonts are unpacked there; nothing of the page is)
    if Path(memory).is_dir():
        passed["TMPDIR"] = memory
    return {**passed, "HOME": "/nonexistent", "LANG": "C.UTF-8"}


# ---------------------------------------------------------------- the child


def _child() -> int:
    """Read an order from standard input and write the PDF to standard output."""
    os.nice(YIELDING)
    order = json.load(sys.stdin.buffer)
    try:
        from weasyprint import CSS, HTML  # noqa: PLC0415  (only the child knows it: it needs Pango, and half a second)
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    except OSError:
        return NO_LIBRARIES
    _limit_ourselves()
    page = HTML(string=order["html"], base_url="given:page", url_fetcher=_only_given(order["files"]))
    sheets = [CSS(string=_as_long_as(page, order["roll"]))] if order["roll"] else None
    printed = page.write_pdf(
        stylesheets=sheets, pdf_variant="pdf/ua-1", font_config=FontConfiguration(), full_fonts=False
    )
    assert printed is not None
    sys.stdout.buffer.write(printed)
    return 0


def _as_long_as(page: Any, width: str) -> str:
    """The size of a page that holds everything: laid out once on a long one to see where it ends."""
    laid_out = page.render()
    end = laid_out.pages[-1].anchors[END_OF_ROLL][1]
    longer = sum(one.height for one in laid_out.pages[:-1])
    return f"@page {{ size: {width} {longer + end + AFTER_THE_END:.0f}px !important }}"


def _limit_ourselves() -> None:
    """From here on this process ends itself rather than take more than its share."""
    import resource  # noqa: PLC0415  (absent on Windows, where only the server's tests fail)

    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _only_given(files: Mapping[str, tuple[str, str]]) -> Any:
    """A fetcher that answers `given:name` from the order and refuses everything else."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class OnlyGiven(URLFetcher):
        def __init__(self) -> None:
            super().__init__(timeout=1, allowed_protocols=["given"], allow_redirects=False)

        def fetch(self, url: str, headers: Any = None) -> Any:
            del headers
            name = url.removeprefix("given:")
            if not url.startswith("given:") or name not in files:
                raise ValueError("not allowed")
            kind, octets = files[name]
            return URLFetcherResponse(url, base64.b64decode(octets), {"Content-Type": kind})

    return OnlyGiven()


if __name__ == "__main__":
    sys.exit(_child())
