"""
Six digits that change every 30 seconds (RFC 6238), for the second factor of those who read other people's scans.

They protect against whoever has the password online; they open nothing and are worth nothing to a thief of the rows.
"""

import os
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_LENGTH: Final = 20  # octets, as RFC 4226 4 R6 recommends
DIGITS: Final = 6
STEP: Final = 30

_NEIGHBOURS: Final = (0, -1, 1)  # a clock may be one step off (RFC 6238 5.2)


def new_secret() -> bytes:
    """20 random octets to be shared with the app."""
    return os.urandom(SECRET_LENGTH)


def digits_at(secret: bytes, seconds: int, *, digits: int = DIGITS) -> str:
    """What the app shows `seconds` after 1970."""
    return _totp(secret, digits).generate(seconds).decode()


def matching_step(secret: bytes, typed: str, seconds: int) -> int | None:
    """The number of the step whose digits were typed, of this one and its two neighbours; None for none."""
    if not (len(typed) == DIGITS and typed.isascii() and typed.isdigit()):
        return None
    app = _totp(secret, DIGITS)
    matches = [step for step in (seconds // STEP + offset for offset in _NEIGHBOURS) if _shows(app, step, typed)]
    return matches[0] if matches else None


def _shows(app: TOTP, step: int, typed: str) -> bool:
    if step < 0:
        return False
    try:
        app.verify(typed.encode(), step * STEP)
    except InvalidToken:
        return False
    return True


def _totp(secret: bytes, digits: int) -> TOTP:
    # SHA-1 is what the apps know; HMAC asks no collision resistance of it.
    return TOTP(secret, digits, hashes.SHA1(), STEP)  # noqa: S303
