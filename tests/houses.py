"""
Keepray as the world meets it, in two ways.

RunningHouse    `phr serve` with worker processes of its own, its files in one folder: what really runs
IndoorHouse     the same app in this process, where time can be moved and faults can be put in; requests
                reach it through WSGI, so people use both alike
"""

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from functools import cache
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3._collections import HTTPHeaderDict
from werkzeug.test import EnvironBuilder, run_wsgi_app

from phr.commands.keys import new_secrets
from phr.config import Settings
from phr.database import upgrade
from phr.storing import prepare
from tests.fakes import FrozenClock
from vault.database import Database, Services

ROOT = Path(__file__).parents[1]
PHR = (sys.executable, "-m", "tests.hurried_phr")
UP_WITHIN = 60  # seconds; a busy machine starts slowly


class RunningHouse:
    """A server process with two workers."""

    def __init__(self, folder: Path, database_url: str = "", *, workers: int = 2, **settings: str) -> None:
        self.folder = folder
        self.workers = workers
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.data, self.tmp, self.log = folder / "data", folder / "tmp", folder / "server.log"
        self.tmp.mkdir(parents=True)
        self.secrets = new_secrets()
        self.settings = {
            **self.secrets,
            "PHR_BASE_URL": self.base_url,
            "PHR_DATA": str(self.data),
            "PHR_PORT": str(self.port),
            "PHR_PROCESSES": str(workers),
            "PHR_PROXIES": "1",  # so that every person comes from a network of their own
            "PHR_HELP_PHONE": "555 0199",
            **({"PHR_DATABASE_URL": database_url} if database_url else {}),
            **settings,
        }
        (folder / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        self._process: subprocess.Popen[bytes] | None = None
        self._sessions: list[requests.Session] = []

    # --- the machine ---

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
        return {**kept, **self.settings, "TMPDIR": str(self.tmp), "PYTHONUNBUFFERED": "1"}

    def start(self) -> "RunningHouse":
        command = [*PHR, "serve", "--workers", str(self.workers)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.wait_until_it_answers()
        return self

    def wait_until_it_answers(self) -> None:
        for _ in range(UP_WITHIN * 20):
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended at start:\n{self.log.read_text()[-3000:]}"
            with suppress(requests.RequestException):
                if requests.get(f"{self.base_url}/healthz", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server does not answer:\n{self.log.read_text()[-3000:]}")

    def stand_again(self) -> None:
        """After workers were killed: others take their place, or (too many at once) whoever runs it starts it anew."""
        for _ in range(UP_WITHIN * 10):
            assert self._process is not None
            if self._process.poll() is not None:
                self.start()
                return
            with suppress(requests.RequestException):
                if requests.get(f"{self.base_url}/healthz", timeout=5).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("the server does not come back")

    def stop(self) -> int:
        """Ended politely; answers the exit code."""
        process, self._process = self._process, None
        self.close_sessions()
        if process is None:
            return 0
        print(self.log.read_text(errors="replace")[-5000:])  # noqa: T201  shown where a test failed
        process.terminate()
        try:
            return process.wait(45)
        except subprocess.TimeoutExpired:
            _kill_group(process.pid)
            raise

    def kill(self) -> None:
        """Ended as a power cut would: every process of it at once."""
        process, self._process = self._process, None
        assert process is not None
        _kill_group(process.pid)
        process.wait(10)

    def worker_ids(self) -> list[int]:
        """The processes that answer requests."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        named = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.split()}
        return [pid for pid, line in named.items() if b"resource_tracker" not in line]

    def session(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.headers["Connection"] = "close"  # so that requests fall to either worker
        self._sessions.append(made)
        return made

    def close_sessions(self) -> None:
        for one in self._sessions:
            one.close()
        self._sessions.clear()

    def now(self) -> datetime:
        return datetime.now(UTC)

    @contextmanager
    def opened(self) -> Iterator[Services]:
        """Its store, opened beside the server as an operator's command would."""
        services = prepare(Settings.from_env(self.settings))
        try:
            yield services
        finally:
            services.database.dispose()

    def phr(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The command `phr`, with this server's settings."""
        command = [*PHR, *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=120, check=False
        )


@cache
def _a_store_of_the_newest_shape() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        made = Database(f"sqlite:///{folder}/keepray.sqlite3")
        upgrade(made.engine)
        made.engine.dispose()
        return Path(folder, "keepray.sqlite3").read_bytes()


class IndoorHouse:
    """The app in this process, over a store of its own; its clock stands still."""

    base_url = "https://phr.example.org"

    def __init__(self, folder: Path, **settings: str) -> None:
        from phr.app import create_app

        self.folder = folder
        self.secrets = new_secrets()
        self.settings = {
            **self.secrets,
            "PHR_BASE_URL": self.base_url,
            "PHR_DATA": str(folder / "data"),
            "PHR_PROXIES": "1",
            "PHR_HELP_PHONE": "555 0199",
            **settings,
        }
        (folder / "data").mkdir(mode=0o700)
        (folder / "data" / "keepray.sqlite3").write_bytes(_a_store_of_the_newest_shape())
        self.clock = FrozenClock(datetime.now(UTC).replace(microsecond=0))
        chosen = Settings.from_env(self.settings)
        self.services = replace(prepare(chosen), clock=self.clock)
        self.app = create_app(chosen, services=self.services)
        self._sessions: list[requests.Session] = []

    def session(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.mount(self.base_url, Indoors(self))
        self._sessions.append(made)
        return made

    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def opened(self) -> Iterator[Services]:
        yield self.services

    def close(self) -> None:
        for one in self._sessions:
            one.close()
        self.app.extensions["renderer"].close()
        self.services.database.dispose()


class Indoors(HTTPAdapter):
    """Carries a request to the app without a socket."""

    def __init__(self, house: IndoorHouse) -> None:
        super().__init__()
        self._house = house

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        body = request.body
        if isinstance(body, str):
            body = body.encode()
        elif body is not None and not isinstance(body, bytes):
            body = b"".join(body) if not hasattr(body, "read") else body.read()
        builder = EnvironBuilder(method=request.method, base_url=self._house.base_url, path="/")
        environ = builder.get_environ()
        builder.close()
        _, _, rest = request.url.partition("://")
        path, _, query = ("/" + rest.partition("/")[2]).partition("?")
        environ["PATH_INFO"] = requests.compat.unquote(path.partition("#")[0], encoding="latin-1")
        environ["QUERY_STRING"] = query.partition("#")[0]
        environ["REMOTE_ADDR"] = "127.0.0.1"
        environ["wsgi.input"] = io.BytesIO(body or b"")
        environ["CONTENT_LENGTH"] = str(len(body or b""))
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = text
        pieces, status, headers = run_wsgi_app(self._house.app.wsgi_app, environ, buffered=True)
        octets = b"".join(pieces)
        told = Message()
        for name, value in headers:
            told.add_header(name, value)
        raw = HTTPResponse(
            body=io.BytesIO(b"" if request.method == "HEAD" else octets),
            headers=HTTPHeaderDict(list(headers)),
            status=int(status.split()[0]),
            preload_content=False,
            original_response=_Told(told),
        )
        return self.build_response(request, raw)


class _Told:
    """As much of http.client's response as requests reads cookies from."""

    def __init__(self, msg: Message) -> None:
        self.msg = msg

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
