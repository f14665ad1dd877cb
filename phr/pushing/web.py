"""Talks to the server: one connection a request, tries again where that can help, and keeps a token that is good.

Tried again: connections that break, 408, 429, 502, 503, 504. `Retry-After` is honoured (RFC 9110 10.2.3), else the
pause doubles. Everything we send is idempotent, so trying again makes no duplicates.
"""

import contextlib
import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from consent.assertion import client_assertion
from phr.pushing import NotLetIn, Refused, Unreachable
from phr.pushing.config import SiteConfig

SECONDS = 120  # without any octet from the server
TRIES = 8
LONGEST_PAUSE = 60.0
MOST_ANSWER = 64 << 20
RENEW_BEFORE = 60  # seconds a token must still be good for when a request begins
AGAIN = {408, 429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; an empty object where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class Order:
    """A request that can be made again: `body` gives its octets anew each time."""

    method: str
    url: str
    headers: Mapping[str, str]
    length: int
    body: Callable[[], Iterable[bytes]] = field(repr=False)


class Web:
    """The way to one server, as one site. `wait` pauses; `tell` hears, in words, why we wait."""

    def __init__(
        self,
        config: SiteConfig,
        *,
        wait: Callable[[float], None] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._config, self._wait, self._tell = config, wait or time.sleep, tell
        self._token, self._good_until = "", 0.0

    def send(self, order: Order) -> Answer:
        """The answer to an order made with our token; a token refused is renewed once. Raises `PushError`."""
        for renewed in (False, True):
            answer = self._tried(lambda: _exchange(order, self._bearer()))
            if answer.status != 401:
                return answer
            self._token = ""
            if renewed:
                break
        raise NotLetIn("The server does not take our token: is the site switched off?")

    def post_json(self, url: str, body: Any, *, media_type: str = "application/fhir+json") -> Answer:
        """The answer to a JSON body."""
        octets = json.dumps(body).encode()
        headers = {"Content-Type": media_type, "Accept": media_type}
        return self.send(Order("POST", url, headers, len(octets), lambda: (octets,)))

    def _bearer(self) -> str:
        if not self._token or time.monotonic() > self._good_until - RENEW_BEFORE:
            self._token, seconds = self._new_token()
            self._good_until = time.monotonic() + seconds
        return self._token

    def _new_token(self) -> tuple[str, int]:
        """A token of the client-credentials grant (SMART App Launch 2.2, backend services)."""
        answer = self._tried(lambda: _exchange(self._token_order(), None))
        said = answer.json()
        if answer.status != 200 or not isinstance(said.get("access_token"), str):
            reason = said.get("error_description") or said.get("error") or f"status {answer.status}"
            raise NotLetIn(f"The server gives us no token: {reason}. Are client_id and key the registered ones?")
        return said["access_token"], int(said.get("expires_in") or 60)

    def _token_order(self) -> Order:
        # Made anew for each try: an assertion is good once.
        assertion = client_assertion(
            self._config.key, client_id=self._config.client_id, audience=self._config.token_url
        )
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "scope": self._config.scopes,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            }
        ).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return Order("POST", self._config.token_url, headers, len(form), lambda: (form,))

    def _tried(self, attempt: Callable[[], Answer]) -> Answer:
        pause, reason = 1.0, ""
        for left in reversed(range(TRIES)):
            try:
                answer = attempt()
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, ssl.SSLCertVerificationError):
                    raise Unreachable("The server's certificate is not one we trust.") from None
                reason, seconds = "the server cannot be reached", pause
            else:
                if answer.status not in AGAIN:
                    return answer
                reason, seconds = f"the server is busy ({answer.status})", _asked_pause(answer, pause)
            if left:
                self._tell(f"{reason}, trying again in {seconds:.0f} s")
                self._wait(seconds + random.uniform(0, seconds / 4))  # noqa: S311  spreads senders, no secret
                pause = min(pause * 2, LONGEST_PAUSE)
        raise Unreachable(f"Given up after {TRIES} tries: {reason}. What was taken stays; run the same again later.")


def _asked_pause(answer: Answer, otherwise: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), 600.0) if asked.isdecimal() else otherwise


def _exchange(order: Order, token: str | None) -> Answer:
    parts = urlsplit(order.url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {**order.headers, "Content-Length": str(order.length)}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        # A server that refuses may answer and close before it has all of it: the answer is worth reading.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(order.method, target, body=order.body(), headers=headers)
        got = connection.getresponse()
        return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read(MOST_ANSWER))
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=SECONDS)


def check_taken(answer: Answer, what: str) -> None:
    """Raise `NotLetIn` or `Refused`, with the server's words, unless the answer says that it was done."""
    if answer.status < 300:
        return
    words = said_in(answer)
    if answer.status == 403:
        raise NotLetIn(f"The server does not let us {what}: {words}")
    raise Refused(f"The server did not {what} ({answer.status}): {words}", answer.status)


def said_in(answer: Answer) -> str:
    """The sentences of an OperationOutcome, or of an error of another kind."""
    said = answer.json()
    if isinstance(said, dict) and isinstance(said.get("issue"), list):
        return " ".join(_sentence(issue) for issue in said["issue"] if isinstance(issue, dict))[:1000]
    if isinstance(said, dict):
        return str(said.get("error_description") or said.get("error") or said.get("message") or "it gave no reason")
    return "it gave no reason"


def _sentence(issue: dict[str, Any]) -> str:
    words = str(issue.get("diagnostics") or (issue.get("details") or {}).get("text") or issue.get("code") or "")
    places = ", ".join(str(one) for one in issue.get("expression") or [])
    return f"{words} ({places})" if places else words
