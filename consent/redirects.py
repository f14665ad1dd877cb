"""Where an app may be sent back to: what may be registered, and what counts as the same address (RFC 9700, 8252)."""

import re
from urllib.parse import SplitResult, urlsplit

from consent.errors import BadClient

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LONGEST = 2_000
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+")  # a reversed domain name, RFC 8252 7.1
# A letter that ends a word of a Content-Security-Policy would say more there than where a form leads.
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_VISIBLE = re.compile(r"[!-~]+")


def check_redirect_uri(uri: str, *, auth: str) -> None:
    """Raise `BadClient` unless an app that authenticates by `auth` may register this address."""
    parts = _parts(uri)
    if parts is None or parts.fragment or "#" in uri or "*" in uri or "\\" in uri:
        raise BadClient("a redirect address is absolute, without fragment and without wildcard")
    if "@" in parts.netloc or ".." in parts.path.split("/"):
        raise BadClient("a redirect address has no user name and no .. in it")
    if parts.netloc and not _PLACE.fullmatch(parts.netloc):
        raise BadClient("a redirect address names its host in letters and digits")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return
    if auth == "none" and _PRIVATE_SCHEME.fullmatch(parts.scheme) and not parts.netloc:
        return
    raise BadClient("a redirect address is https, http on the loopback, or an app's own org.example.app:/back")


def is_registered(uri: str, registered: tuple[str, ...], *, auth: str) -> bool:
    """Whether `uri` is one of `registered`, letter by letter.

    The port does not count for an installed app on the loopback, which learns its port when it starts (RFC 8252 7.3).
    """
    if uri in registered:
        return True
    without = _without_loopback_port(uri)
    return auth == "none" and without is not None and without in {_without_loopback_port(one) for one in registered}


def origin_of(uri: str) -> str | None:
    """The web origin of an address; None for an app's own scheme."""
    parts = _parts(uri)
    if parts is None or parts.scheme not in {"http", "https"}:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def form_target(uri: str) -> str:
    """How a Content-Security-Policy names the address: its origin, or its scheme (CSP 3, source expressions)."""
    return origin_of(uri) or f"{uri.partition(':')[0]}:"


def _without_loopback_port(uri: str) -> str | None:
    parts = _parts(uri)
    if parts is None or parts.scheme != "http" or parts.hostname not in LOOPBACK or "@" in parts.netloc:
        return None
    return f"{parts.hostname} {parts.path}?{parts.query}#{parts.fragment}"


def _parts(uri: str) -> SplitResult | None:
    if len(uri) > LONGEST or not _VISIBLE.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        return parts if parts.scheme and (parts.port is None or parts.port >= 0) else None
    except ValueError:
        return None
