"""One request: its services, its units of work, and who is asking.

Everything a route needs of this room stands here. `access()` answers what the route's guard (`consent.guards`) found
out; a route never asks before a guard has.
"""

from typing import cast

from flask import g

from consent.access import Access
from consent.asking import cookie_of, signed_in
from consent.deployment import kept, reading, services, settings, source, this_device, work
from consent.errors import Unguarded
from consent.forms import (
    clear_cookie,
    csrf_token,
    draft_secret,
    safe_return,
    set_cookie,
    sign_in_address,
)
from consent.watch import Watch

__all__ = [
    "access",
    "accesses",
    "clear_cookie",
    "cookie_of",
    "csrf_token",
    "draft_secret",
    "kept",
    "reading",
    "remember",
    "safe_return",
    "services",
    "set_cookie",
    "settings",
    "sign_in_address",
    "signed_in",
    "source",
    "this_device",
    "watch",
    "work",
]


def access() -> Access:
    """Who is asking, as the route's guard found out. Raises `Unguarded` on a route whose guard asked nobody."""
    found = g.get("access")
    if found is None:
        raise Unguarded
    return cast("Access", found)


def accesses() -> tuple[Access, ...]:
    """The single accesses `access()` is made of: one for each grant of a provider, else just the one."""
    return access().each


def remember(found: Access) -> Access:
    """From now on `access()` answers this."""
    g.access = found
    return found


def watch(opened: Access) -> Watch:
    """A watch over an answer that is streamed after the request's own checks."""
    return Watch(services(), opened)
