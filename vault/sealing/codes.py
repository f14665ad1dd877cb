"""
Printed codes: Crockford's 32 characters, check characters over GF(32) (docs/format.md 3, 4.2, 8).

    ClaimPin       LLLL-SSSS-SSSS-SSSC                 4 locator, 11 secret (55 bits), 1 check
    ShareCode      LLLL-SSSS-SSSS-SSSS-SSSC            4 locator, 15 secret (75 bits), 1 check
    RecoveryCode   seven groups of four               26 secret (130 bits), 2 check

Parsing is kind to how people type: any case, O for 0, I and L for 1, spaces,
dashes, line breaks, full-width letters, the whole link of the QR code. It
never mends anything else.
"""

import hmac
import os
import unicodedata
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Final, Self

from vault.sealing.errors import BadCharacter, Mistyped, WrongLength
from vault.sealing.unprintable import Unprintable

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOCATORS: Final = 1 << 20

_GROUP: Final = 4
_LOCATOR_LENGTH: Final = 4
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
# White space, dashes, and what copying leaves behind: line breaks, soft hyphens, joiners.
_IGNORED_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd"})
_MINUS: Final = "\u2212"  # which some keyboards give for a dash, and which is none by its category


# -- the field of 32 elements ----------------------------------------------------------------------


def _powers_of_alpha() -> tuple[int, ...]:
    powers = [1]
    for _ in range(30):
        doubled = powers[-1] << 1
        powers.append(doubled ^ 0b100101 if doubled & 32 else doubled)  # x^5 + x^2 + 1
    return tuple(powers)


_ALPHA: Final = _powers_of_alpha()
_LOG: Final = {power: exponent for exponent, power in enumerate(_ALPHA)}


def _check_character(symbols: list[int], step: int) -> int:
    """The sum of symbol i times alpha to the power step·(i+1)."""
    total = 0
    for place, value in enumerate(symbols, start=1):
        if value:
            total ^= _ALPHA[(_LOG[value] + step * place) % 31]
    return total


# -- reading what was typed ------------------------------------------------------------------------


def _bare(text: str) -> str:
    """`text` without what people add: everything up to the last '#', case, spaces, dashes."""
    typed = unicodedata.normalize("NFKC", text).rpartition("#")[2]
    kept = (character for character in typed if not _is_ignored(character))
    return "".join(character.upper() if character.isascii() else character for character in kept).translate(_ALIKE)


def _is_ignored(character: str) -> bool:
    return unicodedata.category(character) in _IGNORED_CATEGORIES or character == _MINUS


def _values(characters: str) -> list[int]:
    for place, character in enumerate(characters, start=1):
        if character not in _VALUE:
            raise BadCharacter(place)
    return [_VALUE[character] for character in characters]


def _written(symbols: list[int]) -> str:
    return "".join(ALPHABET[symbol] for symbol in symbols)


def _random_symbols(count: int) -> list[int]:
    return [octet & 31 for octet in os.urandom(count)]


# -- the codes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Code(Unprintable):
    """Characters that carry information, followed by their check characters."""

    LENGTH: ClassVar[int]
    CHECKS: ClassVar[int]

    _characters: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The code that was typed. Raises `BadCharacter`, `WrongLength`, `Mistyped`; none of them cost a try."""
        bare = _bare(text)
        symbols = _values(bare)
        if len(symbols) != cls.LENGTH:
            raise WrongLength(len(symbols), cls.LENGTH)
        typed = cls(bare)
        if typed != cls._with_checks(symbols[: -cls.CHECKS]):
            raise Mistyped("the check characters disagree")
        return typed

    @classmethod
    def _with_checks(cls, symbols: list[int]) -> Self:
        checks = [_check_character(symbols, step) for step in range(1, cls.CHECKS + 1)]
        return cls(_written(symbols + checks))

    def reveal(self) -> str:
        """The code as it is printed, in groups of four; called where the slip or the page is written."""
        groups = (self._characters[start : start + _GROUP] for start in range(0, self.LENGTH, _GROUP))
        return "-".join(groups)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Code) or type(self) is not type(other):
            return NotImplemented
        return hmac.compare_digest(self._characters, other._characters)

    def __hash__(self) -> int:
        return hash((type(self), self._characters))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _LocatedCode(_Code):
    """A code whose first four characters say which row it belongs to, and the rest opens it."""

    @classmethod
    def new(cls, locator: int | None = None) -> Self:
        """A fresh code; `locator` is 0 to 2^20 - 1, and random where it is None."""
        count = cls.LENGTH - cls.CHECKS
        if locator is None:
            return cls._with_checks(_random_symbols(count))
        if not 0 <= locator < LOCATORS:
            raise ValueError("a locator has 20 bits")
        located = [locator >> shift & 31 for shift in (15, 10, 5, 0)]
        return cls._with_checks(located + _random_symbols(count - _LOCATOR_LENGTH))

    @property
    def locator(self) -> int:
        """By which the row is found; no secret. 0 to 2^20 - 1."""
        return reduce(lambda number, character: number << 5 | _VALUE[character], self._characters[:_LOCATOR_LENGTH], 0)

    @property
    def secret(self) -> str:
        """What is stretched: the characters between locator and check."""
        return self._characters[_LOCATOR_LENGTH : -self.CHECKS]


class ClaimPin(_LocatedCode):
    """The printed code that takes a claim; `secret` has 11 characters."""

    __slots__ = ()
    LENGTH = 16
    CHECKS = 1


class ShareCode(_LocatedCode):
    """The code a patient gives to a provider; `secret` has 15 characters."""

    __slots__ = ()
    LENGTH = 20
    CHECKS = 1


class RecoveryCode(_Code):
    """The code that opens a vault when every other way is lost."""

    __slots__ = ()
    LENGTH = 28
    CHECKS = 2

    @classmethod
    def new(cls) -> Self:
        """A fresh code of 130 random bits."""
        return cls._with_checks(_random_symbols(cls.LENGTH - cls.CHECKS))

    @property
    def code17(self) -> bytes:
        """The 26 characters as one number, 17 octets big-endian."""
        number = reduce(lambda so_far, symbol: so_far << 5 | symbol, _values(self._characters[: -self.CHECKS]), 0)
        return number.to_bytes(17, "big")
