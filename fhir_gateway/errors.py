"""
What can go wrong at the gateway.

GatewayError
├── BadRequest                 the question cannot be understood
│   ├── BadBody                the body is not the multipart that was announced
│   ├── BadUID                 not a DICOM unique identifier
│   └── BadParameter           a query parameter outside its grammar
├── NotAcceptable              nothing the asker accepts can be made of what is stored
├── UnsupportedMediaType       the body is of a kind we do not read
├── NoSuchFrame                the instance has no frame of that number
├── PixelsRefused              the picture cannot be shown; `reason` says why
└── UnreadableDicom            not stored, because it is not a whole DICOM object
    ├── NotDicom               no Part 10 file, or not even the beginning of one
    ├── TruncatedDicom         the file ends before its last element does
    ├── TooDeep                sequences nested deeper than we follow
    ├── TooLarge               more header, elements or fragments than we take in
    ├── Inflated               a deflated data set that grows beyond measure
    ├── MissingIdentity        no study, series, instance or SOP class UID
    ├── BadDocument            the document inside is not what it is said to be
    └── DirectoryRefused       a DICOMDIR: an index of files, not an object
"""

from enum import Enum


class GatewayError(Exception):
    """The root of what the gateway raises; the text is ours and holds nothing from the data."""


class BadRequest(GatewayError):
    """The question cannot be understood."""


class BadBody(BadRequest):
    """The body is not the multipart that was announced."""


class BadUID(BadRequest):
    """Not a DICOM unique identifier."""


class BadParameter(BadRequest):
    """A query parameter outside its grammar."""


class NotAcceptable(GatewayError):
    """Nothing the asker accepts can be made of what is stored."""


class UnsupportedMediaType(GatewayError):
    """The body is of a kind we do not read."""


class NoSuchFrame(GatewayError):
    """The instance has no frame of that number."""


class WhyRefused(Enum):
    """Why a picture cannot be shown; pages have a sentence of their own for each."""

    NO_PIXELS = "this object holds no picture"
    TOO_LARGE = "the picture is too large to be shown here"
    CANNOT_DECODE = "the picture is packed in a way that cannot be unpacked here"
    TOOK_TOO_LONG = "the picture took too long to unpack"


class PixelsRefused(GatewayError):
    """The picture cannot be shown; `reason` says why, `detail` is for a log and comes from no data set."""

    def __init__(self, reason: WhyRefused, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail


class UnreadableDicom(GatewayError):
    """Not stored, because it is not a whole DICOM object (PS3.18 I.2.2: failure C000, cannot understand).

    Its words, at most 64 characters, are told to the sender as Error Comment (0000,0902).
    """


class NotDicom(UnreadableDicom):
    """No Part 10 file, or not even the beginning of one."""


class TruncatedDicom(UnreadableDicom):
    """The file ends before its last element does."""


class TooDeep(UnreadableDicom):
    """Sequences nested deeper than we follow."""


class TooLarge(UnreadableDicom):
    """More header, elements or fragments than we take in."""


class Inflated(UnreadableDicom):
    """A deflated data set that grows beyond measure."""


class BadDocument(UnreadableDicom):
    """The document inside is not what it is said to be, or not one that is read."""


class MissingIdentity(UnreadableDicom):
    """No study, series, instance or SOP class UID; what there is of the last two tells its sender which it was."""

    def __init__(self, message: str, sop_class: str = "", instance_uid: str = "") -> None:
        super().__init__(message)
        self.sop_class = sop_class
        self.instance_uid = instance_uid


class DirectoryRefused(UnreadableDicom):
    """A DICOMDIR: an index of files on a medium, not an object of its own."""
