"""Says how far a push or pull has come: on a terminal in one line that changes, elsewhere in lines now and then."""

import sys
import time
from typing import TextIO

EVERY = 5.0  # seconds between plain lines
MIB = 1 << 20


class Progress:
    """Counts files and octets against what there is to do."""

    def __init__(self, files: int, octets: int, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._files, self._octets = files, octets
        self._done_files = self._done_octets = 0
        self._began = self._told = time.monotonic()
        self._live = self._out.isatty()
        self._dirty = False

    def expect(self, files: int, octets: int) -> None:
        """There is so much to do; what it took to find out does not count."""
        self._files, self._octets = files, octets
        self._began = time.monotonic()

    def add(self, files: int, octets: int) -> None:
        """So much more is done."""
        self._done_files += files
        self._done_octets += octets
        now = time.monotonic()
        if self._live:
            self._out.write(f"\r\033[K{self._line(now)}")
            self._out.flush()
            self._dirty = True
        elif now - self._told >= EVERY:
            self._told = now
            print(self._line(now), file=self._out, flush=True)

    def say(self, words: str) -> None:
        """A line of its own."""
        self.end()
        print(words, file=self._out, flush=True)

    def end(self) -> None:
        """The changing line, if there is one, stays as it is."""
        if self._dirty:
            self._out.write("\n")
            self._out.flush()
            self._dirty = False

    def _line(self, now: float) -> str:
        line = (
            f"{self._done_files} of {self._files} files, {self._done_octets / MIB:.0f} of {self._octets / MIB:.0f} MB"
        )
        if not self._done_octets or now == self._began:
            return line
        speed = self._done_octets / (now - self._began)
        left = (self._octets - self._done_octets) / speed
        return f"{line}, {speed / MIB:.1f} MB/s, {_span(left)} left"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
