"""One connection to the server, kept open between requests, and the patience for when it breaks.

Tried again: connections that break, 408, 429, 502, 503, 504. `Retry-After` is honoured (RFC 9110 10.2.3), else the
pause doubles. An answer is read while it comes; redirects are not followed, so that a token goes to one host alone.
"""

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from phr.pulling import BrokeOff, WrongAddress

SECONDS = 120  # without any octet from the server
TRIES = 8
LONGEST_PAUSE = 60.0
LONGEST_ASKED = 600.0
MOST_ANSWER = 64 << 20
AGAIN = {408, 429, 502, 503, 504}
BROKEN = (OSError, http.client.HTTPException)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Interruption(Exception):
    """This try came to nothing, the next one may not. `seconds` is what the server asked us to wait."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; an empty object where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def words(self) -> str:
        """The sentence in a refusal, in whichever of the three forms it was told; empty where there is none."""
        said = self.json()
        if not isinstance(said, dict):
            return ""
        issues = [one for one in said.get("issue") or [] if isinstance(one, dict)]
        told = " ".join(str((one.get("details") or {}).get("text") or "") for one in issues)
        return told or str(said.get("error_description") or said.get("title") or "")


class Patience:
    """Waits longer each time, and gives up after eight tries without anything gained."""

    def __init__(self, wait: Callable[[float], None], tell: Callable[[str], None]) -> None:
        self._wait, self._tell = wait, tell
        self.went_well()

    def went_well(self) -> None:
        """Something was gained: the count begins anew."""
        self._left, self._pause = TRIES, 1.0

    def failed(self, interruption: Interruption) -> None:
        """Wait before the next try. Raises `BrokeOff` when there is none."""
        self._left -= 1
        if not self._left:
            raise BrokeOff(f"Given up after {TRIES} tries: {interruption}. Run the same again later; it goes on.")
        seconds = self._pause if interruption.seconds is None else min(interruption.seconds, LONGEST_ASKED)
        self._tell(f"{interruption}, trying again in {seconds:.0f} s")
        self._wait(seconds + random.uniform(0, seconds / 4))  # noqa: S311  spreads askers, no secret
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


class Web:
    """The way to one server."""

    def __init__(
        self,
        base: str,
        *,
        wait: Callable[[float], None] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.base = base_of(base)
        self._wait, self._tell = wait or time.sleep, tell
        self._connection: http.client.HTTPConnection | None = None

    def patience(self) -> Patience:
        """For one piece of work."""
        return Patience(self._wait, self._tell)

    def get(self, url: str, accept: str, token: str = "") -> Answer:
        """The whole answer. Raises `BrokeOff`."""
        patience = self.patience()
        while True:
            try:
                return self.tried("GET", url, {"Accept": accept}, token=token)
            except Interruption as interruption:
                patience.failed(interruption)

    def post(self, url: str, form: Mapping[str, str]) -> Answer:
        """The whole answer to a form, sent once. Raises `Interruption`."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return self.tried("POST", url, headers, body=urlencode(form).encode())

    def tried(
        self, method: str, url: str, headers: Mapping[str, str], *, body: bytes | None = None, token: str = ""
    ) -> Answer:
        """The whole answer at one try. Raises `Interruption`."""
        got = self.open(method, url, headers, body=body, token=token)
        try:
            octets = got.read(MOST_ANSWER)
            if not got.isclosed():
                self.close()
        except BROKEN:
            self.close()
            raise Interruption("the connection broke") from None
        return Answer(got.status, _headers(got), octets)

    def open(
        self, method: str, url: str, headers: Mapping[str, str], *, body: bytes | None = None, token: str = ""
    ) -> http.client.HTTPResponse:
        """The answer as it begins; the caller reads it to its end, or calls `close`. Raises `Interruption`."""
        sent = {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            connection = self._open_connection()
            connection.request(method, self._target(url), body=body, headers=sent)
            got = connection.getresponse()
        except ssl.SSLCertVerificationError:
            self.close()
            raise BrokeOff("The server's certificate is not one we trust.") from None
        except BROKEN:
            self.close()
            raise Interruption("the server cannot be reached") from None
        if got.status in AGAIN:
            asked = got.headers.get("Retry-After", "")
            self.close()
            raise Interruption(f"the server is busy ({got.status})", float(asked) if asked.isdecimal() else None)
        return got

    def close(self) -> None:
        """The connection is gone; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open_connection(self) -> http.client.HTTPConnection:
        if self._connection is None:
            parts = urlsplit(self.base)
            host, port = parts.hostname or "", parts.port
            if parts.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
        return self._connection

    def _target(self, url: str) -> str:
        """The path and question of an address of this server. Raises `WrongAddress` for any other's."""
        if not url.startswith(f"{self.base}/"):
            raise WrongAddress("The server names an address that is not its own.")
        return url[len(self._origin) :]

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"


def base_of(address: str) -> str:
    """The address without a slash at its end. Raises `WrongAddress`: but on loopback, all goes over TLS."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return address.rstrip("/")
    raise WrongAddress(f"{address} is not https.")


def _headers(got: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in got.getheaders()}
