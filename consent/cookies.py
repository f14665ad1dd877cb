"""The cookies: one for each area, and one for forms before sign-in. Each carries 32 random octets and nothing else.

Their names begin with `__Host-`, so that no other host can set them; on plain http of the own machine, where browsers
refuse that, the names lose it.
"""

from dataclasses import dataclass

from flask import Request, Response

from consent.errors import Area
from consent.tokens import octets_of, text_of
from vault.sealing.unprintable import Unprintable

DRAFT = "draft"
_NAMES = {Area.PATIENT.value: "phr", Area.PROVIDER.value: "phr-pro", Area.GUEST.value: "phr-guest", DRAFT: "phr-draft"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Cookie(Unprintable):
    """A cookie to be set: what it is for, and its octets."""

    what: str
    _secret: bytes

    def octets(self) -> bytes:
        """The 32 octets."""
        return self._secret

    def put(self, response: Response, *, secure: bool) -> None:
        """After this the answer gives the browser this cookie, until the browser is closed."""
        response.set_cookie(
            _name(self.what, secure=secure),
            text_of(self._secret),
            secure=secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )


def read(request: Request, what: str, *, secure: bool) -> bytes | None:
    """The octets of the cookie the browser sent; None where there is none."""
    text = request.cookies.get(_name(what, secure=secure))
    return None if text is None else octets_of(text)


def clear(response: Response, what: str, *, secure: bool) -> None:
    """After this the browser forgets the cookie."""
    response.delete_cookie(_name(what, secure=secure), path="/", secure=secure, httponly=True, samesite="Lax")


def _name(what: str, *, secure: bool) -> str:
    return ("__Host-" if secure else "") + _NAMES[what]
