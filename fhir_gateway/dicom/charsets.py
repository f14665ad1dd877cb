"""
Text in any DICOM character set becomes Unicode, and nothing a sender writes there can fail (PS3.5 6.1,
PS3.3 C.12.1.1.2).

A defined term that is unknown reads as UTF-8 where the octets are that, else as Latin-1; octets that fit no
character become U+FFFD. Surrogates and NUL never come out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SINGLE = {
    "": "ascii", "6": "ascii", "100": "latin-1", "101": "iso8859-2", "109": "iso8859-3", "110": "iso8859-4",
    "144": "iso8859-5", "127": "iso8859-6", "126": "iso8859-7", "138": "iso8859-8", "148": "iso8859-9",
    "203": "iso8859-15", "13": "shift_jis", "166": "tis-620",
}  # fmt: skip
_WHOLE = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gb18030"}

# PS3.3 table C.12-3 and C.12-4: what follows the escape, and how to read it.
# True marks sets in which two octets below 0x80 are one character, so that a backslash is none.
_ESCAPES: dict[bytes, tuple[str, bool]] = {
    b"(B": ("ascii", False), b"-A": ("latin-1", False), b"-B": ("iso8859-2", False), b"-C": ("iso8859-3", False),
    b"-D": ("iso8859-4", False), b"-L": ("iso8859-5", False), b"-G": ("iso8859-6", False),
    b"-F": ("iso8859-7", False), b"-H": ("iso8859-8", False), b"-M": ("iso8859-9", False),
    b"-b": ("iso8859-15", False), b"-T": ("tis-620", False), b"(J": ("shift_jis", False),
    b")I": ("shift_jis", False), b"$B": ("iso2022_jp", True), b"$(D": ("iso2022_jp_2", True),
    b"$)C": ("euc_kr", False), b"$)A": ("gb2312", False),
}  # fmt: skip
_ESCAPE = re.compile(rb"\x1b(\$[()][A-D]|\$[A-B]|[-()][A-Za-z])")
_RESET = re.compile(rb"[\r\n\f\t\\]")
_RESET_IN_NAME = re.compile(rb"[\r\n\f\t\\^=]")
_UNFIT = re.compile("[\ud800-\udfff\0]")


@dataclass(frozen=True, slots=True)
class Charset:
    """The character sets of one data set: a first one, and whether escapes may switch to others."""

    first: str
    whole: bool

    def text(self, octets: bytes, *, name: bool = False) -> str:
        """Decode; in a person's name `^` and `=` end an escape too."""
        if self.whole or b"\x1b" not in octets:
            decoded = _decoded(octets, self.first)
        else:
            decoded = "".join(self._switching(octets, _RESET_IN_NAME if name else _RESET))
        return _UNFIT.sub("�", decoded)

    def _switching(self, octets: bytes, reset: re.Pattern[bytes]) -> list[str]:
        """The runs between escapes, each in its set; a delimiter brings the first set back (PS3.5 6.1.2.5.3)."""
        runs: list[str] = []
        at, codec, double, escape = 0, self.first, False, b""
        for mark in [*_ESCAPE.finditer(octets), None]:
            run = octets[at : mark.start() if mark else None]
            end = None if double else reset.search(run)
            if double:
                runs.append(_decoded(b"\x1b" + escape + run, codec).replace("\x1b", ""))
            elif end is None:
                runs.append(_decoded(run, codec))
            else:
                runs.append(_decoded(run[: end.start()], codec) + _decoded(run[end.start() :], self.first))
            if mark:
                at, escape = mark.end(), mark[1]
                codec, double = _ESCAPES.get(escape, (self.first, False))
        return runs


def _decoded(octets: bytes, codec: str) -> str:
    if codec == "ascii":
        return _plain(octets)
    if codec == "tis-620":
        return octets.decode("cp874", "replace")
    return octets.decode(codec, "replace")


def _plain(octets: bytes) -> str:
    """ASCII as it should be; what senders slip past it is UTF-8 more often than not, else Latin-1."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


DEFAULT = Charset("ascii", whole=False)
CODES = Charset("ascii", whole=True)
"""What dates, numbers, ages and codes are written in: no escape switches theirs (PS3.5 6.1.2.3)."""


def charset_of(terms: Sequence[str]) -> Charset:
    """The character sets that (0008,0005) names; never fails."""
    if not terms:
        return DEFAULT
    first = terms[0].strip().upper().replace("_", " ")
    for term, codec in _WHOLE.items():
        if first == term.replace("_", " "):
            return Charset(codec, whole=True)
    number = first.removeprefix("ISO 2022").removeprefix("ISO").strip().removeprefix("IR").strip(" -")
    return Charset(_SINGLE.get(number, "ascii"), whole=False)
