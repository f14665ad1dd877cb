"""A few real patients of a store, and what is asked of it for them: through the app, without a network in between."""

import base64
import os
import re
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from werkzeug.test import Client, TestResponse

from benchmarks import keys, multipart, studies
from consent import grants, sessions, sweeping
from consent.assertion import client_assertion, new_signing_key
from consent.clients import NewClient, NewSiteClient, add_client, add_site_client
from consent.errors import Area
from consent.grants import Offer
from phr.app import create_app
from phr.commands.keys import new_secrets
from phr.config import Settings
from phr.storing import prepare
from vault import accounts, claims, custody
from vault.accounts import SignedIn
from vault.audit import Actor
from vault.keyring import VaultKeyring
from vault.patients import identify
from vault.sealing.codes import ClaimPin
from vault.settling import settle
from vault.sites import SiteDetails, add_site, find_site

HERE = "http://127.0.0.1:8000"
_PASSWORD = "long enough for a benchmark"
_ASKS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_VALUES = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """One time that something was asked: seconds, seconds of this process's cores, and how many statements."""

    seconds: float
    cores: float
    statements: int


class Counted:
    """Counts what a database is asked, and keeps each statement once, as it was asked the first time."""

    def __init__(self, engine: sa.Engine) -> None:
        self.statements = 0
        self.seen: dict[str, tuple[str, Any]] = {}
        if engine.dialect.name == "sqlite":
            # Some are asked of the driver itself: SQLite tells of every one, its values written into it.
            sa.event.listen(engine, "connect", lambda connection, _: connection.set_trace_callback(self._told))
        else:
            sa.event.listen(engine, "before_cursor_execute", self._before)

    def _told(self, statement: str) -> None:
        if statement.startswith(_ASKS):
            self.statements += 1
            self.seen.setdefault(_VALUES.sub("?", statement), (statement, None))

    def _before(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:  # noqa: FBT001
        self.statements += 1
        self.seen.setdefault(statement, (statement, parameters[0] if many and parameters else parameters))


@dataclass
class Resident:
    """A real patient: what signs them in, and the token of the software they let look."""

    number: int
    signed_in: SignedIn
    token: str = field(repr=False)
    scan: studies.Copy

    @property
    def login(self) -> str:
        return f"resident-{self.number}"


class Town:
    """A store with its app, one site, and real patients who live among any number of others."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        folder.mkdir(parents=True)
        words = {**new_secrets(), "PHR_BASE_URL": HERE, "PHR_DATA": str(folder / "data")}
        settings = Settings.from_env(words | ({"PHR_DATABASE_URL": database_url} if database_url else {}))
        self.services = prepare(settings)
        self.services.database.dispose()  # the connections made from here on are watched
        self.counted = Counted(self.services.database.engine)
        self.residents: list[Resident] = []
        self.asked: dict[str, list[Asked]] = defaultdict(list)
        self.app = create_app(settings, services=self.services)
        self._study = studies.make(studies.SMALL, instances=2)
        self._numbers = iter(range(1, 100_000))
        with self.services.work() as work:
            new = add_site(work, SiteDetails(name="Harbour Imaging"))
            self.site, self._seed = find_site(work, new.site_id), new.seal_seed
            private, public = new_signing_key()
            jwks = '{"keys": [' + keys.json.dumps(public) + "]}"
            self._site_client = add_site_client(work, NewSiteClient(name="Scanner", site_id=new.site_id, jwks=jwks))
            self._software = add_client(work, NewClient("Reader", (f"{HERE}/back",), auth="client_secret"))
        self._private, self._site_token, self._good_until = private, "", 0.0

    def close(self) -> None:
        self.app.extensions["renderer"].close()
        self.services.database.dispose()

    # --- what is measured ---

    @contextmanager
    def measured(self, path: str) -> Generator[None]:
        """What happens inside counts as one asking of this path."""
        before, began, cores = self.counted.statements, time.perf_counter(), time.process_time()
        yield
        seconds, spent = time.perf_counter() - began, time.process_time() - cores
        self.asked[path].append(Asked(seconds, spent, self.counted.statements - before))

    def sign_in(self, who: Resident) -> None:
        signed_in = accounts.sign_in(self.services, login=who.login, password=_PASSWORD, source=self._address())
        with self.services.work() as work:
            sessions.sign_in(work, signed_in, device="A browser")

    def push(self, scan: studies.Copy) -> None:
        """One request with the study's two pictures."""
        body = b"".join(multipart.body_of(scan.pieces(index) for index in range(2)))
        self._ask("POST", "/dicomweb/studies", token=self.site_token(), data=body, headers=multipart.STORE)

    def take(self, keyring: VaultKeyring, account_id: bytes, pin: ClaimPin) -> None:
        claims.take(
            self.services,
            pin=pin,
            born=keys.headers.PERSON_BORN,
            keyring=keyring,
            account_id=account_id,
            source=self._address(),
        )

    def frame(self, who: Resident) -> None:
        self._ask("GET", f"/dicomweb{who.scan.instance_path(0)}/frames/1", token=who.token, headers=multipart.FRAMES)

    def search(self, who: Resident) -> None:
        self._ask("GET", "/fhir/ImagingStudy?_count=20", token=who.token)

    def sweep(self) -> None:
        custody.sweep(self.services)
        sweeping.sweep(self.services)

    # --- what has to be there for it ---

    def scan_for(self, number: int) -> studies.Copy:
        """A study of that patient that nobody pushed before."""
        return self._study.copy(int.from_bytes(os.urandom(4), "big"), person=number)

    def waiting_slip(self) -> ClaimPin:
        """A study that nobody has claimed, and the slip for it."""
        number = next(self._numbers)
        self.push(self.scan_for(number))
        return self._slip(number)

    def new_resident(self) -> Resident:
        """Pushed, claimed, settled, and shared with the software."""
        number = next(self._numbers)
        scan = self.scan_for(number)
        self.push(scan)
        who = keys.person(number)
        signed_in = accounts.open_account(
            self.services, login=f"resident-{number}", password=_PASSWORD, name=who.spoken, born=who.born
        )
        self.take(signed_in.keyring, signed_in.account_id, self._slip(number))
        with self.services.work() as work:
            settle(work, signed_in.keyring)
            cookie = sessions.sign_in(work, signed_in, device="A browser")
            _, access = sessions.open_session(work, cookie.octets(), Area.PATIENT)
            offer = Offer(tuple(signed_in.keyring.study_ids(work)), expires=None, view_only=False)
            _, code = grants.give_code(work, access, offer)
        return Resident(number, signed_in, self._redeemed(code.reveal()), scan)

    def site_token(self) -> str:
        """The site's token, a new one before the old one runs out."""
        if time.monotonic() > self._good_until:
            client = self._site_client.client_id
            signed = client_assertion(self._private, client_id=client, audience=f"{HERE}/oauth/token")
            form = {"grant_type": "client_credentials", "scope": "system/*.c", "client_assertion": signed}
            answer = self._ask("POST", "/oauth/token", data={**form, "client_assertion_type": keys.ASSERTION})
            self._site_token, self._good_until = answer.get_json()["access_token"], time.monotonic() + 200
        return self._site_token

    def _slip(self, number: int) -> ClaimPin:
        who = keys.person(number)
        patient = identify(self.services.secrets, self.site, mrn=who.mrn, issuer=None, born=who.born)
        by = Actor("site", self.site.id)
        issued = claims.issue(
            self.services, site=self.site, patient=patient, born=who.born, days=30, seal_seed=self._seed, by=by
        )
        if issued.pin is None:
            raise RuntimeError("the patient is linked already")
        return issued.pin

    def _redeemed(self, code: str) -> str:
        pair = f"{self._software.client_id}:{self._software.secret}".encode()
        form = {"grant_type": keys.SHARE_CODE, "code": code, "scope": keys.SCOPES}
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return self._ask("POST", "/oauth/token", data=form, headers=headers).get_json()["access_token"]

    def _ask(self, method: str, path: str, *, token: str = "", **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {})) | ({"Authorization": f"Bearer {token}"} if token else {})
        remote = {"REMOTE_ADDR": self._address()}
        answer = Client(self.app).open(
            path, method=method, base_url=HERE, headers=headers, environ_overrides=remote, **more
        )
        answer.get_data()
        if answer.status_code != 200:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {answer.text[:300]}")
        return answer

    def _address(self) -> str:
        """Each time another network: they are counted one by one."""
        return ".".join(str(one) for one in (10, *os.urandom(2), 9))
