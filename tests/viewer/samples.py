"""Series to look at: a chest that is drawn here, and real files that the pydicom wheel brings along."""

import copy
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

WHEEL_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def a_ct(count: int = 30, side: int = 128, description: str = "Chest, 1 mm", number: int = 2) -> list[Dataset]:
    """A drawn chest: a body with two lungs, a spine, and a round spot that grows and shrinks along the slices.

    On the patient's left, screen-right, lies a bright bar, so that mirrored pictures can be told.
    """
    study, series, place = generate_uid(), generate_uid(), generate_uid()
    row, column = np.mgrid[0:side, 0:side] / side
    made = []
    for at in range(count):
        hu = np.full((side, side), -1000.0)
        hu[((row - 0.5) / 0.38) ** 2 + ((column - 0.5) / 0.46) ** 2 < 1] = 40
        for x in (0.32, 0.68):
            hu[((row - 0.48) / 0.22) ** 2 + ((column - x) / 0.13) ** 2 < 1] = -800
        hu[((row - 0.76) / 0.06) ** 2 + ((column - 0.5) / 0.06) ** 2 < 1] = 700
        size = 0.02 + 0.06 * np.sin(np.pi * at / max(1, count - 1))
        hu[((row - 0.48) / size) ** 2 + ((column - 0.32) / size) ** 2 < 1] = 60
        hu[int(side * 0.45) : int(side * 0.55), int(side * 0.88) : int(side * 0.92)] = 900
        made.append(_slice(study, series, place, at, hu, description, number))
    return made


def _slice(study: str, series: str, place: str, at: int, hu: np.ndarray, description: str, number: int) -> Dataset:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID, one.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
    one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = study, series, place
    one.PatientName, one.PatientID, one.PatientBirthDate = "Perez^Ana", "H-1", "19580327"
    one.StudyDate, one.Modality, one.SeriesNumber, one.SeriesDescription = "20260303", "CT", number, description
    one.InstanceNumber = at + 1
    one.ImagePositionPatient, one.ImageOrientationPatient = [-160, -160, at * 2.0], [1, 0, 0, 0, 1, 0]
    one.Rows, one.Columns = hu.shape
    one.PixelSpacing, one.SliceThickness = [320 / hu.shape[0], 320 / hu.shape[1]], 2
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleIntercept, one.RescaleSlope = -1024, 1
    one.WindowCenter, one.WindowWidth = 40, 1500
    one.PixelData = (hu + 1024).astype("<u2").tobytes()
    return one


def a_coronal(of: list[Dataset], count: int = 8) -> list[Dataset]:
    """The same chest seen from the front: cut out of the slices `of`, in the same study and the same space."""
    volume = np.stack([np.frombuffer(one.PixelData, "<u2").reshape(one.Rows, one.Columns) for one in of])
    side, uid = of[0].Columns, generate_uid()
    made = []
    for at in range(count):
        y = (at + 1) * side // (count + 1)
        one = copy.deepcopy(of[0])
        one.SOPInstanceUID, one.SeriesInstanceUID = generate_uid(), uid
        one.SeriesNumber, one.SeriesDescription, one.InstanceNumber = 4, "Front view", at + 1
        one.Rows, one.PixelSpacing = len(of), [2, 320 / side]
        one.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        one.ImagePositionPatient = [-160, -160 + y * 320 / side, (len(of) - 1) * 2.0]
        one.PixelData = volume[::-1, y, :].tobytes()
        made.append(one)
    return made


def a_chart(side: int = 128) -> Dataset:
    """A test pattern: 8 x 8 squares, each of one value, from -1000 in steps of 32."""
    one = a_ct(1, side=side)[0]
    row, column = np.mgrid[0:side, 0:side] // (side // 8)
    one.PixelData = ((row * 8 + column) * 32 - 1000 + 1024).astype("<u2").tobytes()
    return one


def a_key_object(*marked: Dataset) -> Dataset:
    """What a radiologist leaves who marks pictures (PS3.3 A.35.4)."""
    one = _beside(marked[0], "1.2.840.10008.5.1.4.1.1.88.59", "KO")
    one.CurrentRequestedProcedureEvidenceSequence = [_evidence(marked, "ReferencedSOPSequence")]
    one.ContentSequence = [_item(ReferencedSOPSequence=[_named(each)]) for each in marked]
    return one


def a_presentation(*marked: Dataset) -> Dataset:
    """Saved display settings for some pictures (PS3.3 A.33.1)."""
    one = _beside(marked[0], "1.2.840.10008.5.1.4.1.1.11.1", "PR")
    one.ReferencedSeriesSequence = _evidence(marked, "ReferencedImageSequence").ReferencedSeriesSequence
    return one


def _beside(picture: Dataset, sop_class: str, modality: str) -> Dataset:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.StudyInstanceUID, one.SeriesInstanceUID = picture.StudyInstanceUID, generate_uid()
    one.SOPClassUID, one.SOPInstanceUID, one.Modality = sop_class, generate_uid(), modality
    return one


def _evidence(marked: tuple[Dataset, ...], keyword: str) -> Dataset:
    series = _item(SeriesInstanceUID=marked[0].SeriesInstanceUID)
    setattr(series, keyword, [_named(each) for each in marked])
    return _item(StudyInstanceUID=marked[0].StudyInstanceUID, ReferencedSeriesSequence=[series])


def _named(picture: Dataset) -> Dataset:
    return _item(ReferencedSOPClassUID=picture.SOPClassUID, ReferencedSOPInstanceUID=picture.SOPInstanceUID)


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def a_film(frames: int = 30, side: int = 64, milliseconds: int = 40) -> Dataset:
    """A moving picture: a bright square that walks to the right, `milliseconds` a frame."""
    one = a_ct(1, side=side, description="Film", number=1)[0]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID"):
        delattr(one, keyword)
    film = np.zeros((frames, side, side), "<u2")
    for at in range(frames):
        film[at, side // 3 : side // 2, at : at + 12] = 2000
    one.Modality, one.SOPClassUID = "US", "1.2.840.10008.5.1.4.1.1.3.1"
    one.NumberOfFrames, one.FrameTime = frames, milliseconds
    one.RescaleIntercept, one.WindowCenter, one.WindowWidth = 0, 1000, 2000
    one.PixelData = film.tobytes()
    return one


def from_the_wheel(name: str) -> Dataset:
    """A real file that pydicom brings along."""
    return readied(pydicom.dcmread(WHEEL_FILES / name, force=True))


def readied(one: Dataset) -> Dataset:
    """With the UIDs and the syntax that old files lack."""
    if not getattr(one, "file_meta", None) or "TransferSyntaxUID" not in one.file_meta:
        one.file_meta = getattr(one, "file_meta", None) or FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if not one.is_implicit_VR else "1.2.840.10008.1.2"
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not one.get(name):
            setattr(one, name, generate_uid())
    return one


def without_a_picture() -> Dataset:
    """An ECG: a wave, which is no picture."""
    one = from_the_wheel("waveform_ecg.dcm")
    one.SeriesInstanceUID = generate_uid()
    return one
