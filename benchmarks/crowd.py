"""Many at once: viewers that scroll through a study at one slice after the other, and PDFs asked for meanwhile.

python -m benchmarks crowd --viewers 200 --seconds 10 --prints 100

A real server with two workers, a connection to each viewer. A viewer asks for its next slice so often a minute,
whether or not the machine keeps up; what counts is how long each slice took. Then the same with a hundred histories
printed beside it: whoever prints waits or is told to come back, and nobody who looks may be held up by it.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import multipart, servers, studies
from benchmarks.keys import MAIN, PASSWORD
from benchmarks.servers import Keepray
from benchmarks.storing import push
from benchmarks.visits import House
from benchmarks.wire import Connection
from tests.people import Patient

SLICES = 60
PRINTERS = 20  # people who print, each one PDF after the other
HELD_UP = 150.0  # milliseconds: what 95 of 100 slices are to stay below


@dataclass
class Seen:
    """What the viewers waited, in milliseconds, and what those who printed were told."""

    slices: list[float] = field(default_factory=list)
    prints: list[float] = field(default_factory=list)
    told: Counter[int] = field(default_factory=Counter)

    def line(self, name: str) -> str:
        waits = sorted(self.slices)
        p95, most = waits[int(0.95 * len(waits))], waits[-1]
        held = "holds" if p95 < HELD_UP else "does not hold"
        told = ", ".join(f"{count} × {status}" for status, count in sorted(self.told.items()))
        printed = f"; PDFs {told}, median {statistics.median(self.prints):.0f} ms" if self.prints else ""
        return (
            f"{name}: {len(waits)} slices, median {statistics.median(waits):.1f} ms, p95 {p95:.1f} ms ({held}), "
            f"longest {most:.0f} ms{printed}"
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, how often, how long."""
    parser.add_argument("--viewers", type=int, default=200, help="people who scroll (%(default)s)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds from slice to slice of each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long they scroll (%(default)s)")
    parser.add_argument("--prints", type=int, default=100, help="PDFs asked for meanwhile (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the store lies meanwhile (the system's temporary folder)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Both crowds, and the server's core seconds for each."""
    kind = studies.MR
    crowd = f"{options.viewers} viewers, a slice of {kind.frame_octets >> 10} KiB every {options.every:g} s"
    with (
        tempfile.TemporaryDirectory(prefix="keepray-crowd-", dir=options.folder) as name,
        servers.keepray(Path(name) / "keepray") as server,
    ):
        scan = studies.make(kind, instances=SLICES).copy(1)
        push(server, scan)
        server.let_read()
        scrolling = Scrolling(server, scan, options.viewers, options.every, options.seconds)
        for prints in (0, options.prints):
            began = server.meter.cpu()
            seen = scrolling.seen_beside(_printing(server, prints) if prints else None)
            print(f"{seen.line(crowd)}; {server.meter.cpu() - began:.1f} s of the server's cores", flush=True)


@dataclass
class Scrolling:
    """The viewers: each on a connection of its own, beginning at a slice of its own."""

    server: Keepray
    scan: studies.Copy
    viewers: int
    every: float
    seconds: float

    def seen_beside(self, deed: Callable[[Seen], None] | None) -> Seen:
        """What they waited while `deed` was done."""
        seen = Seen()
        begin = time.perf_counter() + 1.0
        connections = [self._connection(number) for number in range(self.viewers)]
        people = [
            threading.Thread(target=self._scroll, args=(connection, begin, number, seen))
            for number, connection in enumerate(connections)
        ]
        if deed is not None:
            people.append(threading.Thread(target=deed, args=(seen,)))
        for one in people:
            one.start()
        for one in people:
            one.join()
        return seen

    def _connection(self, number: int) -> Connection:
        if number % 20 == 0:
            self.server.keys.another_token(MAIN)  # each may ask so often a minute
        return self.server.reader()

    def _scroll(self, connection: Connection, begin: float, number: int, seen: Seen) -> None:
        chance = random.Random(number)
        due = begin + chance.random() * self.every
        place = chance.randrange(SLICES)
        with connection:
            while due < begin + self.seconds:
                time.sleep(max(0.0, due - time.perf_counter()))
                path = f"{self.scan.instance_path(place % SLICES)}/frames/1"
                connection.count(path, multipart.FRAMES).expect(200)
                # From when it was due: a viewer that is kept waiting does not ask less often for that.
                seen.slices.append((time.perf_counter() - due) * 1000)
                place, due = place + 1, due + self.every


def _printing(server: Keepray, prints: int) -> Callable[[Seen], None]:
    patients = _signed_in(server)

    def deed(seen: Seen) -> None:
        left = iter(range(prints))
        lock = threading.Lock()

        def print_on(patient: Patient) -> None:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                _print(patient, seen)

        crowd = [threading.Thread(target=print_on, args=(one,)) for one in patients]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()

    return deed


def _print(patient: Patient, seen: Seen) -> None:
    began = time.perf_counter()
    answer = patient.ask("GET", "/history.pdf")
    seen.told[answer.status_code] += 1
    if answer.status_code == 200:
        seen.prints.append((time.perf_counter() - began) * 1000)


def _signed_in(server: Keepray) -> Sequence[Patient]:
    made = []
    for _ in range(PRINTERS):
        patient = Patient(House(server), login=MAIN, password=PASSWORD)
        patient.signs_in()
        made.append(patient)
    return made
