"""Small sealed objects: how their contents are laid out, and how they are read (docs/format.md 6)."""

import gzip
import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from itertools import accumulate
from typing import Any, Final

import orjson

from vault.blobs import BlobReader
from vault.database import Work
from vault.held_open import BlobSource
from vault.sealing import derive
from vault.sealing.errors import Tampered
from vault.sealing.layout import SEGMENT_LOG2
from vault.sealing.stream import Kind, SealedObject, padded, unpadded
from vault.tables import InstanceRow, ObjectRow

RECORD_PADDING = 1024
RESOURCE_PADDING = 4096
_LENGTH_OCTETS = 4
_STRIP_LEVEL: Final = 3  # half the work of zlib's own choice, a tenth more octets
_MARK: Final = struct.Struct(">16sI")


@dataclass(frozen=True, slots=True)
class Strip:
    """The rows of a series index: its instances' DICOM JSON with commas between, deflated so that it can be joined.

    `deflated` is RFC 1951, refers to nothing before it, ends on an octet and has no final block; `crc` and `length` are
    of what comes out of it. `base` is the origin of the addresses in the rows, empty where they are relative;
    `documents` tells that some row is only what its document's study says of it. `lowest` is the least instance number.
    """

    study_uid: str
    series_uid: str
    base: str
    documents: bool
    lowest: int | None
    marks: tuple[bytes, ...]
    lengths: tuple[int, ...]
    crc: int
    length: int
    deflated: bytes

    def plain(self) -> bytes:
        """The rows. Raises `Tampered` where they are not as long as was noted."""
        rows = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self.deflated, self.length)
        if len(rows) != self.length:
            raise Tampered("a strip of another length")
        return rows

    def rows(self, places: Iterable[int]) -> list[bytes]:
        """The rows at these places. Raises `Tampered` as `plain`."""
        whole, starts = self.plain(), self._starts()
        return [whole[starts[place] : starts[place] + self.lengths[place]] for place in places]

    def row(self, place: int) -> bytes:
        """The row at this place; nothing behind it is inflated. Raises `Tampered` where it ends before its length."""
        start = self._starts()[place]
        end = start + self.lengths[place]
        begin = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self.deflated, end)
        if len(begin) != end:
            raise Tampered("a strip of another length")
        return begin[start:]

    def _starts(self) -> list[int]:
        return list(accumulate((length + 1 for length in self.lengths), initial=0))


# -- writing ----------------------------------------------------------------------------------------------------------


