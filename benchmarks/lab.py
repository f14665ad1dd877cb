"""What the operations share: the studies at hand, the marks not yet used, and which copies lie ready to be read."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import studies
from benchmarks.servers import Server
from benchmarks.studies import Copy, Kind, Study

Figures = dict[str, float]  # by metric, in the unit that its name ends with

_READY, _FRESH = 1, 2  # the numbers of the main patient under which studies to read and all others are pushed
_FIRST_FRESH = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Instances of a series by kind, where fewer; how often small things are asked for; studies of one holder."""

    instances: Mapping[str, int] = field(default_factory=dict)
    asks: int = 100
    many: int = 10_000


@dataclass
class Lab:
    """One run. Studies are made when they are first needed."""

    sizes: Sizes = field(default_factory=Sizes)
    ready_kinds: set[str] = field(default_factory=set)
    has_many: bool = False
    _made: dict[str, Study] = field(default_factory=dict)
    _marks: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_FRESH))

    def study(self, kind: Kind) -> Study:
        """The study of that kind, made once."""
        if kind.name not in self._made:
            self._made[kind.name] = studies.make(kind, instances=self.sizes.instances.get(kind.name))
        return self._made[kind.name]

    def ready(self, kind: Kind) -> Copy:
        """The copy that was stored before the clock ran, the same at both servers."""
        return self.study(kind).copy(kind.number, person=_READY)

    def is_ready(self, kind: Kind) -> bool:
        """Whether it was stored before the clock ran."""
        return kind.name in self.ready_kinds

    def fresh(self, kind: Kind, *, person: int = _FRESH) -> Copy:
        """A copy that nobody has seen."""
        return self.study(kind).copy(next(self._marks), person=person)


Ask = Callable[[Server, Lab], Figures]
Check = Callable[[Server, Server, Lab], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that is asked of a server and measured.

    `needs` lie ready before; `many` needs a holder with many studies; `check` tells what our answer lacks beside the
    peer's; `alone` has no peer; `quick` belongs to the quick run.
    """

    name: str
    what: str
    run: Ask
    needs: tuple[Kind, ...] = ()
    check: Check | None = None
    many: bool = False
    alone: bool = False
    quick: bool = False


def less_is_better(metric: str) -> bool:
    """Of rates more is better; of seconds, octets and the like, less."""
    return not metric.endswith("/s")
