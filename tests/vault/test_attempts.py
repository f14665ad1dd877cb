"""Nobody guesses faster than the counters allow."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes import FrozenClock
from vault import attempts
from vault.attempts import PACES, Limit, ahead, credit, source_prefix, spend, spend_all, within
from vault.database import Services
from vault.errors import Wait


def refused(services: Services, limit: Limit, *who: bytes | str) -> int:
    with pytest.raises(Wait) as met:
        spend(services, limit, *who)
    return met.value.seconds


def test_the_31st_slip_of_a_day_waits_for_the_next_day(services: Services, clock: FrozenClock):
    left = [spend(services, Limit.CLAIM_ACCOUNT, b"me") for _ in range(30)]
    assert left == list(range(29, -1, -1))
    assert refused(services, Limit.CLAIM_ACCOUNT, b"me") == 86_400
    assert spend(services, Limit.CLAIM_ACCOUNT, b"someone else") == 29
    clock.advance(days=1)
    assert spend(services, Limit.CLAIM_ACCOUNT, b"me") == 29


def test_wrong_passwords_cost_a_delay_that_doubles_up_to_a_quarter_of_an_hour(services: Services, clock: FrozenClock):
    for _ in range(5):
        spend(services, Limit.LOGIN, b"me")
    delays: list[int] = []
    for _ in range(10):
        delays.append(refused(services, Limit.LOGIN, b"me"))
        clock.advance(seconds=delays[-1])
        spend(services, Limit.LOGIN, b"me")
    assert delays == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_the_hundredth_wrong_password_lets_the_slot_rest_until_another_way_in_is_used(
    services: Services, clock: FrozenClock
):
    for _ in range(100):
        clock.advance(seconds=900)
        spend(services, Limit.LOGIN, b"me")
    clock.advance(days=20)
    assert refused(services, Limit.LOGIN, b"me") == 900
    credit(services, Limit.LOGIN, b"me")
    assert spend(services, Limit.LOGIN, b"me") == 4


def test_a_success_is_not_counted(services: Services):
    for _ in range(25):
        spend(services, Limit.CLAIM_SOURCE, "10.0.0.0/24")
        credit(services, Limit.CLAIM_SOURCE, "10.0.0.0/24")
    assert spend(services, Limit.CLAIM_SOURCE, "10.0.0.0/24") == 19


def test_a_try_refused_by_one_limit_is_counted_by_none(services: Services):
    for _ in range(20):
        within(services, Limit.CLAIM_SOURCE, "here")
    with pytest.raises(Wait):
        spend_all(services, (Limit.CLAIM_ACCOUNT, b"me"), (Limit.CLAIM_SOURCE, "here"))
    assert spend(services, Limit.CLAIM_ACCOUNT, b"me") == 29


def _guess(services: Services) -> bool:
    try:
        spend(services, Limit.CODE_SOURCE, "here")
    except Wait:
        return False
    return True


def test_guesses_made_at_the_same_moment_do_not_outrun_the_counter(services: Services):
    with ThreadPoolExecutor(8) as together:
        let_through = list(together.map(lambda _: _guess(services), range(24)))
    assert sum(let_through) == 10


@pytest.mark.postgres
def test_nor_do_they_on_postgresql(postgres_services: Services):
    with ThreadPoolExecutor(8) as together:
        let_through = list(together.map(lambda _: _guess(postgres_services), range(24)))
    assert sum(let_through) == 10


@pytest.mark.postgres
def test_a_success_beside_a_try_costs_nobody_an_error(postgres_services: Services):
    def succeed(_: int) -> None:
        spend(postgres_services, Limit.TOKEN, "me")
        credit(postgres_services, Limit.TOKEN, "me")

    with ThreadPoolExecutor(4) as together:
        list(together.map(succeed, range(60)))
    assert spend(postgres_services, Limit.TOKEN, "me") == PACES[Limit.TOKEN].tries - 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("no address", ""),
    ],
)
def test_neighbours_share_a_limit(address: str, network: str):
    assert source_prefix(address) == network


def test_counters_name_nobody_and_go_when_they_limit_nothing(services: Services, clock: FrozenClock, tmp_path):
    spend(services, Limit.LOGIN_SOURCE, "192.0.2.0/24")
    assert b"192.0.2" not in (tmp_path / "keepray.db-wal").read_bytes()
    clock.advance(hours=2)
    with services.work() as work:
        assert attempts.prune(work) == 1


@pytest.mark.parametrize("where", ["services", pytest.param("postgres_services", marks=pytest.mark.postgres)])
def test_uses_counted_ahead_are_never_more_than_the_limit_leaves(
    where: str, clock: FrozenClock, request: pytest.FixtureRequest
):
    services: Services = request.getfixturevalue(where)
    counted = [ahead(services, Limit.API, b"me", most=250) for _ in range(3)]
    assert counted == [250, 250, 100]
    with pytest.raises(Wait) as met:
        ahead(services, Limit.API, b"me", most=250)
    assert met.value.seconds == 60
    assert refused(services, Limit.API, b"me") == 60
    assert ahead(services, Limit.API, b"someone else", most=250) == 250
    assert spend(services, Limit.API, b"someone else") == 349
    clock.advance(seconds=60)
    assert ahead(services, Limit.API, b"me", most=1) == 1
