"""What the operations share: the studies at hand, the marks not yet used, and which copies lie ready to be read."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks import studies
from benchmarks.servers import Server
from benchmarks.studies import Copy, Kind, Study

Figures = dict[str, float]  # by metric; docs: what is measured, in the unit of its name

_FIRST_FRESH = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many instances a series of each kind has in this run, and how often small things are asked for."""

    instances: Mapping[str, int] = field(default_factory=dict)
    asks: int = 100


@dataclass
class Lab:
    """One run. Studies are made when they are first needed."""

    sizes: Sizes = field(default_factory=Sizes)
    ready_kinds: set[str] = field(default_factory=set)
    _made: dict[str, Study] = field(default_factory=dict)
    _marks: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_FRESH))

    def study(self, kind: Kind) -> Study:
        """The study of that kind, made once."""
        if kind.name not in self._made:
            self._made[kind.name] = studies.make(kind, instances=self.sizes.instances.get(kind.name))
        return self._made[kind.name]

    def ready(self, kind: Kind) -> Copy:
        """The copy that was stored before the clock ran, the same at both servers."""
        return self.study(kind).copy(kind.number)

    def is_ready(self, kind: Kind) -> bool:
        """Whether it was stored before the clock ran."""
        return kind.name in self.ready_kinds

    def fresh(self, kind: Kind, *, person: int = 1) -> Copy:
        """A copy that nobody has seen."""
        return self.study(kind).copy(next(self._marks), person=person)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that is asked of a server and measured. `needs` lie ready before; `alone` has no peer."""

    name: str
    what: str
    run: "Ask"
    needs: tuple[Kind, ...] = ()
    alone: bool = False
    quick: bool = True


Ask = Callable[[Server, Lab], Figures]


def less_is_better(metric: str) -> bool:
    """Of rates more is better; of seconds, octets and the like, less."""
    return not metric.endswith("/s")
