"""The headers that are pushed: about as many elements as a scanner writes, sequences and private ones among them."""

import hashlib
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

if TYPE_CHECKING:
    from benchmarks.studies import Kind

MARK = "7318205946"  # stands wherever something is named, and is replaced for each push
PERSON_MARK = "482615"
DAY = "20260311"
PERSON_NAME, PERSON_BORN, PERSON_SEX = "Bench^Person", "19700101", "F"

_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.3.1",
}
_PRIVATE_GROUP = 0x0029


def uid_of(kind: int, series: int = 0, instance: int = 0, part: int = 0) -> str:
    """A UID below 2.25 (PS3.5 B.2), one number of fixed length in which the mark stands."""
    return f"2.25.3{MARK}{kind:02d}{part:02d}{series:04d}{instance:06d}"


def patient_id(person: str) -> str:
    """The number that the site knows somebody by."""
    return f"BENCH-{person}"


def header_of(kind: "Kind", series: int, number: int) -> Dataset:
    """Everything but the pixels."""
    dataset = Dataset()
    _whose(dataset, kind)
    _which(dataset, kind, series, number)
    _order(dataset, kind, series)
    if kind.modality in ("CT", "MR"):
        _geometry(dataset, number)
    _set(dataset, _TECHNIQUE.get(kind.modality, {}))
    if kind.modality == "CT":
        dataset.XRayTubeCurrent = 210 + number % 90
    _picture(dataset, kind)
    block = dataset.private_block(_PRIVATE_GROUP, "BENCH PRIVATE", create=True)
    block.add_new(0x01, "LO", f"private {number}")
    block.add_new(0x10, "OB", hashlib.sha256(f"{kind.name}/{series}/{number}".encode()).digest() * 24)
    return dataset


def _set(dataset: Dataset, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(dataset, name, value)


def _whose(dataset: Dataset, kind: "Kind") -> None:
    _set(
        dataset,
        {
            "SpecificCharacterSet": "ISO_IR 192",
            "PatientName": PERSON_NAME,
            "PatientID": patient_id(PERSON_MARK),
            "PatientBirthDate": PERSON_BORN,
            "PatientSex": PERSON_SEX,
            "PatientAge": "056Y",
            "PatientWeight": "71.5",
            "InstitutionName": "Harbour Imaging",
            "Manufacturer": "Bench Medical",
            "ManufacturerModelName": "Synth One",
            "StationName": "BENCH01",
            "DeviceSerialNumber": "12345",
            "SoftwareVersions": "1.0",
            "ReferringPhysicianName": "Referrer^Robin",
            "StudyDescription": f"{kind.modality} chest",
            "AccessionNumber": f"A{MARK}",
            "StudyID": "1",
        },
    )


def _which(dataset: Dataset, kind: "Kind", series: int, number: int) -> None:
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = DAY
    dataset.StudyTime, dataset.SeriesTime = "101530", "101642.250000"
    dataset.AcquisitionTime = dataset.ContentTime = f"1017{number % 60:02d}.{number:06d}"
    _set(
        dataset,
        {
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "SOPClassUID": _CLASSES[kind.modality],
            "SOPInstanceUID": uid_of(kind.number, series, number),
            "StudyInstanceUID": uid_of(kind.number),
            "SeriesInstanceUID": uid_of(kind.number, series),
            "FrameOfReferenceUID": uid_of(kind.number, series, part=1),
            "Modality": kind.modality,
            "SeriesDescription": f"{kind.name}, series {series}",
            "SeriesNumber": series,
            "InstanceNumber": number,
            "BodyPartExamined": "CHEST",
            "ProtocolName": "Chest routine",
            "PatientPosition": "HFS",
        },
    )


def _order(dataset: Dataset, kind: "Kind", series: int) -> None:
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "RP1", "SPS1"
    request.ScheduledProtocolCodeSequence = Sequence([_code("CT1", "99BENCH", "Chest")])
    dataset.RequestAttributesSequence = Sequence([request])
    dataset.ProcedureCodeSequence = Sequence([_code("36643-5", "LN", "XR Chest 2 Views")])
    pointed = []
    for part in (2, 3, 4):
        one = Dataset()
        one.ReferencedSOPClassUID = _CLASSES[kind.modality]
        one.ReferencedSOPInstanceUID = uid_of(kind.number, series, part=part)
        pointed.append(one)
    dataset.ReferencedImageSequence = Sequence(pointed)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _geometry(dataset: Dataset, number: int) -> None:
    place = round(number * 1.25, 3)
    dataset.ImagePositionPatient = [-180.0, -180.0, place]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SliceLocation, dataset.SliceThickness = place, "1.25"


_TECHNIQUE: dict[str, dict[str, Any]] = {
    "CT": {
        "KVP": "120",
        "ExposureTime": 500,
        "Exposure": 105,
        "ConvolutionKernel": "B30f",
        "FilterType": "BODY",
        "GantryDetectorTilt": "0",
        "TableHeight": "160.5",
        "ReconstructionDiameter": "360",
        "SpacingBetweenSlices": "1.25",
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
        "RescaleType": "HU",
    },
    "MR": {
        "ScanningSequence": "SE",
        "SequenceVariant": "SK",
        "MRAcquisitionType": "2D",
        "RepetitionTime": "4500",
        "EchoTime": "90",
        "FlipAngle": "150",
        "MagneticFieldStrength": "1.5",
    },
}


def _picture(dataset: Dataset, kind: "Kind") -> None:
    coloured = kind.samples == 3
    bits, stored = (8, 8) if coloured else (16, 12)
    _set(
        dataset,
        {
            "SamplesPerPixel": kind.samples,
            "PhotometricInterpretation": "RGB" if coloured else "MONOCHROME2",
            "Rows": kind.rows,
            "Columns": kind.columns,
            "BitsAllocated": bits,
            "BitsStored": stored,
            "HighBit": stored - 1,
            "PixelRepresentation": 0,
        },
    )
    if coloured:
        _set(dataset, {"PlanarConfiguration": 0, "NumberOfFrames": kind.frames, "FrameTime": "33.3"})
        dataset.FrameIncrementPointer = 0x00181063
        return
    dataset.PixelSpacing = [0.703125, 0.703125]
    dataset.WindowCenter, dataset.WindowWidth = ["40", "-600"], ["400", "1500"]
