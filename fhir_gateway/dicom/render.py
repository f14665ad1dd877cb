"""
Pictures out of foreign pixels, developed in child processes.

The server never decodes what came from outside: a child that dies, hangs or grows costs its own picture and is
replaced. The child gets the header and one frame, knows no key and no database, and writes no file.
"""

import json
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from fhir_gateway.errors import PixelsRefused, WhyRefused

SECONDS = 10.0
WAIT_SECONDS = 20.0  # for a child to be idle
START_SECONDS = 60.0
ORDER_MOST = 512 << 20
_CHILD = Path(__file__).parent / "darkroom" / "__main__.py"
_REASONS = {1: WhyRefused.NO_PIXELS, 2: WhyRefused.TOO_LARGE, 3: WhyRefused.CANNOT_DECODE}
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}
MediaType = Literal["image/jpeg", "image/png", "image/gif"]


@dataclass(frozen=True, slots=True)
class Window:
    """A window of grey values; `shape` is LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.3)."""

    centre: float
    width: float
    shape: str = "LINEAR"


@dataclass(frozen=True, slots=True)
class Viewport:
    """How large the picture is wanted, and which region of it; a negative region size mirrors (PS3.18 8.3.5.1.3)."""

    width: int
    height: int
    region: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is wanted; `captions` are patient and technique, `profile` is no, yes or srgb."""

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int | None = None
    captions: tuple[str, ...] = ()
    profile: str = "no"

    def to_order(self) -> dict[str, Any]:
        """In the words of the darkroom."""
        window, port = self.window, self.viewport
        return {
            "window": [window.centre, window.width, window.shape] if window else None,
            "viewport": [port.width, port.height, *(port.region or ())] if port else None,
            "quality": self.quality,
            "captions": list(self.captions),
            "profile": self.profile,
        }


@dataclass(frozen=True, slots=True)
class Previews:
    """The two small JPEGs kept with a series."""

    thumbnail: bytes
    quick_view: bytes


AS_IT_IS = Look()


class Renderer:
    """A few child processes, started when first needed. Safe to use from many threads; `close` ends them."""

    def __init__(self, size: int = 2, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)
        self._size = size

    def picture(
        self,
        header: bytes,
        frame: bytes,
        *,
        number: int = 1,
        look: Look = AS_IT_IS,
        media_type: MediaType = "image/jpeg",
    ) -> bytes:
        """Frame `number` (from 1, for its own grey values) as a picture. Raises PixelsRefused."""
        order = {"order": "picture", "number": number, "format": FORMATS[media_type]} | look.to_order()
        return self._answer(order, header, frame)

    def animation(self, header: bytes, frames: Sequence[bytes], *, look: Look = AS_IT_IS) -> bytes:
        """All frames as one moving GIF, in the time their header names. Raises PixelsRefused."""
        order = {"order": "animation", "lengths": [len(frame) for frame in frames]} | look.to_order()
        return self._answer(order, header, b"".join(frames))

    def decode(self, header: bytes, frame: bytes) -> bytes:
        """The bare pixels of one frame: little endian, interleaved, colours as RGB. Raises PixelsRefused."""
        return self._answer({"order": "decode"}, header, frame)

    def thumbnail(self, header: bytes, frame: bytes, *, number: int = 1) -> bytes:
        """A JPEG at most 256 pixels wide or high. Raises PixelsRefused."""
        return self._answer({"order": "thumbnail", "number": number}, header, frame)

    def quick_view(self, header: bytes, frame: bytes, *, number: int = 1) -> bytes:
        """A JPEG at most 1024 pixels wide or high and 80 KiB large. Raises PixelsRefused."""
        return self._answer({"order": "quick_view", "number": number}, header, frame)

    def previews(self, header: bytes, frame: bytes, *, number: int = 1) -> Previews:
        """Thumbnail and quick view of one frame, decoded once. Raises PixelsRefused."""
        both = self._answer({"order": "previews", "number": number}, header, frame)
        size = int.from_bytes(both[:4], "big")
        return Previews(thumbnail=both[4 : 4 + size], quick_view=both[4 + size :])

    def close(self) -> None:
        """End the children that are idle; call when none is at work."""
        for _ in range(self._size):
            child = self._idle.get()
            if child is not None:
                child.end()
            self._idle.put(None)

    def _answer(self, order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
        if len(header) + len(frame) > ORDER_MOST:
            raise PixelsRefused(WhyRefused.TOO_LARGE)
        octets = json.dumps(order).encode()
        try:
            child = self._idle.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise PixelsRefused(WhyRefused.TOOK_TOO_LONG) from None
        try:
            if child is not None and child.alive():
                try:
                    return child.ask(octets, header, frame, self._seconds)
                except _ChildDiedError as died:
                    child = None
                    if died.late:
                        raise PixelsRefused(WhyRefused.TOOK_TOO_LONG) from died
            # None was at hand, or it died, perhaps of an earlier order: one that is new gets its chance.
            child = _Child()
            try:
                return child.ask(octets, header, frame, self._seconds)
            except _ChildDiedError as died:
                child = None
                reason = WhyRefused.TOOK_TOO_LONG if died.late else WhyRefused.CANNOT_DECODE
                raise PixelsRefused(reason, "the child died") from died
        finally:
            self._idle.put(child)


class _ChildDiedError(Exception):
    def __init__(self, *, late: bool) -> None:
        super().__init__("the child died")
        self.late = late


class _Child:
    """One running child and its pipes."""

    def __init__(self) -> None:
        # No variable of ours goes along: settings hold secrets.
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
            cwd="/",
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        if self._within(START_SECONDS, lambda: self._answers.read(6)) != b"\0ready":
            self.end()
            raise PixelsRefused(WhyRefused.CANNOT_DECODE, "the child did not start")

    def alive(self) -> bool:
        """Tell whether it still runs; what has died is cleared away."""
        if self._process.poll() is None:
            return True
        self.end()
        return False

    def ask(self, order: bytes, header: bytes, frame: bytes, seconds: float) -> bytes:
        """Send one order and wait for its answer. Raises PixelsRefused; _ChildDiedError after which it is gone."""
        answer = self._within(seconds, lambda: self._exchange(order, header, frame))
        if answer is None:
            late = self._late
            self.end()
            raise _ChildDiedError(late=late)
        code, octets = answer
        if code:
            raise PixelsRefused(_REASONS[code], octets.decode("ascii", "replace"))
        return octets

    def _exchange(self, order: bytes, header: bytes, frame: bytes) -> tuple[int, bytes] | None:
        try:
            self._orders.write(struct.pack(">III", len(order), len(header), len(frame)))
            for octets in (order, header, frame):
                self._orders.write(octets)
            self._orders.flush()
        except (BrokenPipeError, OSError):
            return None
        head = self._answers.read(5)
        if len(head) < 5:
            return None
        code, size = struct.unpack(">BI", head)
        octets = self._answers.read(size)
        return (code, octets) if len(octets) == size else None

    def _within(self, seconds: float, what: Any) -> Any:
        """Do it, and kill the child when it takes longer; then the pipes answer with their end."""
        self._late = False

        def too_late() -> None:
            self._late = True
            self._process.kill()

        alarm = threading.Timer(seconds, too_late)
        alarm.daemon = True
        alarm.start()
        try:
            return what()
        finally:
            alarm.cancel()

    def end(self) -> None:
        """Kill it and close its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._orders, self._answers):
            try:
                pipe.close()
            except OSError:  # what was not sent yet goes nowhere
                continue
