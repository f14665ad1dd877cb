"""From what was seen to one table: medians, spread, the median of the paired ratios, the target, whether it holds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.ceilings import Ceiling
from benchmarks.lab import less_is_better
from benchmarks.rounds import Run, Seen
from benchmarks.targets import LIMITS, MEMORY, OWN_MEMORY, TARGETS, WHOLE_RUN, Limit, Target

_BESIDE = {MEMORY, OWN_MEMORY}  # of the whole run, not of each operation


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, median and most of some repetitions."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(min(values), statistics.median(values), max(values))

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(self.least)}–{short(self.most)})"


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one operation. `ratio` is how many times better ours is, in the median of pairs of one turn."""

    operation: str
    metric: str
    ours: Spread | None
    theirs: Spread | None
    ratio: float | None
    target: Target | Limit | None

    @property
    def reckoned(self) -> float | None:
        """The ratio to the better of the two releases of the peer."""
        if self.ratio is None or not isinstance(self.target, Target):
            return None
        return self.ratio / max(self.target.newer, 1.0)

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; None where there is none, or where nothing can be said."""
        if isinstance(self.target, Limit):
            if self.ours is None:
                return None
            return (self.ours.median >= self.target.bound) == self.target.more or self.ours.median == self.target.bound
        return None if self.reckoned is None or self.target is None else self.reckoned >= self.target.least


def lines_of(seen: Seen, ours: str, theirs: str) -> list[Line]:
    """The lines in the order in which they were measured."""
    keys = dict.fromkeys(
        (run.operation, metric)
        for run in seen.runs
        for metric in run.figures
        if metric not in _BESIDE or run.operation == WHOLE_RUN
    )
    return [_line(seen, key, ours, theirs) for key in keys]


def _line(seen: Seen, key: tuple[str, str], ours: str, theirs: str) -> Line:
    mine, other = _values(seen.runs, key, ours), _values(seen.runs, key, theirs)
    pairs = [better(key[1], mine[turn], other[turn]) for turn in mine if other.get(turn) and mine[turn]]
    ratio = statistics.median(pairs) if pairs and key[0] not in seen.wrong else None
    target = TARGETS.get(key) or LIMITS.get(key)
    return Line(*key, _spread(mine), _spread(other), ratio, target)


def better(metric: str, ours: float, theirs: float) -> float:
    """How many times better ours is: of rates the larger, of seconds and octets the smaller."""
    return theirs / ours if less_is_better(metric) else ours / theirs


def _values(runs: Sequence[Run], key: tuple[str, str], server: str) -> dict[int, float]:
    operation, metric = key
    return {
        run.turn: run.figures[metric]
        for run in runs
        if run.server == server and run.operation == operation and metric in run.figures
    }


def _spread(values: dict[int, float]) -> Spread | None:
    return Spread.of(list(values.values())) if values else None


# -- printing --------------------------------------------------------------------------------------


def report(machine: str, lines: Sequence[Line], ceilings: Sequence[Ceiling], notes: Sequence[str]) -> str:
    """Everything that a run has to say, as Markdown."""
    blocks = [machine, printed(lines), _counted(lines), _best(ceilings)]
    if notes:
        blocks.append("Not counted:\n\n" + "\n".join(f"- {note}" for note in notes))
    return "\n\n".join(blocks)


def _counted(lines: Sequence[Line]) -> str:
    held = [line.holds for line in lines if line.holds is not None]
    return f"{sum(held)} of {len(held)} targets hold."


def _best(ceilings: Sequence[Ceiling]) -> str:
    rows = [f"| {one.name} | {short(one.rate)} {one.unit} |" for one in ceilings]
    return "\n".join(["| at best, on this machine | |", "|---|---|", *rows])


_HEAD = ("operation", "metric", "Keepray", "Orthanc", "times better", "against the newer", "target", "holds")


def printed(lines: Sequence[Line]) -> str:
    """A Markdown table, its columns lined up for whoever reads it as it stands."""
    rows = [_HEAD, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    told = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    told.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(told)


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.operation,
        line.metric,
        str(line.ours or "-"),
        str(line.theirs or "-"),
        _times(line.ratio),
        _times(line.reckoned),
        _wanted(line.target),
        {True: "yes", False: "NO", None: ""}[line.holds],
    )


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{short(ratio)} x"


def _wanted(target: Target | Limit | None) -> str:
    if target is None:
        return ""
    if isinstance(target, Limit):
        return f"{'≥' if target.more else '≤'} {short(target.bound)}"
    aim = f", aim {short(target.aim)}" if target.aim else ""
    return f"≥ {short(target.least)} x{aim}"


def short(number: float) -> str:
    """Three digits that count, and thousands set apart."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
