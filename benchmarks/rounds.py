"""In turn: A B, B A, A B …, so that whatever else the machine does falls on both alike."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks import checking
from benchmarks.lab import Figures, Lab, Operation
from benchmarks.servers import Server
from benchmarks.storing import push
from benchmarks.targets import CPU, MEMORY, OWN_MEMORY
from benchmarks.wire import Unexpected

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One time that one server was asked."""

    server: str
    operation: str
    turn: int
    figures: Figures


@dataclass
class Seen:
    """All that was measured, and what was wrong."""

    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)  # operations whose ratio counts for nothing

    def note(self, operation: str, words: str) -> None:
        """Said beside the table; the operation's ratios are withheld."""
        self.wrong.add(operation)
        self.notes.append(f"{operation}: {words}"[:300])
        tell(f"  ! {self.notes[-1]}")


def prepare(servers: Sequence[Server], operations: Iterable[Operation], lab: Lab) -> None:
    """What the operations need lies ready at each server."""
    kinds = {kind.name: kind for operation in operations for kind in operation.needs}
    for server in servers:
        copies = [lab.ready(kind) for kind in kinds.values()]
        for copy in copies:
            tell(f"  {server.name} is given {copy.study.kind.name}, {copy.study.size / MB:.0f} MB")
            push(server, copy)
        server.let_read(copies)
    lab.ready_kinds |= set(kinds)


def check(servers: Sequence[Server], operations: Sequence[Operation], lab: Lab, seen: Seen) -> None:
    """Octets are as they were pushed, and no attribute is missing; what is wrong is noted for whom it concerns."""
    for server in servers:
        for kind, words in checking.wrong_octets(server, lab):
            for operation in operations:
                if kind in operation.needs:
                    seen.note(operation.name, words)
    if len(servers) < 2:
        return
    for kind in {kind for operation in operations for kind in operation.needs}:
        for words in checking.check_metadata(servers[0], servers[1], lab.ready(kind)):
            for operation in operations:
                if kind in operation.needs and "metadata" in operation.name:
                    seen.note(operation.name, words)


def take_turns(servers: Sequence[Server], operations: Iterable[Operation], lab: Lab, seen: Seen, *, turns: int) -> None:
    """Each operation at each server, so many times."""
    for operation in operations:
        for turn in range(turns):
            for server in servers if turn % 2 == 0 else reversed(servers):
                if not (operation.alone and server is not servers[0]):
                    _once(server, operation, lab, seen, turn)


def _once(server: Server, operation: Operation, lab: Lab, seen: Seen, turn: int) -> None:
    failed = f"{operation.name}: {server.name}"
    if any(note.startswith(failed) for note in seen.notes):
        return
    try:
        with server.meter.running() as used:
            figures = dict(operation.run(server, lab))
    except (Unexpected, OSError, EOFError) as error:
        seen.note(operation.name, f"{server.name}: {error}")
        return
    figures.setdefault(CPU, used.cpu)
    figures |= {MEMORY: used.resident / MB, OWN_MEMORY: used.own / MB}
    seen.runs.append(Run(server.name, operation.name, turn, figures))
    said = ", ".join(f"{value:.4g} {metric}" for metric, value in figures.items())
    tell(f"  {server.name:8} {operation.name} {turn + 1}: {said}")


def tell(words: str) -> None:
    """Progress, for whoever waits; the figures themselves go to standard output."""
    print(words, file=sys.stderr, flush=True)
