"""
Synthetic DICOM, made and never downloaded; the same arguments always give the same octets.

    an_instance()                                   one CT slice as a Part 10 file
    an_instance(syntax=JPEG_LS, frames=4)           a packed multi-frame object
    an_instance(person=A_PERSON.named("Żółć^Ewa"))  anyone you like
    a_ct_series(12, study="knee")                   twelve slices of one study
    a_text_report(study="knee"), a_pdf_document()   what the radiologist wrote
    a_uid("study", "knee")                          the UID such a study has
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.encoders import JPEG2000LosslessEncoder, JPEGLSLosslessEncoder, RLELosslessEncoder
from pydicom.uid import UID

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4.50"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
PACKED = (RLE, JPEG_LS, JPEG_2000)
EVERY_SYNTAX = (*NATIVE, *PACKED)

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
TEXT_REPORT = "1.2.840.10008.5.1.4.1.1.88.11"
PDF_DOCUMENT = "1.2.840.10008.5.1.4.1.1.104.1"

# Each by name: the optional one the library would try first ends the whole process on odd sizes.
_ENCODERS = {
    RLE: (RLELosslessEncoder, "pylibjpeg"),
    JPEG_LS: (JPEGLSLosslessEncoder, "pyjpegls"),
    JPEG_2000: (JPEG2000LosslessEncoder, "pylibjpeg"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Whose pictures they are; the name in DICOM's form."""

    name: str = "Example^Ada"
    mrn: str = "MRN1"
    born: str = "19700101"
    sex: str = "F"
    issuer: str = ""

    def named(self, name: str) -> "Person":
        return replace(self, name=name)

    def numbered(self, mrn: str) -> "Person":
        return replace(self, mrn=mrn)


A_PERSON = Person()
ANOTHER_PERSON = Person(name="Sample^Bo", mrn="MRN2", born="19850615", sex="M")


def a_uid(*words: object) -> str:
    """A UID that belongs to these words alone."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:15], 'big')}"


def some_pixels(
    *, rows: int, columns: int, frames: int = 1, samples: int = 1, bits: int = 16, signed: bool = False, seed: int = 0
) -> np.ndarray:
    """A body in air with something in it, a little different in each frame; frames × rows × columns (× samples)."""
    y, x = np.mgrid[0:rows, 0:columns]
    across = np.hypot((y - rows / 2) / (rows / 2), (x - columns / 2) / (columns / 2))
    pictures = []
    for frame in range(frames):
        spot = np.hypot(y - rows * (0.3 + 0.05 * ((frame + seed) % 8)), x - columns * 0.4) < rows / 10
        picture = np.where(across < 0.8, 1040 + 20 * np.sin(x / 5), 0) + np.where(spot, 300 + 7 * seed, 0)
        if bits <= 8:
            picture = picture / 1400 * (2**bits - 1)
        pictures.append(np.clip(picture, 0, 2**bits - 1))
    stack = np.stack(pictures)
    if bits == 1:
        return (stack > 0.5).astype("u1")
    if samples == 3:
        stack = np.stack([stack, stack * 0.8, stack * 0.5], axis=-1)
    kind = "i" if signed else "u"
    return stack.astype(f"{kind}{1 if bits <= 8 else 2}")


def a_dataset(
    *,
    person: Person = A_PERSON,
    study: str = "one",
    series: str = "first",
    number: int = 1,
    modality: str = "CT",
    sop_class: str = CT,
    **elements: Any,
) -> Dataset:
    """Patient, study, series and instance, without a picture; `elements` by keyword, None takes one away."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, a_uid("instance", study, series, number)
    ds.StudyDate, ds.StudyTime, ds.TimezoneOffsetFromUTC = "20260105", "093000", "+0100"
    ds.AccessionNumber, ds.Modality = "A123", modality
    ds.ReferringPhysicianName = "Referrer^Rae"
    ds.StudyDescription, ds.SeriesDescription = f"CT {study}", f"{series} series"
    ds.PatientName, ds.PatientID = person.name, person.mrn
    ds.PatientBirthDate, ds.PatientSex = person.born, person.sex
    if person.issuer:
        ds.IssuerOfPatientID = person.issuer
    ds.StudyInstanceUID, ds.SeriesInstanceUID = a_uid("study", study), a_uid("series", study, series)
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "1", 1, number
    for keyword, value in elements.items():
        if keyword in ds:
            delattr(ds, keyword)
        if value is not None:
            with disable_value_validation():  # senders write what they like
                setattr(ds, keyword, value)
    return ds


