"""
A DICOM structured report, read in the order in which it was written (PS3.3 A.35, C.17.3; PS3.16 TID 2000).

It is read from its DICOM JSON, whose text is Unicode already whatever character set it was sent in. What comes out are
headings, paragraphs and lines; how they are shown is for others to say.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_gateway.dicom.facts import first, text
from fhir_gateway.errors import TooDeep, TooLarge

Json = dict[str, Any]

BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"
# Basic Text, Enhanced, Comprehensive, Comprehensive 3D: those that people write for people.
READABLE = frozenset({BASIC_TEXT, *(f"1.2.840.10008.5.1.4.1.1.88.{one}" for one in (22, 33, 34))})
DEEPEST = 32
MOST_ITEMS = 20_000

_CONTENT, _NAME, _KIND, _RELATION = "0040A730", "0040A043", "0040A040", "0040A010"
_LANGUAGE = "121049"
_PERSON_OBSERVER = "121008"
# Names that say no more than that something is a paragraph: Finding, Impression, Recommendation, Conclusion.
_PARAGRAPHS = frozenset({"121069", "121071", "121073", "121075", "121077", "121110", "121111"})
# What the parts of an imaging report are called, whatever language their names are in (PS3.16 CID 7001 and LOINC).
SECTIONS: Mapping[str, str] = {
    "121060": "History", "11329-0": "History", "121062": "Request", "55115-0": "Request", "18785-6": "Reason",
    "121064": "Procedure", "55111-9": "Procedure", "121066": "Prior procedures", "121068": "Previous findings",
    "18834-2": "Comparison", "121070": "Findings", "59776-5": "Findings", "18782-3": "Findings",
    "121072": "Impressions", "19005-8": "Impressions", "121074": "Recommendations", "18783-1": "Recommendations",
    "121076": "Conclusions", "55110-1": "Conclusions", "121111": "Summary",
}  # fmt: skip
_SUMMED_UP = frozenset({"Impressions", "Conclusions", "Summary"})
_SAID_IN_SHORT = frozenset({"121073", "121077"})  # an impression or a conclusion that stands under no such heading
_BEFORE_MARK = re.compile(r"\s+([.,;:])")
_NO_UNIT = frozenset({"1", "{no units}", "no units", "unity", "ratio"})


@dataclass(frozen=True, slots=True)
class Code:
    """A coded word: `meaning` is for people."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, a line such as "Length: 12 mm", or a picture that is meant.

    What belongs to a section follows its heading, which has `level` 1. `code` is the value of a heading's or
    paragraph's name, or the picture's UID.
    """

    kind: Literal["heading", "text", "line", "picture"]
    text: str = field(repr=False)
    level: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class StructuredReport:
    """A structured report: what it says of itself, and its blocks in their order."""

    title: Code
    language: str
    observers: tuple[str, ...]
    blocks: tuple[Block, ...] = field(repr=False)

    @property
    def conclusion(self) -> str:
        """What it comes to: its impressions and conclusions."""
        found: list[str] = []
        summing = False
        for block in self.blocks:
            if block.kind == "heading" and block.level == 1:
                summing = SECTIONS.get(block.code) in _SUMMED_UP
            elif block.kind == "text" and (summing or block.code in _SAID_IN_SHORT):
                found.append(block.text)
        return "\n\n".join(found)


def is_readable(sop_class: str) -> bool:
    """Whether objects of this class are reports for people."""
    return sop_class in READABLE


def read_structured_report(metadata: Json) -> StructuredReport:
    """The report in the whole DICOM JSON of an instance. Raises `TooDeep`, `TooLarge`."""
    reader = _Reader()
    reader.children(metadata, level=1, depth=1)
    title = code_of(first(metadata, _NAME)) or Code("", "", "")
    return StructuredReport(title, reader.language, tuple(dict.fromkeys(reader.observers)), tuple(reader.blocks))


def items_of(metadata: Json, tag: str) -> list[Json]:
    """The items of a sequence; what a sender wrote in its place is none."""
    return [one for one in metadata.get(tag, {}).get("Value") or [] if isinstance(one, dict)]


def code_of(item: Any) -> Code | None:
    """The code in an item of a code sequence (PS3.3 8.2)."""
    if not isinstance(item, dict):
        return None
    value = text(item, "00080100") or text(item, "00080119") or text(item, "00080120")
    meaning = text(item, "00080104").strip()
    return Code(value, text(item, "00080102"), meaning) if value or meaning else None


def person_words(value: Any) -> str:
    """A person's name in the order in which it is spoken; in the letters it was given in where there are no others."""
    if not isinstance(value, dict):
        return ""
    written = value.get("Alphabetic") or value.get("Ideographic") or value.get("Phonetic") or ""
    family, given, middle, prefix, suffix = (str(written).split("^") + [""] * 5)[:5]
    if not value.get("Alphabetic"):
        return " ".join(part for part in (family, given, middle) if part.strip())
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part.strip())


