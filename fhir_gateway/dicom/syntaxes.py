"""
Transfer syntaxes: how a data set and its pictures are written.

The table is our own, because the library knows fewer than senders use (PS3.5 annex A, PS3.6 table A-1;
media types PS3.18 8.7.3).
"""

from dataclasses import dataclass

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
OCTETS = "application/octet-stream"

_DICOM = "1.2.840.10008.1.2."
_IMPLICIT = {IMPLICIT_LITTLE, "1.2.840.113619.5.2"}  # the second is a maker's own, with big-endian pictures
_DEFLATED = {DEFLATED_LITTLE, _DICOM + "4.95", _DICOM + "4.205"}
_REFERENCED = {_DICOM + "4.94", _DICOM + "4.95", _DICOM + "4.204", _DICOM + "4.205"}

_MEDIA = {
    **dict.fromkeys([f"4.{n}" for n in (*range(50, 67), 70)], "image/jpeg"),
    **dict.fromkeys(("4.80", "4.81"), "image/jls"),
    **dict.fromkeys(("4.90", "4.91"), "image/jp2"),
    **dict.fromkeys(("4.92", "4.93"), "image/jpx"),
    **dict.fromkeys([f"4.{n}" for n in range(100, 102)] + [f"4.{n}.1" for n in range(100, 102)], "video/mpeg"),
    **dict.fromkeys([f"4.{n}" for n in range(102, 109)] + [f"4.{n}.1" for n in range(102, 107)], "video/mp4"),
    **dict.fromkeys(("4.110", "4.111", "4.112"), "image/jxl"),
    **dict.fromkeys(("4.201", "4.202", "4.203"), "image/jphc"),
    "5": "image/dicom-rle",
    "8.1": "application/x-deflate",
}


@dataclass(frozen=True, slots=True)
class Syntax:
    """How one transfer syntax writes a data set."""

    uid: str
    implicit: bool
    big: bool
    deflated: bool

    @property
    def media_type(self) -> str:
        """What one frame is, served as it is stored."""
        return media_type_of(self.uid)


def syntax_of(uid: str) -> Syntax:
    """What is known of `uid`; one we do not know is Explicit VR Little Endian, as all newer ones are (PS3.5 A.4)."""
    return Syntax(uid, implicit=uid in _IMPLICIT, big=uid == EXPLICIT_BIG, deflated=uid in _DEFLATED)


def media_type_of(uid: str) -> str:
    """The media type of one frame as stored: a picture format, or bare octets."""
    return _MEDIA.get(uid.removeprefix(_DICOM), OCTETS) if uid.startswith(_DICOM) else OCTETS


def is_native(uid: str) -> bool:
    """Tell whether frames lie bare in the file, neither compressed nor behind an address."""
    return uid in {IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED_LITTLE, EXPLICIT_BIG, *_IMPLICIT}


def is_video(uid: str) -> bool:
    """Tell whether all frames are one stream that cannot be cut into pictures."""
    return media_type_of(uid).startswith("video/")


def is_referenced(uid: str) -> bool:
    """Tell whether the pictures lie elsewhere, behind an address in the data set."""
    return uid in _REFERENCED


def on_the_wire(uid: str) -> str:
    """The syntax an instance is served in as stored: implicit and big endian never leave (PS3.18 8.7.3.5.2)."""
    return EXPLICIT_LITTLE if uid == EXPLICIT_BIG or uid in _IMPLICIT else uid
