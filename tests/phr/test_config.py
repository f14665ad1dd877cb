"""The settings: read once, complete or refused whole, and never printed."""

import base64

import pytest

from phr.config import Settings, WrongSettings


def key(seed: int) -> str:
    return base64.urlsafe_b64encode(bytes((seed + 7 * place) % 256 for place in range(32))).decode().rstrip("=")


WHOLE = {
    "PHR_BASE_URL": "https://keepray.example",
    "PHR_PEPPER": key(1),
    "PHR_INDEX_KEY": key(2),
    "PHR_MAIL_KEY": key(3),
    "PHR_AUDIT_KEY": key(4),
}


def problems_of(environment: dict[str, str]) -> str:
    with pytest.raises(WrongSettings) as refused:
        Settings.from_env(environment)
    return str(refused.value)


def test_five_settings_are_enough():
    settings = Settings.from_env(WHOLE)
    assert settings.secure
    assert settings.database_url == "sqlite:///data/keepray.sqlite3"
    assert settings.secrets.pepper == settings.pepper


def test_everything_missing_is_named_at_once():
    told = problems_of({})
    assert all(name in told for name in WHOLE)


def test_wrong_and_missing_are_told_together():
    told = problems_of({**WHOLE, "PHR_PORT": "many", "PHR_ZONE": "Nowhere/Land", "PHR_PEPPER": ""})
    assert "PHR_PORT" in told
    assert "PHR_ZONE" in told
    assert "PHR_PEPPER is missing" in told


def test_a_misspelt_setting_is_named():
    assert "PHR_BASEURL" in problems_of({**WHOLE, "PHR_BASEURL": "x"})


@pytest.mark.parametrize("value", ["short", "!" * 43, base64.urlsafe_b64encode(bytes(32)).decode(), key(1) + "AAAA"])
def test_a_key_has_32_random_octets(value):
    told = problems_of({**WHOLE, "PHR_MAIL_KEY": value})
    assert "PHR_MAIL_KEY" in told
    assert value not in told


def test_no_two_keys_are_the_same():
    assert "must all differ" in problems_of({**WHOLE, "PHR_MAIL_KEY": key(1)})


@pytest.mark.parametrize(
    "value", ["keepray.example", "http://keepray.example", "https://keepray.example/app", "ftp://x"]
)
def test_an_address_that_would_not_be_safe_is_refused(value):
    assert "PHR_BASE_URL" in problems_of({**WHOLE, "PHR_BASE_URL": value})


def test_plain_http_is_for_this_machine_only():
    assert not Settings.from_env({**WHOLE, "PHR_BASE_URL": "http://127.0.0.1:8000/"}).secure


def test_old_peppers_stay_known():
    settings = Settings.from_env({**WHOLE, "PHR_PEPPER_ID": "3", "PHR_OLD_PEPPERS": f"1:{key(8)},2:{key(9)}"})
    assert set(settings.secrets.peppers) == {1, 2, 3}


def test_a_mail_server_needs_a_sender():
    assert "PHR_MAIL_FROM" in problems_of({**WHOLE, "PHR_SMTP": "smtp://mail.example:587"})


def test_settings_do_not_print_their_keys():
    settings = Settings.from_env({**WHOLE, "PHR_SMTP": "smtp://n:hush@mail.example", "PHR_MAIL_FROM": "a@b.example"})
    assert "hush" not in repr(settings)
    assert repr(settings.pepper) not in repr(settings)


def test_the_table_describes_every_setting():
    lines = Settings.describe()
    assert [line.name for line in lines if line.required] == list(WHOLE)
    assert all(line.meaning for line in lines)
    assert {line.name: line.default for line in lines}["PHR_SERVE"] == "pages,fhir,dicomweb,oauth"
    assert {line.name: line.default for line in lines}["PHR_DEMO"] == "no"


def test_how_large_a_report_may_be_is_for_the_operator_to_say():
    assert Settings.from_env(WHOLE).document_octets == 20 << 20
    assert Settings.from_env({**WHOLE, "PHR_DOCUMENT_MIB": "64"}).document_octets == 64 << 20
    assert "PHR_DOCUMENT_MIB" in problems_of({**WHOLE, "PHR_DOCUMENT_MIB": "0"})
