"""The two wire protocols behind their guards, in one small app; and people whose tokens are made without a browser."""

import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

from flask import Flask

from consent import clients, grants, tokens
from consent.access import Access
from consent.clients import NewClient, NewSiteClient
from consent.cors import install_cors
from consent.grants import EVERYTHING, For, Offer
from consent.guards import install_guards
from consent.scopes import PATIENT_READS, Scopes
from consent.tokens import Kind, Line
from fhir_gateway.dicom.render import Renderer
from tests.fhir_gateway import callers
from tests.vault.owners import a_vault, link
from vault.audit import Actor
from vault.catalogue import open_catalogue
from vault.database import Services
from vault.facts import PersonFacts
from vault.keyring import KeyClass, VaultKeyring
from vault.limits import Standing
from vault.sites import Site, SiteDetails, add_site, find_site

ORIGIN = "https://phr.example.org"
KEY_SET = '{"keys":[{"kty":"EC","crv":"P-384","kid":"k1","x":"%s","y":"%s"}]}'
ADA = PersonFacts(name="Example^Ada", born="19700101", sex="F", mrn="MRN1")
BO = PersonFacts(name="Sample^Bo", born="19850615", sex="M", mrn="MRN2")


@dataclass
class Settings:
    """What the two rooms ask of the settings."""

    base_url: str = ORIGIN
    brand: str = "Keepray"
    secure_cookies: bool = True
    allow_private_jwks: bool = False
    open_registration: bool = False
    sign_in_path: str = "/sign-in"
    document_octets: int = 1 << 20


def a_house(services: Services, renderer: Renderer | None = None) -> Flask:
    """An app with FHIR and DICOMweb. Its routes are put together once; what hangs on it is its own."""
    app = copy(_routes())
    app.extensions = {**app.extensions, "services": services, "settings": Settings()}
    if renderer is not None:
        app.extensions["renderer"] = renderer
    return app


@cache
def _routes() -> Flask:
    from fhir_gateway import dicomweb, rest

    app = Flask("house")
    app.testing = True
    install_cors(app)
    app.register_blueprint(dicomweb.blueprint)
    app.register_blueprint(rest.blueprint)
    install_guards(app)
    return app


@dataclass
class SiteCaller(callers.Sender):
    """An imaging site with a token of its own."""

    site: Site = field(kw_only=True)
    services: Services = field(kw_only=True, repr=False)
    client: bytes = field(kw_only=True, repr=False)

    def with_next_token(self, scopes: str = "system/*.c") -> "SiteCaller":
        return replace(self, token=_site_token(self.services, self.client, scopes))


def _key_set() -> str:
    # The point of P-384's base: any valid point does for a client whose tokens are made without an assertion.
    x = "qofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3"
    y = "NhfeSpYmLG9dnpi_kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f"
    return KEY_SET % (x, y)


def _site_token(services: Services, client: bytes, scopes: str) -> str:
    with services.work() as work:
        bearer, _ = tokens.issue(work, Kind.SITE, Line.begins(client, None), scopes=Scopes.parse(scopes), seconds=300)
    return bearer.reveal()


def a_site(app: Flask, name: str = "Harbor Scan Center", **details: object) -> SiteCaller:
    services: Services = app.extensions["services"]
    with services.work() as work:
        made = add_site(work, SiteDetails(name=name, phone="555 0100", zone="Europe/Berlin", **details))
        site = find_site(work, made.site_id)
        added = clients.add_site_client(work, NewSiteClient(name, made.site_id, jwks=_key_set()))
        client = clients.find_client(work, added.client_id).id
    token = _site_token(services, client, "system/*.c")
    return SiteCaller(app.test_client(), token, site=site, seal_seed=made.seal_seed, services=services, client=client)


@dataclass
class PatientCaller:
    """A patient with a vault, and apps they let in."""

    app: Flask
    services: Services
    keyring: VaultKeyring

    @property
    def id(self) -> str:
        return self.keyring.vault_id.hex()

    def is_linked_to(self, site: SiteCaller, person: PersonFacts = ADA) -> "PatientCaller":
        link(self.services, site.site, self.keyring, person)
        return self

    def studies(self) -> list:
        with self.services.reading() as work:
            return list(open_catalogue(work, self.keyring).studies)

    def folders(self) -> list[bytes]:
        with self.services.reading() as work:
            record = open_catalogue(work, self.keyring)
        return [folder for study in (*record.studies, *record.papers) for folder in study.folders]

    def lets_in(
        self,
        studies: Sequence[bytes] | None = None,
        *,
        scopes: str = str(PATIENT_READS),
        classes: frozenset[KeyClass] = EVERYTHING,
        view_only: bool = False,
        seconds: int = 900,
        standing: Standing | None = None,
    ) -> callers.Reader:
        """An app with a token over these studies (all, if none are named)."""
        token, self.last_grant = self._grant(studies, scopes, classes, view_only, seconds, standing)
        return callers.Reader(self.app.test_client(), token)

    def _grant(self, studies, scopes, classes, view_only, seconds, standing):
        me = Access(
            actor=Actor("patient", self.keyring.vault_id),
            scopes=PATIENT_READS,
            keyring=self.keyring,
            vault_id=self.keyring.vault_id,
            own=self.keyring,
        )
        chosen = studies if studies is not None else self.folders()
        with self.services.work() as work:
            uri = f"https://app{os.urandom(4).hex()}.example.org/back"
            added = clients.add_client(work, NewClient("Scan App", (uri,)))
            client = clients.find_client(work, added.client_id)
            offer = Offer(
                tuple(chosen),
                work.now + timedelta(days=1),
                kind=For.APP,
                view_only=view_only,
                classes=classes,
                standing=standing,
                client=client.id,
                scopes=Scopes.parse(scopes),
            )
            given = grants.give(work, me, offer)
            line = Line.begins(client.id, given.keyring)
            bearer, _ = tokens.issue(work, Kind.ACCESS, line, scopes=Scopes.parse(scopes), seconds=seconds)
        return bearer.reveal(), (me, given.grant_id)

    def stops(self) -> None:
        me, grant_id = self.last_grant
        with self.services.work() as work:
            grants.end(work, me, grant_id)


def a_patient(app: Flask) -> PatientCaller:
    services: Services = app.extensions["services"]
    with services.work() as work:
        keyring = a_vault(work)
    return PatientCaller(app, services, keyring)


def nobody(app: Flask) -> callers.Reader:
    return callers.Reader(app.test_client(), None)
