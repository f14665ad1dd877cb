"""
What the asker accepts, and the choice among what we can give (RFC 9110 12.5.1, PS3.18 8.7).

Implicit VR and big endian are never chosen; without a transfer syntax an asker means Explicit VR Little Endian.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from python_multipart.multipart import parse_options_header

from fhir_gateway.dicom.syntaxes import EXPLICIT_LITTLE, OCTETS, is_native, media_type_of, on_the_wire
from fhir_gateway.errors import NotAcceptable

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
METADATA = (DICOM_JSON, "application/json")
RENDERED = ("image/jpeg", "image/png", "image/gif")
HEADER_MOST = 8192
RANGES_MOST = 64


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One thing the asker accepts: of multipart/related the type inside, and whether it comes in parts."""

    media_type: str
    multipart: bool
    syntax: str | None
    quality: float

    def covers(self, media_type: str) -> bool:
        """Tell whether `media_type` is within this range."""
        kind, _, detail = self.media_type.partition("/")
        return self.media_type in {"*/*", media_type} or (detail == "*" and media_type.startswith(kind + "/"))


@dataclass(frozen=True, slots=True)
class Choice:
    """What to answer with; `transcoded` where it is not what is stored."""

    media_type: str
    syntax: str
    multipart: bool
    transcoded: bool

    @property
    def content_type(self) -> str:
        """The Content-Type of a part, always with its transfer syntax."""
        return f"{self.media_type}; transfer-syntax={self.syntax}"


# A viewer asks for a thousand frames with the same header, which holds no secret.
_REMEMBERED = lru_cache(maxsize=256)
ANYTHING = (MediaRange("*/*", multipart=False, syntax=None, quality=1.0),)


@_REMEMBERED
def parse_accept(header: str | None) -> tuple[MediaRange, ...]:
    """
    The ranges of an Accept header, the most wanted first; what is no range is passed over.

    Absent or empty means anything. Raises NotAcceptable for a header beyond measure, or of which nothing is left.
    """
    if header is None or not header.strip():
        return ANYTHING
    if len(header) > HEADER_MOST or not header.isascii():
        raise NotAcceptable("The Accept header is too long, or no header.")
    items = _items(header)
    if len(items) > RANGES_MOST:
        raise NotAcceptable("The Accept header names too many types.")
    ranges = [found for item in items if (found := _range(item)) is not None]
    if not ranges:
        raise NotAcceptable("The Accept header names no media type.")
    return tuple(sorted(ranges, key=lambda wanted: -wanted.quality))


def choose(header: str | None, offers: Sequence[str]) -> str:
    """The offer the asker likes best; among equals the first offered. Raises NotAcceptable."""
    ranges = parse_accept(header)
    liked = [(max(_liking(ranges, offer)), offer) for offer in offers]
    best = max((quality for quality, _ in liked), default=0.0)
    if best <= 0:
        raise NotAcceptable("None of the types that are accepted can be given.")
    return next(offer for quality, offer in liked if quality == best)


def choose_parts(header: str | None, offers: Sequence[str]) -> str:
    """The offer for the parts of an answer that can only be multipart. Raises NotAcceptable."""
    for wanted in parse_accept(header):
        fitting = [offer for offer in offers if wanted.covers(offer)]
        if wanted.quality > 0 and fitting:
            return fitting[0]
    raise NotAcceptable("None of the types that are accepted can be given.")


def choose_bulk(header: str | None, offers: Sequence[str]) -> tuple[str, bool]:
    """
    As which of `offers` to give a value, and whether as the one part of a multipart answer: only where bare is no way.

    Raises NotAcceptable.
    """
    for wanted in parse_accept(header):
        fitting = [offer for offer in offers if wanted.covers(offer)]
        if wanted.quality > 0 and fitting and wanted.syntax in {None, "*", EXPLICIT_LITTLE}:
            return fitting[0], wanted.multipart
    raise NotAcceptable("The value cannot be given in a form that is accepted.")


