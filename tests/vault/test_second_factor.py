"""The code app: six digits, each good once."""

import pytest

from tests.fakes import FrozenClock
from tests.vault.owners import a_vault
from vault import audit
from vault.audit import Did
from vault.database import Services
from vault.sealing.onetime import digits_at, matching_step
from vault.second_factor import check_code_app, confirm_code_app, enable_code_app, has_code_app
from vault.tables import EPOCH

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_digits_are_those_of_rfc_6238(seconds: int, shown: str):
    assert digits_at(RFC_SECRET, seconds, digits=8) == shown
    assert digits_at(RFC_SECRET, seconds) == shown[2:]


def test_a_clock_one_step_off_is_forgiven_two_are_not():
    steps = [matching_step(RFC_SECRET, digits_at(RFC_SECRET, 3000 + off), 3000) for off in (-60, -30, 0, 30, 60)]
    assert steps == [None, 99, 100, 101, None]
    assert matching_step(RFC_SECRET, "28708²", 59) is None
    assert matching_step(RFC_SECRET, digits_at(RFC_SECRET, 0), 5) == 0


def shown(secret, clock: FrozenClock) -> str:
    from base64 import b32decode

    return digits_at(b32decode(secret.reveal()), int((clock.now() - EPOCH).total_seconds()))


def test_digits_are_good_once(services: Services, clock: FrozenClock):
    with services.work() as work:
        keyring = a_vault(work)
        secret = enable_code_app(work, keyring)
        assert not has_code_app(work, keyring)
        assert not check_code_app(work, keyring, "000 00")
        first = shown(secret, clock)
        assert check_code_app(work, keyring, f"{first[:3]} {first[3:]}")
        assert has_code_app(work, keyring)
        assert not check_code_app(work, keyring, first)
        assert audit.events(work, keyring.owner)[0].did is Did.CODE_APP_ADDED
    clock.advance(seconds=30)
    with services.work() as work:
        assert check_code_app(work, keyring, shown(secret, clock))
        assert not check_code_app(work, keyring, first)


def test_a_new_app_replaces_the_old_one_when_it_is_confirmed(services: Services, clock: FrozenClock):
    with services.work() as work:
        keyring = a_vault(work)
        old = enable_code_app(work, keyring)
        assert confirm_code_app(work, keyring, shown(old, clock))
        new = enable_code_app(work, keyring)
        assert not check_code_app(work, keyring, shown(new, clock))
        assert confirm_code_app(work, keyring, shown(new, clock))
    clock.advance(seconds=60)
    with services.work() as work:
        assert not check_code_app(work, keyring, shown(old, clock))
        assert check_code_app(work, keyring, shown(new, clock))


def test_the_secret_is_shown_on_purpose_only(services: Services):
    with services.work() as work:
        secret = enable_code_app(work, a_vault(work))
    assert secret.reveal() not in f"{secret!r}{secret}"
    address = secret.address(brand="Keepray", account="dr lee")
    assert address.startswith("otpauth://totp/Keepray:dr%20lee?secret=")
    assert address.endswith("&issuer=Keepray&digits=6&period=30")
