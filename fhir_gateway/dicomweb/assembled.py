"""
Instances that come as metadata with their bulk data beside them, put together to files (PS3.18 8.7.3.3, 10.5.1).

The metadata come first. An instance is handed on as soon as the last value it names has come; what waits meanwhile,
metadata and bulk data, is bounded, and no address is ever fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header

from fhir_gateway.dicom.facts import first, only
from fhir_gateway.dicom.from_json import Packed, bulk_uris, file_of
from fhir_gateway.dicom.syntaxes import OCTETS, media_type_of
from fhir_gateway.dicom.uids import is_uid
from fhir_gateway.dicomweb.accept import DICOM, METADATA
from fhir_gateway.dicomweb.multipart import Head
from fhir_gateway.errors import BadBody, MissingIdentity, TooLarge, UnreadableDicom

Json = dict[str, Any]
Pieces = Iterator[memoryview]

METADATA_MOST = 16 << 20
INSTANCES_MOST = 2000
HELD_MOST = 64 << 20
NOT_COME = "A value that the metadata names did not come as a part."
_COUNT = re.compile(r"[0-9]{1,9}")
TOO_MUCH = "Its bulk data is more than is held; send it as one DICOM file."


@dataclass(slots=True)
class _Waiting:
    """An instance's metadata, and what of its bulk data has come."""

    metadata: Json
    missing: set[str]
    octets: int = 0  # how long its metadata is
    bulk: dict[str, bytes | Packed] = field(default_factory=dict[str, bytes | Packed])

    @property
    def frames(self) -> int:
        """How many parts a packed picture comes in."""
        count = str(first(self.metadata, "00280008"))
        return max(int(count), 1) if _COUNT.fullmatch(count) else 1

    @property
    def names(self) -> tuple[str, str]:
        """SOP class and instance UID, empty where they are none."""
        sop_class, uid = only(self.metadata, "00080016"), only(self.metadata, "00080018")
        return (sop_class if is_uid(sop_class) else ""), (uid if is_uid(uid) else "")


class Assembling:
    """Turns the parts of a body of metadata and bulk data into parts that are whole files."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._by_uri: dict[str, _Waiting] = {}
        self._held = 0  # octets of bulk data
        self._described = 0  # octets of metadata

    def files(self, parts: Iterator[tuple[Head, Pieces]]) -> Iterator[tuple[str, Pieces]]:
        """Every instance as one part of the type application/dicom; what cannot be one raises when it is read.

        Raises `BadBody` where the metadata is not at hand first.
        """
        for head, pieces in parts:
            if head.content_type.partition(";")[0].strip().lower() in METADATA:
                yield from self._begin(_joined(pieces, METADATA_MOST - self._described))
            elif not self._waiting and not self._by_uri:
                raise BadBody("The metadata must be the first part.")
            else:
                yield from self._take(head, pieces)
        for lacking in self._waiting:
            yield _failing(lacking, UnreadableDicom(NOT_COME))

    def _begin(self, octets: bytes) -> Iterator[tuple[str, Pieces]]:
        listed = _instances(octets)
        for metadata in listed:
            try:
                waiting = _Waiting(metadata, set(bulk_uris(metadata)), len(octets) // len(listed))
            except UnreadableDicom as unreadable:
                yield _failing(_Waiting(metadata, set()), unreadable)
                continue
            if not waiting.missing:
                yield self._whole(waiting)
                continue
            self._waiting.append(waiting)
            self._described += waiting.octets
            self._by_uri |= dict.fromkeys(waiting.missing, waiting)

    def _take(self, head: Head, pieces: Pieces) -> Iterator[tuple[str, Pieces]]:
        waiting = self._by_uri.get(head.location)
        if waiting is None or waiting not in self._waiting:
            return  # named by none of them, or by one that was refused: its octets are read on and dropped
        try:
            octets = _joined(pieces, HELD_MOST - self._held)
        except TooLarge as too_large:
            self._let_go(waiting)
            yield _failing(waiting, too_large)
            return
        self._held += len(octets)
        if _keep(waiting, head, octets):
            self._let_go(waiting)
            yield self._whole(waiting)

    def _let_go(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        self._described -= waiting.octets
        self._held -= sum(_size(one) for one in waiting.bulk.values())

    def _whole(self, waiting: _Waiting) -> tuple[str, Pieces]:
        try:
            return DICOM, iter((memoryview(file_of(waiting.metadata, waiting.bulk)),))
        except UnreadableDicom as unreadable:
            return _failing(waiting, unreadable)


def _size(value: bytes | Packed) -> int:
    return len(value) if isinstance(value, bytes) else sum(map(len, value.frames))


def _keep(waiting: _Waiting, head: Head, octets: bytes) -> bool:
    """Keep one part of an instance; tell whether it was the last."""
    syntax = _packing(head)
    if syntax is None:
        waiting.bulk[head.location] = octets
        waiting.missing.discard(head.location)
        return not waiting.missing
    known = waiting.bulk.get(head.location)
    frames = (*(known.frames if isinstance(known, Packed) else ()), octets)
    waiting.bulk[head.location] = Packed(syntax, frames)
    if len(frames) >= waiting.frames:
        waiting.missing.discard(head.location)
    return not waiting.missing


def _packing(head: Head) -> str | None:
    """The transfer syntax of a packed picture, None for bare octets; where none is named, that of its type."""
    kind, options = parse_options_header(head.content_type)
    media_type = kind.decode("latin-1").lower()
    named = options.get(b"transfer-syntax", b"").decode("latin-1").strip()
    if named and media_type_of(named) != OCTETS:
        return named
    return _DEFAULTS.get(media_type)


# PS3.18 table 8.7.3-5: what a type means where no transfer syntax is named.
_DEFAULTS = {
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/jxl": "1.2.840.10008.1.2.4.110",
}


def _instances(octets: bytes) -> list[Json]:
    try:
        found = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        raise BadBody("The metadata is not JSON.") from error
    found = found if isinstance(found, list) else [found]
    if len(found) > INSTANCES_MOST or not all(isinstance(one, dict) for one in found):
        raise BadBody("The metadata is not an array of instances, or of more than are taken in.")
    return found


def _joined(pieces: Pieces, most: int) -> bytes:
    """The octets of a part. Raises `TooLarge` above `most`, before more of them are held."""
    held = bytearray()
    for piece in pieces:
        if len(held) + len(piece) > most:
            raise TooLarge(TOO_MUCH)
        held += piece
    return bytes(held)


def _failing(waiting: _Waiting, reason: UnreadableDicom) -> tuple[str, Pieces]:
    """A part that says why it is none as soon as it is read."""

    def pieces() -> Iterator[memoryview]:
        raise MissingIdentity(str(reason), *waiting.names) from reason
        yield  # what makes this raise only when it is read

    return DICOM, pieces()
