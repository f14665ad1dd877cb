"""In turn: A B, B A, A B …, so that whatever else the machine does falls on both alike."""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import checking
from benchmarks.lab import Figures, Lab, Operation
from benchmarks.servers import Server
from benchmarks.storing import push
from benchmarks.studies import SMALL, TINY
from benchmarks.targets import CPU, MEMORY, OWN_MEMORY
from benchmarks.wire import Unexpected

MB = 1_000_000
_AT_ONCE = 250  # studies; a token lives longer than any machine takes for so many


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
    failed: set[tuple[str, str]] = field(default_factory=set)  # at which server which one gave nothing

    def note(self, operation: str, words: str) -> None:
        """Said beside the table; the operation's ratios are withheld."""
        self.wrong.add(operation)
        self.notes.append(f"{operation}: {words}"[:300])
        tell(f"  ! {self.notes[-1]}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. `seconds` ends a quick run: what has not begun by then is left out, and said so."""

    operations: Sequence[Operation]
    turns: int
    filled: int = 0  # instances that are stored before, beside what is read
    seconds: float = math.inf


def take_turns(servers: Sequence[Server], plan: Plan, lab: Lab) -> Seen:
    """Everything of the plan at each server: what is needed lies ready before, and is looked at."""
    seen, until = Seen(), time.monotonic() + plan.seconds
    _prepare(servers, plan, lab)
    _look(servers, plan.operations, lab, seen)
    for operation in plan.operations:
        if time.monotonic() > until:
            seen.note(operation.name, "left out, for the time was up")
            continue
        if operation.many and not lab.has_many:
            _give_many(servers, lab)
        _compare(servers, operation, lab, seen)
        for turn in range(plan.turns):
            for server in servers if turn % 2 == 0 else reversed(servers):
                if server is servers[0] or not operation.alone:
                    _once(server, operation, lab, seen, turn)
    return seen


def _prepare(servers: Sequence[Server], plan: Plan, lab: Lab) -> None:
    """What the operations read lies at each server, and as many instances beside as were asked for."""
    kinds = {kind.name: kind for operation in plan.operations for kind in operation.needs}
    for server in servers:
        for kind in kinds.values():
            tell(f"  {server.name} is given {kind.name}, {lab.study(kind).size / MB:.0f} MB")
            push(server, lab.ready(kind))
        for number in range(0, plan.filled, SMALL.instances):
            tell(f"  {server.name} is filled, {number + SMALL.instances:,} instances of {plan.filled:,}")
            push(server, lab.fresh(SMALL), a_request=100)
        server.let_read()
    lab.ready_kinds |= set(kinds)


def _give_many(servers: Sequence[Server], lab: Lab) -> None:
    """The one holder has as many studies as lists are measured at."""
    for server in servers:
        for number in range(0, lab.sizes.many, _AT_ONCE):
            tell(f"  {server.name} is given studies of one instance, {number:,} of {lab.sizes.many:,}")
            count = min(_AT_ONCE, lab.sizes.many - number)
            push(server, *(lab.fresh(TINY) for _ in range(count)), a_request=100, pushers=2)
        server.let_read()
    lab.has_many = True


def _look(servers: Sequence[Server], operations: Sequence[Operation], lab: Lab, seen: Seen) -> None:
    """Octets are as they were pushed; what is not is noted for each operation that it concerns."""
    for server in servers:
        for kind, words in checking.wrong_octets(server, lab):
            for operation in operations:
                if kind in operation.needs:
                    seen.note(operation.name, words)


def _compare(servers: Sequence[Server], operation: Operation, lab: Lab, seen: Seen) -> None:
    """Our answer lacks nothing that the peer's has; what it lacks is noted, and no ratio counts."""
    if operation.check is None or len(servers) < 2:
        return
    try:
        for words in operation.check(servers[0], servers[1], lab):
            seen.note(operation.name, words)
    except (Unexpected, OSError, EOFError) as error:
        seen.note(operation.name, str(error))


def _once(server: Server, operation: Operation, lab: Lab, seen: Seen, turn: int) -> None:
    if (server.name, operation.name) in seen.failed:
        return
    try:
        server.renew()
        with server.meter.running() as used:
            figures = dict(operation.run(server, lab))
    except (Unexpected, OSError, EOFError, AssertionError) as error:
        seen.failed.add((server.name, operation.name))
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
