"""The authorization server with a few routes behind its guards, and the people and programs that use it."""

import base64
import hmac
import json
import secrets as random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask import Flask, Response, jsonify, redirect, request
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, RSAKey
from werkzeug.test import TestResponse

from consent import grants as giving
from consent import guards, oauth, sessions
from consent.access import Access
from consent.clients import AddedClient, NewClient, NewSiteClient, add_client, add_site_client
from consent.errors import Area, ConsentError, FreshSignInNeeded, SharingEnded, SignInNeeded
from consent.grants import For, Offer
from consent.guards import (
    needs,
    needs_fresh,
    needs_guest_or_provider,
    needs_patient,
    needs_provider,
    needs_site,
    public,
)
from consent.oauth.told import smart_configuration
from consent.refusals import REFUSALS, refusal_of
from consent.request import access, clear_cookie, csrf_token, reading, work
from phr.components import furnish, template_folder
from phr.headers import install_headers
from tests.fakes import FrozenClock
from tests.vault.owners import a_vault
from vault import sites
from vault.accounts import SignedIn
from vault.catalogue import open_catalogue
from vault.database import Services
from vault.ids import new_id
from vault.record import first_record
from vault.tables import AccountRow, VaultRow

ROOT = Path(__file__).parents[2]
BASE = "http://localhost"
FHIR = f"{BASE}/fhir"
TOKEN_URL = f"{BASE}/oauth/token"
REDIRECT = "https://app.example.org/back"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class SmallSettings:
    """What the room asks of the settings."""

    base_url: str = BASE
    brand: str = "Keepray"
    secure_cookies: bool = False
    allow_private_jwks: bool = True
    open_registration: bool = False
    sign_in_path: str = "/sign-in"


def small_app(services: Services, settings: SmallSettings | None = None) -> Flask:
    """Our frame, the authorization server, and one route for each guard."""
    app = Flask("phr", root_path=str(ROOT / "phr"), static_folder="static", template_folder=str(template_folder()))
    app.extensions["services"] = services
    app.extensions["settings"] = settings or SmallSettings()
    furnish(app)
    install_headers(app)
    guards.install_guards(app)
    app.register_blueprint(oauth.blueprint)
    app.register_blueprint(oauth.well_known)
    _routes(app)
    _errors(app)
    return app


def _routes(app: Flask) -> None:
    @app.get("/fhir/.well-known/smart-configuration")
    @public("discovery")
    def smart() -> Response:
        return jsonify(smart_configuration())

    @app.get("/fhir/<kind>/<name>")
    @needs()
    def read(kind: str, name: str) -> Response:
        access().check_scope(f"patient/{kind}.r")
        with reading() as w:
            seen = [study.uid for study in open_catalogue(w, access().opened()).studies]
        return jsonify({"seen": seen, "patient": access().patient})

    @app.get("/fhir/<kind>")
    @needs()
    def search(kind: str) -> Response:
        access().check_scope(f"patient/{kind}.s")
        return jsonify({})

    @app.post("/fhir/<kind>")
    @needs_site()
    def create(kind: str) -> Response:
        access().check_scope(f"system/{kind}.c")
        return jsonify({"site": access().site.details.name})

    @app.get("/dicomweb/studies")
    @needs("patient/ImagingStudy.s")
    def studies() -> Response:
        with reading() as w:
            return jsonify([study.uid for study in open_catalogue(w, access().opened()).studies])

    @app.get("/dicomweb/studies/<study_id>/whole")
    @needs("patient/ImagingStudy.r")
    def whole(study_id: str) -> Response:
        with reading() as w:
            access().check_can_copy(w, bytes.fromhex(study_id))
        return jsonify({})

    @app.route("/home", methods=["GET", "POST"])
    @needs_patient
    def home() -> Response:
        return jsonify({"csrf": csrf_token(), "actor": access().actor.kind})

    @app.post("/leave")
    @needs_patient
    def leave() -> Response:
        with work() as w:
            sessions.sign_out(w, access())
        return clear_cookie(jsonify({}), Area.PATIENT)

    @app.post("/dangerous")
    @needs_patient
    @needs_fresh
    def dangerous() -> Response:
        return jsonify({})

    @app.get("/pro")
    @needs_provider
    def pro() -> Response:
        return jsonify({"csrf": csrf_token()})

    @app.get("/see/view")
    @needs_guest_or_provider
    def view() -> Response:
        with work() as w:
            giving.mark_opened(w, access())
        return jsonify({"via": access().actor.kind})

    @app.route("/open", methods=["GET", "POST"])
    @public("a form before sign-in")
    def open_page() -> Response:
        return jsonify({"csrf": csrf_token()})


