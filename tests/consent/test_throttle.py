"""Nobody asks for more than their share, and nobody pays a write for each question."""

import pytest
import sqlalchemy as sa

from consent.throttle import RESOURCES_AHEAD, Meter
from vault.attempts import PACES, Limit
from vault.errors import Wait

A_MINUTE = PACES[Limit.API].tries


def until_refused(services, *meters: Meter) -> int:
    """How many uses the processes with these meters let through, in turn."""
    for number in range(100_000):
        try:
            meters[number % len(meters)].allow(services, b"a token")
        except Wait:
            return number
    raise AssertionError


def test_a_token_is_let_through_as_often_as_a_minute_allows(services, clock):
    meter = Meter(ahead=RESOURCES_AHEAD)
    assert until_refused(services, meter) == A_MINUTE
    meter.allow(services, b"another token")
    clock.advance(seconds=60)
    assert until_refused(services, meter) == A_MINUTE


def test_several_processes_let_through_no_more_than_one(services):
    assert (
        A_MINUTE - RESOURCES_AHEAD < until_refused(services, *(Meter(ahead=RESOURCES_AHEAD) for _ in "ab")) <= A_MINUTE
    )


def test_what_was_counted_ahead_in_the_minute_before_is_all_that_is_let_through_beyond(services, clock):
    meter = Meter(ahead=RESOURCES_AHEAD)
    meter.allow(services, b"a token")
    clock.advance(seconds=60)
    assert until_refused(services, meter) == A_MINUTE + RESOURCES_AHEAD - 1


@pytest.mark.parametrize("meter", [Meter(ahead=RESOURCES_AHEAD), Meter(share=RESOURCES_AHEAD)])
def test_most_uses_write_nothing(services, meter):
    asked: list[str] = []
    engine = services.database.engine
    sa.event.listen(engine, "connect", lambda connection, _record: connection.set_trace_callback(asked.append))
    engine.dispose()
    for _ in range(3 * RESOURCES_AHEAD):
        meter.allow(services, b"a token")
    assert asked.count("COMMIT") == 3
