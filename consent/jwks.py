"""A client's public keys: read, picked, and fetched from where it registered (SMART App Launch 2.2, backend services).

Only the registered address is ever fetched: over https, without redirects, from an address of the open internet that
was looked up once and is then the one connected to, at most 64 KiB in 5 seconds all told. A fetch that failed is not
tried again for some seconds, and a key that a kept set lacks is looked for anew at most twice a minute.
"""

import contextlib
import http.client
import ipaddress
import json
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import SplitResult, urlsplit

from consent.errors import NoKeys

MOST_OCTETS = 65_536
MOST_SECONDS = 5.0
KEPT_SECONDS = 600
FAILED_SECONDS = 5.0  # before a set that could not be fetched is asked for again
AGAIN_AFTER = 30.0  # seconds before a key that is not in a kept set makes us ask again
KTY_OF = {"RS384": ("RSA", None), "ES384": ("EC", "P-384")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

Jwk = dict[str, Any]


class Reach(Enum):
    """How far a key set may be fetched from."""

    INTERNET = auto()
    ANYWHERE = auto()  # also http, also our own machine and network: for trying things out


# --- reading and picking ---------------------------------------------------------------------------------------------


def read_key_set(text: str | bytes) -> list[Jwk]:
    """The keys of a JWK set (RFC 7517 5), unknown kinds included. Raises `NoKeys`, also where one is private."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise NoKeys("not JSON") from None
    if not _is_key_set(value):
        raise NoKeys("no list of keys")
    found: list[Jwk] = value["keys"]
    if any(_PRIVATE & key.keys() for key in found):
        raise NoKeys("a private key was published")
    return found


def _is_key_set(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("keys"), list)  # pyright: ignore[reportUnknownMemberType]
        and all(isinstance(key, dict) for key in value["keys"])  # pyright: ignore[reportUnknownVariableType]
    )


def pick(keys: list[Jwk], *, kid: str, algorithm: str) -> Jwk | None:
    """The one key with this identifier that fits the algorithm; None when there is none, or more than one."""
    kty, curve = KTY_OF[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kid") == kid
        and key.get("kty") == kty
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    ]
    return fitting[0] if len(fitting) == 1 else None


# --- fetching --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Kept:
    keys: list[Jwk]
    fetched: float
    until: float


@dataclass(slots=True)
class KeySets:
    """Fetched key sets, kept for as long as their owners allow and ten minutes at most."""

    reach: Reach
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    _failed: dict[str, float] = field(default_factory=dict[str, float])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, url: str, *, kid: str, algorithm: str) -> Jwk | None:
        """The client's key; asks again where a kept set lacks it, since keys rotate. Raises `NoKeys`."""
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get(url)
        if kept is not None and now < kept.until:
            found = pick(kept.keys, kid=kid, algorithm=algorithm)
            if found is not None or now < kept.fetched + AGAIN_AFTER:
                return found
        return pick(self._fetched(url, now), kid=kid, algorithm=algorithm)

    def _fetched(self, url: str, now: float) -> list[Jwk]:
        with self._lock:
            if now < self._failed.get(url, 0.0):
                raise NoKeys("it could not be fetched a moment ago")
        try:
            body, seconds = fetch(url, self.reach)
            keys = read_key_set(body)
        except NoKeys:
            with self._lock:
                self._failed[url] = time.monotonic() + FAILED_SECONDS
            raise
        with self._lock:
            self._kept[url] = _Kept(keys, now, now + seconds)
        return keys


def check_address(url: str, reach: Reach) -> SplitResult:
    """Raise `NoKeys` unless a key set may be registered at this address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NoKeys("not an address") from None
    schemes = {"https"} if reach is Reach.INTERNET else {"https", "http"}
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise NoKeys("the address is https, without user name and fragment")
    if reach is Reach.INTERNET and port not in {None, 443}:
        raise NoKeys("the address has the usual port")
    return parts


def fetch(url: str, reach: Reach) -> tuple[bytes, int]:
    """The body at `url`, and for how many seconds it may be kept. Raises `NoKeys`."""
    parts = check_address(url, reach)
    deadline = time.monotonic() + MOST_SECONDS
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=MOST_SECONDS)
    hanging_up = None
    try:
        connection.sock = _connected(parts.scheme, host, port, reach)
        hanging_up = _hang_up_later(connection.sock, deadline - time.monotonic())
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Accept": "application/json", "Accept-Encoding": "identity"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise NoKeys("the answer was not 200")
        return _body(answer, deadline), _kept_for(answer.headers.get("Cache-Control", ""))
    except (OSError, http.client.HTTPException, ValueError):
        raise NoKeys("the key set could not be fetched") from None
    finally:
        if hanging_up is not None:
            hanging_up.cancel()
        connection.close()


def _hang_up_later(line: socket.socket, seconds: float) -> threading.Timer:
    """Whoever sends an octet now and then would otherwise keep us waiting for ever: each one restarts the time-out."""

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, seconds), hang_up)
    timer.daemon = True
    timer.start()
    return timer


def _connected(scheme: str, host: str, port: int, reach: Reach) -> socket.socket:
    """A connection to the very address that was checked: a name that changes its mind gains nothing."""
    raw = socket.create_connection((_address(host, port, reach), port), timeout=MOST_SECONDS)
    if scheme == "http":
        return raw
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def _address(host: str, port: int, reach: Reach) -> str:
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found:
        raise NoKeys("no such host")
    if reach is Reach.INTERNET and not all(_is_open_internet(address) for address in found):
        raise NoKeys("the host is not on the open internet")
    return found[0]


def _is_open_internet(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and (
        inner := parsed.ipv4_mapped or parsed.sixtofour or _nat64(parsed)
    ):
        parsed = inner
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The address behind one of the well-known prefix (RFC 6052 2.1)."""
    inside = address in ipaddress.ip_network("64:ff9b::/96")
    return ipaddress.IPv4Address(address.packed[-4:]) if inside else None


def _body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    body = bytearray()
    while piece := answer.read1(8_192):
        body += piece
        if len(body) > MOST_OCTETS:
            raise NoKeys("the key set is too large")
    if time.monotonic() > deadline:
        raise NoKeys("the key set took too long")
    return bytes(body)


def _kept_for(cache_control: str) -> int:
    words = cache_control.lower()
    if "no-store" in words or "no-cache" in words:
        return 0
    named = re.search(r"max-age=(\d{1,9})", words)
    return min(int(named[1]) if named else KEPT_SECONDS, KEPT_SECONDS)
