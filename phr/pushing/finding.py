"""Which DICOM files lie in a folder, and whose they are. Only headers are read, one file at a time."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fhir_gateway.dicom.facts import PatientFacts, first, text
from fhir_gateway.dicom.instance import read_instance
from fhir_gateway.errors import DirectoryRefused, UnreadableDicom

PREAMBLE = 128
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """One DICOM object in a file. `size` and `changed` are the file's when its header was read."""

    path: Path
    size: int
    changed: int
    study_uid: str
    series_uid: str
    instance_uid: str
    sop_class: str
    modality: str
    patient: PatientFacts
    accession: str
    study_date: str
    study_time: str
    description: str
    series_number: int
    series_description: str
    number: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that begins as DICOM does, and cannot be sent."""

    path: Path
    reason: str


def look_through(folder: Path) -> Iterator[Found | Unreadable]:
    """Every DICOM file below the folder, by its preamble and not by its name; links are not followed."""
    for path in _files(folder):
        try:
            if _is_dicom(path):
                yield _found(path)
        except DirectoryRefused:
            continue  # a disc's index: its pictures are files of their own
        except UnreadableDicom as refused:
            yield Unreadable(path, str(refused))
        except OSError as error:
            yield Unreadable(path, error.strerror or "it cannot be read")


def in_order(found: Iterable[Found]) -> list[Found]:
    """By patient, study, series and number, so that one request holds one study."""
    return sorted(
        found,
        key=lambda one: (one.patient.mrn, one.study_date, one.study_uid, one.series_number, one.series_uid, one.number),
    )


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _is_dicom(path: Path) -> bool:
    """PS3.10 7.1: 128 octets of anything, then DICM."""
    with path.open("rb") as file:
        return file.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"


def _found(path: Path) -> Found:
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        incoming = read_instance(iter(lambda: file.read(PIECE), b""))
    said = incoming.metadata
    return Found(
        path=path,
        size=state.st_size,
        changed=state.st_mtime_ns,
        study_uid=incoming.study_uid,
        series_uid=incoming.series_uid,
        instance_uid=incoming.instance_uid,
        sop_class=incoming.sop_class,
        modality=incoming.modality,
        patient=incoming.patient,
        accession=incoming.accession,
        study_date=text(said, "00080020"),
        study_time=text(said, "00080030"),
        description=text(said, "00081030"),
        series_number=_number(first(said, "00200011")),
        series_description=text(said, "0008103E"),
        number=_number(first(said, "00200013")),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