def as_json(value: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """JSON that `from_json` reads back to an equal value, half a surrogate pair from a careless sender included."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def series_index(head: Mapping[str, Any], dicom: Sequence[bytes], marks: Sequence[bytes], *, base: str = "") -> bytes:
    """A series index: head, note, marks, strip (docs/format.md 6), padded to 1 KiB.

    `head` has study, series and instance facts and serves lists; `dicom` are the instances' rows in the same order, and
    `marks` the blind indexes of their UIDs.
    """
    rows = b",".join(dicom)
    packer = zlib.compressobj(_STRIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
    instances: Sequence[Mapping[str, Any]] = head["instances"]
    numbers = [one["number"] for one in instances if one["number"] is not None]
    note = {
        "study": head["study"]["uid"],
        "series": head["series"]["uid"],
        "base": base,
        "documents": any(one["key_class"] != "img" for one in instances),
        "lowest": min(numbers, default=None),
        "count": len(dicom),
        "crc": zlib.crc32(rows),
        "length": len(rows),
    }
    marked = b"".join(_MARK.pack(mark, len(row)) for mark, row in zip(marks, dicom, strict=True))
    first = gzip.compress(as_json(head), _STRIP_LEVEL, mtime=0)
    return padded(_prefixed(first) + _prefixed(as_json(note)) + marked + deflated, RECORD_PADDING)


def document(head: Mapping[str, Any]) -> bytes:
    """What stands before a document's octets: u32 length, JSON."""
    return _prefixed(as_json(head))


def layout_context(row: InstanceRow) -> tuple[bytes, ...]:
    """What an instance's layout is bound to: which octets are found under which UID is not the database's to say."""
    return row.batch, row.id, row.uid_bi, row.object


def description(dicom: Mapping[str, Any]) -> bytes:
    """The whole DICOM JSON of a document."""
    return padded(gzip.compress(as_json(dicom), 6, mtime=0), RECORD_PADDING)


def _prefixed(octets: bytes) -> bytes:
    return len(octets).to_bytes(_LENGTH_OCTETS, "big") + octets


# -- reading ----------------------------------------------------------------------------------------------------------


def check_at_hand(blobs: BlobSource, names: Iterable[str]) -> None:
    """Return if these blobs can be read now; asked before an answer begins. Raises `BlobsAway`, `BlobMissing`."""
    for name in dict.fromkeys(names):
        with blobs.reader(name):
            pass


def sealed_object(reader: BlobReader, row: ObjectRow, key: bytes, study_id: bytes) -> SealedObject:
    """The object of `row` in its blob. Raises `Tampered` when its header is not the one that was sealed."""
    return SealedObject(
        lambda offset, length: reader.read_at(row.offset + offset, length),
        row.length,
        key=key,
        study=study_id,
        object_id=row.id,
        kind=Kind(row.kind),
        commitment=row.commitment,
    )


def read_object(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> bytes:
    """All octets of a small sealed object. Raises `Tampered`, `BlobMissing`."""
    with work.blobs.reader(row.blob) as reader:
        return sealed_object(reader, row, key, study_id).read(0, row.length)


def read_index_head(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The head of a series index: study, series and instance facts. Nothing behind it is fetched."""
    with work.blobs.reader(row.blob) as reader:
        index = sealed_object(reader, row, key, study_id)
        begin = index.read(0, 1 << SEGMENT_LOG2)
        # Behind the length of the whole, which padding hides, stands that of the head.
        end = 2 * _LENGTH_OCTETS + int.from_bytes(begin[_LENGTH_OCTETS : 2 * _LENGTH_OCTETS], "big")
        if end > len(begin):
            begin += index.read(len(begin), end - len(begin))
    return from_json(gzip.decompress(begin[2 * _LENGTH_OCTETS : end]))


def read_index(
    work: Work, row: ObjectRow, key: bytes, study_id: bytes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The facts and the DICOM JSON of a series index' instances, each in the order of their places."""
    facts, strip = _opened_index(work, row, key, study_id)
    return facts, from_json(b"[" + strip.plain() + b"]")


def read_index_at(
    place: int, work: Work, row: ObjectRow, key: bytes, study_id: bytes
) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """The facts of them all, and the DICOM JSON of the one at this place."""
    facts, strip = _opened_index(work, row, key, study_id)
    return facts, {place: from_json(strip.row(place))}


def _opened_index(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> tuple[list[dict[str, Any]], Strip]:
    content = read_object(work, row, key, study_id)
    head, _ = _split(unpadded(content))
    return from_json(gzip.decompress(head))["instances"], strip_in(content)


def read_strip(reader: BlobReader, row: ObjectRow, key: bytes, study_id: bytes) -> Strip:
    """What stands behind the head of a series index. Raises `Tampered`."""
    index = sealed_object(reader, row, key, study_id)
    return strip_in(index.read(0, index.length))


def strip_in(content: bytes) -> Strip:
    """The strip in the octets of an opened series index."""
    _, rest = _split(unpadded(content))
    noted, rest = _split(rest)
    note = orjson.loads(noted)
    end = note["count"] * _MARK.size
    marked = list(_MARK.iter_unpack(rest[:end]))
    return Strip(
        study_uid=note["study"],
        series_uid=note["series"],
        base=note["base"],
        documents=note["documents"],
        lowest=note["lowest"],
        marks=tuple(mark for mark, _ in marked),
        lengths=tuple(length for _, length in marked),
        crc=note["crc"],
        length=note["length"],
        deflated=rest[end:],
    )


def read_resource(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The sealed body of a FHIR resource: {"type", "facts", "fhir"}."""
    return from_json(unpadded(read_object(work, row, key, study_id)))


def read_document(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> tuple[dict[str, Any], bytes]:
    """A document's head and its octets."""
    head, octets = _split(read_object(work, row, key, study_id))
    return from_json(head), octets


def read_description(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The whole DICOM JSON of a document."""
    return from_json(gzip.decompress(unpadded(read_object(work, row, key, study_id))))


def from_json(octets: bytes) -> Any:
    """The reverse of `as_json`."""
    try:
        return orjson.loads(octets)
    except orjson.JSONDecodeError:
        return json.loads(octets)  # decodes half a surrogate pair, too


def check_uid(work: Work, uid: str, *, scope: bytes, uid_bi: bytes) -> None:
    """Raise `Tampered` unless the row found by `uid_bi` is the one whose sealed facts say `uid`."""
    if not compare_digest(uid_bi, derive.uid_index(work.secrets.index_key, scope, uid)):
        raise Tampered("a row with another's description")


def _split(octets: bytes) -> tuple[bytes, bytes]:
    end = _LENGTH_OCTETS + int.from_bytes(octets[:_LENGTH_OCTETS], "big")
    return octets[_LENGTH_OCTETS:end], octets[end:]
