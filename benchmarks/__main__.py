"""Measures Keepray on this machine, beside Debian's Orthanc where that is installed.

python -m benchmarks                              everything, five turns
python -m benchmarks --quick                      what fits into two minutes
python -m benchmarks --filled 19000               everything, at stores that hold so many instances already
python -m benchmarks --only frame,store-ct        those operations; a name that is none takes all that begin so
python -m benchmarks --only qido --many 1000      searches at a holder with so many studies
python -m benchmarks --only frame --turns 3 --alone --json seen.json
python -m benchmarks memory --mebibytes 1024      the memory that a push of that size takes
python -m benchmarks growth                       what the number of patients costs
python -m benchmarks crowd                        many viewers, and many printed reports
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import FrameType

from benchmarks import ceilings, rounds, servers, table
from benchmarks.lab import Lab, Operation, Sizes
from benchmarks.listing import DRAWING, SEARCHING
from benchmarks.meter import on_disk
from benchmarks.reading import READING
from benchmarks.resources import RESOURCES
from benchmarks.rounds import MB, Plan, Run, Seen, tell
from benchmarks.servers import KEEPRAY, ORTHANC, Server
from benchmarks.storing import STORING
from benchmarks.targets import DISK, MEMORY, OWN_MEMORY, WHOLE_RUN
from benchmarks.visits import VISITS
from benchmarks.wire import Unexpected
from phr.commands import CommandFailed

# Lists are measured last: the holder with many studies stays in the store.
OPERATIONS: tuple[Operation, ...] = (*STORING, *READING, *DRAWING, *RESOURCES, *VISITS, *SEARCHING)
COMMANDS = {
    "memory": "the memory that one large push takes",
    "growth": "what the number of patients costs",
    "crowd": "many viewers at once, and many printed reports",
}
QUICK_SECONDS = 75  # for measuring; starting, looking and ending take the rest of two minutes
QUICK_SIZES = Sizes(instances={"ct": 100}, asks=40)


def main() -> None:
    options = _parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell without a terminal starts us deaf to Ctrl-C
        signal.signal(number, _interrupt)
    try:
        options.run(options)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (CommandFailed, Unexpected) as error:
        raise SystemExit(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="operations, by commas")
    parser.add_argument("--turns", type=int, help="how often each is measured (5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer operations, turns and asks")
    parser.add_argument("--alone", action="store_true", help="without the peer")
    parser.add_argument("--filled", type=int, default=0, metavar="N", help="instances that are stored before")
    parser.add_argument("--many", type=int, default=10_000, metavar="N", help="studies of the holder (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="what is printed, as a page")
    parser.add_argument("--folder", type=Path, help="where the stores lie meanwhile (the system's temporary folder)")
    parser.add_argument("--list", action="store_true", help="the operations and what they do")
    parser.set_defaults(run=compare)
    commands = parser.add_subparsers(metavar="COMMAND", title="measured by themselves")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name in sys.argv[1:2]:  # the others are not even imported
            import_module(f"benchmarks.{name}").add_arguments(command)
    return parser


def compare(options: argparse.Namespace) -> None:
    """The table is printed; servers and stores are gone after, also where somebody pressed Ctrl-C."""
    operations = chosen(options.only, quick=options.quick)
    if options.list:
        print("\n".join(f"{one.name:22} {one.what}" for one in operations))
        return
    plan = Plan(
        operations,
        turns=options.turns or (2 if options.quick else 5),
        filled=options.filled,
        seconds=QUICK_SECONDS if options.quick else float("inf"),
    )
    lab = Lab(QUICK_SIZES if options.quick else Sizes(many=options.many))
    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="keepray-bench-", dir=options.folder) as name:
        measured = ceilings.ceilings(Path(name))
        with _running(Path(name), alone=options.alone) as running:
            seen = rounds.take_turns(running, plan, lab)
            _weigh(running, seen)
    machine = f"{platform.platform()}, Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores"
    told = f"{machine}, load {load:.1f} before, {plan.turns} turns, {time.monotonic() - began:.0f} s"
    text = table.report(told, table.lines_of(seen, KEEPRAY, ORTHANC), measured, seen.notes)
    print(text)
    if options.markdown:
        options.markdown.write_text(f"# Figures of one run\n\n{text}\n")
    if options.json:
        figures = {"machine": told, "runs": [asdict(run) for run in seen.runs], "notes": seen.notes}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def chosen(names: str, *, quick: bool) -> list[Operation]:
    """The operations of these names, or that begin so, in our order. Raises `SystemExit` for one that is none."""
    wanted = [name for name in names.split(",") if name]
    known = {one.name for one in OPERATIONS}
    begun = {name for word in wanted if word not in known for name in known if name.startswith(word)}
    for word in wanted:
        if word not in known and not any(name.startswith(word) for name in known):
            raise SystemExit(f"There is no operation {word}; --list tells them.")
    if wanted:
        return [one for one in OPERATIONS if one.name in begun or one.name in wanted]
    return [one for one in OPERATIONS if one.quick or not quick]


@contextmanager
def _running(folder: Path, *, alone: bool) -> Generator[Sequence[Server]]:
    with ExitStack() as stack:
        running: list[Server] = [stack.enter_context(servers.keepray(folder / "keepray"))]
        if not alone and servers.orthanc_at_hand():
            running.append(stack.enter_context(servers.orthanc(folder / "orthanc")))
        elif not alone:
            tell("Orthanc is not installed (on Debian: orthanc orthanc-dicomweb), so there are no ratios.")
        yield running


def _weigh(running: Sequence[Server], seen: Seen) -> None:
    """The most memory of the whole run, and what lies on the disk at its end."""
    for server in running:
        most = server.meter.most
        figures = {MEMORY: most.resident / MB, OWN_MEMORY: most.own / MB, DISK: on_disk(server.folder) / MB}
        seen.runs.append(Run(server.name, WHOLE_RUN, 0, figures))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # clearing up takes its time and is asked for once
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