class _Reader:
    """Walks the tree depth first and writes down what people are to read."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.observers: list[str] = []
        self.language = ""
        self._items = 0

    def children(self, parent: Json, *, level: int, depth: int) -> None:
        if depth > DEEPEST:
            raise TooDeep("The report is nested deeper than is followed.")
        items = items_of(parent, _CONTENT)
        self._count(len(items))
        sentence: list[str] = []
        flows = _flows(parent, items)
        for item in items:
            if self._is_context(item):
                continue
            if flows and (said := _value(item)):
                sentence.append(said)
                self.children(item, level=level, depth=depth + 1)
                continue
            self._end(sentence)
            self._item(item, level=level, depth=depth)
        self._end(sentence)

    def _end(self, sentence: list[str]) -> None:
        """What flowed so far is a paragraph."""
        if sentence:
            self.blocks.append(Block("text", _BEFORE_MARK.sub(r"\1", " ".join(sentence))))
            sentence.clear()

    def _count(self, items: int) -> None:
        self._items += items
        if self._items > MOST_ITEMS:
            raise TooLarge("The report holds more items than are read.")

    def _item(self, item: Json, *, level: int, depth: int) -> None:
        name, kind = code_of(first(item, _NAME)), text(item, _KIND)
        if kind == "CONTAINER":
            if name is not None and name.meaning:
                self.blocks.append(Block("heading", name.meaning + self._modified(item), level, name.value))
                level += 1
        elif kind == "IMAGE":
            self.blocks += [picture] if (picture := _picture(item)) is not None else []
        elif said := _value(item):
            self.blocks.append(_block(item, name, said + self._modified(item)))
        self.children(item, level=level, depth=depth + 1)

    def _is_context(self, item: Json) -> bool:
        """What tells of the report and not of the patient: its language, and who observed."""
        name = code_of(first(item, _NAME))
        relation = text(item, _RELATION)
        if relation == "HAS CONCEPT MOD":
            if name is not None and name.value == _LANGUAGE and (told := code_of(first(item, "0040A168"))) is not None:
                self.language = self.language or _language(told.value)
            return True
        if relation != "HAS OBS CONTEXT":
            return False
        if name is not None and name.value == _PERSON_OBSERVER and (who := person_words(first(item, "0040A123"))):
            self.observers.append(who)
        return True

    def _modified(self, item: Json) -> str:
        """What narrows a finding down, in brackets: "(left, upper lobe)"."""
        words = [_value(one) for one in items_of(item, _CONTENT) if text(one, _RELATION) == "HAS CONCEPT MOD"]
        told = ", ".join(word for word in words if word)
        return f" ({told})" if told else ""


def _flows(parent: Json, items: list[Json]) -> bool:
    """Whether what it holds is one running text. Some senders say so of mere lists, which have no words to flow."""
    return text(parent, "0040A050") == "CONTINUOUS" and any(text(one, _KIND) == "TEXT" for one in items)


def _block(item: Json, name: Code | None, said: str) -> Block:
    if text(item, _KIND) == "TEXT":
        label = name is not None and name.meaning and name.value not in _PARAGRAPHS
        return Block("text", f"{name.meaning}: {said}" if label and name else said, code=name.value if name else "")
    return Block("line", f"{name.meaning}: {said}" if name is not None and name.meaning else said)


def _value(item: Json) -> str:
    """What an item says, "" for one that only points or measures in a picture."""
    say = _SAYS.get(text(item, _KIND))
    return say(item) if say is not None else ""


def _words(item: Json) -> str:
    return text(item, "0040A160").replace("\r\n", "\n").replace("\r", "\n").strip()


def _coded(item: Json) -> str:
    told = code_of(first(item, "0040A168"))
    return told.meaning or told.value if told is not None else ""


def _moment(item: Json) -> str:
    digits = text(item, "0040A120")
    return f"{_day(digits[:8])} {_clock(digits[8:14])}".strip()


def _number(item: Json) -> str:
    measured = first(item, "0040A300")
    if not isinstance(measured, dict):
        qualifier = code_of(first(item, "0040A301"))
        return qualifier.meaning if qualifier is not None else ""
    value = first(measured, "0040A30A")
    number = repr(value).removesuffix(".0") if isinstance(value, float) else str(value if value is not None else "")
    unit = code_of(first(measured, "004008EA"))
    if unit is None or unit.value.lower() in _NO_UNIT:
        return number
    return f"{number} {unit.value if unit.scheme == 'UCUM' and unit.value else unit.meaning}".strip()


def _picture(item: Json) -> Block | None:
    referenced = first(item, "00081199")
    uid = text(referenced, "00081155") if isinstance(referenced, dict) else ""
    if not uid:
        return None
    frames = ", ".join(str(one) for one in referenced.get("00081160", {}).get("Value") or [] if one is not None)
    return Block("picture", f"frame {frames}" if frames else "", code=uid)


def _day(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if len(digits) >= 8 and digits[:8].isdigit() else digits


def _clock(digits: str) -> str:
    return f"{digits[:2]}:{digits[2:4]}" if len(digits) >= 4 and digits[:4].isdigit() else digits


def _language(value: str) -> str:
    plain = value.replace("-", "").replace("_", "")
    return value.replace("_", "-") if 2 <= len(value) <= 12 and plain.isalnum() and plain.isascii() else ""


_SAYS: Mapping[str, Callable[[Json], str]] = {
    "TEXT": _words,
    "CODE": _coded,
    "NUM": _number,
    "DATE": lambda item: _day(text(item, "0040A121")),
    "TIME": lambda item: _clock(text(item, "0040A122")),
    "DATETIME": _moment,
    "PNAME": lambda item: person_words(first(item, "0040A123")),
}


# --- what points elsewhere ---


def referenced_instances(metadata: Json, tag: str) -> Iterator[tuple[str, str]]:
    """Study and instance UID of each object a document names in a sequence of studies (PS3.3 table C.17-3)."""
    for study in items_of(metadata, tag):
        for series in items_of(study, "00081115"):
            for instance in items_of(series, "00081199"):
                if uid := text(instance, "00081155"):
                    yield text(study, "0020000D"), uid
