"""Every slip of the finger is noticed, every way of writing is understood, and nothing is guessed."""

import copy
import pickle
import random
from itertools import combinations

import pytest

from vault.sealing.codes import ALPHABET, ClaimPin, RecoveryCode, ShareCode
from vault.sealing.errors import BadCharacter, Mistyped, NotACode, WrongLength

CODES = [ClaimPin, ShareCode, RecoveryCode]
SAMPLE = "0123-4567-89AB-CDE4"


def bare(code) -> str:
    return code.reveal().replace("-", "")


def with_character(text: str, place: int, character: str) -> str:
    return text[:place] + character + text[place + 1 :]


def with_swap(text: str, one: int, other: int) -> str:
    return with_character(with_character(text, one, text[other]), other, text[one])


def is_noticed(kind, text: str) -> bool:
    try:
        kind.parse(text)
    except Mistyped:
        return True
    return False


@pytest.mark.parametrize("kind", CODES)
def test_a_code_is_read_back_as_it_was_printed(kind):
    for _ in range(200):
        code = kind.new()
        assert kind.parse(code.reveal()) == code
        assert len(bare(code)) == kind.LENGTH


@pytest.mark.parametrize("kind", CODES)
def test_any_one_wrong_character_is_noticed(kind):
    for _ in range(6):
        code = bare(kind.new())
        for place, right in enumerate(code):
            for wrong in ALPHABET.replace(right, ""):
                assert is_noticed(kind, with_character(code, place, wrong))


@pytest.mark.parametrize("kind", CODES)
def test_any_two_characters_swapped_are_noticed(kind):
    for _ in range(30):
        code = bare(kind.new())
        for one, other in combinations(range(kind.LENGTH), 2):
            swapped = with_swap(code, one, other)
            assert swapped == code or is_noticed(kind, swapped)


def test_any_two_wrong_characters_of_a_recovery_code_are_noticed():
    chance = random.Random(7)
    code = bare(RecoveryCode.new())
    pairs = list(combinations(range(28), 2))
    for _ in range(5_000):
        one, other = chance.choice(pairs)
        first = chance.choice(ALPHABET.replace(code[one], ""))
        second = chance.choice(ALPHABET.replace(code[other], ""))
        assert is_noticed(RecoveryCode, with_character(with_character(code, one, first), other, second))


def test_all_two_wrong_characters_at_the_hardest_places_are_noticed():
    # The check characters themselves, and one of them with one that carries information.
    code = bare(RecoveryCode.new())
    for one, other in [(26, 27), (0, 27), (25, 26)]:
        for first in ALPHABET.replace(code[one], ""):
            for second in ALPHABET.replace(code[other], ""):
                assert is_noticed(RecoveryCode, with_character(with_character(code, one, first), other, second))


@pytest.mark.parametrize(
    "typed",
    [
        "0123456789ABCDE4",
        "0123-4567-89ab-cde4",
        "O123 4567 89ab cdE4",
        "0I23-4567-89AB-CDE4",
        "ol23\n4567\r\n89AB\tCDE4\n",
        "  0123\u00a04567\u200989AB\u2003CDE4 ",
        "0123\u20134567\u201489AB\u2212CDE4",
        "\ufeff0123\u00ad4567\u200b89AB\u2060CDE4",
        "０１２３－４５６７－８９ＡＢ－ＣＤＥ４",
        "０l２３ー４５６７".replace("ー", "-") + "89abcde4",
        "https://keepray.example/add#0123-4567-89AB-CDE4",
        "https://keepray.example/add＃0123456789abcde4",
        "HTTPS://KEEPRAY.EXAMPLE/ADD#0123456789ABCDE4\n",
        "https://keepray.example/de/add?x=1#a#0123-4567-89AB-CDE4",
        "#0123-4567-89AB-CDE4",
    ],
)
def test_a_pin_is_understood_however_it_is_typed(typed):
    pin = ClaimPin.parse(typed)
    assert pin.reveal() == SAMPLE
    assert (pin.locator, pin.secret) == (1091, "456789ABCDE")


