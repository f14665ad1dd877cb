"""
The words of a clinical document in XML (HL7 CDA R2): the titles and texts of its sections, and nothing that acts.

No entity is ever looked up: a document with a document type declaration is refused before it could name one. Tags are
left behind, so that only text comes out; depth and size are bounded.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from xml.parsers import expat

from fhir_gateway.dicom.structured_report import Block
from fhir_gateway.errors import BadDocument

DEEPEST = 100
MOST_ELEMENTS = 100_000
_LINES = frozenset({"paragraph", "item", "tr", "br", "caption", "table", "list", "thead", "tbody"})
_CELLS = frozenset({"td", "th"})
_SILENT = frozenset({"renderMultiMedia", "colgroup", "col", "script", "style"})


@dataclass(frozen=True, slots=True)
class ClinicalDocument:
    """What people read of it. `attached` is the file inside one that has no sections: media type and octets."""

    title: str
    language: str
    blocks: tuple[Block, ...] = field(repr=False)
    attached: tuple[str, bytes] | None = field(repr=False, default=None)


def read_clinical_document(octets: bytes) -> ClinicalDocument:
    """The document's words. Raises `BadDocument` for no XML, a document type, and what is no clinical document."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.words
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(octets, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadDocument("The document inside is no well-formed XML.") from error
    return reader.finished()


class _Reader:
    """Follows the document from tag to tag."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._elements = 0
        self._title: list[str] = []
        self._language = ""
        self._blocks: list[Block] = []
        self._pieces: list[str] = []
        self._attached: tuple[str, str] | None = None  # media type and representation of a body that is no XML
        self._inner = ""

    def refuse(self, *_: object) -> None:
        raise BadDocument("The document inside declares a type or entities.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self._elements += 1
        if len(self._path) >= DEEPEST or self._elements > MOST_ELEMENTS:
            raise BadDocument("The document inside is larger or deeper than is read.")
        if not self._path and local != "ClinicalDocument":
            raise BadDocument("The document inside is no clinical document.")
        self._path.append(local)
        if self._path == ["ClinicalDocument", "languageCode"]:
            self._language = attributes.get("code", "")
        elif self._is_at("nonXMLBody", "text"):
            self._attached = (attributes.get("mediaType", ""), attributes.get("representation", ""))
            self._pieces = []
        elif self._is_at("section", "title") or self._is_at("section", "text"):
            self._pieces = []
        elif local in _LINES and self._in_text():
            self._pieces.append("\n")
        elif local in _CELLS and self._in_text():
            self._pieces.append(" ")

    def words(self, said: str) -> None:
        if self._path == ["ClinicalDocument", "title"]:
            self._title.append(said)
        elif not _SILENT & set(self._path):
            self._pieces.append(said)

    def end(self, _name: str) -> None:
        if self._is_at("section", "title"):
            if heading := " ".join(self._said().split()):
                self._blocks.append(Block("heading", heading, self._path.count("section")))
        elif self._is_at("section", "text"):
            if tidied := _tidy(self._said()):
                self._blocks.append(Block("text", tidied))
        elif self._is_at("nonXMLBody", "text"):
            self._inner = self._said()
        elif self._path[-1] in _LINES and self._in_text():
            self._pieces.append("\n")
        self._path.pop()

    def _said(self) -> str:
        """What was said since its element began; taken once, for a text may have very many pieces."""
        said, self._pieces = "".join(self._pieces), []
        return said

    def finished(self) -> ClinicalDocument:
        title = " ".join("".join(self._title).split())
        return ClinicalDocument(title, self._language, tuple(self._blocks), self._file())

    def _file(self) -> tuple[str, bytes] | None:
        if self._attached is None:
            return None
        kind, representation = self._attached
        if representation != "B64":
            return kind or "text/plain", self._inner.strip().encode()
        try:
            return kind, b64decode("".join(self._inner.split()), validate=True)
        except (NotBase64, ValueError) as error:
            raise BadDocument("The file in the document inside is damaged.") from error

    def _is_at(self, *names: str) -> bool:
        return tuple(self._path[-len(names) :]) == names

    def _in_text(self) -> bool:
        return "section" in self._path and "text" in self._path


def _tidy(said: str) -> str:
    """One line for each block, none of them empty."""
    lines = (" ".join(line.split()) for line in said.split("\n"))
    return "\n".join(line for line in lines if line)
