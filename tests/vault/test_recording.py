"""Whoever reads is on the record before their answer leaves, however many read at the same moment."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from vault import audit
from vault.attempts import Limit, ahead
from vault.audit import Actor, Did
from vault.checkpoints import verify_all
from vault.database import Database, Services
from vault.errors import StoreAway
from vault.ids import new_id
from vault.keyring import Owner, OwnerKind
from vault.recording import Happened, record_all
from vault.together import Together
from vault.turn import Turn

READER = Actor("app", bytes([7]) * 16)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def house(request: pytest.FixtureRequest, services: Services) -> Services:
    """A vault on either database."""
    return services if request.param == "sqlite" else request.getfixturevalue("postgres_services")


def someone() -> Owner:
    return Owner(OwnerKind.VAULT, new_id())


def read(number: int, *owners: Owner) -> list[Happened]:
    return [Happened(one, Did.READ, READER, bytes([number]) * 16, {"type": "ImagingStudy"}) for one in owners]


def of(services: Services, owner: Owner) -> list[audit.Event]:
    with services.reading() as work:
        return audit.events(work, owner, most=1000)


def all_is_as_recorded(services: Services) -> bool:
    with services.reading() as work:
        return not list(verify_all(work, []).problems)


def test_a_read_is_on_the_record_when_it_has_been_told(house: Services):
    ana = someone()
    record_all(house, read(1, ana))
    (event,) = of(house, ana)
    assert (event.did, event.by, event.to) == (Did.READ, READER, bytes([1]) * 16)
    assert event.detail == {"type": "ImagingStudy"}
    assert all_is_as_recorded(house)


def test_many_who_read_at_once_make_one_chain_for_each_owner(house: Services):
    ana, ben = someone(), someone()
    both = [(ana, ben), (ben, ana), (ana,), (ben,)]
    with ThreadPoolExecutor(8) as pool:
        for told in [pool.submit(record_all, house, read(number, *both[number % 4])) for number in range(80)]:
            told.result()
    for owner in (ana, ben):
        assert sorted(event.n for event in of(house, owner)) == list(range(60))
        assert len({event.to for event in of(house, owner)}) == 60
    assert all_is_as_recorded(house)


def test_what_changes_a_record_and_who_reads_it_are_of_one_chain(house: Services):
    ana = someone()
    record_all(house, read(1, ana))
    with house.work() as work:
        audit.record(work, owner=ana, did=Did.GAVE, by=READER)
    record_all(house, read(2, ana))
    assert [event.did for event in of(house, ana)] == [Did.READ, Did.GAVE, Did.READ]
    assert all_is_as_recorded(house)


def test_nothing_told_writes_nothing(services: Services):
    record_all(services, [])


def test_a_detail_named_like_a_part_of_every_event_is_refused(services: Services):
    ana = someone()
    with pytest.raises(ValueError, match="part of every event"):
        record_all(services, [Happened(ana, Did.READ, READER, detail={"via": "me"})])
    assert of(services, ana) == []


def test_where_nothing_can_be_written_it_is_said(services: Services):
    ana = someone()
    with services.work() as work:
        work.session.execute(sa.text("DROP TABLE audit_head"))
    with pytest.raises(StoreAway):
        record_all(services, read(1, ana))


def test_what_the_disk_does_not_take_is_not_told_to_be_recorded(services: Services, monkeypatch: pytest.MonkeyPatch):
    ana = someone()
    synced: list[str] = []
    sync = os.fsync

    def notes(file: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        sync(file)

    def fails(_file: int) -> None:
        raise OSError("input/output error")

    monkeypatch.setattr(os, "fsync", notes)
    record_all(services, read(1, ana))
    assert synced == [f"{services.database.engine.url.database}-wal"]
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreAway):
        record_all(services, read(2, ana))
    monkeypatch.undo()
    record_all(services, read(3, ana))
    assert all_is_as_recorded(services)


def test_everything_else_is_durable_when_it_is_committed(services: Services):
    for _ in range(3):
        record_all(services, read(1, someone()))
        ahead(services, Limit.API, b"me", most=1)
        with services.work() as work:
            assert work.session.execute(sa.text("PRAGMA synchronous")).scalar_one() == 2


# -- doing it together ------------------------------------------------------------------------------------------------


class Slow:
    """Does what it is brought once it is let go, and remembers what came together."""

    def __init__(self, problem: Callable[[list[int]], None] = lambda _numbers: None) -> None:
        self.batches: list[list[int]] = []
        self.began, self.let_go = threading.Event(), threading.Event()
        self._problem = problem
        self.together = Together(self._do)

    def _do(self, numbers: list[int]) -> None:
        self.began.set()
        assert self.let_go.wait(10)
        self._problem(numbers)
        self.batches.append(sorted(numbers))

    def gets(self, *numbers: int) -> list[BaseException | None]:
        """The first goes; the others come while it is at work. What became of each."""
        with ThreadPoolExecutor(len(numbers)) as pool:
            first = pool.submit(self.together.do, numbers[0])
            assert self.began.wait(10)
            others = [pool.submit(self.together.do, number) for number in numbers[1:]]
            while len(self.together._queue) < len(others):
                pass
            self.let_go.set()
            return [one.exception(10) for one in (first, *others)]


def test_those_who_come_meanwhile_go_together():
    slow = Slow()
    assert slow.gets(1, 2, 3, 4) == [None] * 4
    assert slow.batches == [[1], [2, 3, 4]]
    slow.together.do(5)
    assert slow.batches[-1] == [5]


def test_what_one_brings_in_vain_harms_nobody_else():
    def fails(numbers: list[int]) -> None:
        if 3 in numbers:
            raise ValueError("three")

    slow = Slow(fails)
    first, second, third, fourth = slow.gets(1, 2, 3, 4)
    assert (first, second, fourth) == (None, None, None)
    assert isinstance(third, ValueError)
    assert slow.batches == [[1], [2], [4]]


def test_where_the_store_is_away_everybody_is_told_at_once():
    tries: list[list[int]] = []

    def fails(numbers: list[int]) -> None:
        tries.append(numbers)
        raise StoreAway("away")

    assert all(isinstance(one, StoreAway) for one in Slow(fails).gets(1, 2, 3))
    assert len(tries) == 2


def test_whoever_is_interrupted_leaves_nobody_waiting():
    def interrupted(numbers: list[int]) -> None:
        if 1 in numbers:
            raise KeyboardInterrupt

    slow = Slow(interrupted)
    first, *others = slow.gets(1, 2, 3)
    assert isinstance(first, KeyboardInterrupt)
    assert others == [None, None]
    assert slow.batches == [[2, 3]]


def test_whoever_went_with_one_who_is_interrupted_is_told():
    def interrupted(numbers: list[int]) -> None:
        if 3 in numbers:
            raise KeyboardInterrupt

    slow = Slow(interrupted)
    first, *others = slow.gets(1, 2, 3)
    assert first is None
    assert sorted(type(one).__name__ for one in others) == ["KeyboardInterrupt", "StoreAway"]
    slow.together.do(5)
    assert slow.batches == [[1], [5]]


# -- processes in line ------------------------------------------------------------------------------------------------


@pytest.fixture
def another_process(services: Services) -> Iterator[Services]:
    """Whoever opened the same database by themselves."""
    database = Database(str(services.database.engine.url))
    yield replace(services, database=database)
    database.dispose()


def test_two_processes_write_in_turn(services: Services, another_process: Services):
    ana = someone()
    with ThreadPoolExecutor(4) as pool:
        both = [services, another_process]
        for told in [pool.submit(record_all, both[number % 2], read(number, ana)) for number in range(60)]:
            told.result()
    assert [event.n for event in of(services, ana)] == list(reversed(range(60)))
    assert all_is_as_recorded(services)


def test_whose_turn_it_is_nobody_else_writes(services: Services, another_process: Services):
    mine, yours = services.database.turn, another_process.database.turn
    seen: list[str] = []

    def comes() -> None:
        with yours.taken():
            seen.append("yours")

    with mine.taken():
        thread = threading.Thread(target=comes)
        thread.start()
        thread.join(0.1)
        seen.append("mine")
    thread.join()
    assert seen == ["mine", "yours"]


def test_a_turn_is_given_back_by_whoever_fails(services: Services, another_process: Services):
    with pytest.raises(ValueError, match="no"), services.database.turn.taken():
        raise ValueError("no")
    with another_process.database.turn.taken():
        pass


def test_where_no_line_can_be_made_the_database_decides(tmp_path: Path):
    with Turn(sa.create_engine(f"sqlite:///{tmp_path / 'missing' / 'keepray.db'}")).taken():
        assert not list(tmp_path.iterdir())
    with Turn(sa.create_engine("sqlite://")).taken():
        assert not list(tmp_path.iterdir())
