"""
The pages of a search: addresses that only whoever searched can use, and only for an hour.

The question itself lies sealed in the address, so that a name or a number that was searched for by POST is not written
into an address afterwards. A page begins at a resource, not at a number: what arrives meanwhile moves nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from consent.access import Access
from fhir_gateway.outcome import Issue, Refusal
from fhir_gateway.rest.question import Pairs, Question
from fhir_gateway.rest.shelf import Found
from vault.sealing import derive, suite
from vault.sealing.errors import Tampered
from vault.secrets import Secrets

Json = dict[str, Any]

LINKS_LAST: Final = timedelta(hours=1)
_LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Page:
    """Where in the answer to a question a page begins: at `offset`, which was the resource `first`."""

    used: Pairs = ()
    offset: int = 0
    first: str = ""

    def begins(self, found: Sequence[Found]) -> int:
        """Where it begins now."""
        for at, one in enumerate(found):
            if self.first and one.resource["id"] == self.first:
                return at
        return min(self.offset, len(found))


@dataclass(frozen=True, slots=True)
class Pages:
    """Makes and reads the addresses of one asker's pages. `whose` is the record and the sharing they see it under."""

    secrets: Secrets
    whose: bytes
    now: datetime

    def read(self, kind: str, text: str) -> Page:
        """Raises `Refusal` 404 for a link that is another asker's, of another type, too old, or none at all."""
        try:
            octets = urlsafe_b64decode(text[:_LONGEST] + "=" * (-len(text) % 4))
            told = orjson.loads(suite.unwrap(self._key, octets, "page", kind, self.whose))
        except (NotBase64, ValueError, Tampered):
            raise _no_such_page() from None
        if self.now.timestamp() > told["until"]:
            raise _no_such_page()
        return Page(tuple((name, value) for name, value in told["used"]), told["offset"], told["first"])

    def address(self, base: str, question: Question, found: Sequence[Found], offset: int) -> str:
        """The page that begins there."""
        first = str(found[offset].resource["id"]) if offset < len(found) else ""
        kind = question.kind.name
        return f"{base}/{kind}?_page={self.sealed(kind, Page(question.used, offset, first))}"

    def sealed(self, kind: str, page: Page) -> str:
        """A page of a type, or of what else has pages, as `read` reads it for the next hour."""
        until = int((self.now + LINKS_LAST).timestamp())
        told = {"used": page.used, "offset": page.offset, "first": page.first, "until": until}
        octets = suite.wrap(self._key, orjson.dumps(told), "page", kind, self.whose)
        return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")

    def around(self, base: str, question: Question, found: Sequence[Found], offset: int) -> dict[str, str]:
        """The relations of a page to its neighbours (RFC 8288: first, previous, next, last)."""
        size, total = question.count, len(found)
        if total <= size and not offset:
            return {}
        places = {"first": 0, "last": offset + (max(total - 1 - offset, 0) // size) * size}
        if offset:
            places["previous"] = max(offset - size, 0)
        if offset + size < total:
            places["next"] = offset + size
        return {relation: self.address(base, question, found, at) for relation, at in places.items()}

    @property
    def _key(self) -> bytes:
        return derive.page_key(self.secrets.index_key)


def whose(asker: Access) -> bytes:
    """Whom a page link is good for: the same record under the same sharing, with whatever token."""
    return b"".join((one.grant.grant_id if one.grant is not None else one.vault_id) or b"" for one in asker.each)


def _no_such_page() -> Refusal:
    return Refusal(404, Issue("not-found", "There is no such page."))
