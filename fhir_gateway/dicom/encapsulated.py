"""Documents that travel inside DICOM: PDF and clinical documents in XML (PS3.3 A.45, C.24.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.dicom.facts import first, text
from fhir_gateway.dicom.feed import Octets
from fhir_gateway.dicom.instance import IncomingInstance
from fhir_gateway.errors import BadDocument

Json = dict[str, Any]

PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
CDA_CLASS = "1.2.840.10008.5.1.4.1.1.104.2"
READABLE = frozenset({PDF_CLASS, CDA_CLASS})
_DOCUMENT = "00420011"
_ROOM = 16 << 20  # what may stand around a document in its file


@dataclass(slots=True)
class Held:
    """The octets of an instance passing through, kept for what is inside of them: at most `most` and a header."""

    source: Iterable[Octets] = field(repr=False)
    most: int
    octets: bytearray = field(repr=False, default_factory=bytearray)

    def passing(self) -> Iterator[Octets]:
        """The same octets. Raises `BadDocument` where there are too many of them."""
        for piece in self.source:
            if len(self.octets) + len(piece) > self.most + _ROOM:
                raise BadDocument("The document inside is larger than is taken in.")
            self.octets += piece
            yield piece


def document_in(incoming: IncomingInstance, held: Held) -> bytes:
    """The document inside, of exactly its own length. Valid once the octets are used up. Raises `BadDocument`."""
    bulk = incoming.bulk().get(_DOCUMENT)
    if bulk is None or incoming.full_metadata is None:
        raise BadDocument("There is no document inside.")
    octets = incoming.counted(bytes(held.octets))[bulk.start : bulk.start + bulk.length]
    length = first(incoming.full_metadata, "00420015")
    if isinstance(length, int) and 0 < length <= len(octets):
        octets = octets[:length]
    elif len(octets) % 2 == 0 and octets.endswith(b"\0"):  # the pad octet of an odd document (PS3.5 6.2, OB)
        octets = octets[:-1]
    if len(octets) > held.most:
        raise BadDocument("The document inside is larger than is taken in.")
    return octets


def check_pdf(octets: bytes) -> None:
    """Raise `BadDocument` unless it begins as a PDF does."""
    if not octets.startswith(b"%PDF-"):
        raise BadDocument("The document inside is not the PDF it is said to be.")


def title_of(metadata: Json) -> str:
    """What the document calls itself."""
    named = first(metadata, "0040A043")
    return text(metadata, "00420010") or (text(named, "00080104") if isinstance(named, dict) else "")
