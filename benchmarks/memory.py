"""The memory that one large push takes: a real server is given a study of noise, which is then fetched with a code.

python -m benchmarks memory --mebibytes 1024   the size that memory is promised for
"""

import argparse
import http.client
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from phr.demo import people, site
from phr.demo.home import Home
from phr.demo.people import Ready
from phr.demo.server import serving, wait_until_ready
from phr.pushing.config import SiteConfig
from phr.pushing.finding import Found, in_order, look_through
from phr.pushing.pictures import send_pictures
from phr.pushing.remembering import Memory
from phr.pushing.web import Web
from phr.samples.studies import CT, Person
from phr.samples.writing import native_pixels, part_10, uid_of
from phr.storing import prepare
from vault import accounts
from vault.database import Services

MIB = 1 << 20
ROWS = COLUMNS = 512
PERSON = Person(name="Bench^Mark", born="19700101", sex="O", mrn="BENCH-1")
STUDY = uid_of("benchmark study")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the study (%(default)s)")
    parser.add_argument("--port", type=int, default=8499)
    parser.set_defaults(run=main)


def main(options: argparse.Namespace) -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores,", end=" ")
    print(f"load {os.getloadavg()[0]:.1f} before we began\n")
    with tempfile.TemporaryDirectory(prefix="phr-bench-") as folder:
        place = Path(folder)
        home = Home.opened(place / "home", host="127.0.0.1", port=options.port)
        services = prepare(home.settings)
        notes = site.register(services)
        began = time.perf_counter()
        with serving(home) as process:
            wait_until_ready(home, process)
            tell("start, two workers", f"{time.perf_counter() - began:.1f} s")
            with site.desk(home.settings, notes["site"]) as desk:
                measure(services, desk, notes, process.pid, place, options.mebibytes)


