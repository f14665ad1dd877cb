"""Getting in: a code becomes tokens (an extension grant, RFC 6749 4.5), tokens are renewed and given back."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from consent.oauth.discovery import SHARE_CODE
from consent.ready_made import PULL
from phr.pulling import BrokeOff, Ended, NotLetIn, WrongAddress
from phr.pulling.keeping import Kept, Tokens, mark_of
from phr.pulling.web import Answer, Interruption, Web

SCOPES = "offline_access patient/*.rs"
RENEW_BEFORE = 60  # seconds an access token must still be good for when a request begins
ENDED = "The sharing has ended. Ask the patient for another code."


class Way:
    """The way in to what one code opens."""

    def __init__(self, web: Web, kept: Kept, tokens: Tokens, said: dict[str, Any]) -> None:
        self.web, self._kept, self._tokens, self._said = web, kept, tokens, said

    @classmethod
    def by_code(cls, web: Web, kept: Kept, code: str, *, name: str = "", clinic: str = "") -> "Way":
        """The code is spent and what came of it is kept. Raises `NotLetIn`, `WrongAddress`, `BrokeOff`."""
        said = _server(web)
        form = {"grant_type": SHARE_CODE, "client_id": PULL, "code": code, "scope": SCOPES}
        form |= {word: value for word, value in (("name", name), ("clinic", clinic)) if value}
        answer = _sent_once(lambda: web.post(said["token_endpoint"], form))
        if answer.status != 200:
            raise NotLetIn(answer.words() or f"The server does not take the code (status {answer.status}).")
        tokens = _tokens(web.base, mark_of(code), answer.json())
        kept.write(tokens)
        return cls(web, kept, tokens, said)

    @classmethod
    def kept(cls, web: Web, kept: Kept, tokens: Tokens) -> "Way":
        """As an earlier run left it."""
        return cls(web, kept, tokens, _server(web))

    @property
    def patient(self) -> str:
        """The FHIR id of the patient."""
        return self._tokens.patient

    def token(self) -> str:
        """An access token that is good for a while. Raises `Ended`, `BrokeOff`."""
        if time.time() > self._tokens.until - RENEW_BEFORE:
            self._renew()
        return self._tokens.access_token

    def refused(self) -> None:
        """The server does not take the token: the next one is new."""
        self._tokens = replace(self._tokens, until=0.0)

    def get(self, url: str, accept: str) -> Answer:
        """The whole answer. Raises `Ended`, `BrokeOff`."""
        answer = self.web.get(url, accept, self.token())
        if answer.status == 401:
            self.refused()
            answer = self.web.get(url, accept, self.token())
        if answer.status == 401:
            raise Ended(ENDED)
        return answer

    def give_back(self) -> None:
        """The tokens open nothing any more, here and at the server; where it cannot be told, they run out there."""
        self._kept.forget()
        form = {"token": self._tokens.refresh_token or self._tokens.access_token, "client_id": PULL}
        try:
            self.web.post(self._said["revocation_endpoint"], form)
        except (Interruption, BrokeOff, WrongAddress):
            return

    def _renew(self) -> None:
        if not self._tokens.refresh_token:
            raise Ended("The time of this pull has run out. Ask the patient for another code.")
        form = {"grant_type": "refresh_token", "client_id": PULL, "refresh_token": self._tokens.refresh_token}
        patience = self.web.patience()
        while True:
            try:
                answer = self.web.post(self._said["token_endpoint"], form)
                break
            except Interruption as interruption:  # the server forgives a repetition within seconds
                patience.failed(interruption)
        if answer.status != 200:
            raise Ended(ENDED)
        self._tokens = _tokens(self.web.base, self._tokens.code, answer.json())
        self._kept.write(self._tokens)


def _server(web: Web) -> dict[str, Any]:
    """What the server says of itself (RFC 8414). Raises `WrongAddress` where it is another, or none of ours."""
    answer = web.get(f"{web.base}/.well-known/oauth-authorization-server", "application/json")
    said = answer.json()
    if answer.status != 200 or not isinstance(said, dict) or SHARE_CODE not in said.get("grant_types_supported", []):
        raise WrongAddress(f"{web.base} is no server that takes patients' codes.")
    if said.get("issuer") != web.base:
        raise WrongAddress(f"The server calls itself {said.get('issuer')}: give that with --from.")
    return said


def _sent_once(send: Callable[[], Answer]) -> Answer:
    """A code is good once: whether it was taken cannot be found out by sending it again."""
    try:
        return send()
    except Interruption as interruption:
        if interruption.seconds is not None:
            raise BrokeOff(f"Too many tries: wait {interruption.seconds:.0f} s. The code is not used up.") from None
        raise BrokeOff(
            f"The code was sent, and {interruption}. Try once more; if it is used up, ask the patient for another."
        ) from None


def _tokens(base: str, code: str, said: dict[str, Any]) -> Tokens:
    return Tokens(
        base=base,
        code=code,
        patient=str(said.get("patient") or ""),
        access_token=str(said["access_token"]),
        refresh_token=str(said.get("refresh_token") or ""),
        until=time.time() + int(said.get("expires_in") or 60),
    )
