"""A language nobody speaks: our sentences with strange letters and half as long again, so that what is not ours shows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from babel.support import NullTranslations

from phr import languages

PSEUDO = "en_ZA"
STRANGE = str.maketrans(
    "abcdefghijlmnopqrstuwxyzABCDEFGHIJLMNOPQRSTUWXYZ", "áƀćđéƒğĥíĵĺḿńóṕɋŕśţúŵẋýžÁɃĆĐÉƑĞĤÍĴĹḾŃÓṔɊŔŚŢÚŴẊÝŽ"
)
# What is filled in later stays as it is, and so does markup.
KEPT = re.compile(r"(%\(\w+\)[sd]|%%|\{\w*\}|<[^>]+>|&\w+;)")
OPEN, CLOSE = "⟦", "⟧"


def strange(words: str) -> str:
    """The sentence between strange brackets, 40 % longer."""
    parts = [part if KEPT.fullmatch(part) else part.translate(STRANGE) for part in KEPT.split(words)]
    longer = " ~~~~~" * max(1, round(0.4 * len(words) / 6))
    return f"{OPEN}{''.join(parts)}{longer}{CLOSE}"


class Strange(NullTranslations):
    """Translations of everything."""

    def gettext(self, message: str) -> str:
        return strange(message)

    ugettext = gettext

    def ngettext(self, singular: str, plural: str, num: int) -> str:
        return strange(singular if num == 1 else plural)

    ungettext = ngettext


@contextmanager
def spoken() -> Iterator[str]:
    """While this lasts the strange language can be chosen; answers its code."""
    real = languages.translations_of

    def of(language: str):
        return Strange() if language == PSEUDO else real(language)

    with (
        mock.patch.dict(languages.LANGUAGES, {PSEUDO: "⟦Strange⟧"}),
        mock.patch.object(languages, "translations_of", of),
    ):
        yield PSEUDO


def left_over(text: str) -> str:
    """What of the text stands outside all brackets."""
    depth, kept = 0, []
    for letter in text:
        depth += (letter == OPEN) - (letter == CLOSE)
        if depth == 0 and letter != CLOSE:
            kept.append(letter)
    return "".join(kept)
