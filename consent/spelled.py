"""How 32 secret octets are written in a token or a cookie: one text for each, and no other is read."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

LENGTH = 43  # characters of 32 octets in base64url without padding


def text_of(secret: bytes) -> str:
    """Octets in base64url without padding; 32 of them are 43 characters."""
    return urlsafe_b64encode(secret).rstrip(b"=").decode()


def octets_of(text: str) -> bytes | None:
    """The reverse; None unless `text` is exactly what `text_of` writes."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        secret = urlsafe_b64decode(text + "=")
    except (NotBase64, ValueError):
        return None
    return secret if text_of(secret) == text else None
