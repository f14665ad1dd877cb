"""
A push of 300 pictures during which the server is killed twenty times: what it acknowledged is there, bit for bit.

Each kill is SIGKILL to every process of the server, at a moment that chance picks within one of the fifteen requests.
What was not acknowledged may be there or not; it is whole where it is, and pushing it again succeeds.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from tests.fakes import FrozenClock
from tests.forked import ForkedHouse
from tests.journeys.stories import Scan, a_scan, a_story
from tests.people import Patient, Site
from vault import custody
from vault.checkpoints import verify_all

KILLS, REQUESTS, PICTURES = 20, 15, 20
KEPT, FAILED = "00081199", "00081198"


@pytest.fixture
def fragile(tmp_path) -> Iterator[ForkedHouse]:
    house = ForkedHouse(tmp_path / "fragile").start()
    yield house
    house.stop()


def pushed(site: Site, part: tuple[bytes, ...]) -> set[str]:
    """The UIDs that the server acknowledged: none where the connection broke."""
    try:
        answer = site.stores(*part)
    except requests.RequestException:
        return set()
    assert answer.status_code == 200, answer.text
    assert FAILED not in answer.json(), answer.text
    return {one["00081155"]["Value"][0] for one in answer.json()[KEPT]["Value"]}


def pushed_until_killed(house: ForkedHouse, site: Site, part: tuple[bytes, ...], seconds: float) -> set[str]:
    striker = threading.Timer(seconds, house.kill)
    striker.start()
    try:
        return pushed(site, part)
    finally:
        striker.join()


def listed(patient: Patient, scan: Scan) -> set[str]:
    """The UIDs of all that the patient sees of the scan."""
    answer = patient.ask("GET", f"{scan.address()}/metadata")
    if answer.status_code in {204, 404}:
        return set()
    assert answer.status_code == 200, answer.text
    return {one["00080018"]["Value"][0] for one in answer.json()}


def whole(patient: Patient, scan: Scan) -> Counter[bytes]:
    """Every file of the scan, as the patient gets them."""
    answer = patient.ask("GET", scan.address(), Accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    assert answer.status_code == 200, answer.text
    boundary = answer.headers["Content-Type"].partition("boundary=")[2].partition(";")[0].strip('"').encode()
    parts = answer.content.split(b"--" + boundary)[1:-1]
    return Counter(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts)


def test_nothing_acknowledged_is_lost_wherever_the_server_is_killed(fragile: ForkedHouse) -> None:
    told = a_story(fragile, report="")
    site, patient = told.site, told.patient
    scan = a_scan(patient.person, pictures=REQUESTS * PICTURES)
    octets = {scan.instance_uid(number): one for number, one in enumerate(scan.files, start=1)}
    chance = random.Random(seed := os.urandom(4).hex())
    strikes = Counter(chance.randrange(REQUESTS) for _ in range(KILLS))
    acknowledged: set[str] = set()
    lasts = 0.2
    for number in range(REQUESTS):
        part = scan.files[number * PICTURES : (number + 1) * PICTURES]
        for _ in range(strikes[number]):
            acknowledged |= pushed_until_killed(fragile, site, part, chance.uniform(0, lasts))
            fragile.start()
            there = listed(patient, scan)
            assert acknowledged <= there, seed
            for uid in chance.sample(sorted(there), min(3, len(there))):
                answer = patient.ask("GET", f"{scan.address(1).rpartition('/')[0]}/{uid}", Accept="application/dicom")
                assert answer.content == octets[uid], seed
        began = time.monotonic()
        acknowledged |= pushed(site, part)
        lasts = time.monotonic() - began
    assert acknowledged == set(octets) == listed(patient, scan), seed
    assert whole(patient, scan) == Counter(scan.files), seed
    with fragile.opened() as services:
        with services.work() as work:
            assert verify_all(work).problems == ()
        tomorrow = replace(services, clock=FrozenClock(services.clock.now() + timedelta(hours=25)))
        custody.sweep(tomorrow)
        assert custody.sweep(tomorrow).orphans == 0
