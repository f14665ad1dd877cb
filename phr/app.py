"""The house put together. Nothing here decides anything."""

from __future__ import annotations

import os
from importlib import import_module

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from consent.guards import install_guards
from fhir_gateway.dicom.render import Renderer
from phr import people, printing, scans, slips
from phr.components import furnish, template_folder
from phr.config import Settings
from phr.headers import install_headers
from phr.mail import mailer_of
from phr.packed import install_packed_files
from phr.pages.errors import install_error_pages
from phr.storing import open_store
from vault.database import Services

# Each part of the house that can answer, and its blueprints; a process that serves one loads no other.
PAGES = (
    "front", "accounts", "signing", "recovery", "claims", "studies", "upload", "pictures", "reading", "questions",
    "saving", "sharing", "links", "shares", "history", "account", "leaving", "doctor", "provider", "provider_ways",
    "inbox", "languages", "timeline", "passkeys", "locks", "mailbox", "away",
)  # fmt: skip
BLUEPRINTS: dict[str, tuple[str, ...]] = {
    "pages": tuple(f"phr.pages.{name}:blueprint" for name in PAGES),
    "oauth": ("consent.oauth:blueprint", "consent.oauth:well_known"),
    "fhir": ("fhir_gateway.rest:blueprint", "fhir_gateway.health_links:blueprint"),
    "dicomweb": ("fhir_gateway.dicomweb:blueprint",),
}
LARGEST_FORM = 64 * 1024  # octets; what our pages ask fits many times


def create_app(settings: Settings, *, services: Services | None = None) -> Flask:
    """An app over the store that `settings` name, or over `services` where they are open already."""
    app = Flask("phr", template_folder=str(template_folder()), static_folder="static")
    app.config.update(
        PREFERRED_URL_SCHEME="https" if settings.secure else "http",
        BABEL_DEFAULT_TIMEZONE=settings.zone,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
    )
    app.extensions["settings"] = settings
    app.extensions["services"] = services or open_store(settings)
    app.extensions["mailer"] = mailer_of(settings)
    app.extensions["renderer"] = Renderer(max(1, (os.cpu_count() or 1) // settings.processes))
    app.extensions["print_slip"] = slips.printer(settings.base_url)
    app.extensions["study_title"] = scans.title_of
    furnish(app, brand=settings.brand)
    install_headers(app)
    install_packed_files(app)
    install_guards(app)
    install_error_pages(app)
    app.before_request(_keep_forms_small)
    app.before_request(_send_away_from_full_presses)
    app.context_processor(people.around)
    for room in settings.serve:
        for name in BLUEPRINTS[room]:
            module, _, attribute = name.partition(":")
            app.register_blueprint(getattr(import_module(module), attribute))
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)
    return app


def from_environment() -> Flask:
    """What a server is pointed at: `phr.app:from_environment()`."""
    return create_app(Settings.from_env())


def _send_away_from_full_presses() -> None:
    """A page costs more to put together than to refuse, and those who look at pictures wait for neither."""
    if request.path.endswith(".pdf"):
        printing.check_room()


def _keep_forms_small() -> None:
    """A form beyond 64 KiB is refused before it is read, so that none is ever laid down on a disk."""
    if request.blueprint in PAGES:
        request.max_content_length = LARGEST_FORM
