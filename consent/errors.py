"""What can go wrong in consent, named for what happened.

ConsentError
├── SignInNeeded            nobody is signed in where someone must be; carries the area
│   └── FreshSignInNeeded   the last time they showed who they are is too long ago for this
├── TokenRefused            the bearer token opens nothing: unknown, run out, ended, for something else
│   └── TokenReused         a code or refresh token came a second time; its family has been ended
├── ClientRefused           the client is not who it says, or does not say it rightly
├── SharingEnded            a guest's or provider's sharing has ended
├── Refused                 known, and not allowed
│   ├── ScopeTooSmall       the scopes at hand do not cover this; carries what would
│   ├── CopyNotAllowed      the patient allowed looking, not saving
│   ├── RightMissing        the client was not given this right when it was registered
│   └── NotYours            only the patient does this
├── Ambiguous               two answers to "who is asking", or a secret where none may stand
├── Forged                  a form that was not sent from our own page
├── Unguarded               a route without a guard: our own mistake
├── BadScope                not a scope
├── BadClient               a client that cannot be registered so; `reason` says why
│   └── BadRegistration     the same of an app that registers itself; carries RFC 7591's word
├── UnknownClient           no such client, or it was switched off
├── PasskeyRefused          a device's answer that counts for nothing; why is not told
├── NotAttested             a signed statement that no known key proves, or of another kind
└── NoKeys                  the client's key set could not be fetched or read
"""

from enum import StrEnum


class Area(StrEnum):
    """Where someone is signed in. Each area has its own cookie, and no cookie counts in two."""

    PATIENT = "patient"
    PROVIDER = "provider"
    GUEST = "guest"


class ConsentError(Exception):
    """The root of all that this room raises; the text is ours and holds no secret."""


class SignInNeeded(ConsentError):
    """Nobody is signed in to `area`."""

    def __init__(self, area: Area) -> None:
        super().__init__("sign in first")
        self.area = area


class FreshSignInNeeded(SignInNeeded):
    """They must show again who they are before this."""


class TokenRefused(ConsentError):
    """The bearer token opens nothing. Why is not told (RFC 6750 3.1)."""


class TokenReused(TokenRefused):
    """A code or refresh token came a second time; all that came of it has been ended, which must be kept."""


class ClientRefused(ConsentError):
    """The client is not who it says it is. `reason` is for its developer and tells nothing about other clients."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SharingEnded(ConsentError):
    """The sharing through which a guest or provider looked has ended, or ran out."""


class Refused(ConsentError):
    """Known, and not allowed."""


class ScopeTooSmall(Refused):
    """The scopes at hand do not cover this. `needed` is what would, in words a client may be told."""

    def __init__(self, needed: str) -> None:
        super().__init__("the scopes do not cover this")
        self.needed = needed


class CopyNotAllowed(Refused):
    """The patient allowed looking at it, not saving it."""


class RightMissing(Refused):
    """The client was not given this right (push, claims, introspect) when it was registered."""

    def __init__(self, right: str) -> None:
        super().__init__(f"the client has no right to {right}")
        self.right = right


class NotYours(Refused):
    """Only the patient, signed in, does this."""


class Ambiguous(ConsentError):
    """The request says in two ways who is asking, or carries a secret where none may stand."""


class Forged(ConsentError):
    """The form was not sent from our own page, or from one that is too old."""


class Unguarded(ConsentError):
    """A route that says nothing about who may use it. It answers nobody."""


class BadScope(ConsentError):
    """Not a scope of SMART's grammar."""


class BadClient(ConsentError):
    """The client cannot be registered so; `reason` is for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadRegistration(BadClient):
    """An app cannot register itself so. `error` is RFC 7591's word for it, `reason` is for its developer."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error


class UnknownClient(ConsentError):
    """No such client, or it was switched off."""


class PasskeyRefused(ConsentError):
    """What a device answered was not signed by a passkey we know, or not for this page, this challenge, this person."""

    def __init__(self) -> None:
        super().__init__("the passkey does not count here")


class NotAttested(ConsentError):
    """A statement that none of the known keys signed, or of another kind than was asked for."""


class NoKeys(ConsentError):
    """The client's keys could not be fetched or read. `reason` is ours, never what the other side sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
