"""From shades to a picture: cut, scaled, written. Nothing here decodes what came from outside."""

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from fhir_gateway.dicom.darkroom.errors import NoPixelsError

LARGEST_EDGE = 8192
QUICK_VIEW_MOST = 80 * 1024


def fitted(image: Image.Image, viewport: Sequence[float]) -> Image.Image:
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


def saved(image: Image.Image, kind: str, quality: int, icc: bytes | None = None) -> bytes:
    """A JPEG, PNG or GIF."""
    sink = io.BytesIO()
    named: dict[str, Any] = {} if icc is None else {"icc_profile": icc}
    if kind == "JPEG":
        image.save(sink, "JPEG", quality=quality, **named)
    else:
        image.save(sink, kind, **named)
    return sink.getvalue()


def thumbnail(image: Image.Image) -> bytes:
    """At most 256 pixels wide or high."""
    image.thumbnail((256, 256))
    return saved(image, "JPEG", 80)


def quick_view(image: Image.Image) -> bytes:
    """At most 1024 pixels wide or high, and at most 80 KiB."""
    for edge in (1024, 768, 512, 384):
        image.thumbnail((edge, edge))
        for quality in (85, 75, 65, 55, 45):
            made = saved(image, "JPEG", quality)
            if len(made) <= QUICK_VIEW_MOST:
                return made
    return made