@pytest.mark.parametrize("kind", CODES)
def test_o_i_and_l_are_understood_in_every_code(kind):
    code = kind._with_checks([0, 1] * ((kind.LENGTH - kind.CHECKS) // 2) + [0] * ((kind.LENGTH - kind.CHECKS) % 2))
    for one in "Il1iL":
        assert kind.parse(code.reveal().replace("0", "o").replace("1", one)) == code


@pytest.mark.parametrize(
    ("typed", "found"), [("", 0), ("#", 0), (" - ", 0), ("0123", 4), (SAMPLE[:-1], 15), (SAMPLE + "0", 17)]
)
def test_a_missing_character_is_told_as_such(typed, found):
    with pytest.raises(WrongLength) as told:
        ClaimPin.parse(typed)
    assert (told.value.found, told.value.wanted) == (found, 16)


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("U123-4567-89AB-CDE4", 1),
        ("0123-4567-89AB-CDE!", 16),
        ("0123-ü567-89AB-CDE4", 5),
        ("ı123", 1),
        ("0ß23", 2),
        ("01_3", 3),
    ],
)
def test_a_character_of_no_code_is_told_by_its_place_and_not_repeated(typed, place):
    with pytest.raises(BadCharacter) as told:
        ClaimPin.parse(typed)
    assert told.value.place == place
    assert not set("U!üıß_") & set(str(told.value))


def test_a_mistyped_code_is_not_mended_and_not_repeated():
    with pytest.raises(Mistyped) as told:
        ClaimPin.parse("0123-4567-89AB-CDE5")
    assert not any(character.isdigit() for character in str(told.value))


@pytest.mark.parametrize("kind", CODES)
def test_a_code_of_another_kind_is_not_taken(kind):
    for other in CODES:
        if other is not kind:
            with pytest.raises(WrongLength):
                kind.parse(other.new().reveal())
            assert other.new() != kind.new()


@pytest.mark.parametrize("kind", [ClaimPin, ShareCode])
@pytest.mark.parametrize("locator", [0, 1, 31, 32, 1091, (1 << 20) - 1])
def test_a_locator_is_kept_and_says_nothing_about_the_secret(kind, locator):
    codes = [kind.new(locator) for _ in range(20)]
    assert {code.locator for code in codes} == {locator}
    assert {kind.parse(code.reveal()).locator for code in codes} == {locator}
    assert len({code.secret for code in codes}) == 20


@pytest.mark.parametrize("locator", [-1, 1 << 20])
def test_a_locator_has_20_bits(locator):
    with pytest.raises(ValueError):
        ClaimPin.new(locator)


def test_secrets_have_the_bits_they_should():
    assert (len(ClaimPin.new().secret), len(ShareCode.new().secret), len(RecoveryCode.new().code17)) == (11, 15, 17)
    assert {character for _ in range(100) for character in ClaimPin.new().secret} == set(ALPHABET)
    assert len({ClaimPin.new().locator for _ in range(50)}) > 40


def test_a_recovery_code_is_one_number():
    assert RecoveryCode._with_checks([0] * 26).code17 == bytes(17)
    assert int.from_bytes(RecoveryCode._with_checks([31] * 26).code17, "big") == (1 << 130) - 1
    assert int.from_bytes(RecoveryCode._with_checks([0] * 25 + [1]).code17, "big") == 1


def test_codes_are_printed_in_groups_of_four():
    assert [len(kind.new().reveal().split("-")) for kind in CODES] == [4, 5, 7]
    assert {len(group) for kind in CODES for group in kind.new().reveal().split("-")} == {4}


@pytest.mark.parametrize("kind", CODES)
def test_a_code_shows_nothing_and_is_never_written_out(kind):
    code = kind.new()
    name = f"{kind.__name__}(…)"
    assert {repr(code), str(code), f"{code}", f"{code:>40}", f"{code!r}"} == {name}
    assert repr({"pin": code}) == f"{{'pin': {name}}}"
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never written out"):
            write(code)
    with pytest.raises(AttributeError):
        code._characters = "0"
    with pytest.raises((AttributeError, TypeError)):
        code.note = "0"


def test_equal_codes_are_equal_and_hash_alike():
    assert ClaimPin.parse(SAMPLE) == ClaimPin.parse(SAMPLE.lower())
    assert len({ClaimPin.parse(SAMPLE), ClaimPin.parse(SAMPLE.lower())}) == 1
    assert ClaimPin.parse(SAMPLE) != SAMPLE


@pytest.mark.parametrize("error", [WrongLength(1, 2), BadCharacter(1), Mistyped()])
def test_whatever_is_wrong_it_is_not_a_code(error):
    assert isinstance(error, NotACode)
