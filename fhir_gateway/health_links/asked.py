"""What a receiver asks of a manifest, parsed at the door (SMART Health Links 1.0, manifest request)."""

import json
from dataclasses import dataclass, field
from typing import Any

from consent.health_links import LinkReader
from consent.tokens import octets_of
from fhir_gateway.errors import BadRequest
from vault.errors import NotThere

LONGEST_BODY = 65_536  # octets
LONGEST_WORD = 500  # characters


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who asks, and how long a file may be to come inside the manifest; None where the receiver leaves that to us."""

    reader: LinkReader = field(repr=False)
    longest_embedded: int | None = None


def wanted(body: bytes) -> Wanted:
    """The body of a manifest request. Raises `BadRequest`."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body must be a JSON object.") from None
    if not isinstance(said, dict):
        raise BadRequest("The body must be a JSON object.")
    longest = said.get("embeddedLengthMax")
    if longest is not None and (not isinstance(longest, int) or isinstance(longest, bool) or longest < 0):
        raise BadRequest("embeddedLengthMax must be a number of characters.")
    passcode = said.get("passcode") or ""
    if not isinstance(passcode, str):
        raise BadRequest("passcode must be text.")
    return Wanted(reader(said.get("recipient"), passcode), longest)


def reader(recipient: object, passcode: str = "") -> LinkReader:
    """Whoever opens the link, who must say who they are. Raises `BadRequest`."""
    if not isinstance(recipient, str) or not recipient.strip():
        raise BadRequest("recipient must say who opens the link.")
    if not _is_writable(recipient + passcode):
        raise BadRequest("recipient and passcode must be text.")
    return LinkReader(recipient[:LONGEST_WORD], passcode[:LONGEST_WORD])


def address(text: str) -> bytes:
    """The 32 octets of an address. Raises `NotThere` for what is none: a wrong address and a dead one look alike."""
    found = octets_of(text)
    if found is None:
        raise NotThere
    return found


def _is_writable(text: str) -> bool:
    """Whether it is Unicode at all: JSON may carry halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
