"""Small sealed objects: how their contents are laid out, and how they are read whole (docs/format.md 6)."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from hmac import compare_digest
from typing import Any

from vault.blobs import BlobReader, BlobStore
from vault.database import Work
from vault.sealing import derive
from vault.sealing.errors import Tampered
from vault.sealing.stream import Kind, SealedObject, padded, unpadded
from vault.tables import InstanceRow, ObjectRow

RECORD_PADDING = 1024
RESOURCE_PADDING = 4096
_LENGTH_OCTETS = 4


# -- writing ----------------------------------------------------------------------------------------------------------


def as_json(value: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """JSON that `json.loads` reads back to an equal value, half a surrogate pair from a careless sender included."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def series_index(head: Mapping[str, Any], dicom: Sequence[bytes]) -> bytes:
    """A series index: u32 length of the head, the head, then the instances' DICOM JSON, both gzip; padded to 1 KiB.

    The head alone (study, series and instance facts) serves lists; the rest serves DICOMweb metadata.
    """
    first = gzip.compress(as_json(head), 6, mtime=0)
    rest = gzip.compress(b"[" + b",".join(dicom) + b"]", 6, mtime=0)
    return padded(_prefixed(first) + rest, RECORD_PADDING)


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


def check_at_hand(blobs: BlobStore, names: Iterable[str]) -> None:
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
    """The head of a series index: study, series and instance facts."""
    head, _ = _split(unpadded(read_object(work, row, key, study_id)))
    return json.loads(gzip.decompress(head))


def read_index(
    work: Work, row: ObjectRow, key: bytes, study_id: bytes
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The facts and the DICOM JSON of a series index' instances, each in the order of their places."""
    head, rest = _split(unpadded(read_object(work, row, key, study_id)))
    return json.loads(gzip.decompress(head))["instances"], json.loads(gzip.decompress(rest))


def read_resource(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The sealed body of a FHIR resource: {"type", "facts", "fhir"}."""
    return json.loads(unpadded(read_object(work, row, key, study_id)))


def read_document(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> tuple[dict[str, Any], bytes]:
    """A document's head and its octets."""
    head, octets = _split(read_object(work, row, key, study_id))
    return json.loads(head), octets


def read_description(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The whole DICOM JSON of a document."""
    return json.loads(gzip.decompress(unpadded(read_object(work, row, key, study_id))))


def check_uid(work: Work, uid: str, *, scope: bytes, uid_bi: bytes) -> None:
    """Raise `Tampered` unless the row found by `uid_bi` is the one whose sealed facts say `uid`."""
    if not compare_digest(uid_bi, derive.uid_index(work.secrets.index_key, scope, uid)):
        raise Tampered("a row with another's description")


def _split(octets: bytes) -> tuple[bytes, bytes]:
    end = _LENGTH_OCTETS + int.from_bytes(octets[:_LENGTH_OCTETS], "big")
    return octets[_LENGTH_OCTETS:end], octets[end:]
