"""What every client finds: a running demo, apps registered with it, a patient at a browser, pages of another origin."""

import functools
import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import BrowserContext, Page, sync_playwright

from consent.clients import NewClient, add_client
from phr.config import Settings
from phr.storing import prepare
from tests.factories import Person
from tests.people import App, Patient, Site
from vault.database import Services

Json = dict[str, Any]
HERE = Path(__file__).parent
READY_SECONDS = 180
READS = "launch/patient openid fhirUser patient/*.rs offline_access"


class Failed(Exception):
    """A client could not do its job; the sentence says which part."""


def check(held: object, what: str, told: object) -> None:
    """Raise `Failed` with what the client told, unless it held."""
    if not held:
        raise Failed(f"It should have been so that it {what}: {told}")


class Scene:
    """A demo that runs, and how to become a client of it. People of `tests.people` can live in it."""

    def __init__(self, folder: Path, seen: Path, told: Json) -> None:
        self.folder, self.seen, self.told = folder, seen, told
        self.base_url: str = told["base_url"]
        self._sessions: list[requests.Session] = []

    def close(self) -> None:
        for one in self._sessions:
            one.close()

    # --- as tests.people ask of a house ---

    def session(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        self._sessions.append(made)
        return made

    def now(self) -> datetime:
        return datetime.now(UTC)

    @contextmanager
    def opened(self) -> Iterator[Services]:
        lines = (self.folder / "demo" / "settings.env").read_text().splitlines()
        services = prepare(Settings.from_env(dict(line.split("=", 1) for line in lines if "=" in line)))
        try:
            yield services
        finally:
            services.database.dispose()

    # --- who there is ---

    @functools.cached_property
    def patient(self) -> Patient:
        """The demo's patient, signed in."""
        told = self.told["patient"]
        given, _, family = told["full_name"].rpartition(" ")
        person = Person(name=f"{family}^{given}", mrn=told["mrn"], born=told["born"].replace("-", ""), sex="F")
        patient = Patient(self, person, told["name"], told["password"])
        patient.signs_in()
        return patient

    @property
    def studies(self) -> list[Json]:
        """The scans of the demo's patient."""
        return self.told["patient"]["scans"]

    def register(self, name: str, returns_to: str) -> str:
        """An app that returns there, as the operator registers it; answers its client id."""
        with self.opened() as services, services.work() as work:
            return add_client(work, NewClient(name, (returns_to,))).client_id

    def allowed(self, name: str, scope: str = READS, **registered: Any) -> App:
        """An app that the demo's patient has let in."""
        return App(self, name, **registered).is_let_in_by(self.patient, scope)

    def site(self, name: str) -> Site:
        return Site(self, name)

    # --- programs ---

    def node(self, script: str, **given: Any) -> Json:
        """What the script answered (JSON), given this (JSON) on its standard input."""
        command = ["node", str(HERE / "js" / script)]
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, timeout=300, check=False, cwd=HERE
        )
        if done.returncode:
            raise Failed(f"{script}: {done.stderr.strip()[-2000:]}")
        return json.loads(done.stdout)


@contextmanager
def a_demo(folder: Path, *, seen: Path) -> Iterator[Scene]:
    """`phr demo` answers inside; it has ended after."""
    details, said = folder / "details.json", folder / "demo.log"
    words = ("demo", "--port", str(free_port()), "--data", str(folder / "demo"), "--details", str(details))
    with said.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "phr.cli", *words], stdout=log, stderr=log)
    try:
        with closing(Scene(folder, seen, _details(details, process, said))) as scene:
            yield scene
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    """A port of the loopback at which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _details(file: Path, process: subprocess.Popen[bytes], log: Path) -> Json:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if file.exists():
            return json.loads(file.read_text())
        time.sleep(0.2)
    raise Failed(f"The demo does not start:\n{log.read_text()[-3000:]}")


# --- pages of others -------------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder; what is no file is the first page, as a one-page app wants it."""

    added: dict[str, bytes]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in self.added:
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(path))
            self.end_headers()
            self.wfile.write(self.added[path])
            return
        if not Path(self.translate_path(path)).exists():
            self.path = "/"
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Nothing is told."""


@contextmanager
def another_origin(folder: Path, added: dict[str, bytes] | None = None) -> Iterator[str]:
    """The folder, and `added` by path, at a web origin that is not Keepray's; answers the origin."""
    handler = type("Handler", (Quiet,), {"added": {} if added is None else added})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def browsing(*, width: int = 1200, height: int = 800) -> Iterator[tuple[BrowserContext, Page]]:
    """A Chromium that nobody used before."""
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        stack.callback(chromium.close)
        context = chromium.new_context(viewport={"width": width, "height": height})
        yield context, context.new_page()


def signs_in(page: Page, scene: Scene) -> None:
    """The demo's patient types name and password on our page."""
    page.get_by_label("Email or account name").fill(scene.told["patient"]["name"])
    page.get_by_label("Password", exact=True).fill(scene.told["patient"]["password"])
    page.get_by_role("button", name="Sign in").click()


def allows(page: Page) -> None:
    """And allows what the app asks."""
    page.get_by_role("button", name="Allow", exact=True).click()
