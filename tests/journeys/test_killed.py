"""
Processes killed at any point: what was acknowledged is whole, and a second try succeeds (threats X01 to X04).

Servers of their own are killed with SIGKILL again and again, a worker or all of it, while somebody pushes, claims,
shares, stops. Chance picks the moments; whatever they are, the sentences must hold. Pushes meet `phr serve` with its
workers; where one process is all that matters, it stands again by a fork, and dies more often in the same time.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from tests.forked import ForkedHouse
from tests.houses import RunningHouse
from tests.journeys.stories import a_scan, a_story, someone
from tests.people import Guest, Patient, Site, until
from tests.postgres import a_database

KEPT = "00081199"
KILLS = 3


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fragile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHouse]:
    url = a_database(request.getfixturevalue("postgres_url")) if request.param == "postgres" else ""
    house = RunningHouse(tmp_path_factory.mktemp("fragile"), url).start()
    yield house
    house.stop()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def brittle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedHouse]:
    url = a_database(request.getfixturevalue("postgres_url")) if request.param == "postgres" else ""
    house = ForkedHouse(tmp_path_factory.mktemp("brittle"), url).start()
    yield house
    house.stop()


@contextmanager
def killed_after(house: RunningHouse, seconds: float, *, whole: bool) -> Iterator[None]:
    """Some time from now on a worker, or the whole server, is gone."""

    def strike() -> None:
        time.sleep(seconds)
        if whole:
            house.kill()
        else:
            for pid in house.worker_ids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    striker = threading.Thread(target=strike)
    striker.start()
    try:
        yield
    finally:
        striker.join()


def again(house: RunningHouse, *, whole: bool) -> None:
    """The server stands again: started anew, or by its own strength."""
    if whole:
        house.start()
    else:
        house.stand_again()


def tried(deed: Callable[[], requests.Response]) -> requests.Response | None:
    """The answer, or None where the connection broke."""
    try:
        return deed()
    except requests.RequestException:
        return None


@pytest.mark.parametrize("whole", [False, True], ids=["workers", "the-server"])
def test_what_a_push_was_told_is_there_whole(fragile: RunningHouse, whole: bool) -> None:
    told = a_story(fragile)
    chance = random.Random(4711 + whole)
    told.site.takes_a_token()
    for _ in range(2):
        scan = a_scan(told.patient.person, pictures=12)
        acknowledged: set[str] = set()
        with killed_after(fragile, chance.uniform(0.02, 0.4), whole=whole):
            for octets in scan.files:
                answer = tried(lambda one=octets: told.site.stores(one))
                if answer is None:
                    break
                assert answer.status_code in {200, 503}, answer.text
                if answer.status_code == 200:
                    acknowledged |= {one["00081155"]["Value"][0] for one in answer.json()[KEPT]["Value"]}
        again(fragile, whole=whole)
        shown = told.patient.ask("GET", f"{scan.address()}/metadata")
        there = {one["00080018"]["Value"][0] for one in shown.json()} if shown.status_code == 200 else set()
        assert acknowledged <= there
        # The site sends everything once more: no duplicates, nothing lost.
        told.site.pushes(*scan.files)
        described = told.patient.ask("GET", f"{scan.address()}/metadata").json()
        assert sorted(one["00080018"]["Value"][0] for one in described) == sorted(
            scan.instance_uid(n) for n in range(1, 13)
        )
        for number, octets in enumerate(scan.files, start=1):
            whole_again = told.patient.ask("GET", scan.address(number), Accept="application/dicom")
            assert whole_again.content == octets


def test_a_claim_is_open_or_taken_and_never_half(brittle: ForkedHouse) -> None:
    chance = random.Random(1234)
    for _ in range(KILLS):
        site, person = Site(brittle), someone()
        scan = a_scan(person)
        site.pushes(*scan.files)
        slip = site.hands_out_a_slip(person)
        ana = Patient(brittle, person)
        ana.makes_an_account()
        with killed_after(brittle, chance.uniform(0.05, 0.6), whole=True), suppress(requests.RequestException):
            ana.types_a_slip(slip)
        brittle.start()
        state = site.state_of(person)["state"]
        assert state in {"open", "claimed"}
        if state == "open":
            assert ana.scans() == []
            ana.types_a_slip(slip)
        assert len(ana.scans()) == 1
        assert site.state_of(person)["state"] == "claimed"
        for number, octets in enumerate(scan.files, start=1):
            assert ana.ask("GET", scan.address(number), Accept="application/dicom").content == octets


def test_sharing_is_before_or_after_and_a_second_try_succeeds(brittle: ForkedHouse) -> None:
    told = a_story(brittle)
    chance = random.Random(99)
    for _ in range(KILLS):
        before = set(told.patient.shares())
        with (
            killed_after(brittle, chance.uniform(0.02, 0.3), whole=True),
            suppress(requests.RequestException, AssertionError),
        ):
            told.patient.gives_a_code()
        brittle.start()
        for half in set(told.patient.shares()) - before:
            told.patient.stops(half)  # its code was never read
        share = told.patient.gives_a_code()
        doctor = Guest(brittle)
        assert doctor.opens(share.code).path == "/see/view"
        assert doctor.ask("GET", f"{told.scan.address(1)}/rendered").status_code == 200


def test_once_stopping_was_told_nothing_opens_whatever_falls_over(brittle: ForkedHouse) -> None:
    told = a_story(brittle)
    chance = random.Random(7)
    for _ in range(KILLS):
        share = told.patient.gives_a_code()
        doctor = Guest(brittle)
        doctor.opens(share.code)
        said = False
        with (
            killed_after(brittle, chance.uniform(0.0, 0.15), whole=True),
            suppress(requests.RequestException, AssertionError),
        ):
            said = told.patient.stops(share.id).says("Sharing has stopped.")
        brittle.start()
        status = doctor.ask("GET", f"{told.scan.address(1)}/rendered").status_code
        if said:
            assert status == 401
        if share.id in told.patient.shares():
            assert status == 200
            told.patient.stops(share.id)
        assert doctor.ask("GET", f"{told.scan.address(1)}/rendered").status_code == 401


def test_a_changed_password_is_the_old_one_or_the_new_one(fragile: RunningHouse) -> None:
    told = a_story(fragile)
    new = "another four words here"
    with killed_after(fragile, 0.25, whole=False), suppress(requests.RequestException, AssertionError):
        told.patient.open("/account/password").send(old=told.patient.password, password=new)
    again(fragile, whole=False)
    opened = [told.patient.another_browser().signs_in(one).path == "/home" for one in (told.patient.password, new)]
    assert sorted(opened) == [False, True]


def test_after_all_this_the_histories_verify_and_nothing_lies_about(fragile: RunningHouse) -> None:
    verify(fragile)
    assert until(lambda: len(fragile.worker_ids()) == 2, seconds=20)


def test_nor_where_one_process_was_all_there_was(brittle: ForkedHouse) -> None:
    verify(brittle)


def verify(house: RunningHouse) -> None:
    """The histories are whole, and no temporary file is left."""
    verified = house.phr("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not [one for one in house.tmp.rglob("*") if one.is_file() and one.stat().st_size]