@_REMEMBERED
def choose_object(header: str | None, stored: str, *, single: bool, can_unpack: bool = True) -> Choice:
    """
    How to give whole instances stored in syntax `stored`: in parts, or bare where there is but one (`single`).

    Raises NotAcceptable where the asker wants a syntax that can be neither given nor made.
    """
    for wanted in parse_accept(header):
        if not wanted.covers(DICOM) or wanted.quality <= 0:
            continue
        # A wildcard range asks for no syntax, and takes the object as it is.
        asked = wanted.syntax or ("*" if "*" in wanted.media_type else EXPLICIT_LITTLE)
        syntax = _given(asked, stored, can_unpack=can_unpack)
        if syntax is None:
            continue
        if wanted.media_type == DICOM and not wanted.multipart and not single:
            continue
        bare = wanted.media_type == DICOM and not wanted.multipart
        return Choice(DICOM, syntax, multipart=not bare, transcoded=syntax != stored)
    raise NotAcceptable("The instances cannot be given in a transfer syntax that is accepted.")


@_REMEMBERED
def choose_frames(header: str | None, stored: str, *, single: bool, can_unpack: bool = True) -> Choice:
    """
    How to give frames stored in syntax `stored`: as they are, or unpacked to bare octets.

    Raises NotAcceptable.
    """
    syntax = EXPLICIT_LITTLE if is_native(stored) else on_the_wire(stored)
    native = media_type_of(syntax)
    for wanted in parse_accept(header):
        if wanted.quality <= 0 or not (wanted.covers(native) or wanted.covers(OCTETS)):
            continue
        if not wanted.multipart and "*" not in wanted.media_type and not single:
            continue
        multipart = wanted.multipart or "*" in wanted.media_type
        if _as_stored(wanted, native, syntax):
            return Choice(native, syntax, multipart, transcoded=False)
        if wanted.covers(OCTETS) and wanted.syntax in {None, EXPLICIT_LITTLE} and can_unpack:
            return Choice(OCTETS, EXPLICIT_LITTLE, multipart, transcoded=True)
    raise NotAcceptable("The frames cannot be given in a form that is accepted.")


def _as_stored(wanted: MediaRange, native: str, syntax: str) -> bool:
    """Tell whether what is stored is what is wanted; `*` in the type or the syntax takes it as it is."""
    if wanted.syntax in {"*", syntax} or "*" in wanted.media_type:
        return wanted.syntax in {None, "*", syntax}
    # PS3.18 table 8.7.3-5 names a default syntax for each type; a stored sibling is as near as can be given.
    return wanted.syntax is None and wanted.media_type == native


def _given(asked: str, stored: str, *, can_unpack: bool) -> str | None:
    """The syntax in which an instance can be given when `asked` is wanted, or None."""
    plain = on_the_wire(stored)
    if asked in {"*", plain}:
        return plain
    if asked == EXPLICIT_LITTLE and (is_native(stored) or can_unpack):
        return EXPLICIT_LITTLE
    return None


def _liking(ranges: Sequence[MediaRange], offer: str) -> list[float]:
    """How much each of the most exact ranges that cover the offer wants it; an exact 0 forbids (RFC 9110 12.5.1)."""
    covering = [wanted for wanted in ranges if wanted.covers(offer) and not wanted.multipart]
    exact = [wanted.quality for wanted in covering if wanted.media_type == offer]
    partial = [wanted.quality for wanted in covering if wanted.media_type not in {offer, "*/*"}]
    return exact or partial or [wanted.quality for wanted in covering] or [0.0]


def _items(header: str) -> list[str]:
    """The list's items; commas within quotes part nothing."""
    items, start, quoted = [], 0, False
    for at, letter in enumerate(header):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            items.append(header[start:at])
            start = at + 1
    return [item for item in [*items, header[start:]] if item.strip()]


def _range(item: str) -> MediaRange | None:
    kind, options = parse_options_header(item.strip())
    media_type = kind.decode("latin-1").lower()
    named = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in options.items()}
    quality = _quality(named.get("q", "1"))
    if media_type.count("/") != 1 or quality is None:
        return None
    multipart = media_type == "multipart/related"
    if multipart:
        media_type = named.get("type", "*/*").lower()
    elif media_type == "multipart/*":
        media_type, multipart = "*/*", True
    return MediaRange(media_type, multipart, named.get("transfer-syntax"), quality)


def _quality(text: str) -> float | None:
    try:
        quality = float(text)
    except ValueError:
        return None
    return quality if 0 <= quality <= 1 else None
