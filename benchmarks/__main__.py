"""Measures Keepray on this machine, beside Debian's Orthanc where that is installed.

python -m benchmarks                              everything, five turns
python -m benchmarks --quick                      what fits into two minutes
python -m benchmarks --only frame,store-ct        the operations whose names begin so
python -m benchmarks --only frame --turns 3 --alone --json seen.json
python -m benchmarks memory --mebibytes 1024      the memory that a push of that size takes
"""

import argparse
import json
import os
import platform
import signal
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from benchmarks import memory, rounds, servers, table
from benchmarks.lab import Lab, Operation, Sizes
from benchmarks.meter import on_disk
from benchmarks.reading import READING
from benchmarks.rounds import MB, Run, Seen, tell
from benchmarks.servers import KEEPRAY, ORTHANC, Server
from benchmarks.storing import STORING
from benchmarks.targets import DISK, MEMORY, OWN_MEMORY, WHOLE_RUN

OPERATIONS: tuple[Operation, ...] = (*STORING, *READING)


def main() -> None:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="operations, or how their names begin; by commas")
    parser.add_argument("--turns", type=int, help="how often each is measured (5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer operations, turns and asks")
    parser.add_argument("--alone", action="store_true", help="without the peer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    parser.add_argument(
        "--folder", type=Path, help="where the stores lie while it runs (the system's temporary folder)"
    )
    parser.add_argument("--list", action="store_true", help="the operations and what they do")
    parser.set_defaults(run=compare)
    commands = parser.add_subparsers(metavar="COMMAND")
    memory.add_arguments(commands.add_parser("memory", help="the memory that one large push takes"))
    return parser


def compare(options: argparse.Namespace) -> None:
    """The table is printed; servers and stores are gone after, also where somebody pressed Ctrl-C."""
    operations = _chosen(options)
    if options.list:
        print("\n".join(f"{one.name:22} {one.what}" for one in operations))
        return
    began, load = time.monotonic(), os.getloadavg()[0]
    lab, seen = Lab(Sizes(asks=40 if options.quick else 100)), Seen()
    with ExitStack() as stack:
        running = stack.enter_context(_servers(options))
        rounds.prepare(running, operations, lab)
        rounds.check(running, operations, lab, seen)
        rounds.take_turns(running, operations, lab, seen, turns=options.turns or (2 if options.quick else 5))
        _weigh(running, seen)
    lines = table.lines_of(seen, KEEPRAY, ORTHANC)
    print(f"{platform.platform()}, Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores,", end=" ")
    print(f"load {load:.1f} before, {time.monotonic() - began:.0f} s\n")
    print(table.printed(lines))
    for note in seen.notes:
        print(f"\nNot counted: {note}")
    if options.json:
        options.json.write_text(json.dumps({"runs": [asdict(run) for run in seen.runs], "notes": seen.notes}, indent=1))


def _chosen(options: argparse.Namespace) -> list[Operation]:
    names = [name for name in options.only.split(",") if name]
    if names:
        exact = [one for one in OPERATIONS if one.name in names]
        begun = [one for one in OPERATIONS if any(one.name.startswith(name) for name in names)]
        return exact if len(exact) == len(names) else begun
    return [one for one in OPERATIONS if one.quick or not options.quick]


@contextmanager
def _servers(options: argparse.Namespace) -> Generator[Sequence[Server]]:
    with tempfile.TemporaryDirectory(prefix="keepray-bench-", dir=options.folder) as name, ExitStack() as stack:
        folder = Path(name)
        running: list[Server] = [stack.enter_context(servers.keepray(folder / "keepray"))]
        if not options.alone and servers.orthanc_at_hand():
            running.append(stack.enter_context(servers.orthanc(folder / "orthanc")))
        elif not options.alone:
            tell("Orthanc is not installed (on Debian: orthanc orthanc-dicomweb), so there are no ratios.")
        yield running


def _weigh(running: Sequence[Server], seen: Seen) -> None:
    """The most memory of the whole run, and what lies on the disk at its end."""
    for server in running:
        most = server.meter.most
        figures = {MEMORY: most.resident / MB, OWN_MEMORY: most.own / MB, DISK: on_disk(server.folder) / MB}
        seen.runs.append(Run(server.name, WHOLE_RUN, 0, figures))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