def _errors(app: Flask) -> None:
    def answer(problem: Exception) -> Any:
        pages = not request.path.startswith(("/fhir", "/dicomweb"))
        if pages and isinstance(problem, FreshSignInNeeded):
            return redirect("/check")
        if pages and isinstance(problem, SignInNeeded):
            return redirect("/sign-in")
        if pages and isinstance(problem, SharingEnded):
            return Response("Sharing has ended.", 410)
        found = refusal_of(problem)
        assert found is not None
        return Response(found.words, found.status, found.headers)

    for kind in (*REFUSALS, ConsentError):
        app.register_error_handler(kind, answer)


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass
class Browser:
    """A person at a browser."""

    app: Flask
    services: Services
    person: SignedIn
    web: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.web = self.app.test_client()

    @property
    def keyring(self) -> Any:
        return self.person.keyring

    def signs_in(self, *, area: Area = Area.PATIENT, device: str = "Windows computer") -> "Browser":
        with self.services.work() as w:
            cookie = sessions.sign_in(w, self.person, device=device)
        name = {"patient": "phr", "provider": "phr-pro"}[area.value]
        self.web.set_cookie(name, cookie_text(cookie), domain="localhost")
        return self

    def access(self) -> Access:
        """What this person may do, for calls below the web."""
        with self.services.work() as w:
            cookie = sessions.sign_in(w, self.person, device="test")
            area = Area.PROVIDER if self.person.kind == "provider" else Area.PATIENT
            return sessions.open_session(w, cookie.octets(), area)[1]

    def csrf(self) -> str:
        return self.web.get("/home").json["csrf"]

    def gives(self, *study_ids: bytes, hours: float = 4, **terms: Any) -> Any:
        from datetime import timedelta

        with self.services.work() as w:
            expires = None if hours == 0 else w.now + timedelta(hours=hours)
            return giving.give(w, self.access_in(w), Offer(study_ids, expires, **terms))

    def gives_code(self, *study_ids: bytes, hours: float = 4, **terms: Any) -> Any:
        from datetime import timedelta

        with self.services.work() as w:
            offer = Offer(study_ids, w.now + timedelta(hours=hours), kind=For.CODE, **terms)
            return giving.give_code(w, self.access_in(w), offer)

    def access_in(self, w: Any) -> Access:
        cookie = sessions.sign_in(w, self.person, device="test")
        return sessions.open_session(w, cookie.octets(), Area.PATIENT)[1]

    def ends(self, grant_id: bytes) -> None:
        with self.services.work() as w:
            giving.end(w, self.access_in(w), grant_id)


def cookie_text(cookie: Any) -> str:
    from consent.tokens import text_of

    return text_of(cookie.octets())


def a_person(app: Flask, services: Services, login: str, kind: str = "person") -> Browser:
    """Someone with an account. No password is set: stretching one takes a third of a second, and nobody types it here."""
    with services.work() as w:
        keyring = a_vault(w)
        account = AccountRow(
            id=new_id(), login_bi=login.encode(), vault=keyring.vault_id, kind=kind, mail=None, created=w.now
        )
        w.session.add(account)
        w.session.flush()
        first_record(w, keyring, w.session.get_one(VaultRow, keyring.vault_id))
    return Browser(app, services, SignedIn(account.id, kind, keyring))


# --- programs --------------------------------------------------------------------------------------------------------


