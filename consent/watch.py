"""Watching over long answers: what opened them may end while they are being sent."""

from datetime import datetime, timedelta

from consent import sessions
from consent.access import Access
from consent.brought import brought_by
from consent.tokens import State
from vault import sharing
from vault.database import Services, Work
from vault.errors import Expired
from vault.limits import bounds_of_live

RECHECK = timedelta(seconds=5)


class Watch:
    """Asked between the pieces of a long answer; raises `Expired` five seconds after what opened it ended, at most."""

    def __init__(self, services: Services, access: Access) -> None:
        self._services, self._access = services, access
        self._asked: datetime = services.clock.now()

    def look(self) -> None:
        """Return while the access still opens what it did. Raises `Expired`."""
        now = self._services.clock.now()
        if now < self._asked + RECHECK:
            return
        self._asked = now
        with self._services.reading() as w:
            check_still_open(w, self._access)


def check_still_open(w: Work, opened: Access) -> None:
    """Raise `Expired` when the grant, the session or the token of an access has ended since."""
    if opened.token_id is not None:
        brought = brought_by(w, opened.token_id)
        if brought is None or brought.token.state not in {State.LIVE, State.ROTATED}:
            raise Expired
        if opened.grant is not None:
            bounds_of_live(w, brought.grant)
    elif opened.grant is not None:
        sharing.check_live(w, opened.grant.grant_id)
    if opened.session_id is not None and not sessions.is_there(w, opened.session_id):
        raise Expired
