"""From one frame to a finished picture, or to bare pixels for who decodes by themselves."""

import io
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from fhir_gateway.dicom.darkroom import colour, grey
from fhir_gateway.dicom.darkroom.caption import captioned
from fhir_gateway.dicom.darkroom.unpack import NoPixelsError, Pixels, TooManyPixelsError, unpacked

LARGEST_EDGE = 8192
QUICK_VIEW_MOST = 80 * 1024
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
    return _saved(image, order["format"], order.get("quality") or 90, icc)


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
        image = _fitted(image, order["viewport"])
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
    thumbnail = image.copy()
    thumbnail.thumbnail((256, 256))
    small = _saved(thumbnail, "JPEG", 80)
    return len(small).to_bytes(4, "big") + small + _below(image, QUICK_VIEW_MOST)


def thumbnail(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """At most 256 pixels wide or high."""
    image = _image(opened(header), frame, int(order["number"]), None)
    image.thumbnail((256, 256))
    return _saved(image, "JPEG", 80)


def quick_view(order: dict[str, Any], header: bytes, frame: bytes) -> bytes:
    """At most 1024 pixels wide or high, and at most 80 KiB."""
    return _below(_image(opened(header), frame, int(order["number"]), None), QUICK_VIEW_MOST)


def _below(image: Image.Image, most: int) -> bytes:
    for edge in (1024, 768, 512, 384):
        image.thumbnail((edge, edge))
        for quality in (85, 75, 65, 55, 45):
            saved = _saved(image, "JPEG", quality)
            if len(saved) <= most:
                return saved
    return saved


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


def _fitted(image: Image.Image, viewport: list[float]) -> Image.Image:
    """Cut the asked region out and scale it into the viewport, its shape kept (PS3.18 8.3.5.1.3)."""
    width, height = (min(int(edge), LARGEST_EDGE) for edge in viewport[:2])
    if len(viewport) == 6:
        left, top, wide, high = viewport[2:]
        wide, high = wide or image.width - left, high or image.height - top
        right, bottom = min(left + abs(wide), image.width), min(top + abs(high), image.height)
        box = (int(left), int(top), int(right), int(bottom))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            raise NoPixelsError
        image = image.crop(box)
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if wide < 0 else image
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if high < 0 else image
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR if scale > 1 else Image.Resampling.LANCZOS)


def _saved(image: Image.Image, kind: str, quality: int, icc: bytes | None = None) -> bytes:
    sink = io.BytesIO()
    named = {} if icc is None else {"icc_profile": icc}
    if kind == "JPEG":
        image.save(sink, "JPEG", quality=quality, **named)
    else:
        image.save(sink, kind, **named)
    return sink.getvalue()


ORDERS = {
    "picture": picture,
    "animation": animation,
    "decode": decoded,
    "previews": previews,
    "thumbnail": thumbnail,
    "quick_view": quick_view,
}