@dataclass
class App:
    """A SMART app."""

    flask: Flask
    added: AddedClient
    key: Any = None
    redirect_uri: str = REDIRECT

    def __post_init__(self) -> None:
        self.web = self.flask.test_client()

    @property
    def credentials(self) -> dict[str, str]:
        if self.key is not None:
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(self.key, self.added.client_id)}
        if self.added.secret:
            return {"client_id": self.added.client_id, "client_secret": self.added.secret}
        return {"client_id": self.added.client_id}

    def asking(self, scope: str = "launch/patient patient/*.rs offline_access", **other: str | None) -> dict[str, str]:
        fields = {
            "response_type": "code",
            "client_id": self.added.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": "state-of-at-least-122-bits",
            "aud": FHIR,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | other
        return {name: value for name, value in fields.items() if value is not None}

    def begins(self, person: Browser | None, scope: str = "patient/*.rs", **other: str | None) -> TestResponse:
        web = person.web if person else self.web
        return web.get("/oauth/authorize?" + urlencode(self.asking(scope, **other)))

    def is_let_in(self, person: Browser, scope: str = "launch/patient patient/*.rs offline_access", **form: Any) -> str:
        """The code the patient's browser brings back."""
        back = self.decided(person, scope, decision="allow", **form)
        assert back.status_code == 302, back.text
        return parse_qs(urlsplit(back.location).query)["code"][0]

    def decided(self, person: Browser, scope: str = "patient/*.rs", **form: Any) -> TestResponse:
        data = self.asking(scope) | {"csrf_token": person.csrf(), "scans": "all", "duration": "90d"} | form
        return person.web.post("/oauth/authorize/decide", data=data)

    def posts(self, **form: Any) -> TestResponse:
        return self.web.post("/oauth/token", data={name: value for name, value in form.items() if value is not None})

    def exchanges(self, code: str, /, **other: Any) -> TestResponse:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return self.posts(**(form | self.credentials | other))

    def refreshes(self, refresh_token: str, **other: Any) -> TestResponse:
        return self.posts(
            **({"grant_type": "refresh_token", "refresh_token": refresh_token} | self.credentials | other)
        )

    def gets_tokens(
        self, person: Browser, scope: str = "launch/patient patient/*.rs offline_access", **form: Any
    ) -> Any:
        answer = self.exchanges(self.is_let_in(person, scope, **form))
        assert answer.status_code == 200, answer.text
        return answer.json

    def reads(self, token: str, path: str = "/fhir/Patient/x") -> TestResponse:
        return self.web.get(path, headers={"Authorization": f"Bearer {token}"})

    def introspects(self, token: str, **other: Any) -> Any:
        form = {"token": token} | self.credentials | other
        return self.web.post("/oauth/introspect", data=form)

    def revokes(self, token: str, **other: Any) -> TestResponse:
        return self.web.post("/oauth/revoke", data={"token": token} | self.credentials | other)


def an_app(flask: Flask, services: Services, *, key: Any = None, **new: Any) -> App:
    fields: dict[str, Any] = {"name": "Heart Tracker", "redirect_uris": (REDIRECT,), "auth": "none"} | new
    if key is not None:
        fields |= {"auth": "private_key_jwt", "jwks": key_set(key)}
    with services.work() as w:
        return App(flask, add_client(w, NewClient(**fields)), key, fields["redirect_uris"][0])


@dataclass
class SiteSystem:
    """A site's system that pushes."""

    flask: Flask
    client_id: str
    key: Any
    site_id: bytes

    def __post_init__(self) -> None:
        self.web = self.flask.test_client()

    def asks(self, scope: str = "system/ImagingStudy.c", **other: Any) -> TestResponse:
        assertion = other.pop("client_assertion", None) or signed(self.key, self.client_id)
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        } | other
        return self.web.post("/oauth/token", data={name: value for name, value in form.items() if value is not None})

    def token(self, scope: str = "system/*.c") -> str:
        answer = self.asks(scope)
        assert answer.status_code == 200, answer.text
        return answer.json["access_token"]


def a_site_system(flask: Flask, services: Services, site_id: bytes, *, key: Any = None, **new: Any) -> SiteSystem:
    key = key or an_ec_key()
    fields = {"name": "Harbor PACS", "site_id": site_id} | ({} if "jwks_url" in new else {"jwks": key_set(key)}) | new
    with services.work() as w:
        from consent.jwks import Reach

        added = add_site_client(w, NewSiteClient(**fields), reach=Reach.ANYWHERE)
    return SiteSystem(flask, added.client_id, key, site_id)


def a_site_row(services: Services, name: str = "Harbor Scan Center") -> bytes:
    with services.work() as w:
        return sites.add_site(w, sites.SiteDetails(name=name)).site_id


# --- keys and assertions ---------------------------------------------------------------------------------------------

_KEYS: dict[str, Any] = {}


def an_ec_key(kid: str = "k1") -> ECKey:
    return ECKey.generate_key("P-384", {"kid": kid, "use": "sig", "alg": "ES384"})


def an_rsa_key(kid: str = "r1") -> RSAKey:
    if "rsa" not in _KEYS:  # slow to make, and any one will do
        _KEYS["rsa"] = RSAKey.generate_key(2048).as_dict(private=True)
    return RSAKey.import_key(_KEYS["rsa"] | {"kid": kid})


def key_set(*keys: Any) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


NOW = int(FrozenClock().now().timestamp())


def signed(key: Any, client_id: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A client assertion; a header or claim given as None is left out. Nothing refuses to sign nonsense here."""
    body = {
        "iss": client_id,
        "sub": client_id,
        "aud": TOKEN_URL,
        "exp": NOW + 240,
        "jti": random.token_hex(16),
    } | claims
    head = {"alg": "RS384" if key.key_type == "RSA" else "ES384", "kid": key.kid, "typ": "JWT"} | (header or {})
    text = f"{_part(head)}.{_part(body)}"
    return f"{text}.{base64url(_signature(key, head['alg'], text.encode()))}"


def _part(fields: dict[str, Any]) -> str:
    return base64url(json.dumps({name: value for name, value in fields.items() if value is not None}).encode())


def _signature(key: Any, algorithm: str, text: bytes) -> bytes:
    if algorithm == "none":
        return b""
    if algorithm.startswith("HS"):  # with the public key as the secret
        return hmac.digest(key.as_pem(private=False), text, f"sha{algorithm[2:]}")
    kind = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}[algorithm[2:]]()
    if algorithm.startswith("RS"):
        return key.private_key.sign(text, padding.PKCS1v15(), kind)
    if algorithm.startswith("PS"):
        return key.private_key.sign(text, padding.PSS(padding.MGF1(kind), kind.digest_size), kind)
    r, s = decode_dss_signature(key.private_key.sign(text, ec.ECDSA(kind)))
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