def as_file(ds: Dataset, syntax: str = EXPLICIT, *, preamble: bytes = bytes(128)) -> bytes:
    """The data set as a Part 10 file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CT)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.ImplementationClassUID = "2.25.1"
    ds.preamble = preamble.ljust(128, b"\0")[:128]
    sink = io.BytesIO()
    with disable_value_validation():
        ds.save_as(sink, implicit_vr=syntax == IMPLICIT, little_endian=syntax != BIG_ENDIAN, enforce_file_format=True)
    return sink.getvalue()


def an_instance(
    *,
    syntax: str = EXPLICIT,
    rows: int = 32,
    columns: int = 40,
    frames: int = 1,
    bits: int = 16,
    samples: int = 1,
    signed: bool = False,
    pixels: np.ndarray | None = None,
    fragments: int = 1,
    offsets: str = "basic",
    preamble: bytes = bytes(128),
    seed: int | None = None,
    number: int = 1,
    **facts: Any,
) -> bytes:
    """
    One object with a picture, as a Part 10 file.

    `fragments` pieces to each packed frame; `offsets` is "basic", "extended" or "none". Further facts and
    elements as in `a_dataset`.
    """
    ds = a_dataset(number=number, **({"sop_class": CT if samples == 1 else SECONDARY_CAPTURE} | facts))
    if pixels is None:
        pixels = some_pixels(
            rows=rows, columns=columns, frames=frames, samples=samples, bits=bits, signed=signed,
            seed=number if seed is None else seed,
        )  # fmt: skip
    ds.Rows, ds.Columns, ds.SamplesPerPixel = rows, columns, samples
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit, ds.PixelRepresentation = bits - 1, int(signed)
    ds.PhotometricInterpretation = facts.get("PhotometricInterpretation", "RGB" if samples == 3 else "MONOCHROME2")
    if samples > 1:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    if samples == 1 and bits > 8:
        ds.WindowCenter, ds.WindowWidth = facts.get("WindowCenter", 1040), facts.get("WindowWidth", 700)
    _with_pixels(ds, pixels, syntax, fragments=fragments, offsets=offsets)
    return as_file(ds, syntax, preamble=preamble)


def _with_pixels(ds: Dataset, pixels: np.ndarray, syntax: str, *, fragments: int, offsets: str) -> None:
    vr = "OB" if ds.BitsAllocated <= 8 and syntax not in {IMPLICIT, BIG_ENDIAN} else "OW"
    if syntax in NATIVE:
        if ds.BitsAllocated == 1:
            octets = np.packbits(pixels, axis=None, bitorder="little").tobytes()
        else:
            order = ">" if syntax == BIG_ENDIAN else "<"
            octets = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        octets += b"\0" * (len(octets) % 2)
        if vr == "OW" and ds.BitsAllocated <= 8 and syntax == BIG_ENDIAN:
            octets = np.frombuffer(octets, "<u2").astype(">u2").tobytes()
        ds.add_new(0x7FE00010, vr, octets)
        return
    packed = [_packed(ds, picture, syntax) for picture in pixels]
    if offsets == "extended":
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(packed)
    else:
        ds.PixelData = encapsulate(packed, fragments_per_frame=fragments, has_bot=offsets == "basic")
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def _packed(ds: Dataset, picture: np.ndarray, syntax: str) -> bytes:
    if syntax == JPEG:
        sink = io.BytesIO()
        Image.fromarray(picture).save(sink, "JPEG", quality=90)
        return sink.getvalue()
    settings = {
        "rows": ds.Rows, "columns": ds.Columns, "samples_per_pixel": ds.SamplesPerPixel, "number_of_frames": 1,
        "bits_allocated": ds.BitsAllocated, "bits_stored": ds.BitsStored,
        "pixel_representation": ds.PixelRepresentation, "pixel_keyword": "PixelData",
        "photometric_interpretation": ds.PhotometricInterpretation,
        **({"planar_configuration": 0} if ds.SamplesPerPixel > 1 else {}),
    }  # fmt: skip
    encoder, plugin = _ENCODERS[syntax]
    return encoder.encode(picture, encoding_plugin=plugin, **settings)


def a_packed_object(syntax: str, pieces: Sequence[bytes], **facts: Any) -> bytes:
    """An object whose picture is these octets, in whatever packing `syntax` names."""
    ds = a_dataset(**facts)
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.BitsAllocated, ds.BitsStored = 32, 40, 1, 8, 8
    ds.HighBit, ds.PixelRepresentation, ds.PhotometricInterpretation = 7, 0, "MONOCHROME2"
    ds.PixelData = encapsulate(list(pieces))
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return as_file(ds, syntax)


def a_ct_series(count: int = 3, *, study: str = "one", series: str = "first", **facts: Any) -> list[bytes]:
    """`count` slices of one series, numbered from 1, each with its place in the body."""
    return [
        an_instance(
            study=study, series=series, number=number,
            **({
                "ImagePositionPatient": [-100, -100, 2.5 * number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
                "PixelSpacing": [0.7, 0.7], "SliceThickness": 2.5, "FrameOfReferenceUID": a_uid("frame", study),
                "RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400,
            } | facts),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def a_text_report(text: str = "No acute finding.", *, syntax: str = EXPLICIT, **facts: Any) -> bytes:
    """A Basic Text SR with findings and an impression."""
    ds = a_dataset(**({"modality": "SR", "sop_class": TEXT_REPORT, "series": "reports"} | facts))
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "VERIFIED"
    ds.ContentDate, ds.ContentTime, ds.ValueType, ds.ContinuityOfContent = "20260105", "120000", "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [a_code("18748-4", "LN", "Diagnostic imaging study")]
    ds.ContentSequence = [
        _section("121070", "Findings", "121071", "Finding", "The lungs are clear."),
        _section("121072", "Impressions", "121073", "Impression", text),
    ]
    return as_file(ds, syntax)


def a_pdf_document(pdf: bytes = b"%PDF-1.4\n%%EOF\n", **facts: Any) -> bytes:
    """An Encapsulated PDF."""
    ds = a_dataset(**({"modality": "DOC", "sop_class": PDF_DOCUMENT, "series": "documents"} | facts))
    ds.DocumentTitle, ds.MIMETypeOfEncapsulatedDocument = "CT report", "application/pdf"
    ds.EncapsulatedDocument, ds.EncapsulatedDocumentLength = pdf + b"\0" * (len(pdf) % 2), len(pdf)
    return as_file(ds)


def a_code(value: str, scheme: str, meaning: str) -> Dataset:
    """One code sequence item."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _section(code: str, title: str, inner: str, name: str, text: str) -> Dataset:
    paragraph = Dataset()
    paragraph.RelationshipType, paragraph.ValueType, paragraph.TextValue = "CONTAINS", "TEXT", text
    paragraph.ConceptNameCodeSequence = [a_code(inner, "DCM", name)]
    section = Dataset()
    section.RelationshipType, section.ValueType, section.ContinuityOfContent = "CONTAINS", "CONTAINER", "SEPARATE"
    section.ConceptNameCodeSequence = [a_code(code, "DCM", title)]
    section.ContentSequence = [paragraph]
    return section


def a_body(
    files: Sequence[bytes], *, boundary: str = "somewhere-between", kind: str = "application/dicom"
) -> tuple[bytes, str]:
    """A multipart/related body and its Content-Type."""
    lines = [f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + octets + b"\r\n" for octets in files]
    return b"".join(lines) + f"--{boundary}--\r\n".encode(), f'multipart/related; type="{kind}"; boundary={boundary}'


def a_nest(depth: int) -> bytes:
    """An object whose sequences lie `depth` deep in one another."""
    file = as_file(a_dataset())
    item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return file + item * depth + end * depth
