"""
A copy to take away: DICOM files with their directory, and pages anyone can open (IHE PDI, PS3.10 8, PS3.3 annex F).

The directory is made from metadata alone; no instance is ever written to a disk. Files stay as they were stored,
but for implicit and big-endian ones, so the medium claims no application profile that asks for more.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.fileset import FileInstance, FileSet, RecordNode
from pydicom.sequence import Sequence as Items

from fhir_gateway.dicom.syntaxes import on_the_wire
from fhir_gateway.dicom.zipped import Entry, ZipPlan
from fhir_gateway.errors import UnreadableDicom

__all__ = ["Directory", "Entry", "Page", "Taken", "ZipPlan", "medium"]

Json = dict[str, Any]

_DOCUMENTS = "1.2.840.10008.5.1.4.1.1.104."

# Keys a record must have; an object without one is listed under a stand-in, its file stays as it is.
_STAND_INS: dict[str, str] = {
    "PatientID": "UNKNOWN", "StudyDate": "19000101", "StudyTime": "000000", "StudyID": "1", "Modality": "OT",
    "SeriesNumber": "1", "InstanceNumber": "1", "ContentDate": "19000101", "ContentTime": "000000",
    "CompletionFlag": "PARTIAL", "VerificationFlag": "UNVERIFIED", "ContentLabel": "UNKNOWN",
    "PresentationCreationDate": "19000101", "PresentationCreationTime": "000000", "InstanceCreationDate": "19000101",
    "MIMETypeOfEncapsulatedDocument": "application/octet-stream", "DoseSummationType": "PLAN",
    "StructureSetLabel": "UNKNOWN",
}  # fmt: skip
_KEPT = frozenset(
    f"{tag_for_keyword(name):08X}"
    for name in [
        "SOPClassUID",
        "SOPInstanceUID",
        "AccessionNumber",
        "StudyDescription",
        "PatientName",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "VerificationDateTime",
        "ConceptNameCodeSequence",
        "ContentDescription",
        "ContentCreatorName",
        "DocumentTitle",
        "HL7InstanceIdentifier",
        "StructureSetDate",
        "StructureSetTime",
        "RTPlanLabel",
        "RTPlanDate",
        "RTPlanTime",
        "TreatmentDate",
        "TreatmentTime",
        "ReferencedSeriesSequence",
        "BlendingSequence",
        "ImageType",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "DataPointRows",
        "DataPointColumns",
        "InstanceCreationTime",
        "UserContentLabel",
        "UserContentLongLabel",
    ]
    + list(_STAND_INS)
)


class Directory(FileSet):
    """A DICOMDIR made from metadata alone; the library's own would write every instance to a temporary folder."""

    def __init__(self) -> None:
        super().__init__()
        self._stage["t"].cleanup()  # nothing of ours ever goes there
        self._count = 0

    def put(self, metadata: Json, syntax: str) -> str:
        """
        List one instance, which will lie on the medium in transfer syntax `syntax`; return its path.

        Raises UnreadableDicom for an object no record can be made of.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                records = list(self._recordify(_for_record(metadata, syntax)))
        except Exception as error:
            raise UnreadableDicom("The object cannot be listed in a directory.") from error
        leaf = RecordNode(records[0])
        for record in records[1:]:
            below = RecordNode(record)
            below.parent = leaf
            leaf = below
        leaf.instance = FileInstance(leaf)
        self._tree.add(leaf)
        self._instances.append(leaf.instance)
        path = path_of(self._count)
        self._count += 1
        leaf._record.ReferencedFileID = path.split("/")  # noqa: SLF001 - the library's version is pinned
        return path

    def octets(self) -> bytes:
        """The DICOMDIR itself."""
        target = DicomBytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._write_dicomdir(target, copy_safe=True)
        return target.getvalue()


def path_of(number: int) -> str:
    """Where the instance of that number lies: parts of at most eight capitals and digits (PS3.10 8.2)."""
    return f"DICOM/P{number // 1000:05d}/I{number % 1000:05d}"


def _for_record(metadata: Json, syntax: str) -> Dataset:
    kept = Dataset.from_json({tag: element for tag, element in metadata.items() if tag in _KEPT})
    kept.SpecificCharacterSet = "ISO_IR 192"
    for name, stand_in in _STAND_INS.items():
        if kept.get(name) in (None, "", []):
            setattr(kept, name, stand_in)
    if not kept.get("ConceptNameCodeSequence"):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "18748-4", "LN", "Diagnostic imaging study"
        kept.ConceptNameCodeSequence = Items([code])
    if kept.SOPClassUID.startswith(_DOCUMENTS):
        kept.EncapsulatedDocument = b""  # by its presence the library knows a document
    kept.file_meta = FileMetaDataset()
    kept.file_meta.MediaStorageSOPClassUID = kept.SOPClassUID
    kept.file_meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    kept.file_meta.TransferSyntaxUID = on_the_wire(syntax)
    return kept


@dataclass(frozen=True, slots=True)
class Taken:
    """One instance to take along: its metadata and syntax for the directory, its exact length, its octets."""

    metadata: Json
    syntax: str
    length: int
    open: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Page:
    """One file beside the pictures: README.TXT and INDEX.HTM in the root, all else below IHE_PDI/."""

    name: str
    octets: bytes


def medium(taken: Iterable[Taken], pages: Sequence[Page]) -> ZipPlan:
    """
    The whole copy as one ZIP: pages, DICOMDIR, and the instances below DICOM/.

    An object no directory record can be made of lies in DICOM/UNLISTED, beside the listed ones.
    """
    directory = Directory()
    entries: list[Entry] = []
    for number, instance in enumerate(taken):
        try:
            path = directory.put(instance.metadata, instance.syntax)
        except UnreadableDicom:
            path = f"DICOM/UNLISTED/I{number:07d}"
        entries.append(Entry(path, instance.length, instance.open))
    leading = [Entry.of(page.name, page.octets) for page in pages]
    return ZipPlan([*leading, Entry.of("DICOMDIR", directory.octets()), *entries])
