"""Long passwords are let in, worn ones are not, and nobody is told how to compose one."""

import pytest

from vault.errors import WeakPassword
from vault.passwords import check_password_is_strong


def reason(password: str, **asked: object) -> str | None:
    try:
        check_password_is_strong(password, **asked)
    except WeakPassword as weak:
        return weak.reason
    return None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "eleven grey herons",
        "839201748392017",
        "ünder the old oäk",
        "👩‍🔬 knee x-ray 👩‍🔬 1987",
        "x" + "y z" * 1 + " quiet lamp on a roof",
    ],
)
def test_a_long_password_of_any_kind_is_let_in(password: str):
    assert reason(password) is None


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "P@ssw0rd-P@ssw0rd",
        "keepraykeepray1!",
        "iloveyou-iloveyou",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "1234567890123456",
        "9876543210987654",
        "qwertyuiopasdfgh",
        "letmein letmein 2026",
        "abcdefghijklmnop",
    ],
)
def test_what_everybody_tries_first_is_not(password: str):
    assert reason(password) == "common"


def test_neither_is_ones_own_name_over_and_over():
    assert reason("Ana.Perez.Ana.Perez!", about=("ana@example.org", "Ana Perez")) == "common"
    assert reason("Ana.Perez.Ana.Perez!") is None


def test_the_length_is_counted_in_characters_after_normalising():
    assert reason("ﬁve ﬁsh, ﬁv") == "short"
    assert reason("ﬁve ﬁsh, ﬁve") is None
    assert reason("eleven herons", shortest=12) is None
    assert reason("eleven grey herons " * 20) == "long"
