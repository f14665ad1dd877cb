"""Who may do what at Keepray: a site that pushes, patients who have claimed, and a clinic's software with their codes.

All of it is made through the doors that the demo uses. Tokens are renewed before they run out.
"""

import itertools
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from benchmarks import headers
from benchmarks.wire import Connection
from consent.assertion import client_assertion
from phr.config import Settings
from phr.demo import people, site
from phr.demo.people import Ready
from phr.demo.site import Desk
from phr.samples.studies import Person
from phr.storing import prepare
from vault import accounts
from vault.database import Services
from vault.settling import settle

MAIN = "main"  # the patient to whom the large studies belong
PASSWORD = "long enough for a benchmark"
SHARE_CODE = "urn:keepray:oauth:grant-type:share-code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = "patient/*.rs offline_access"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_RENEW_BEFORE = 90  # seconds
_networks = itertools.count(1)


def from_afar() -> dict[str, str]:
    """As the proxy says where a request comes from: each time another network, for they are counted one by one."""
    number = next(_networks)
    return {"X-Forwarded-For": f"10.{number >> 8 & 255}.{number & 255}.9"}


def person(number: int) -> Person:
    """Whom the copies of that number are of."""
    mrn = headers.patient_id(f"{number:0{len(headers.PERSON_MARK)}d}")
    return Person(name=headers.PERSON_NAME, born=headers.PERSON_BORN, sex=headers.PERSON_SEX, mrn=mrn)


@dataclass
class Token:
    """A token and when it runs out, in seconds of `time.monotonic`; of an app, whose it is and how to renew it."""

    text: str = field(default="", repr=False)
    good_until: float = 0.0
    refresh: str = field(default="", repr=False)
    patient: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it will last through what begins now."""
        return bool(self.text) and time.monotonic() < self.good_until - _RENEW_BEFORE


@dataclass
class Holder:
    """A patient with an account, and the token of the software that has their newest code."""

    ready: Ready
    notes: dict[str, Any] = field(default_factory=dict, repr=False)
    token: Token = field(default_factory=Token)


@dataclass
class Keys:
    """The notes of a house that was set up for measuring."""

    settings: Settings
    services: Services
    notes: dict[str, Any] = field(repr=False)
    desk: Desk
    holders: dict[str, Holder] = field(default_factory=dict)
    _site: Token = field(default_factory=Token)

    @classmethod
    @contextmanager
    def made(cls, settings: Settings) -> Generator[Self]:
        """A site, and the main patient: their first two numbers there are linked, so later pushes reach them."""
        services = prepare(settings)
        try:
            notes = site.register(services)
            with site.desk(settings, notes["site"]) as desk:
                keys = cls(settings, services, notes, desk)
                keys.open_account(MAIN)
                keys.claim(MAIN, 1)
                keys.claim(MAIN, 2)
                yield keys
        finally:
            services.database.dispose()

    def open_account(self, name: str) -> None:
        """A patient of that name has an account."""
        signed_in = accounts.open_account(
            self.services, login=name, password=PASSWORD, name="Bench Person", born=headers.PERSON_BORN
        )
        self.holders[name] = Holder(Ready(person(0), name, PASSWORD, signed_in))

    def claim(self, name: str, number: int) -> None:
        """What is or will be pushed for the person of that number is this patient's."""
        who = person(number)
        pin = self.slip(number)
        people._move_in(self.services, self.holders[name].ready.signed_in, pin, who)  # noqa: SLF001

    def slip(self, number: int) -> str:
        """The PIN of a slip for the person of that number."""
        pin = self.desk.issue_slip(person(number)).pin
        assert pin is not None
        return pin

    def share(self, name: str) -> None:
        """The patient has opened their account, so that what was pushed meanwhile is theirs, and gave all by code."""
        code = self.code(name)
        asked = {"grant_type": SHARE_CODE, "code": code, "client_id": self.client, "scope": SCOPES}
        self.holders[name].token = self._ask(asked)

    def code(self, name: str) -> str:
        """A code for everything that is the patient's now."""
        holder = self.holders[name]
        with self.services.work() as work:
            settle(work, holder.ready.signed_in.keyring)
        return people.share(self.services, holder.ready, holder.notes)

    def app_token(self, name: str) -> Token:
        """A token that reads what the patient gave last."""
        holder = self.holders[name]
        return holder.token if holder.token.is_good else self.another_token(name)

    def another_token(self, name: str) -> Token:
        """One more such token: each may ask so often a minute, and a measurement stands for many readers."""
        holder = self.holders[name]
        form = {"grant_type": "refresh_token", "refresh_token": holder.token.refresh, "client_id": self.client}
        patient, holder.token = holder.token.patient, self._ask(form)
        holder.token.patient = patient
        return holder.token

    def renew(self) -> None:
        """Whoever asks from now on has a token that was not used before."""
        for token in (self._site, *(holder.token for holder in self.holders.values())):
            token.good_until = 0.0

    def site_token(self) -> str:
        """A token that stores."""
        if not self._site.is_good:
            config = self.notes["site"]
            audience = f"{self.settings.base_url}/oauth/token"
            word = client_assertion(config["private_jwk"], client_id=config["client_id"], audience=audience)
            form = {"grant_type": "client_credentials", "scope": config["scopes"]}
            self._site = self._ask({**form, "client_assertion_type": ASSERTION, "client_assertion": word})
        return self._site.text

    @property
    def client(self) -> str:
        """The clinic's software, as it is registered."""
        return self.notes["apps"][0]["client_id"]

    def _ask(self, form: dict[str, str]) -> Token:
        with Connection(self.settings.base_url) as connection:
            answer = connection.post("/oauth/token", {**FORM, **from_afar()}, [urlencode(form).encode()]).expect(200)
        told = json.loads(answer.body)
        until = time.monotonic() + told["expires_in"]
        return Token(told["access_token"], until, told.get("refresh_token", ""), told.get("patient", ""))
