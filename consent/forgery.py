"""Telling our own forms from others': a value from the cookie's secret, and where the browser says it came from."""

from hmac import compare_digest
from urllib.parse import urlsplit

from consent.errors import Forged
from consent.tokens import text_of
from vault.sealing import derive

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def token_for(secret: bytes) -> str:
    """What a form carries that belongs to the cookie with this secret (docs/format.md 9)."""
    return text_of(derive.session_csrf(secret))


def check_form(sent: str, secrets: list[bytes]) -> None:
    """Raise `Forged` unless what was sent belongs to one of the cookies that came with it."""
    if not sent or not any(compare_digest(sent.encode(), token_for(secret).encode()) for secret in secrets):
        raise Forged


def check_source(*, fetch_site: str | None, origin: str | None, base_url: str) -> None:
    """Raise `Forged` for a form that another site's page sent.

    A page that tells no referrer sends the origin "null" (Fetch, "append a request Origin header"), so `Sec-Fetch-Site`
    is asked first, and "null" alone decides nothing.
    """
    if fetch_site is not None:
        if fetch_site not in {"same-origin", "none"}:
            raise Forged
        return
    if origin not in {None, "null"} and origin != _origin(base_url):
        raise Forged


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
