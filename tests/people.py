"""
What each person can do, over HTTP, in their own words.

    Site       an imaging facility's system: gets tokens, pushes, reports, asks for slips
    Patient    somebody with a browser: claims, looks, shares, stops
    Guest      a doctor with a code on a computer that knows nothing of them
    Provider   a doctor with an account and a code app
    App        software that asks the patient (SMART App Launch), public or with a secret

Each takes a house (`tests.houses`) and knows nothing of what is inside.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from consent.assertion import new_signing_key
from consent.clients import NewClient, NewSiteClient, add_client, add_site_client
from tests.authenticator import Device
from tests.browser import FORM, Browser, Page
from tests.factories import Person, a_body, a_uid
from tests.papers import a_transaction, parameters, values_of
from vault.sites import SiteDetails, add_site

Json = dict[str, Any]
FHIR = "application/fhir+json"
PASSWORD = "correct horse battery staple"
ANA = Person(name="Perez^Ana", mrn="MRN-1001", born="19580327", sex="F")
BO = Person(name="Okafor^Bo", mrn="MRN-1002", born="19710502", sex="M")
_STUDY_LINK = re.compile(r"/scans/([0-9a-f]{32})$")
_SHARE_LINK = re.compile(r"/shares/([0-9a-f]{32})/stop$")


def a_person(name: str, mrn: str, born: str) -> Person:
    return Person(name=name, mrn=mrn, born=born, sex="O")


@dataclass
class Software:
    """A program that speaks HTTP with a token."""

    house: Any
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.http = self.house.session()
        self.answers: list[requests.Response] = []

    def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> requests.Response:
        headers = more.pop("headers", {})
        used = self.token if token is None else token
        if used:
            headers = {"Authorization": f"Bearer {used}", **headers}
        url = path if path.startswith("http") else f"{self.house.base_url}{path}"
        return self.http.request(method, url, headers=headers, timeout=60, allow_redirects=False, **more)

    def get(self, path: str, accept: str = "", **more: Any) -> requests.Response:
        return self.ask("GET", path, headers={"Accept": accept} if accept else {}, **more)

    def reads(self, path: str) -> Json:
        answer = self.get(f"/fhir/{path}", FHIR)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()


# --- a site ----------------------------------------------------------------------------------------------------------


@dataclass
class Slip:
    """What the front desk hands over."""

    pin: str
    person: Person
    pdf: bytes = field(default=b"", repr=False)
    expires: str = ""


class Site(Software):
    """An imaging facility that is registered with the house."""

    def __init__(self, house, name: str = "Harbor Scan Center", *, algorithm: str = "ES384", **details: Any) -> None:
        super().__init__(house)
        self.name = name
        self.key, public = new_signing_key() if algorithm == "ES384" else _rsa_key()
        with house.opened() as services, services.work() as work:
            new = add_site(work, SiteDetails(name=name, phone="555 0100", zone="Europe/Madrid", **details))
            client = NewSiteClient(name=name, site_id=new.site_id, jwks=json.dumps({"keys": [public]}))
            self.client_id = add_site_client(work, client).client_id
        self.id, self.seed = new.site_id.hex(), new.seal_seed
        self.tokens: list[str] = []
        self.takes_a_token()

    @property
    def seal_seed(self) -> str:
        return base64.urlsafe_b64encode(self.seed).decode().rstrip("=")

    def assertion(self, **changed: Any) -> str:
        """A signed word of who it is; `changed` claims, or `header_…` for the header."""
        now = int(self.house.now().timestamp())
        audience = f"{self.house.base_url}/oauth/token"
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": audience, "iat": now, "exp": now + 240}
        claims |= {"jti": os.urandom(16).hex()} | {k: v for k, v in changed.items() if not k.startswith("header_")}
        algorithm = "ES384" if self.key["kty"] == "EC" else "RS384"
        header = {"alg": algorithm, "kid": self.key["kid"], "typ": "JWT"}
        header |= {name[7:]: value for name, value in changed.items() if name.startswith("header_")}
        key = ECKey.import_key(self.key) if algorithm == "ES384" else RSAKey.import_key(self.key)
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    def asks_for_a_token(self, assertion: str | None = None, scope: str = "system/*.c") -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion or self.assertion(),
        }
        return self.ask("POST", "/oauth/token", token="", data=form)

    def takes_a_token(self) -> str:
        answer = self.asks_for_a_token()
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        self.tokens.append(self.token)
        return self.token

    def stores(self, *files: bytes, study: str = "", boundary: str = "between-the-pictures") -> requests.Response:
        body, content_type = a_body(files, boundary=boundary)
        path = "/dicomweb/studies" + (f"/{study}" if study else "")
        return self.ask("POST", path, data=body, headers={"Content-Type": content_type})

    def pushes(self, *files: bytes) -> None:
        answer = self.stores(*files)
        assert answer.status_code == 200, (answer.status_code, answer.text)

    def sends(self, resource: Json, path: str = "", **headers: str) -> requests.Response:
        headers = {"Content-Type": FHIR, "Accept": FHIR} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.ask("POST", f"/fhir{path}", data=json.dumps(resource), headers=headers)

    def reports(self, person: Person, study: str, report: Json | None = None) -> None:
        answer = self.sends(a_transaction(person, study, report))
        assert answer.status_code == 200, (answer.status_code, answer.text)

    def asks(self, operation: str, person: Person, **changed: Any) -> requests.Response:
        born = f"{person.born[:4]}-{person.born[4:6]}-{person.born[6:]}" if person.born else None
        given = {
            "identifier": {"value": person.mrn, **({"system": person.issuer} if person.issuer else {})},
            "birthDate": born,
            "sealSeed": self.seal_seed,
            "days": 30,
        }
        return self.sends(parameters(**{**given, **changed}), f"/Patient/${operation}")

    def hands_out_a_slip(self, person: Person, operation: str = "issue-claim", **changed: Any) -> Slip:
        answer = self.asks(operation, person, **changed)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        told = values_of(answer.json())
        assert "pin" in told, told
        pdf = base64.b64decode(told["slip"]["data"]) if "slip" in told else b""
        return Slip(told["pin"], person, pdf, told["expires"])

    def state_of(self, person: Person) -> Json:
        answer = self.asks("claim-status", person, sealSeed=None, days=None)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return values_of(answer.json())


def _rsa_key() -> tuple[Json, Json]:
    key = RSAKey.generate_key(2048, {"kid": os.urandom(8).hex(), "use": "sig", "alg": "RS384"})
    return dict(key.as_dict(private=True)), dict(key.as_dict(private=False))


# --- people with browsers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """What a patient gave by code."""

    id: str
    code: str = field(repr=False)


@dataclass(frozen=True)
class SharedLink:
    """What a patient gave by health link."""

    id: str
    link: str = field(repr=False)
    number: str = field(repr=False)


class Patient(Browser):
    """Somebody with a phone."""

    def __init__(self, house, person: Person = ANA, login: str = "", password: str = PASSWORD) -> None:
        super().__init__(house)
        self.person, self.password = person, password
        self.login = login or f"{person.name.partition('^')[2].lower()}-{os.urandom(4).hex()}"

    def another_browser(self) -> "Patient":
        """The same person at another device, not signed in."""
        return Patient(self.house, self.person, self.login, self.password)

    def makes_an_account(self) -> Page:
        page = self.open("/join").follow("Use an account name instead").send("Continue", name=self.login)
        return page.send("Use a password", password=self.password, called=self.person.name.partition("^")[2])

    def signs_in(self, password: str = "") -> Page:
        return self.open("/sign-in").send("Sign in", login=self.login, password=password or self.password)

    def signs_out(self) -> Page:
        return self.open("/account").send("Sign out")

    def joins_by_lock(self, device: Device) -> Page:
        self.open("/join").follow("Use an account name instead").send("Continue", name=self.login)
        return self._answers("/join/password", "/join/passkey", device.makes)

    def sets_up_a_lock(self, device: Device) -> Page:
        return self._answers("/account/devices", "/account/devices/lock", device.makes)

    def signs_in_by_lock(self, device: Device) -> Page:
        return self._answers("/sign-in", "/sign-in/passkey", device.shows)

    def shows_again_by_lock(self, device: Device) -> Page:
        return self._answers("/check", "/check/passkey", device.shows)

    def _answers(self, page: str, path: str, answer: Callable[[Json], Json]) -> Page:
        """What the script of the page does: the question is asked, and the device's answer sent as a form."""
        token = next(one.value for form in self.open(page).forms for one in form.fields if one.name == "csrf_token")
        question = self.ask("POST", f"{path}/ask", data={"csrf_token": token})
        assert question.status_code == 200, question.text
        return self.open(path, method="POST", data={"csrf_token": token, **answer(question.json())})

    def types_a_slip(self, slip: Slip, *, pin: str = "", born: str = "") -> Page:
        """P2 and P3; signed in it is taken, else the page to make an account comes."""
        page = self.open("/add").send("Continue", pin=pin or slip.pin)
        if page.path != "/add/birth":
            return page
        day = born or slip.person.born
        return page.send("Continue", born_day=day[6:], born_month=day[4:6], born_year=day[:4])

    def makes_a_recovery_kit(self) -> str:
        page = self.open("/account/recovery-kit").send("Get my recovery kit")
        code = _code_on(page, 28)
        checked = page.send("Check", group=code[8:12])
        assert checked.says("Your kit works"), checked
        return code

    def scans(self) -> list[str]:
        """The identifiers of the scans on the home page, in their order."""
        return list(dict.fromkeys(_found(_STUDY_LINK, self.open("/home"))))

    def shares(self) -> list[str]:
        """The identifiers of what is shared now."""
        return list(dict.fromkeys(_found(_SHARE_LINK, self.open("/shares"))))

    def gives_a_code(self, *scans: str, length: str = "4h", may: tuple[str, ...] = ("see",)) -> Share:
        page = self.open("/share/scans").send("Continue", scans=list(scans or self.scans()))
        page.send("Continue", how="code")
        self.open("/share/time").send("Continue", length=length)
        page = self.open("/share/may").send("Continue", may=list(may))
        assert page.path == "/share/check", page
        page = page.send("Share now")
        assert page.path == "/share/code", page
        found = next(match[1] for _, href in page.links if (match := _SHARE_LINK.search(href)))
        return Share(found, _code_on(page, 20))

    def answers_about_a_link(
        self, *, scans: tuple[str, ...] = (), length: str = "30d", may: tuple[str, ...] = ("see",), **link: Any
    ) -> Page:
        """The page after the questions about a link: the last one, or that of a mistake."""
        page = self.open("/share/scans").send("Continue", scans=list(scans or self.scans()))
        page.send("Continue", how="link")
        self.open("/share/time").send("Continue", length=length)
        page = self.open("/share/may").send("Continue", may=list(may))
        assert page.path == "/share/link", page
        return page.send("Continue", **link)

    def gives_a_link(self, **answers: Any) -> SharedLink:
        page = self.answers_about_a_link(**answers)
        assert page.path == "/share/check", page
        return self.reads_a_link(page.send("Share now"))

    def reads_a_link(self, page: Page) -> SharedLink:
        """The link and its number, from the page that shows them."""
        assert page.heading == "Your link is ready", page
        link = next(text for text, _ in page.links if "#shlink:/" in text)
        number = re.search(r"Number to open it: (\d{3}) (\d{3})", page.words)
        return SharedLink(page.path.split("/")[2], link, "".join(number.groups()) if number else "")

    def stops(self, share: str) -> Page:
        return self.open(f"/shares/{share}/stop").send("Stop sharing")

    def decides(self, request: str, *, decision: str = "Allow", **typed: Any) -> str:
        """The address the app is sent back to, once the patient has read what it asks."""
        page = self.open(request)
        assert page.status == 200, page
        assert page.says("wants to see your scans"), page
        answer = page.send(decision, **typed).answer
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["Location"]


