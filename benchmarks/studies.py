"""What is pushed: studies that are the same octets at every run, drawn and noisy as scanners make them.

All numbers that name something carry a mark, digits that are replaced for each push, so that the same pixels come again
as another study of the same patient and nothing has to be made twice.
"""

import struct
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from benchmarks import pixels
from benchmarks.headers import MARK, PERSON_MARK, header_of, uid_of

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
JPEG_LS = "1.2.840.10008.1.2.4.80"
_PIXEL_DATA = 0x7FE0, 0x0010
_OPEN_END = 0xFFFFFFFF
_SEQUENCE_DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of study. `number` keeps the UIDs of the sorts apart; `packed` is JPEG-LS lossless."""

    name: str
    number: int
    modality: str
    series: int
    instances: int  # of each series
    rows: int
    columns: int
    frames: int = 1
    packed: bool = False

    @property
    def samples(self) -> int:
        """Three of a coloured picture, else one."""
        return 3 if self.modality == "US" else 1

    @property
    def frame_octets(self) -> int:
        """Of one frame that is not packed: eight bits a sample in colour, else sixteen."""
        return self.rows * self.columns * (3 if self.samples == 3 else 2)


CT = Kind("ct", 1, "CT", 1, 300, 512, 512)
MR = Kind("mr", 2, "MR", 4, 60, 256, 256)
CR = Kind("cr", 3, "CR", 1, 1, 3000, 2500)
US = Kind("us", 4, "US", 1, 1, 480, 640, frames=60)
SMALL = Kind("small", 5, "CT", 1, 1000, 128, 128)
PACKED = Kind("packed", 6, "CT", 1, 60, 512, 512, packed=True)
TINY = Kind("tiny", 7, "CT", 1, 1, 16, 16)
KINDS = {kind.name: kind for kind in (CT, MR, CR, US, SMALL, PACKED, TINY)}


@dataclass(frozen=True, slots=True)
class Instance:
    """One file in two parts: the header, in which the mark stands, and the Pixel Data element to its end."""

    series: int
    number: int
    header: bytes = field(repr=False)
    pixel_data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Octets of the whole file."""
        return len(self.header) + len(self.pixel_data)


@dataclass(frozen=True)
class Study:
    """All files of a study, as they lie ready."""

    kind: Kind
    instances: tuple[Instance, ...]

    @cached_property
    def size(self) -> int:
        """Octets of all files."""
        return sum(one.size for one in self.instances)

    def copy(self, mark: int, *, person: int = 1) -> "Copy":
        """The same pictures as a study of their own."""
        return Copy(self, f"{mark:0{len(MARK)}d}", f"{person:0{len(PERSON_MARK)}d}")


@dataclass(frozen=True)
class Copy:
    """A study under a mark of its own, and of one person."""

    study: Study
    mark: str
    person: str

    @property
    def uid(self) -> str:
        """The Study Instance UID."""
        return self._own(uid_of(self.study.kind.number))

    @property
    def path(self) -> str:
        """Its address below the base of DICOMweb."""
        return f"/studies/{self.uid}"

    def series_path(self, series: int = 1) -> str:
        """The address of one of its series."""
        return f"{self.path}/series/{self._own(uid_of(self.study.kind.number, series))}"

    def instance_path(self, index: int) -> str:
        """The address of one of its instances."""
        one = self.study.instances[index]
        uid = self._own(uid_of(self.study.kind.number, one.series, one.number))
        return f"{self.series_path(one.series)}/instances/{uid}"

    def pieces(self, index: int) -> tuple[bytes, bytes]:
        """The file of one instance: its own header, and the pixels that all copies share."""
        one = self.study.instances[index]
        header = one.header.replace(MARK.encode(), self.mark.encode())
        return header.replace(PERSON_MARK.encode(), self.person.encode()), one.pixel_data

    def frame(self, index: int, number: int = 1) -> bytes:
        """The octets of a frame that is not packed; frames count from 1."""
        size = self.study.kind.frame_octets
        return self.study.instances[index].pixel_data[12:][(number - 1) * size : number * size]

    def _own(self, text: str) -> str:
        return text.replace(MARK, self.mark)


def make(kind: Kind, *, instances: int | None = None) -> Study:
    """The study of that kind, the same octets at every run; fewer instances a series where it says so."""
    painter = pixels.Painter(kind.modality, kind.rows, kind.columns, seed=kind.number)
    count = min(instances or kind.instances, kind.instances)
    return Study(
        kind,
        tuple(
            _instance(kind, painter, series, number, place=number / count)
            for series in range(1, kind.series + 1)
            for number in range(1, count + 1)
        ),
    )


def _instance(kind: Kind, painter: pixels.Painter, series: int, number: int, *, place: float) -> Instance:
    dataset = header_of(kind, series, number)
    frames = [painter.frame(place + step / kind.frames) for step in range(kind.frames)]
    if kind.packed:
        return Instance(series, number, _written(dataset, JPEG_LS), _packed(frames))
    octets = b"".join(frame.tobytes() for frame in frames)
    vr = b"OB" if kind.samples == 3 else b"OW"
    element = struct.pack("<HH2sHI", *_PIXEL_DATA, vr, 0, len(octets)) + octets
    return Instance(series, number, _written(dataset, EXPLICIT_LITTLE), element)


def _packed(frames: list[Any]) -> bytes:
    """Each frame as JPEG-LS (PS3.5 A.4.3), under a length that is left open."""
    import jpeg_ls  # noqa: PLC0415  of one sort of study only

    encoded = [bytes(jpeg_ls.encode_array(frame)) for frame in frames]
    head = struct.pack("<HH2sHI", *_PIXEL_DATA, b"OB", 0, _OPEN_END)
    return head + encapsulate(encoded) + _SEQUENCE_DELIMITER


def _written(dataset: Dataset, syntax: str) -> bytes:
    """A Part 10 file up to its pixels."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationClassUID = UID(uid_of(99))
    out = BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()
