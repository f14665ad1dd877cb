"""One frame's pixels out of its octets, whatever packed them; the size must be what the header names."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian

from fhir_gateway.dicom.darkroom.errors import NoPixelsError, TooManyPixelsError

try:
    import imagecodecs
except ImportError:  # an optional part; what needs it is refused
    imagecodecs = None

MOST_CELLS = 1 << 27
_DICOM = "1.2.840.10008.1.2."
_OWN = {"4.51", "4.53", "4.55", "4.110", "4.111", "4.112", "8.1"}
_NATIVE = {"1.2.840.10008.1.2", _DICOM + "1", _DICOM + "1.99", _DICOM + "2"}
Pixels = NDArray[Any]


def unpacked(header: Dataset, frame: bytes) -> Pixels:
    """
    The stored values of one frame: rows × columns, or rows × columns × 3 in RGB.

    Native frames come little endian. Raises NoPixelsError, TooManyPixelsError, and whatever a decoder raises.
    """
    rows, columns, samples = (int(header.get(name) or 0) for name in ("Rows", "Columns", "SamplesPerPixel"))
    samples = samples or 1
    if rows * columns <= 0 or samples not in (1, 3, 4) or not frame:
        raise NoPixelsError
    if rows * columns * samples > MOST_CELLS:
        raise TooManyPixelsError
    if announced(frame) not in {None, (rows, columns)}:
        raise ValueError("the picture is not of the size its header names")
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    syntax = str(header.file_meta.TransferSyntaxUID)
    short = syntax.removeprefix(_DICOM)
    if short in _OWN and syntax.startswith(_DICOM):
        pixels = _by_own(header, frame, short, shape)
    else:
        pixels = _by_library(header, frame, native=syntax in _NATIVE)
    if pixels.shape != shape:
        raise ValueError("the picture is not of the size its header names")
    return pixels


def announced(frame: bytes) -> tuple[int, int] | None:
    """The rows and columns a JPEG, JPEG-LS or JPEG 2000 stream says it has, read before anything is decoded."""
    if frame.startswith(b"\xff\x4f\xff\x51") and len(frame) >= 24:
        right, bottom, left, top = struct.unpack_from(">4I", frame, 8)  # T.800 A.5.1
        return bottom - top, right - left
    if not frame.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(frame) and frame[at] == 0xFF:
        marker, size = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
            continue
        if (0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}) or marker == 0xF7:  # T.81 B.2.2, T.87 C.2.2
            rows, columns = struct.unpack_from(">HH", frame, at + 5)
            return (rows, columns) if rows and columns else None
        at += 2 + size
    return None


def _by_library(header: Dataset, frame: bytes, *, native: bool) -> Pixels:
    bits = int(header.get("BitsAllocated") or 0)
    header.NumberOfFrames = 1
    for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if name in header:
            del header[name]
    if "BitsStored" not in header and bits in (32, 64):
        header.add_new(0x7FE00008 if bits == 32 else 0x7FE00009, "OF" if bits == 32 else "OD", frame)
        header["FloatPixelData" if bits == 32 else "DoubleFloatPixelData"].is_undefined_length = False
        return np.frombuffer(frame, f"<f{bits // 8}").reshape(int(header.Rows), int(header.Columns))
    if native:
        # `frame_octets` gives little endian; the header may still be written the other way round.
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.set_original_encoding(False, True)
        header.add_new(0x7FE00010, "OW" if bits > 8 else "OB", frame)
    else:
        header.add_new(0x7FE00010, "OB", encapsulate([frame], has_bot=False))
        header["PixelData"].is_undefined_length = True
    return pixel_array(header)


def _by_own(header: Dataset, frame: bytes, short: str, shape: tuple[int, ...]) -> Pixels:
    """Decoders the library has no name for: JPEG of 12 bits and retired processes, JPEG XL, deflated frames."""
    if short == "8.1":
        return _inflated(header, frame, shape)
    if imagecodecs is None:
        raise NotImplementedError("the optional decoders are not installed")
    pixels = imagecodecs.jpeg8_decode(frame) if short in {"4.51", "4.53", "4.55"} else imagecodecs.jpegxl_decode(frame)
    if header.get("PixelRepresentation") == 1 and pixels.dtype.kind == "u":
        pixels = pixels.view(f"i{pixels.dtype.itemsize}")
    return pixels


def _inflated(header: Dataset, frame: bytes, shape: tuple[int, ...]) -> Pixels:
    """A frame deflated by itself (PS3.5 A.4.13), packed bits among them."""
    cells, bits = int(np.prod(shape)), int(header.BitsAllocated)
    octets = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, (cells * bits + 7) // 8)
    if bits == 1:
        return np.unpackbits(np.frombuffer(octets, "u1"), bitorder="little")[:cells].reshape(shape)
    kind = "i" if header.get("PixelRepresentation") == 1 else "u"
    return np.frombuffer(octets, f"<{kind}{bits // 8}")[:cells].reshape(shape)
