"""
HTML from outside, reduced to the elements FHIR allows in a narrative (R4 narrative, txt-1) without any address.

What is not on the list loses its tags and keeps its text; what may hold a program loses its text too. Where a link
leads is told in brackets behind its words, and a picture by its description. The result is well-formed, every
character escaped, so that it is inert wherever it is shown.
"""

import re
from html import escape, unescape
from html.parser import HTMLParser


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_KEPT = _words(
    "b big blockquote br caption code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre q",
    "samp small span strong sub sup table tbody td tfoot th thead tr tt ul var",
)
_EMPTY = _words("br hr col")
_SILENCED = _words("script style template noscript iframe object embed svg math title head select textarea")
_ATTRIBUTES = _words("colspan rowspan lang")
_BREAKS = _words("br p div li tr h1 h2 h3 h4 h5 h6 table ul ol dl dt dd hr pre blockquote")
_DEEPEST = 64
_LINKS = re.compile(r"(?:https?://|mailto:)[^\s<>\"']{1,2000}", re.IGNORECASE)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


class _Reducer(HTMLParser):
    """Collects both the reduced markup and the bare text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.markup: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []
        self._links: list[tuple[str, int]] = []  # where an open link leads, and where its words begin
        self._absent: set[str] = set()

    def parse_html_declaration(self, i: int) -> int:
        """Where the comment or declaration ends that begins there; -1 where it never does.

        Python's own fails at some of what is none, and looks through the rest of the text for each that does not end.
        """
        begins = self.rawdata[i : i + 9]
        mark = "-->" if begins.startswith("<!--") else "]]>" if begins == "<![CDATA[" else ">"
        end = -1 if mark in self._absent else self.rawdata.find(mark, i + 2)
        if end < 0:
            self._absent.add(mark)  # the text is there as a whole, so it will not come later
            return -1
        return end + len(mark)

    def parse_comment(self, i: int, report: bool = True) -> int:  # noqa: ARG002, FBT001, FBT002  as Python's own
        """A comment is one of what ends by the same means."""
        return self.parse_html_declaration(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENCED:
            self._silent += [tag] if len(self._silent) < _DEEPEST else []
            return
        if self._silent:
            return
        if tag in _BREAKS:
            self.text.append("\n")
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._tell_address()  # a link does not hold another
            self._links.append((given.get("href", "").strip(), len(self.text)))
        elif tag == "img":
            self.handle_data(given.get("alt", ""))
        if tag not in _KEPT or len(self._open) >= _DEEPEST:
            return
        kept = "".join(
            f' {name}="{value}"'
            for name, value in given.items()
            if name in _ATTRIBUTES and value.isascii() and value.replace("-", "").isalnum()
        )
        if tag in _EMPTY:
            self.markup.append(f"<{tag}{kept}/>")
            return
        self._open.append(tag)
        self.markup.append(f"<{tag}{kept}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENCED:
            return
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent and self._silent.pop() != tag:
                pass
            return
        if self._silent:
            return
        if tag in _BREAKS and tag != "br":
            self.text.append("\n")
        if tag == "a":
            self._tell_address()
        if tag not in self._open:
            return
        while True:
            last = self._open.pop()
            self.markup.append(f"</{last}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._silent:
            words = _NO_XML.sub("", data)
            self.markup.append(escape(words, quote=False))
            self.text.append(words)

    def _tell_address(self) -> None:
        """Where a link leads, unless its words say so themselves."""
        if self._links:
            address, begin = self._links.pop()
            if _LINKS.fullmatch(address) and address not in "".join(self.text[begin:]):
                self.handle_data(f" ({address})")

    def read(self, html: str) -> None:
        whole, end, rest = html.rpartition(">")
        self.feed(whole + end)
        self.close()
        self.handle_data(unescape(rest))  # no tag can end in it, and each that began would be looked for to its end
        self._tell_address()
        while self._open:
            self.markup.append(f"</{self._open.pop()}>")


def _reduced(html: str) -> _Reducer:
    reducer = _Reducer()
    reducer.read(html)
    return reducer


def safe_markup(html: str) -> str:
    """The markup without anything that acts or leads elsewhere."""
    return "".join(_reduced(html).markup)


def plain_text(html: str) -> str:
    """The text alone, one line per block, no empty lines in a row."""
    lines = [" ".join(line.split()) for line in "".join(_reduced(html).text).split("\n")]
    return "\n".join(line for line, before in zip(lines, ["", *lines], strict=False) if line or before).strip()


def narrative(html: str) -> str:
    """A narrative's `div`, in the XHTML name space (R4 narrative)."""
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{safe_markup(html)}</div>'
