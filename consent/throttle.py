"""How often the machine routes may be asked (docs/format.md 14). The counters are the vault's and name nobody."""

import threading
from dataclasses import dataclass, field

from vault.attempts import Limit, ahead, source_prefix, within
from vault.database import Services

PIXEL_SHARE = 200  # pictures counted as one: a scroll through a series costs no write for each, and may be quick
RESOURCES_AHEAD = 20  # resources counted at once, of the 600 a minute


def allow_token_request(services: Services, *, client_id: str, address: str) -> None:
    """Count a request to the token endpoint, by client and network. Raises `Wait`.

    By network too, because a client's name is no secret: else anyone could use up a site's requests from afar.
    """
    within(services, Limit.TOKEN, client_id, source_prefix(address))


def allow_registration(services: Services, *, address: str) -> None:
    """Count an app that registers itself, by network and in all. Raises `Wait`."""
    within(services, Limit.REGISTER, source_prefix(address))
    within(services, Limit.REGISTER_ALL, "")


@dataclass(slots=True)
class Meter:
    """Counts the uses of a token or session, `share` of them as one, and up to `ahead` of these before they come.

    What is counted ahead is remembered in this process: a use that finds some left writes nothing. So a process lets
    through at most `ahead` shares more than a minute allows, of those that it counted in the minute before; and where
    several processes have counted ahead, the limit is met by so many earlier.
    """

    share: int = 1
    ahead: int = 1
    _left: dict[bytes, int] = field(default_factory=dict[bytes, int])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allow(self, services: Services, caller: bytes) -> None:
        """Count one use. Raises `Wait` beyond 600 shares a minute."""
        with self._lock:
            left = self._left.get(caller, 0)
            if left > 0:
                self._left[caller] = left - 1
                return
            if len(self._left) > 10_000:
                self._left.clear()
        counted = ahead(services, Limit.API, caller, str(self.share), most=self.ahead)
        with self._lock:
            self._left[caller] = self._left.get(caller, 0) + counted * self.share - 1