class Guest(Browser):
    """A doctor with a code, on any computer."""

    def types(self, code: str) -> Page:
        return self.open("/see").send("Continue", code=code)

    def opens(self, code: str, name: str = "Dr. J. Lee", clinic: str = "Hill Clinic") -> Page:
        page = self.types(code)
        return page.send("See the scans", name=name, clinic=clinic) if page.path == "/see/who" else page


class Provider(Browser):
    """A doctor with an account."""

    def __init__(self, house, name: str = "Dr. M. Stone", clinic: str = "Stone Practice") -> None:
        super().__init__(house)
        self.name, self.clinic, self.password = name, clinic, PASSWORD
        self.login = f"doctor-{os.urandom(4).hex()}"
        self.secret = b""

    def makes_an_account(self) -> Page:
        page = self.open("/pro/join").send(
            "Continue", name=self.name, clinic=self.clinic, login=self.login, password=self.password
        )
        assert page.path == "/pro/code-app", page
        self.letters = _code_on(page, 32, alphabet="A-Z2-7")
        self.secret = base64.b32decode(self.letters)
        return page.send("Continue", code=self.six())

    def six(self, steps: int = 0) -> str:
        """The numbers of the code app, now or some steps of 30 seconds off (RFC 6238)."""
        step = int(self.house.now().timestamp()) // 30 + steps
        digest = hmac.digest(self.secret, struct.pack(">Q", step), hashlib.sha1)
        at = digest[-1] & 15
        return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"

    def signs_in(self, six: str) -> Page:
        return self.open("/pro/sign-in").send("Sign in", login=self.login, password=self.password, code=six)

    def enters(self, code: str) -> Page:
        return self.open("/pro/code").send("Continue", code=code)


