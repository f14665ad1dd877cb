"""Words of a report explained below it; the report itself stays as it was written (experience R3).

Only reports in English have their words explained, each in the language of the page. The page's script puts a meaning
behind the word where it first stands; without a script, and on paper, there is the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from phr import glossary_terms_es, languages
from phr.glossary_terms import TERMS

MOST_ON_PAPER = 20
OTHER_MEANINGS = {"es": glossary_terms_es.MEANINGS}  # of every language but English, one for each line of TERMS


def told_in() -> str:
    """The language in which meanings are told here: that of the page, or English where we have none in it."""
    return languages.here() if languages.here() in OTHER_MEANINGS else languages.BASE


def words_in(texts: Iterable[str], language: str) -> tuple[tuple[str, str], ...]:
    """The words of these texts that we explain, as they are written there, with their meanings; each meaning once."""
    if language and not language.lower().startswith("en"):
        return ()
    pattern, meanings = _terms(told_in())
    met: dict[str, str] = {}
    for text in texts:
        for found in pattern.finditer(text):
            met.setdefault(meanings[_plain(found[0])], _plain(found[0]))
    return tuple((word, meaning) for meaning, word in met.items())


def on_paper(texts: Iterable[str], language: str) -> tuple[tuple[str, str], ...]:
    """The first of them, in the order of the alphabet."""
    return tuple(sorted(words_in(texts, language)[:MOST_ON_PAPER]))


@cache
def _terms(language: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """One pattern for every way that every term is written, the longest first, and what each means in a language."""
    meanings = {_plain(written): meaning for ways, meaning in _lines(language) for written in ways}
    longest_first = sorted(meanings, key=len, reverse=True)
    either = "|".join(re.escape(one).replace(r"\ ", r"\s+") for one in longest_first)
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])", re.IGNORECASE), meanings


def _lines(language: str) -> Iterator[tuple[Sequence[str], str]]:
    told = dict(line.split(" = ", 1) for line in OTHER_MEANINGS.get(language, "").strip().splitlines())
    for line in TERMS.strip().splitlines():
        written, _, meaning = line.partition(" = ")
        ways = written.split("|")
        yield ways, told.get(ways[0], meaning)


def _plain(word: str) -> str:
    return " ".join(word.lower().split())
