"""The pictures a scan center marked as the ones to look at, small enough for paper.

A key object selection names them among the evidence of its request (PS3.3 C.17.6.2), a presentation state among the
series it applies to (PS3.3 C.11.11).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.request import access, services
from fhir_gateway.dicom.frames import frame_octets
from fhir_gateway.dicom.reencode import header_octets
from fhir_gateway.dicomweb import found
from fhir_gateway.errors import BadUID, NoSuchFrame, PixelsRefused
from fhir_gateway.outcome import Refusal
from vault.database import Work
from vault.errors import NoKey, NotThere
from vault.keyring import KeyClass
from vault.reading import Instance, find_instance, full_description, list_series, open_series

Json = Mapping[str, Any]
EVIDENCE, SERIES = "0040A375", "00081115"
PICTURES = ("00081199", "00081140")  # of a key object selection, of a presentation state
FRAME, SERIES_UID, INSTANCE_UID = "00081160", "0020000E", "00081155"
CONTENT = "0040A730"


@dataclass(frozen=True, slots=True)
class Marked:
    """One marked picture: its frame from 1, which there may be several of, and the UIDs that lead to it."""

    series_uid: str
    instance_uid: str
    frame: int


@dataclass(frozen=True, slots=True)
class MarkedPicture:
    """The picture as a JPEG of at most 1024 pixels; its number is the machine's own, None where it gave none."""

    jpeg: bytes
    series_uid: str
    number: int | None


def marked_pictures(study_uid: str, marking: Sequence[str], *, most: int) -> list[MarkedPicture]:
    """The first pictures that the series `marking` of a study mark; one that cannot be drawn or seen is left out."""
    drawn: list[MarkedPicture] = []
    for one in dict.fromkeys(_named_by(study_uid, marking)):
        try:
            drawn.append(_drawn(study_uid, one))
        except (BadUID, NoKey, NoSuchFrame, NotThere, PixelsRefused, Refusal):
            continue
        if len(drawn) == most:
            break
    return drawn


def _named_by(study_uid: str, marking: Iterable[str]) -> Iterator[Marked]:
    for series_uid in marking:
        try:
            with services().reading() as work:
                found_there = open_series(work, access().opened(), study_uid, series_uid)
                objects = [_whole(work, one, (study_uid, series_uid, one.facts.uid)) for one in found_there]
        except (NoKey, NotThere):
            continue
        for one in objects:
            for holder in (one, *_items(one, EVIDENCE)):
                yield from _in_series(holder, _frames_in(one))


def _whole(work: Work, one: Instance, uids: tuple[str, str, str]) -> Json:
    """All that a document says, which its series' description does not."""
    if one.facts.key_class != KeyClass.REPORTS.value:
        return one.dicom
    keyring = access().opened_for_objects()
    return full_description(work, keyring, find_instance(work, keyring, *uids)) or one.dicom


def _in_series(holder: Json, frames: Mapping[str, int]) -> Iterator[Marked]:
    for series in _items(holder, SERIES):
        for tag in PICTURES:
            for picture in _items(series, tag):
                uid = _text(picture, INSTANCE_UID)
                yield Marked(_text(series, SERIES_UID), uid, _number(picture, FRAME) or frames.get(uid, 1))


def _frames_in(selection: Json) -> dict[str, int]:
    """Which frame of each instance is meant: a key object says so beside its words, not in its evidence."""
    named = [picture for item in _items(selection, CONTENT) for picture in _items(item, PICTURES[0])]
    return {_text(one, INSTANCE_UID): frame for one in named if (frame := _number(one, FRAME))}


def _drawn(study_uid: str, marked: Marked) -> MarkedPicture:
    shown = found.one(study_uid, marked.series_uid, marked.instance_uid)
    table = shown.picture()
    if marked.frame > table.count:
        raise NoSuchFrame("The instance has no frame of that number.")
    with shown.reading() as read:
        header, frame = header_octets(table, read), frame_octets(table, marked.frame, read)
    jpeg = found.renderer().quick_view(header, frame, number=marked.frame)
    number = marked.frame if table.count > 1 else _number_of(study_uid, marked)
    return MarkedPicture(jpeg=jpeg, series_uid=marked.series_uid, number=number)


def _number_of(study_uid: str, marked: Marked) -> int | None:
    with services().reading() as work:
        listed = list_series(work, access().opened(), study_uid, marked.series_uid)
    return next((one.facts.number for one in listed if one.facts.uid == marked.instance_uid), None)


def _items(holder: Json, tag: str) -> list[Json]:
    element = holder.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [one for one in values or [] if isinstance(one, dict)]


def _first(holder: Json, tag: str) -> Any:
    element = holder.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _text(holder: Json, tag: str) -> str:
    value = _first(holder, tag)
    return value if isinstance(value, str) else ""


def _number(holder: Json, tag: str) -> int | None:
    try:
        return int(_first(holder, tag))
    except (TypeError, ValueError):
        return None
