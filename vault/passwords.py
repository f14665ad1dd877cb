"""Which passwords are let in (NIST SP 800-63B-4 3.1.1): long ones that are not among the first to be guessed.

No rules of composition, no expiry. What is compared is the normalised text, so that what looks the same is the same.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from vault.errors import WeakPassword
from vault.sealing.slow import LONGEST_PASSWORD

SHORTEST_ALONE: Final = 15
SHORTEST_WITH_A_SECOND_FACTOR: Final = 12

# What long guessed passwords are made of; a password that is nothing but these, digits and signs is refused.
_WORN: Final = frozenset(
    """
    abc abcd admin administrator angel asdf asdfgh baby batman changeme chocolate computer default demo dragon
    family flower football forever freedom friends guest hallo hello home hospital hunter iloveyou internet jesus
    keepray letmein life login love lovely mama master michael monkey mother music my mypassword nothing papa parola
    pass passe passphrase passwd passwort password picture pictures pokemon princess private qwer qwert qwerty
    qwertyuiop qwertz qwertzuiop root scan scans secret secure shadow soccer star starwars summer sunshine superman
    temp temporary test tester testing the this trustno unknown user username vault wachtwoord welcome whatever
    winter xray yxcv zxc zxcv zxcvbn zxcvbnm kennwort geheim hasło contraseña contrasena motdepasse senha azerty
    azertyuiop
    """.split()  # noqa: SIM905  a hundred quoted words are harder to read
)
_ROWS: Final = ("0123456789012345678901234567890", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")
_KEYBOARD: Final = ("qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p")
_LEET: Final = str.maketrans("013457@$!", "oleastasi")


def check_password_is_strong(password: str, *, shortest: int = SHORTEST_ALONE, about: Iterable[str] = ()) -> None:
    """Return for a password that may be set; `about` are words anyone would try for this person.

    Lengths are in code points. Raises `WeakPassword` with the reason "short", "long" or "common".
    """
    typed = unicodedata.normalize("NFKC", password)
    if max(len(typed), len(password)) > LONGEST_PASSWORD:
        raise WeakPassword("long")
    if len(typed) < shortest:
        raise WeakPassword("short")
    if _is_worn(typed.casefold(), _words(about)):
        raise WeakPassword("common")


def _is_worn(typed: str, about: frozenset[str]) -> bool:
    if _repeats(typed) or _runs(typed):
        return True
    # Ten characters that are no letters are hard to guess by themselves.
    worded = (letters for letters in _readings(typed) if letters and len(typed) - len(letters) < 10)
    return any(_is_made_of(letters, _WORN | about) for letters in worded)


def _repeats(typed: str) -> bool:
    """One to five characters over and over, at least three times."""
    return re.fullmatch(r"(.{1,5}?)\1{2,}.{0,4}", typed, re.DOTALL) is not None


def _runs(typed: str) -> bool:
    """A stretch of the alphabet, the digits or the keyboard, either way."""
    return any(typed in row or typed[::-1] in row for row in (*_ROWS, *_KEYBOARD))


def _readings(typed: str) -> set[str]:
    """The letters alone, as typed and with digits and signs read as the letters they stand for."""
    return {"".join(filter(str.isalpha, way)) for way in (typed, typed.translate(_LEET))}


def _is_made_of(letters: str, words: frozenset[str]) -> bool:
    """Whether `letters` is nothing but these words, one after the other."""
    reached = {0}
    for start in range(len(letters)):
        if start in reached:
            reached |= {start + len(word) for word in words if letters.startswith(word, start)}
    return len(letters) in reached


def _words(about: Iterable[str]) -> frozenset[str]:
    parts = (part for text in about for part in re.split(r"[^\w]+|_", unicodedata.normalize("NFKC", text).casefold()))
    return frozenset(letters for part in parts if len(letters := "".join(filter(str.isalpha, part))) > 2)