def _code_on(page: Page, length: int, alphabet: str = "0-9A-Z") -> str:
    """The code that the page spells for people: groups of four in a row."""
    groups = rf"(?<![{alphabet}])[{alphabet}]{{4}}(?: [{alphabet}]{{4}}){{{length // 4 - 1}}}"
    found = re.search(groups, page.words)
    assert found, page
    return found[0].replace(" ", "")


def _found(link: re.Pattern[str], page: Page) -> list[str]:
    assert page.status == 200, page
    return [match[1] for _, href in page.links if (match := link.search(href))]


# --- apps ------------------------------------------------------------------------------------------------------------


class App(Software):
    """A SMART app. `secret` makes it a confidential one."""

    def __init__(self, house, name: str = "Heart Tracker", *, secret: bool = False, **registered: Any) -> None:
        super().__init__(house)
        self.name, self.returns_to = name, f"https://app{os.urandom(4).hex()}.example.org/back"
        with house.opened() as services, services.work() as work:
            auth = "client_secret" if secret else "none"
            added = add_client(work, NewClient(name, (self.returns_to,), auth=auth, **registered))
        self.client_id, self.secret = added.client_id, added.secret
        self.verifier, self.state = "", ""
        self.refresh_token = ""
        self.said: Json = {}

    def request(self, scope: str = "launch/patient patient/*.rs offline_access", **changed: Any) -> str:
        """The address it sends the patient to."""
        self.verifier = base64.urlsafe_b64encode(os.urandom(48)).decode().rstrip("=")
        self.state = os.urandom(16).hex()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.returns_to,
            "scope": scope,
            "state": self.state,
            "aud": f"{self.house.base_url}/fhir",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        kept = {name: value for name, value in {**asked, **changed}.items() if value is not None}
        return f"{self.house.base_url}/oauth/authorize?{urlencode(kept)}"

    def code_in(self, address: str) -> str:
        """The code with which the patient comes back, where all else is as it should be."""
        assert address.startswith(self.returns_to + "?"), address
        found = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert found["state"] == self.state
        assert found["iss"] == self.house.base_url
        return found["code"]

    def asks_for_tokens(self, **form: str) -> requests.Response:
        """A request at the token endpoint, as the client it is."""
        if self.secret is None:
            return self.ask("POST", "/oauth/token", token="", data={"client_id": self.client_id, **form})
        pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        return self.ask("POST", "/oauth/token", token="", data=form, headers=headers)

    def exchanges(self, code: str, **changed: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.returns_to,
            "code_verifier": self.verifier,
        }
        return self._kept(self.asks_for_tokens(**{**form, **changed}))

    def refreshes(self, refresh_token: str = "") -> requests.Response:
        token = refresh_token or self.refresh_token
        return self._kept(self.asks_for_tokens(grant_type="refresh_token", refresh_token=token))

    def redeems(self, code: str, scope: str = "patient/*.rs") -> requests.Response:
        form = {"grant_type": "urn:keepray:oauth:grant-type:share-code", "code": code, "scope": scope}
        return self._kept(self.asks_for_tokens(**form))

    def is_let_in_by(
        self, patient: Patient, scope: str = "launch/patient patient/*.rs offline_access", **typed
    ) -> "App":
        """The whole way: asked, allowed, exchanged."""
        answer = self.exchanges(self.code_in(patient.decides(self.request(scope), **typed)))
        assert answer.status_code == 200, answer.text
        return self

    def at(self, endpoint: str, **form: str) -> requests.Response:
        """Revocation or introspection, as the client it is."""
        if self.secret is None:
            return self.ask("POST", f"/oauth/{endpoint}", token="", data={"client_id": self.client_id, **form})
        pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return self.ask("POST", f"/oauth/{endpoint}", token="", data=form, headers={"Authorization": f"Basic {pair}"})

    def _kept(self, answer: requests.Response) -> requests.Response:
        if answer.status_code == 200:
            self.said = answer.json()
            self.token = self.said["access_token"]
            self.refresh_token = self.said.get("refresh_token", "")
        return answer


def study_uid(study: str) -> str:
    """The UID of a study of `tests.factories`."""
    return a_uid("study", study)


def until(what, *, seconds: float = 10.0):
    """Ask again until it is so; answers what it was."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


__all__ = [
    "ANA",
    "BO",
    "FHIR",
    "FORM",
    "PASSWORD",
    "App",
    "Guest",
    "Patient",
    "Provider",
    "Share",
    "Site",
    "Slip",
    "Software",
    "a_person",
    "study_uid",
    "until",
]
