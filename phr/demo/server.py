"""The server of a demo: `phr serve` in a process of its own, which ends when the demo does."""

import http.client
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from phr.commands import CommandFailed
from phr.demo.home import Home

READY_SECONDS = 60
STOP_SECONDS = 45
PHR = (sys.executable, "-m", "phr.cli")


@contextmanager
def serving(home: Home) -> Generator[subprocess.Popen[bytes]]:
    """The server answers inside, and has ended after. Raises `CommandFailed` where it does not start."""
    home.hand_down()
    process = subprocess.Popen(
        [*PHR, "serve", "--end-with-parent"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(home: Home, process: subprocess.Popen[bytes]) -> None:
    """The server answers. Raises `CommandFailed` where it ended, or where someone else answers there."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise CommandFailed("The server ended at its start; is something else using the port?")
        if _is_ready(home):
            return
        time.sleep(0.1)
    raise CommandFailed(f"The server did not answer within {READY_SECONDS} s.")


def _is_ready(home: Home) -> bool:
    connection = http.client.HTTPConnection(home.settings.host, home.settings.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
