"""What several requests bring at the same moment is done by one of them for all: one lock, one wait for the disk."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vault.errors import StoreAway

T = TypeVar("T")


class _Brought(Generic[T]):
    """What one request brought, and what became of it."""

    __slots__ = ("done", "problem", "turn", "what")

    def __init__(self, what: T) -> None:
        self.what = what
        self.done = False
        self.problem: Exception | None = None
        self.turn = threading.Lock()  # opened when it is done, or when the one who brought it is to go
        self.turn.acquire()


class Together(Generic[T]):
    """Hands over what was brought; `do_all` does it in one transaction, which is durable when it returns.

    Nobody waits for others to come: whoever finds nobody at work goes at once, with all that was brought meanwhile.
    """

    def __init__(self, do_all: Callable[[list[T]], None]) -> None:
        self._do_all = do_all
        self._lock = threading.Lock()
        self._queue: list[_Brought[T]] = []
        self._at_work = False

    def do(self, what: T) -> None:
        """Return once it is done. Raises what `do_all` raised of it alone: what others brought harms nobody."""
        mine = _Brought(what)
        with self._lock:
            self._queue.append(mine)
            waits, self._at_work = self._at_work, True
        if waits:
            mine.turn.acquire()
        if not mine.done:
            self._go(mine)
        if mine.problem is not None:
            raise mine.problem

    def _go(self, mine: _Brought[T]) -> None:
        with self._lock:
            batch, self._queue = self._queue, []
        try:
            self._do(batch)
        finally:
            self._let_go([one for one in batch if one is not mine])

    def _let_go(self, others: list[_Brought[T]]) -> None:
        """Those that it was done for go on, and the first of those that came meanwhile is the next to go."""
        for one in others:
            if not one.done:  # whoever went was interrupted
                one.done, one.problem = True, StoreAway("what was handed over was not done")
            one.turn.release()
        with self._lock:
            heir = self._queue[0] if self._queue else None
            self._at_work = heir is not None
        if heir is not None:
            heir.turn.release()

    def _do(self, batch: list[_Brought[T]]) -> None:
        """Together; where that fails for a reason of one of them, each by itself."""
        try:
            self._do_all([one.what for one in batch])
        except Exception as problem:  # noqa: BLE001  it is told to whoever brought it
            if len(batch) > 1 and not isinstance(problem, StoreAway):
                for one in batch:
                    self._do([one])
                return
            for one in batch:
                one.problem = problem
        for one in batch:
            one.done = True
