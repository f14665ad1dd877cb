"""The link itself: `shlink:/` and what a receiver needs, as JSON in base64url (SMART Health Links 1.0, payload)."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

import orjson

from vault.health_links import HealthLink

MANIFESTS = "/shl"
LONGEST_URL, LONGEST_LABEL = 128, 80  # characters
SCHEME = "shlink:/"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where links lead: `origin` is ours, without a slash at its end; `viewer` is the path of our own viewer."""

    origin: str
    viewer: str

    def manifest(self, link: HealthLink) -> str:
        """Where receivers ask for the link's files. Raises `ValueError` where our own name is too long for links."""
        url = f"{self.origin}{MANIFESTS}/{_text(link.address)}"
        if len(url) > LONGEST_URL:
            raise ValueError("the address of this server is too long for health links")
        return url

    def bare(self, link: HealthLink, expires: datetime | None) -> str:
        """The link for programs."""
        payload: dict[str, str | int] = {"url": self.manifest(link), "key": _text(link.key)}
        if expires is not None:
            payload["exp"] = int(expires.timestamp())  # seconds; the server's own end is what counts
        if link.flags:
            payload["flag"] = link.flags
        if link.label:
            payload["label"] = link.label[:LONGEST_LABEL]
        return SCHEME + _text(orjson.dumps(payload))

    def whole(self, link: HealthLink, expires: datetime | None) -> str:
        """The same for people: it opens our own viewer, which never sends on what stands behind the #."""
        return f"{self.origin}{self.viewer}#{self.bare(link, expires)}"


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