def measure(services: Services, desk: site.Desk, notes: dict, server: int, place: Path, mebibytes: int) -> None:
    study = draw(place / "study", mebibytes * MIB // (ROWS * COLUMNS * 2))
    size = sum(one.size for one in study)
    config = SiteConfig.read(desk._config())  # noqa: SLF001  the demo's site, as it configures itself
    web, memory = Web(config), Memory.opened(place / "state", config, place)
    seconds = timed(lambda: send_pictures(web, config.dicomweb_base, study, memory, progress=lambda *_: None))
    tell(f"push {size / MIB:.0f} MiB, {len(study)} instances", f"{seconds:.1f} s, {size / MIB / seconds:.0f} MiB/s")
    tell("memory of a worker at its most, so far", f"{peak(server):.0f} MiB")
    on_disk = sum(path.stat().st_size for path in (place / "home" / "data" / "blobs").rglob("*") if path.is_file())
    tell("what lies sealed on the disk", f"{on_disk / MIB:.0f} MiB, {100 * on_disk / size - 100:.2f} % more")
    token = claim_and_share(services, desk, notes)
    fetch(desk.settings.base_url, token, study, server)


def claim_and_share(services: Services, desk: site.Desk, notes: dict) -> str:
    pin = desk.issue_slip(PERSON).pin
    assert pin is not None
    password = "long enough for a benchmark"
    signed_in = accounts.open_account(services, login="bench", password=password, name="Bench Mark", born=PERSON.born)
    seconds = timed(lambda: people._move_in(services, signed_in, pin, PERSON))  # noqa: SLF001
    tell("claim, with its Argon2id", f"{seconds:.2f} s")
    code = people.share(services, Ready(PERSON, "bench", password, signed_in), notes)
    form = {"grant_type": "urn:keepray:oauth:grant-type:share-code", "code": code}
    form["client_id"] = notes["apps"][0]["client_id"]
    return json.loads(ask(desk.settings.base_url, "POST", "/oauth/token", body=urlencode(form)))["access_token"]


def fetch(base: str, token: str, study: list[Found], server: int) -> None:
    one, series = study[len(study) // 2], f"/dicomweb/studies/{STUDY}/series/{study[0].series_uid}"
    instance = f"{series}/instances/{one.instance_uid}"

    def get(path: str, accept: str = "*/*") -> bytes:
        return ask(base, "GET", path, token=token, accept=accept)

    several("search for studies", lambda: get("/dicomweb/studies"))
    several("metadata of the series", lambda: get(f"{series}/metadata"), times=5)
    several("a frame, plain", lambda: get(f"{instance}/frames/1"))
    several("a rendered picture", lambda: get(f"{instance}/rendered", "image/jpeg"), times=10)
    several("the thumbnail of the series", lambda: get(f"{series}/thumbnail", "image/jpeg"))
    several("FHIR ImagingStudy search", lambda: get("/fhir/ImagingStudy", "application/fhir+json"))
    size = sum(found.size for found in study)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    lengths: list[bytes] = []
    path = f"/dicomweb/studies/{STUDY}"
    seconds = timed(lambda: lengths.append(ask(base, "GET", path, token=token, accept=accept, keep=False)))
    if int.from_bytes(lengths[0], "big") < size:
        raise SystemExit("the whole study was not whole")
    tell("the whole study", f"{seconds:.1f} s, {size / MIB / seconds:.0f} MiB/s")
    tell("memory of a worker at its most", f"{peak(server):.0f} MiB")


# -- making and asking -----------------------------------------------------------------------------


def draw(folder: Path, count: int) -> list[Found]:
    """Slices of noise over a slope, which nothing could pack well."""
    folder.mkdir()
    for number in range(1, count + 1):
        made = {
            "00080005": ("CS", "ISO_IR 192"),
            "00080016": ("UI", CT),
            "00080018": ("UI", uid_of("benchmark", number)),
            "00080020": ("DA", "20260101"),
            "00080060": ("CS", "CT"),
            "00081030": ("LO", "Benchmark"),
            "00100010": ("PN", PERSON.name),
            "00100020": ("LO", PERSON.mrn),
            "00100030": ("DA", PERSON.born),
            "0020000D": ("UI", STUDY),
            "0020000E": ("UI", uid_of("benchmark series")),
            "00200011": ("IS", 1),
            "00200013": ("IS", number),
            "00280002": ("US", 1),
            "00280004": ("CS", "MONOCHROME2"),
            "00280010": ("US", ROWS),
            "00280011": ("US", COLUMNS),
            "00280100": ("US", 16),
            "00280101": ("US", 16),
            "00280102": ("US", 15),
            "00280103": ("US", 0),
        }
        (folder / f"{number:05d}").write_bytes(part_10(made, native_pixels(os.urandom(ROWS * COLUMNS * 2))))
    return in_order(one for one in look_through(folder) if isinstance(one, Found))


def ask(
    base: str, method: str, path: str, *, token: str = "", accept: str = "*/*", body: str = "", keep: bool = True
) -> bytes:
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    headers = {"Accept": accept, **({"Authorization": f"Bearer {token}"} if token else {})}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body=body or None, headers=headers)
    answer = connection.getresponse()
    read, length = b"", 0
    while piece := answer.read(MIB):
        read = read + piece if keep else b""
        length += len(piece)
    connection.close()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path} was answered {answer.status}: {read[:300].decode(errors='replace')}")
    return read if keep else length.to_bytes(8, "big")


def timed(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


def several(what: str, deed: Callable[[], object], times: int = 30) -> None:
    deed()  # the first asks for what later ones find ready
    seen = sorted(timed(deed) * 1000 for _ in range(times))
    tell(what, f"median {statistics.median(seen):.0f} ms, 90th of 100 {seen[int(len(seen) * 0.9)]:.0f} ms")


def peak(server: int) -> float:
    """The largest resident size that any process of the server ever had, in MiB (proc(5), VmHWM)."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server)], capture_output=True, text=True, check=False)
    found = []
    for pid in listed.stdout.split():
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            lines = status.read_text().splitlines()
            found += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return max(found, default=0.0)


def tell(what: str, seen: str) -> None:
    print(f"{what:48} {seen}", flush=True)
