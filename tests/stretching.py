"""
Stretching in tests: the same function, at a price that nobody should run with.

A password costs a fifth of a second on purpose (docs/format.md 4), and tests type thousands. So every test and every
server that tests start stretches with `LITTLE`; no setting does that. What is about the price asks for `true_cost`, and
the demo, the wheel and the clients of other makers are tried as they are installed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from vault.sealing import slow
from vault.sealing.slow import Profile

AS_INSTALLED = dict(slow.PROFILES)
LITTLE = {slow.PEOPLE: Profile(16, 1, 1), slow.INDEX: Profile(8, 1, 1)}  # still two, which a mistake would mix up
assert LITTLE.keys() == AS_INSTALLED.keys()


def costs_little() -> None:
    """From now on, in this process."""
    slow.PROFILES.update(LITTLE)


@contextmanager
def at_true_cost() -> Iterator[None]:
    """Here inside it costs what it costs where people use it."""
    slow.PROFILES.update(AS_INSTALLED)
    try:
        yield
    finally:
        costs_little()
