"""Opening small sealed objects whole."""

import gzip
import json
from typing import Any

from vault.database import Work
from vault.sealing.stream import Kind, SealedObject, unpadded
from vault.tables import ObjectRow


def read_object(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> bytes:
    """All octets of a small sealed object."""
    with work.blobs.reader(row.blob) as reader:
        return _sealed(reader.read_at, row, key, study_id).read(0, row.length)


def read_index_head(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The head of a series index: study, series and instance facts."""
    head, _ = split_index(read_object(work, row, key, study_id))
    return json.loads(gzip.decompress(head))


def split_index(octets: bytes) -> tuple[bytes, bytes]:
    """The two gzip members of a series index: head, DICOM JSON (see `receiving.series_index`)."""
    body = unpadded(octets)
    length = int.from_bytes(body[:4], "big")
    return body[4 : 4 + length], body[4 + length :]


def read_resource(work: Work, row: ObjectRow, key: bytes, study_id: bytes) -> dict[str, Any]:
    """The sealed body of a FHIR resource: {"type", "facts", "fhir"}."""
    return json.loads(unpadded(read_object(work, row, key, study_id)))


def _sealed(read_at: Any, row: ObjectRow, key: bytes, study_id: bytes) -> SealedObject:
    return SealedObject(
        lambda offset, length: read_at(row.offset + offset, length),
        row.length,
        key=key,
        study=study_id,
        object_id=row.id,
        kind=Kind(row.kind),
        commitment=row.commitment,
    )
