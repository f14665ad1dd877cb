"""What the app hands to this room: services, settings, and what a process keeps between requests."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, cast

from flask import current_app, request

from consent.devices import device_words
from consent.jwks import KeySets, Reach
from consent.throttle import PIXEL_SHARE, RESOURCES_AHEAD, Meter
from vault.database import Services, Work


class ConsentSettings(Protocol):
    """What this room asks of the settings."""

    @property
    def base_url(self) -> str:
        """Our origin, without a slash at the end; also the issuer."""
        ...

    @property
    def brand(self) -> str:
        """What the product is called on pages."""
        ...

    @property
    def secure_cookies(self) -> bool:
        """Whether pages come over https."""
        ...

    @property
    def allow_private_jwks(self) -> bool:
        """Whether key sets may be fetched from our own network, over http: for trying things out."""
        ...

    @property
    def open_registration(self) -> bool:
        """Whether apps may register themselves."""
        ...

    @property
    def sign_in_path(self) -> str:
        """Where a patient signs in."""
        ...


@dataclass(slots=True)
class Kept:
    """What this room keeps in a process between requests: fetched key sets, and uses counted but not yet settled."""

    key_sets: KeySets
    resources: Meter = field(default_factory=lambda: Meter(ahead=RESOURCES_AHEAD))
    pixels: Meter = field(default_factory=lambda: Meter(share=PIXEL_SHARE))


def services() -> Services:
    """The deployment's services."""
    return cast("Services", current_app.extensions["services"])


def settings() -> ConsentSettings:
    """The deployment's settings."""
    return cast("ConsentSettings", current_app.extensions["settings"])


def kept() -> Kept:
    """What is kept between requests; made when it is first asked for."""
    found = current_app.extensions.get("consent")
    if found is None:
        found = Kept(KeySets(reach()))
        current_app.extensions["consent"] = found
    return cast("Kept", found)


def reach() -> Reach:
    """How far key sets may be fetched from in this deployment."""
    return Reach.ANYWHERE if settings().allow_private_jwks else Reach.INTERNET


def work() -> AbstractContextManager[Work]:
    """A unit of work that may change things; it is committed on leaving."""
    return services().work()


def reading() -> AbstractContextManager[Work]:
    """A unit of work that only reads."""
    return services().reading()


def source() -> str:
    """The address the request came from, for limits alone."""
    return request.remote_addr or ""


def this_device() -> str:
    """What to call the device that is asking."""
    return device_words(request.headers.get("User-Agent", ""))
