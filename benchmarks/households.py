"""Patients with so many small studies each, made when the first operation needs them, kept for the rest of the run."""

import itertools
from dataclasses import dataclass

from benchmarks import studies
from benchmarks.keys import Holder
from benchmarks.lab import Lab
from benchmarks.servers import Keepray
from benchmarks.storing import push

A_REQUEST = 100
_numbers = itertools.count(100)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody whose studies wait at the site, with a slip in their hand and an account that is empty."""

    name: str
    number: int
    pin: str


def newcomer(server: Keepray, lab: Lab, count: int) -> Newcomer:
    """Somebody for whom that many studies were pushed before they ever came."""
    number = next(_numbers)
    push(server, *(lab.fresh(studies.TINY, person=number) for _ in range(count)), a_request=A_REQUEST)
    name = f"person-{number}"
    server.keys.open_account(name)
    return Newcomer(name, number, server.keys.slip(number))


def household(server: Keepray, lab: Lab, count: int) -> str:
    """The name of a patient with that many studies, who has claimed and shared them; the same one the next time."""
    name = f"household-{count}"
    if name not in server.keys.holders:
        number = next(_numbers)
        push(server, *(lab.fresh(studies.TINY, person=number) for _ in range(count)), a_request=A_REQUEST)
        server.keys.open_account(name)
        server.keys.claim(name, number)
        server.keys.share(name)
    return name


def holder_of(server: Keepray, name: str) -> Holder:
    """The patient of that name."""
    return server.keys.holders[name]
