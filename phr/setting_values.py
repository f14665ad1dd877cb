"""How the text of a setting becomes its value. Each raises `ValueError` with what is wrong, never with the value."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import available_timezones

KEY_OCTETS = 32
ROOMS = ("pages", "fhir", "dicomweb", "oauth")


def key(text: str) -> bytes:
    """32 random octets, as base64url."""
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64url") from None
    if len(octets) != KEY_OCTETS:
        raise ValueError(f"must hold {KEY_OCTETS} random octets as base64url")
    if len(set(octets)) < 8:
        raise ValueError("does not look random")
    return octets


def numbered_keys(text: str) -> dict[int, bytes]:
    """Keys by number, like "1:KEY,2:KEY"."""
    pairs = [one.partition(":") for one in text.split(",")]
    if not all(number.strip().isdecimal() and written for number, _, written in pairs):
        raise ValueError("must read like 1:KEY,2:KEY")
    return {int(number): key(written.strip()) for number, _, written in pairs}


def address(text: str) -> str:
    """A web address without a path; http on this machine only."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a web address like https://keepray.example")
    if parts.path.strip("/"):
        raise ValueError("must be an address without a path")
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("may be http only on this machine; everything else needs https")
    return text.rstrip("/")


def database(text: str) -> str:
    """SQLite in a file, or PostgreSQL."""
    if not text.startswith(("sqlite:///", "postgresql:", "postgresql+psycopg:")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return text


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(text)

    return read


def choice(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in {"yes", "no"}:
        raise ValueError("must be yes or no")
    return text.lower() == "yes"


def sheet(text: str) -> str:
    """A size of paper, as style sheets name it."""
    if text.lower() not in {"a4", "letter"}:
        raise ValueError("must be A4 or letter")
    return "A4" if text.lower() == "a4" else "letter"


def rooms(text: str) -> tuple[str, ...]:
    """Parts of the house, between commas."""
    rooms = tuple(room.strip() for room in text.split(","))
    if unknown := set(rooms) - set(ROOMS):
        raise ValueError(f"must be some of {','.join(ROOMS)}, not {','.join(sorted(unknown))}")
    return rooms


def zone(text: str) -> str:
    """A time zone of the IANA database."""
    if text not in available_timezones():
        raise ValueError("must be a time zone such as Europe/Madrid")
    return text


def mail_server(text: str) -> str:
    """A mail server and how to sign in to it."""
    parts = urlsplit(text)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("must read like smtp://name:password@host:587 (STARTTLS) or smtps://… (TLS)")
    return text


def mail_address(text: str) -> str:
    """An e-mail address."""
    if text.count("@") != 1 or text != text.strip() or any(mark in text for mark in "\r\n"):
        raise ValueError("must be an e-mail address")
    return text
