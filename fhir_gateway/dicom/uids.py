"""Unique identifiers, each level a type of its own."""

import re
from typing import NewType

from fhir_gateway.errors import BadUID

StudyUID = NewType("StudyUID", str)
SeriesUID = NewType("SeriesUID", str)
InstanceUID = NewType("InstanceUID", str)

# PS3.5 9.1, but lenient to leading zeros in a component: real archives hold such UIDs.
_SHAPE = re.compile(r"[0-9]+(\.[0-9]+)*")


def is_uid(text: str) -> bool:
    """Tell whether `text` may stand as a UID: digits and single dots, at most 64 characters."""
    return len(text) <= 64 and text.isascii() and _SHAPE.fullmatch(text) is not None


def check_uid(text: str) -> str:
    """Return `text` unchanged if it is a UID; raise BadUID otherwise."""
    if not is_uid(text):
        raise BadUID("A UID is digits and dots, at most 64 characters.")
    return text


def study_uid(text: str) -> StudyUID:
    """Parse a Study Instance UID; raise BadUID."""
    return StudyUID(check_uid(text))


def series_uid(text: str) -> SeriesUID:
    """Parse a Series Instance UID; raise BadUID."""
    return SeriesUID(check_uid(text))


def instance_uid(text: str) -> InstanceUID:
    """Parse a SOP Instance UID; raise BadUID."""
    return InstanceUID(check_uid(text))
