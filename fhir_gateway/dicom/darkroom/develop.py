"""From one frame to a finished picture, or to bare pixels for who decodes by themselves."""

import io
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from fhir_gateway.dicom.darkroom import colour, finish, grey
from fhir_gateway.dicom.darkroom.caption import captioned
from fhir_gateway.dicom.darkroom.errors import NoPixelsError, TooManyPixelsError
from fhir_gateway.dicom.darkroom.unpack import Pixels, unpacked

MOST_MOVING = 1 << 26  # pixels of all pictures of a moving one together


def opened(header: bytes) -> Dataset:
    """The header parsed; it ends where the picture would begin."""
    return pydicom.dcmread(io.BytesIO(header), stop_before_pixels=True)


def decoded(_order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """Little-endian samples, interleaved, each as wide as the header allocates."""
    dataset = opened(header)
    bits = int(dataset.get("BitsAllocated") or 0)
    pixels = unpacked(dataset, frame)
    if bits == 1:
        return np.packbits(pixels.astype("u1"), axis=None, bitorder="little").tobytes()
    return np.ascontiguousarray(pixels.astype(f"<{pixels.dtype.kind}{bits // 8}")).tobytes()


def picture(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """A JPEG, PNG or GIF as ordered: window, viewport, quality, captions, colour profile."""
    dataset = opened(header)
    image, icc = _looked(dataset, frame, int(order["number"]), order)
    return finish.saved(image, order["format"], order.get("quality") or 90, icc)


def animation(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """All frames, which come one behind the other, as one GIF that repeats."""
    images: list[Image.Image] = []
    at = cells = 0
    for number, length in enumerate(order["lengths"], start=1):
        image, _ = _looked(opened(header), frame[at : at + length], number, order)
        at, cells = at + length, cells + image.width * image.height
        if cells > MOST_MOVING:
            raise TooManyPixelsError
        images.append(image)
    if not images:
        raise NoPixelsError
    sink = io.BytesIO()
    images[0].save(sink, "GIF", save_all=True, append_images=images[1:], duration=_pace(opened(header)), loop=0)
    return sink.getvalue()


def _looked(dataset: Dataset, frame: bytes, number: int, order: dict[str, Any]) -> tuple[Image.Image, bytes | None]:
    """One frame in the look that was ordered, and the colour profile that goes with it."""
    colours = colour.profile_in(dataset)
    image = _image(dataset, frame, number, order.get("window"))
    if order.get("viewport"):
        image = finish.fitted(image, order["viewport"])
    image, icc = colour.profiled(image, colours, order.get("profile") or "no")
    if order.get("captions"):
        image = captioned(image, dataset, order["captions"])
    return image, icc


def _pace(dataset: Dataset) -> int:
    """Milliseconds from frame to frame (PS3.3 C.7.6.5), between 20 and 2000."""
    rate = grey.number(dataset.get("RecommendedDisplayFrameRate")) or grey.number(dataset.get("CineRate"))
    pace = grey.number(dataset.get("FrameTime")) or (1000 / rate if rate and rate > 0 else 100)
    return int(min(2000, max(20, pace)))


def previews(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """The thumbnail and the quick view of one frame, the first's length in four octets before them."""
    image = _image(opened(header), frame, int(order["number"]), None)
    small = finish.thumbnail(image.copy())
    return len(small).to_bytes(4, "big") + small + finish.quick_view(image)


def thumbnail(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """At most 256 pixels wide or high."""
    return finish.thumbnail(_image(opened(header), frame, int(order["number"]), None))


def quick_view(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """At most 1024 pixels wide or high, and at most 80 KiB."""
    return finish.quick_view(_image(opened(header), frame, int(order["number"]), None))


def _image(header: Dataset, frame: bytes, number: int, window: list[Any] | None) -> Image.Image:
    transform = grey.transform_of(header, number)
    inverted = grey.is_inverted(header)
    photometric = str(header.get("PhotometricInterpretation") or "")
    one_bit = header.get("BitsAllocated") == 1
    stored = int(header.get("BitsStored") or 8)
    pixels = unpacked(header, frame)
    if pixels.ndim == 3:
        return Image.fromarray(_eight_bit(pixels[..., :3], stored))
    if photometric == "PALETTE COLOR":
        coloured = apply_color_lut(pixels, header)
        return Image.fromarray(_eight_bit(coloured[..., :3], coloured.dtype.itemsize * 8))
    if one_bit:
        values = pixels.astype(np.float32)
    else:
        values = grey.shown(grey.modality(pixels.astype(np.float32), transform), transform, _window(window))
    levels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(255 - levels if inverted else levels)


def _window(asked: list[Any] | None) -> tuple[float, float, str] | None:
    return (float(asked[0]), float(asked[1]), str(asked[2])) if asked else None


def _eight_bit(pixels: Pixels, bits: int) -> Pixels:
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    return np.ascontiguousarray((pixels >> max(0, bits - 8)).clip(0, 255).astype(np.uint8))


ORDERS = {
    "picture": picture,
    "animation": animation,
    "decode": decoded,
    "previews": previews,
    "thumbnail": thumbnail,
    "quick_view": quick_view,
}
