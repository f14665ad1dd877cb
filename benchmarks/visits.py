"""What people do with a browser: claim by slip, look at the list, share by code, stop. Timed is what they wait for."""

from collections.abc import Callable
from typing import cast

import requests

from benchmarks.households import household, newcomer
from benchmarks.keys import FORM, PASSWORD, SHARE_CODE, from_afar, person
from benchmarks.lab import Ask, Figures, Lab, Operation
from benchmarks.resources import MANY
from benchmarks.servers import Keepray, Server
from benchmarks.targets import CPU
from benchmarks.wire import Connection, Unexpected
from tests.browser import Page
from tests.factories import Person
from tests.people import Patient, Slip


class House:
    """The server as the people of the tests know one; it notes how long each answer took."""

    def __init__(self, server: Keepray) -> None:
        self.base_url = server.base
        self.cpu = 0.0  # of the server, for what was timed
        self._meter = server.meter
        self.seen: list[tuple[str, float]] = []

    def session(self) -> requests.Session:
        """A browser's connection."""
        session = requests.Session()
        session.trust_env = False
        session.hooks["response"].append(self._note)
        return session

    def _note(self, answer: requests.Response, *_: object, **__: object) -> None:
        self.seen.append((str(answer.request.method), answer.elapsed.total_seconds()))

    def seconds(self, deed: Callable[[], Page], method: str = "POST") -> float:
        """How long the server took for what was sent meanwhile, all such requests together."""
        before, cpu = len(self.seen), self._meter.cpu()
        page = deed()
        self.cpu += self._meter.cpu() - cpu
        if page.status != 200:
            raise Unexpected(f"a page was answered {page.status}: {page.heading}")
        return sum(took for asked, took in self.seen[before:] if asked == method)


def _patient(server: Keepray, name: str) -> tuple[House, Patient]:
    """Somebody at a browser, signed in."""
    house = House(server)
    patient = Patient(house, login=name, password=PASSWORD)
    patient.signs_in()
    return house, patient


def _known(number: int) -> Person:
    who = person(number)
    return Person(name=who.name, mrn=who.mrn, born=who.born, sex=who.sex)


def _claiming(count: int) -> Ask:
    def run(server: Server, lab: Lab) -> Figures:
        own = cast("Keepray", server)
        came = newcomer(own, lab, count)
        house, patient = _patient(own, came.name)
        slip = Slip(came.pin, _known(came.number))
        seconds = house.seconds(lambda: patient.types_a_slip(slip))
        patient.close()
        return {"s": seconds, CPU: house.cpu}

    return run


def _giving(server: Server, lab: Lab) -> Figures:
    """A code for 500 studies, and its end: each is one press of a button."""
    own = cast("Keepray", server)
    house, patient = _patient(own, household(own, lab, MANY))
    scans = patient.scans()
    asked = patient.open("/share/scans").send("Continue", scans=scans)
    asked = asked.send("Continue", how="code")
    shown: list[Page] = []
    seconds = house.seconds(lambda: shown.append(asked.send("Share now")) or shown[0])
    share = next(iter(patient.shares()))
    stopping = patient.open(f"/shares/{share}/stop")
    stopped = house.seconds(lambda: stopping.send("Stop sharing"))
    patient.close()
    return {"give s": seconds, "stop s": stopped, CPU: house.cpu}


def _home(server: Server, lab: Lab) -> Figures:
    """The list of scans of somebody who has 500, once it was seen before."""
    own = cast("Keepray", server)
    house, patient = _patient(own, household(own, lab, MANY))
    patient.open("/home")
    seconds = house.seconds(lambda: patient.open("/home"), "GET")
    patient.close()
    return {"s": seconds, CPU: house.cpu}


def _redeeming(server: Server, lab: Lab) -> Figures:
    """A clinic's software uses up a code for 50 studies."""
    own = cast("Keepray", server)
    code = own.keys.code(household(own, lab, 50))
    form = f"grant_type={SHARE_CODE}&code={code}&client_id={own.keys.client}&scope=patient/*.rs"
    before = own.meter.cpu()
    with Connection(own.base) as connection:
        answer = connection.post("/oauth/token", {**FORM, **from_afar()}, [form.encode()]).expect()
    return {"s": answer.ms / 1000, CPU: own.meter.cpu() - before}


VISITS = (
    Operation("claim-20", "claim of 20 studies by slip", _claiming(20), alone=True, quick=True),
    Operation("claim-200", "claim of 200 studies by slip", _claiming(200), alone=True),
    Operation("share-500", "a code for 500 studies, and its end", _giving, alone=True),
    Operation("redeem", "a code for 50 studies used up by software", _redeeming, alone=True, quick=True),
    Operation("home-500", "the list of 500 studies", _home, alone=True),
)
