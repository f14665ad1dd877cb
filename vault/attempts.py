"""How often something may be tried, counted before it is tried (docs/format.md 4.2, 14).

A try is counted in a transaction of its own before the slow work begins and given back when it succeeds, so that
guesses made at the same moment cannot outrun the counter. Counters are found by an index that names no one.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from vault.database import Services, Work
from vault.errors import Wait
from vault.joined import table_of
from vault.plain import Told, passing
from vault.rows import changed_rows, insert_unless_there
from vault.sealing import derive
from vault.tables_sharing import CounterRow

_DAY = 86_400


class Limit(StrEnum):
    """What is counted, and under what: named with its first word, keyed by the words that follow."""

    LOGIN = "login"  # login index
    LOGIN_SOURCE = "login source"  # address prefix
    CLAIM_SLIP = "claim slip"  # locator, account
    CLAIM_ACCOUNT = "claim account"  # account
    CLAIM_SOURCE = "claim source"  # address prefix
    CODE_SOURCE = "code source"  # address prefix
    CODE_GUESS = "code guess"  # locator
    HEALTH_LINK = "health link"  # link
    SIGN_UP = "sign up"  # address prefix
    MAIL_CODE = "mail code"  # account
    TOKEN = "token"  # noqa: S105  client
    REGISTER = "register"  # address prefix
    REGISTER_ALL = "register all"  # everybody
    API = "api"  # token, session or client
    SECOND_FACTOR = "second factor"  # account
    RECOVERY = "recovery"  # login index
    FIND_PROVIDER = "find provider"  # account


@dataclass(frozen=True, slots=True)
class Pace:
    """`tries` in `seconds`; or, where `longest` is given, `tries` at once and then one after a delay that doubles.

    The delay begins with `seconds` and ends at `longest`; at `rests_at` tries nothing more is let through until a
    success (of another way in) gives the tries back.
    """

    tries: int
    seconds: int
    longest: int | None = None
    rests_at: int | None = None


PACES: dict[Limit, Pace] = {
    Limit.LOGIN: Pace(5, 5, longest=900, rests_at=100),
    Limit.LOGIN_SOURCE: Pace(100, 3600),
    Limit.CLAIM_SLIP: Pace(10, 900, longest=_DAY),
    Limit.CLAIM_ACCOUNT: Pace(30, _DAY),
    Limit.CLAIM_SOURCE: Pace(20, 3600),
    Limit.CODE_SOURCE: Pace(10, 3600),
    Limit.CODE_GUESS: Pace(10, _DAY),
    Limit.HEALTH_LINK: Pace(60, 60),
    Limit.SIGN_UP: Pace(5, 3600),
    Limit.MAIL_CODE: Pace(3, 3600),
    Limit.TOKEN: Pace(60, 60),
    Limit.REGISTER: Pace(20, 3600),
    Limit.REGISTER_ALL: Pace(1_000, _DAY),
    Limit.API: Pace(600, 60),
    Limit.SECOND_FACTOR: Pace(5, 15, longest=900),
    Limit.RECOVERY: Pace(5, 5, longest=900),
    Limit.FIND_PROVIDER: Pace(20, 3600),
}

_REST = timedelta(days=30)

_COUNTERS = table_of(CounterRow)
_MINE = _COUNTERS.c.id == sa.bindparam("key")
_BEGIN = {
    on_sqlite: Told((sqlite if on_sqlite else postgresql).insert(_COUNTERS).on_conflict_do_nothing())
    for on_sqlite in (True, False)
}
_COUNTED = Told(sa.select(_COUNTERS.c.count, _COUNTERS.c.since, _COUNTERS.c.until).where(_MINE).with_for_update())
_COUNT = Told(
    sa.update(_COUNTERS)
    .where(_MINE)
    .values(count=sa.bindparam("counted"), since=sa.bindparam("began"), until=sa.bindparam("ends"))
)

Try = tuple[Limit, *tuple[bytes | str, ...]]


def spend(services: Services, limit: Limit, *who: bytes | str) -> int:
    """The try is counted and committed; answers how many are left after it. Raises `Wait`, which counts nothing."""
    return spend_all(services, (limit, *who))[limit]


def spend_all(services: Services, *tries: Try) -> dict[Limit, int]:
    """One try is counted under each limit, or under none (`Wait`). Answers how many are left of each after it."""
    # One order for all, so that two at once never wait for each other.
    keyed = sorted((_key(services, one), one[0]) for one in tries)
    with services.work() as work:
        return {limit: _spend(work, key, PACES[limit]) for key, limit in keyed}


def credit(services: Services, limit: Limit, *who: bytes | str) -> None:
    """The try succeeded: it is given back, and with a growing delay all before it are forgotten."""
    credit_all(services, (limit, *who))


def credit_all(services: Services, *tries: Try) -> None:
    """Like `credit`, for each of them."""
    keyed = sorted((_key(services, one), one[0]) for one in tries)
    with services.work() as work:
        for key, limit in keyed:
            _credit(work, key, PACES[limit])


def within(services: Services, limit: Limit, *who: bytes | str) -> None:
    """Counts a use that has no success to give back. Raises `Wait` beyond the limit."""
    spend(services, limit, *who)


def ahead(services: Services, limit: Limit, *who: bytes | str, most: int) -> int:
    """Counts up to `most` uses before they come, and answers how many the limit left: at least one. Raises `Wait`.

    Only for limits without a growing delay: there, each use is weighed by itself.
    """
    database, now, pace = services.database, services.clock.now(), PACES[limit]
    key = _key(services, (limit, *who))
    with passing(database) as hand:
        found = hand.ask(_COUNTED, key=key)
        while not found:  # nor after it was begun, where the sweep took it away meanwhile
            hand.do(_BEGIN[database.is_sqlite], id=key, count=0, since=now, until=now)
            found = hand.ask(_COUNTED, key=key)
        count, since, until = found[0]
        if now >= until:
            count, since = 0, now
        counted = min(pace.tries - count, most)
        if counted < 1:
            raise Wait(_seconds(until - now))
        ends = since + timedelta(seconds=pace.seconds)
        hand.do(_COUNT, key=key, counted=count + counted, began=since, ends=ends)
    return counted


def source_prefix(address: str) -> str:
    """The network an address belongs to as far as limits care: /24 of IPv4, /56 of IPv6.

    A prefix stays as it is; what is no address at all has one limit together, named "".
    """
    try:
        parsed = ipaddress.ip_interface(address).ip
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 56), strict=False))


def prune(work: Work) -> int:
    """Counters that no longer limit anything are gone. Answers how many went."""
    return changed_rows(work.session, sa.delete(CounterRow).where(CounterRow.until <= work.now))


def _key(services: Services, one: Try) -> bytes:
    limit, *who = one
    return derive.counter_index(services.secrets.index_key, limit.value, *who)


def _spend(work: Work, key: bytes, pace: Pace) -> int:
    row = _locked(work, key)
    if work.now >= row.until:
        row.count, row.since = 0, work.now
    wait = _wait(row, pace, work.now)
    if wait > 0:
        raise Wait(wait)
    row.count += 1
    if pace.longest is None:
        row.until = row.since + timedelta(seconds=pace.seconds)
    else:
        rests = pace.rests_at is not None and row.count >= pace.rests_at
        row.since = work.now
        row.until = work.now + (_REST if rests else timedelta(seconds=max(_DAY, 2 * pace.longest)))
    return max(0, pace.tries - row.count)


def _wait(row: CounterRow, pace: Pace, now: datetime) -> int:
    """Whole seconds until the next try, 0 for none."""
    if row.count < pace.tries:
        return 0
    if pace.longest is None:
        return _seconds(row.until - now)
    if pace.rests_at is not None and row.count >= pace.rests_at:
        return pace.longest
    delay = min(pace.longest, pace.seconds << min(row.count - pace.tries, 20))
    return _seconds(row.since + timedelta(seconds=delay) - now)


def _seconds(span: timedelta) -> int:
    return max(0, -(-span // timedelta(seconds=1)))


def _credit(work: Work, key: bytes, pace: Pace) -> None:
    row = work.session.get(CounterRow, key, with_for_update=True)
    if row is None:
        return
    if pace.longest is None and row.count > 1:
        row.count -= 1
    else:
        work.session.delete(row)


def _locked(work: Work, key: bytes) -> CounterRow:
    """The row of this counter, which nobody else changes until the end of the transaction."""
    while True:
        insert_unless_there(work.session, CounterRow, id=key, count=0, since=work.now, until=work.now)
        row = work.session.get(CounterRow, key, with_for_update=True, populate_existing=True)
        if row is not None:  # else a try was given back meanwhile, and the row went with it
            return row
