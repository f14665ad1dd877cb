"""The files that come inside a report: what they are, whatever they are called (R4 Attachment)."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

from fhir_gateway.outcome import Issue, Refusal, unprocessable
from fhir_gateway.resources.narrative import plain_text, safe_markup
from fhir_gateway.resources.reading import too_long
from fhir_gateway.resources.shapes import octets_of
from vault.facts import DocumentFacts, Section

Json = dict[str, Any]

PDF, TEXT, HTML, XML = "application/pdf", "text/plain", "text/html", "application/xml"
_HEADING = re.compile(r"\s*([A-Z][A-Z /&,()\-]{2,60}):\s*(.*)")
_KNOWN = re.compile(
    r"\s*(indications?|clinical (?:history|information)|history|reason|techniques?|comparison|findings|impression|"
    r"conclusions?|recommendations?):?\s*",
    re.IGNORECASE,
)
_RTF = b"{\\rtf"
_CHARSETS = {"utf-8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}


@dataclass(frozen=True, slots=True)
class IncomingDocument:
    """One file, checked: its octets as they will be kept and served."""

    media_type: str
    title: str
    octets: bytes = field(repr=False)

    @property
    def sha1(self) -> str:
        """As R4 Attachment.hash: base64 of the SHA-1 of the octets."""
        return b64encode(sha1(self.octets, usedforsecurity=False).digest()).decode("ascii")

    def facts(self, kept: str) -> DocumentFacts:
        """What a page shows of it; `kept` is the id it is kept under."""
        return DocumentFacts(
            resource_id=kept, media_type=self.media_type, title=self.title, size=len(self.octets), sha1=self.sha1
        )

    @property
    def text(self) -> str:
        """Its words, where it has any that can be shown without opening it."""
        if self.media_type == HTML:
            return plain_text(self.octets.decode("utf-8"))
        return self.octets.decode("utf-8").strip() if self.media_type == TEXT else ""


def incoming_document(attachment: Json, place: str, *, most: int) -> IncomingDocument:
    """The file inside an attachment. Raises `Refusal` 413 above `most` octets, 422 for what it is not."""
    octets = octets_of(attachment["data"], f"{place}.data")
    if len(octets) > most:
        raise too_long()
    declared, _, parameters = str(attachment.get("contentType") or "").partition(";")
    media_type = declared.strip().lower() or (PDF if octets.startswith(b"%PDF-") else TEXT)
    _check_promises(attachment, octets, place)
    if media_type == PDF:
        if not octets.startswith(b"%PDF-"):
            raise unprocessable("The document is not the PDF it is said to be.", f"{place}.data", "value")
    elif media_type in (TEXT, HTML):
        if octets.startswith(_RTF):  # as text it would be read as its own mark-up
            raise _not_taken(f"{place}.data")
        words = _decoded(octets, parameters, place)
        octets = (safe_markup(words) if media_type == HTML else words).encode()
    else:
        raise _not_taken(f"{place}.contentType")
    return IncomingDocument(media_type, str(attachment.get("title") or ""), octets)


def _not_taken(place: str) -> Refusal:
    words = "Documents are taken in as PDF, text or HTML; RTF and office files have to be made one of these."
    return Refusal(422, Issue("not-supported", words, place))


def _check_promises(attachment: Json, octets: bytes, place: str) -> None:
    """An attachment that names a size or hash is held to it, so that a damaged one is not kept as whole."""
    if isinstance(attachment.get("size"), int) and attachment["size"] != len(octets):
        raise unprocessable("The document is not as long as it is said to be.", f"{place}.size", "value")
    hashed = b64encode(sha1(octets, usedforsecurity=False).digest()).decode("ascii")
    if attachment.get("hash") not in (None, hashed):
        raise unprocessable("The document does not have the hash it is said to have.", f"{place}.hash", "value")


def _decoded(octets: bytes, parameters: str, place: str) -> str:
    named = re.search(r"charset\s*=\s*\"?([A-Za-z0-9\-]+)", parameters)
    codec = _CHARSETS.get(named[1].lower(), "") if named else "utf-8"
    try:
        words = octets.decode(codec) if codec else ""
    except UnicodeDecodeError:
        words = ""
    if (octets and not words) or "\0" in words:
        raise unprocessable("The text is not in the characters it is said to be in.", f"{place}.data", "value")
    return words


def sections_of(text: str) -> tuple[Section, ...]:
    """A report's text in its parts: a line such as `FINDINGS: …`, or `Findings` alone on its line, begins one."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        match = _HEADING.fullmatch(line)
        if match:
            found.append((match[1].strip().capitalize(), [match[2]] if match[2] else []))
        elif alone := _KNOWN.fullmatch(line):
            found.append((alone[1].capitalize(), []))
        else:
            found[-1][1].append(line.rstrip())
    joined = ((heading, "\n".join(lines).strip()) for heading, lines in found)
    return tuple(Section(heading, words) for heading, words in joined if words)
