"""
A server that stands again in the time of a fork, for tests that kill it again and again.

The process that forks it has read in everything the server needs and holds nothing open. What is forked prepares the
store as `phr serve` does, sweeps what a crash left, and answers over a socket with threads.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import requests

from tests.houses import ROOT, UP_WITHIN, RunningHouse
from tests.hurry import hurry


class ForkedHouse(RunningHouse):
    """One process that answers; `kill` ends it as a power cut would, `start` has another stand in its place."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        super().__init__(folder, database_url, workers=1)
        self._nursery: subprocess.Popen[str] | None = None
        self._pid = 0

    def start(self) -> "ForkedHouse":
        if self._nursery is None:
            with self.log.open("ab") as log:
                self._nursery = subprocess.Popen(
                    [sys.executable, "-c", "from tests.forked import nursery; nursery()"],
                    cwd=ROOT,
                    env=self.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        self._nursery.stdin.write("another\n")
        self._nursery.stdin.flush()
        self._pid = int(self._nursery.stdout.readline())
        end = time.monotonic() + UP_WITHIN
        while time.monotonic() < end:
            with suppress(requests.RequestException):
                if requests.get(f"{self.base_url}/healthz", timeout=5).status_code == 200:
                    return self
            time.sleep(0.01)
        raise AssertionError(f"the server does not answer:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def stop(self) -> int:
        self.close_sessions()
        self.kill()
        nursery, self._nursery = self._nursery, None
        nursery.stdin.close()
        nursery.stdout.close()
        return nursery.wait(10)


def nursery() -> None:
    """What the forking process does: one server for each line it is told."""
    from phr.app import BLUEPRINTS

    hurry()
    for name in ("phr.storing", "werkzeug.serving", "vault.custody"):
        import_module(name)
    for rooms in BLUEPRINTS.values():
        for name in rooms:
            module, _, attribute = name.partition(":")
            getattr(import_module(module), attribute)  # some read in their routes only when these are asked for
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            _serve()
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _serve() -> None:
    from werkzeug.serving import make_server

    from phr.app import create_app
    from phr.config import Settings
    from phr.storing import prepare
    from vault import custody

    settings = Settings.from_env()
    services = prepare(settings)
    custody.sweep(services)
    app = create_app(settings, services=services)
    make_server("127.0.0.1", int(os.environ["PHR_PORT"]), app, threaded=True).serve_forever()
