"""What somebody typed and has not finished: kept on the server, readable only with the cookie of their own browser.

One JSON value to a browser, by names: "claim" (PIN and birth date), "join", "share" (answers so far), "see" (a
doctor's code), "given" (a share code just made), "kit" (a recovery code just made), "kit_later" (the kit was put off),
"told" (one sentence for the next page), "back" and "pro_back" (where to go after signing in, for patients and for
providers), "typed" (what stood in the boxes of a page at a time-out).
"""

from __future__ import annotations

import json
from typing import Any

from flask import Response, g

from consent.cookies import DRAFT, Cookie
from consent.request import draft_secret, services, settings
from vault import openers

SECONDS = 3600
Kept = dict[str, Any]


def found(name: str) -> Kept:
    """What was kept under `name`, or an empty value."""
    value = _all().get(name)
    return value if isinstance(value, dict) else {}


def text(name: str) -> str:
    """A sentence or address kept under `name`, or ""."""
    value = _all().get(name)
    return value if isinstance(value, str) else ""


def take(name: str) -> str:
    """Like `text`, and it is gone afterwards."""
    value = text(name)
    if value:
        drop(name)
    return value


def keep(**values: Kept | str) -> None:
    """Keep these for an hour, beside what is there."""
    _write({**_all(), **values})


def keep_for(owner: bytes, **values: Kept) -> None:
    """The same for one person's eyes: who signs in next in this browser does not find it."""
    keep(**{name: {**value, "of": owner.hex()} for name, value in values.items()})


def found_for(owner: bytes, name: str) -> Kept:
    """What was kept under `name` for this person, or an empty value."""
    value = dict(found(name))
    return value if value.pop("of", "") == owner.hex() else {}


def drop(*names: str) -> None:
    """Forget what is kept under these names."""
    left = {name: value for name, value in _all().items() if name not in names}
    if left != _all():
        _write(left)


def drop_all() -> None:
    """Forget everything, as at signing out."""
    g.draft = {}
    with services().work() as work:
        openers.drop_draft(work, draft_secret())


def move(answer: Response) -> Response:
    """What is kept goes on under a new cookie, so that nobody who knew the old one reads what comes now."""
    values, cookie = _all(), Cookie(DRAFT, openers.new_secret())
    with services().work() as work:
        openers.drop_draft(work, draft_secret())
        if values:
            openers.keep_draft(work, cookie.octets(), json.dumps(values), SECONDS)
    cookie.put(answer, secure=settings().secure_cookies)
    return answer


def _all() -> Kept:
    if "draft" not in g:
        with services().reading() as work:
            kept = openers.draft(work, draft_secret())
        g.draft = json.loads(kept) if kept else {}
    return g.draft


def _write(values: Kept) -> None:
    with services().work() as work:
        openers.keep_draft(work, draft_secret(), json.dumps(values), SECONDS)
    g.draft = values
