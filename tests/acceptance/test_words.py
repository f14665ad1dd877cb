"""Rows L01, L02 and L04: words that everybody knows, in short sentences, and dates that nobody can misread."""

import re
from dataclasses import astuple
from html.parser import HTMLParser
from pathlib import Path

import pytest

from phr import slip_words
from tests.phr.test_pages_all import NOT_FOR_PATIENTS, PATIENT, words_of

ROOT = Path(__file__).parents[2]
MEAN_GRADE, GRADE, WORDS_IN_A_SENTENCE = 5, 7, 20
# Read once, with a lawyer in mind or by doctors and operators.
NOT_FOR_EVERYDAY = {"/privacy", "/terms", "/accessibility", "/for-doctors", "/for-scan-centers", "/link", "/outbox", "/see", "/see/end", "/pro/join", "/pro/sign-in"}  # fmt: skip
EVERYBODY = [
    "/",
    "/add",
    "/join",
    "/join/name",
    "/sign-in",
    "/sign-in/recover",
    "/sign-in/recover/none",
    "/help",
    "/languages",
]
BLOCKS = {
    "p",
    "li",
    "h1",
    "h2",
    "h3",
    "dt",
    "dd",
    "label",
    "legend",
    "td",
    "th",
    "caption",
    "button",
    "div",
    "summary",
    "a",
    "text",
    "title",
}


class Sentences(HTMLParser):
    """What stands in the main part, block by block."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = [""]
        self.inside = 0

    def handle_starttag(self, tag, attrs):
        self.inside += tag == "main"
        if tag in BLOCKS - {"a"}:
            self.blocks.append("")

    def handle_endtag(self, tag):
        self.inside -= tag == "main"
        if tag in BLOCKS - {"a"}:
            self.blocks.append("")

    def handle_data(self, data):
        if self.inside:
            self.blocks[-1] += data


def sentences_of(html: str) -> list[list[str]]:
    """Sentences as lists of words; names, numbers and addresses are left out."""
    page = Sentences()
    page.feed(
        re.sub(
            r"<(script|style|template|svg|dl lang)\b.*?</(script|style|template|svg|dl)>", " ", html, flags=re.DOTALL
        )
    )
    found = []
    for block in page.blocks:
        for sentence in re.split(r"[.!?:]\s", " ".join(block.split()) + " "):
            words = [word for word in re.findall(r"[A-Za-z']+", sentence) if word.islower() or word.istitle()]
            if len(words) > 2:
                found.append(words)
    return found


def syllables(word: str) -> int:
    """Groups of vowels, less a silent e at the end."""
    bare = re.sub(r"(?:[^laeiouy]es|[^laeiouy]ed|[^laeiouy]e)$", "", word.lower().strip("'"))
    return max(1, len(re.findall(r"[aeiouy]+", bare)))


def grade(sentences: list[list[str]]) -> float:
    """Flesch-Kincaid, the American school year in which one reads this with ease."""
    words = [word for sentence in sentences for word in sentence]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


@pytest.fixture(scope="module")
def read(house) -> dict[str, str]:
    """Every page of everybody and of a patient."""
    ana, nobody = house.people["ana"], house.people["nobody"]
    pages = {path: nobody.get(path).text for path in EVERYBODY}
    own = [
        *PATIENT,
        house.scan,
        f"{house.scan}/save",
        f"{house.scan}/remove",
        *house.shares,
        *(f"{one}/{what}" for one in house.shares[:1] for what in ("stop", "change")),
    ]
    return pages | {path: ana.get(path).text for path in own if "history" not in path}


def test_l01_pages_of_patients_are_easy_to_read(read):
    grades, long = {}, {}
    for path, html in read.items():
        found = sentences_of(html)
        if sum(map(len, found)) >= 30:
            grades[path] = round(grade(found), 1)
        if too_long := [" ".join(one) for one in found if len(one) > WORDS_IN_A_SENTENCE]:
            long[path] = too_long
    assert {path: found for path, found in grades.items() if found > GRADE} == {}
    assert sum(grades.values()) / len(grades) <= MEAN_GRADE
    assert long == {}


def test_l02_letters_and_papers_use_plain_words():
    for path in [*(ROOT / "templates/mail").glob("*.txt"), *(ROOT / "templates/reports").glob("*.html")]:
        said = " ".join(re.findall(r'_\("([^"]+)"', path.read_text()))
        assert not words_of(said) & set(NOT_FOR_PATIENTS), path.name
    assert not words_of(" ".join(astuple(slip_words.ENGLISH))) & set(NOT_FOR_PATIENTS)


def test_l04_no_date_is_numbers_alone(read):
    for path, html in read.items():
        shown = re.sub(r"<[^>]+>", " ", html)
        assert not re.search(r"\b\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b", shown.replace("127.0.0.1", "")), path
