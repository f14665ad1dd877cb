"""Who may do what at Keepray: a site that pushes, a patient who has claimed, and a clinic's software with their code.

All of it is made through the doors that the demo uses. Tokens are renewed before they run out.
"""

import json
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from benchmarks import headers, studies
from benchmarks.multipart import STORE, body_of
from benchmarks.studies import Copy
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

PASSWORD = "long enough for a benchmark"
SHARE_CODE = "urn:keepray:oauth:grant-type:share-code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = "patient/*.rs offline_access"
RENEW_BEFORE = 90  # seconds
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def person(number: int) -> Person:
    """Whom the copies of that number are of."""
    mrn = headers.patient_id(f"{number:0{len(headers.PERSON_MARK)}d}")
    return Person(name=headers.PERSON_NAME, born=headers.PERSON_BORN, sex=headers.PERSON_SEX, mrn=mrn)


@dataclass
class Token:
    """A token and when it runs out, in seconds of `time.monotonic`."""

    text: str = field(default="", repr=False)
    good_until: float = 0.0
    refresh: str = field(default="", repr=False)

    @property
    def is_good(self) -> bool:
        """Whether it will last through what begins now."""
        return bool(self.text) and time.monotonic() < self.good_until - RENEW_BEFORE


@dataclass
class Keys:
    """The notes of a house that was set up for measuring."""

    settings: Settings
    services: Services
    notes: dict[str, Any] = field(repr=False)
    desk: Desk
    patient: Ready
    _site: Token = field(default_factory=Token)
    _app: Token = field(default_factory=Token)

    @classmethod
    @contextmanager
    def made(cls, settings: Settings) -> Generator[Self]:
        """A site, and a patient who has claimed one small picture and is linked from then on."""
        services = prepare(settings)
        try:
            notes = site.register(services)
            with site.desk(settings, notes["site"]) as desk:
                who = person(1)
                signed_in = accounts.open_account(
                    services, login="bench", password=PASSWORD, name="Bench Person", born=who.born
                )
                keys = cls(settings, services, notes, desk, Ready(who, "bench", PASSWORD, signed_in))
                keys._link()
                yield keys
        finally:
            services.database.dispose()

    def site_token(self) -> str:
        """A token that stores."""
        if not self._site.is_good:
            config = self.notes["site"]
            assertion = client_assertion(
                config["private_jwk"],
                client_id=config["client_id"],
                audience=f"{self.settings.base_url}/oauth/token",
            )
            asked = {"grant_type": "client_credentials", "scope": config["scopes"]}
            self._site = self._ask({**asked, "client_assertion_type": ASSERTION, "client_assertion": assertion})
        return self._site.text

    def app_token(self) -> str:
        """A token that reads what the patient gave last."""
        if not self._app.is_good:
            self._app = self._ask(
                {"grant_type": "refresh_token", "refresh_token": self._app.refresh, "client_id": self._client}
            )
        return self._app.text

    def share(self, _copies: Iterable[Copy]) -> None:
        """The patient has opened their account, so that what was pushed meanwhile is theirs, and gave a code."""
        with self.services.work() as work:
            settle(work, self.patient.signed_in.keyring)
        code = people.share(self.services, self.patient, self.notes)
        self._app = self._ask({"grant_type": SHARE_CODE, "code": code, "client_id": self._client, "scope": SCOPES})

    @property
    def _client(self) -> str:
        return self.notes["apps"][0]["client_id"]

    def _link(self) -> None:
        """The patient's number at the site and their account belong together: later pushes reach them by themselves."""
        first = studies.make(studies.TINY).copy(0)
        with self._connection("/dicomweb", self.site_token()) as connection:
            connection.post("/studies", STORE, body_of([first.pieces(0)])).expect(200)
        pin = self.desk.issue_slip(self.patient.person).pin
        assert pin is not None
        people._move_in(self.services, self.patient.signed_in, pin, self.patient.person)  # noqa: SLF001

    def _connection(self, path: str, token: str) -> Connection:
        return Connection(f"{self.settings.base_url}{path}", {"Authorization": f"Bearer {token}"})

    def _ask(self, form: dict[str, str]) -> Token:
        with Connection(self.settings.base_url) as connection:
            answer = connection.post("/oauth/token", FORM, [urlencode(form).encode()]).expect(200)
        told = json.loads(answer.body)
        return Token(told["access_token"], time.monotonic() + told["expires_in"], told.get("refresh_token", ""))
