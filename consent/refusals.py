"""What a machine is told when it is refused: one table for status, code and challenge (RFC 6750 3, FHIR issue types).

Each protocol writes it in its own form: an OperationOutcome, a DICOMweb text, an OAuth error. Pages say it in words of
their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from consent.errors import (
    Ambiguous,
    ConsentError,
    CopyNotAllowed,
    Forged,
    FreshSignInNeeded,
    NotYours,
    RightMissing,
    ScopeTooSmall,
    SharingEnded,
    SignInNeeded,
    TokenRefused,
    Unguarded,
)
from vault.errors import Expired, NoKey, NotThere, StoreAway, Wait
from vault.sealing.errors import Busy


@dataclass(frozen=True, slots=True)
class Refusal:
    """Status, FHIR issue code, the words for it; the value of WWW-Authenticate and the seconds of Retry-After."""

    status: int
    issue: str
    words: str
    challenge: str | None = None
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that belong to it."""
        found = {"WWW-Authenticate": self.challenge, "Retry-After": self.retry_after}
        return {name: str(value) for name, value in found.items() if value is not None}


_OPENS_NOTHING = 'Bearer error="invalid_token"'
_TABLE: Mapping[type[Exception], Refusal] = {
    FreshSignInNeeded: Refusal(403, "login", "Show again who you are, then repeat this. Code: step-up-needed."),
    SignInNeeded: Refusal(401, "login", "This needs an access token.", "Bearer"),
    TokenRefused: Refusal(401, "expired", "The access token opens nothing.", _OPENS_NOTHING),
    SharingEnded: Refusal(401, "expired", "The sharing has ended.", _OPENS_NOTHING),
    Expired: Refusal(401, "expired", "The sharing has ended.", _OPENS_NOTHING),
    ScopeTooSmall: Refusal(403, "forbidden", "The access token does not cover this."),
    CopyNotAllowed: Refusal(403, "forbidden", "The patient allowed looking, not saving a copy."),
    RightMissing: Refusal(403, "forbidden", "This client was not given the right to do this."),
    NotYours: Refusal(403, "forbidden", "Only the patient does this."),
    Forged: Refusal(403, "security", "The request was not sent from our own page."),
    Ambiguous: Refusal(400, "invalid", "Send one access token, in the Authorization header and nowhere else."),
    NotThere: Refusal(404, "not-found", "There is no such thing here."),
    NoKey: Refusal(404, "not-found", "There is no such thing here."),
    Wait: Refusal(429, "throttled", "Too many requests."),
    Busy: Refusal(503, "transient", "Too much at once."),
    StoreAway: Refusal(503, "transient", "The record does not answer now."),
    Unguarded: Refusal(500, "exception", "This route is not open."),
}


def refusal_of(error: Exception) -> Refusal | None:
    """What a machine is told of this error; None where the error is no refusal."""
    for kind in type(error).__mro__:
        found = _TABLE.get(kind)
        if found is not None:
            return _with_details(found, error)
    return Refusal(403, "forbidden", "This is not allowed.") if isinstance(error, ConsentError) else None


def _with_details(found: Refusal, error: Exception) -> Refusal:
    if isinstance(error, ScopeTooSmall):
        needed = error.needed.replace('"', "")
        challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
        return Refusal(found.status, found.issue, found.words, challenge)
    if isinstance(error, Wait):
        return Refusal(found.status, found.issue, found.words, retry_after=error.seconds)
    if isinstance(error, Busy | StoreAway):
        return Refusal(found.status, found.issue, found.words, retry_after=error.retry_after)
    return found


REFUSALS: tuple[type[Exception], ...] = (*_TABLE, ConsentError)
