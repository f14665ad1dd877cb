"""The two servers that are measured, each in a folder of its own, on the loopback, ended when we end."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.keys import MAIN, Keys
from benchmarks.meter import Meter
from benchmarks.wire import Connection, Unexpected
from phr.demo import server as demo_server
from phr.demo.home import Home

KEEPRAY, ORTHANC = "Keepray", "Orthanc"
WORKERS = 2
_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_READY_SECONDS, _STOP_SECONDS = 60, 45


class Server(Protocol):
    """What is asked in the same words of both."""

    @property
    def name(self) -> str:
        """As the table calls it."""
        ...

    @property
    def meter(self) -> Meter:
        """What its processes use."""
        ...

    @property
    def folder(self) -> Path:
        """All that it keeps lies here."""
        ...

    def sender(self) -> Connection:
        """A connection that may store."""
        ...

    def reader(self) -> Connection:
        """A connection that may read what was let through."""
        ...

    def let_read(self) -> None:
        """From now on readers see all that has been stored."""
        ...

    def renew(self) -> None:
        """From now on others ask, who have used up nothing of what is allowed them."""
        ...


@dataclass(frozen=True)
class Orthanc:
    """Debian's Orthanc with its DICOMweb plugin, as it comes: each file is made durable before it answers."""

    base: str
    folder: Path
    meter: Meter
    name: str = ORTHANC

    def sender(self) -> Connection:
        """Whoever reaches it may store."""
        return Connection(f"{self.base}/dicom-web")

    def reader(self) -> Connection:
        """Whoever reaches it may read."""
        return Connection(f"{self.base}/dicom-web")

    def let_read(self) -> None:
        """Nothing to do: it keeps nothing from anybody."""

    def renew(self) -> None:
        """Nothing to do: it counts nobody's requests."""


@dataclass(frozen=True)
class Keepray:
    """Keepray as it is shipped, two workers; a site's token stores, the token of a patient's decision reads."""

    base: str
    folder: Path
    meter: Meter
    keys: Keys = field(repr=False)
    name: str = KEEPRAY

    def sender(self) -> Connection:
        """The site's system: its token is renewed before it runs out."""
        return Connection(f"{self.base}/dicomweb", {"Authorization": f"Bearer {self.keys.site_token()}"})

    def reader(self, holder: str = MAIN) -> Connection:
        """A clinic's software, which has used up the patient's newest code."""
        return self._with_code("/dicomweb", holder)

    def fhir(self, holder: str) -> Connection:
        """The same software, at the FHIR base."""
        return self._with_code("/fhir", holder)

    def fhir_of_another(self, holder: str) -> Connection:
        """The same, with a token that no other connection uses."""
        self.keys.another_token(holder)
        return self.fhir(holder)

    def let_read(self) -> None:
        """The patient comes by and gives all scans anew."""
        self.keys.share(MAIN)

    def renew(self) -> None:
        """Each token is used for one measurement alone."""
        self.keys.renew()

    def _with_code(self, path: str, holder: str) -> Connection:
        return Connection(f"{self.base}{path}", {"Authorization": f"Bearer {self.keys.app_token(holder).text}"})


# -- starting and ending ---------------------------------------------------------------------------


@contextmanager
def keepray(folder: Path) -> Generator[Keepray]:
    """Keepray answers inside."""
    port = _free_port()
    home = Home.opened(folder, host="127.0.0.1", port=port)
    # As behind a proxy, which tells where each request comes from: people type PINs from networks of their own.
    home.environment.update({"PHR_PROCESSES": str(WORKERS), "PHR_PROXIES": "1"})
    with demo_server.serving(home) as process:
        demo_server.wait_until_ready(home, process)
        with Keys.made(home.settings) as keys:
            yield Keepray(f"http://127.0.0.1:{port}", folder / "data", Meter(process.pid), keys)


def orthanc_at_hand() -> bool:
    """Whether the peer is installed here."""
    return shutil.which("Orthanc") is not None and _PLUGIN.exists()


@contextmanager
def orthanc(folder: Path) -> Generator[Orthanc]:
    """Debian's Orthanc answers inside. Raises `Unexpected` where it does not start."""
    folder.mkdir(parents=True)
    port, store = _free_port(), folder / "store"
    settings = folder / "orthanc.json"
    settings.write_text(json.dumps(_orthanc_settings(port, store)))
    program = shutil.which("Orthanc") or "Orthanc"
    # Its own network library waits for acknowledgements of small pieces unless it is told not to.
    environment = {**os.environ, "TCP_NODELAY": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(settings)], stdout=log, stderr=log, env=environment, start_new_session=True
        )
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_until_ready(base, process)
            yield Orthanc(base, store, Meter(process.pid))
        finally:
            _end(process)


def _orthanc_settings(port: int, store: Path) -> dict[str, object]:
    """Where it listens and lives, and what it must be told to take DICOMweb from us; all else is as it comes."""
    return {
        "Name": "Benchmark",
        "StorageDirectory": str(store),
        "IndexDirectory": str(store),
        "Plugins": [str(_PLUGIN)],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _wait_until_ready(base: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with Connection(base) as connection:
                connection.get("/dicom-web/studies?limit=1", {"Accept": "application/dicom+json"}).expect()
                return
        except (OSError, EOFError, Unexpected):
            time.sleep(0.1)
    raise Unexpected("Orthanc did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
