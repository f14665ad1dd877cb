"""
Pictures whose pixels lie bare, made in the worker itself.

A native frame needs no decoder: each value is looked up in a table, and what is written is bounded by the picture's
size. All else goes to the darkroom: packed pixels, palettes, tables, functional groups, captions, colour profiles,
large pictures, values that the header does not announce.
"""

from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fhir_gateway.dicom.darkroom import finish, grey
from fhir_gateway.dicom.facts import first, text
from fhir_gateway.dicom.frames import PixelLayout
from fhir_gateway.dicom.render import FORMATS, Look, MediaType, Previews, Window

MOST_CELLS = 1 << 23
MOST_EDGE = 2048
QUALITY = 90
Json = dict[str, Any]
Levels = NDArray[np.uint8]

# What the darkroom must look at: modality tables, VOI tables where no window stands, functional groups.
_TABLES = ("00283000", "52009229", "52009230")
_VOI_TABLE = "00283010"


@dataclass(frozen=True, slots=True)
class Tone:
    """How an instance's stored values become grey, where slope, intercept and window say all of it (PS3.3 C.11)."""

    slope: float
    intercept: float
    window: Window | None
    inverted: bool

    @classmethod
    def of(cls, metadata: Json) -> Self | None:
        """What the top of a data set says; None where tables or functional groups say more."""
        if any(tag in metadata for tag in _TABLES):
            return None
        slope, intercept = (grey.number(first(metadata, tag)) for tag in ("00281053", "00281052"))
        centre, width = (grey.number(first(metadata, tag)) for tag in ("00281050", "00281051"))
        window = None
        if centre is not None and width is not None and width > 0:
            shape = text(metadata, "00281056").upper() or "LINEAR"
            window = Window(centre, width, shape if shape in grey.SHAPES else "LINEAR")
        elif _VOI_TABLE in metadata:
            return None
        inverted = text(metadata, "00280004") == "MONOCHROME1" or text(metadata, "20500020") == "INVERSE"
        return cls(1.0 if slope is None else slope, intercept or 0.0, window, inverted)

    def to_json(self) -> list[Any]:
        """A compact form for the sealed record."""
        return [self.slope, self.intercept, list(astuple(self.window)) if self.window else None, self.inverted]

    @classmethod
    def from_json(cls, stored: list[Any]) -> Self:
        """The reverse of `to_json`."""
        slope, intercept, window, inverted = stored
        return cls(slope, intercept, Window(*window) if window else None, inverted)


@dataclass(frozen=True, slots=True)
class BarePicture:
    """How a frame of bare pixels is laid out and toned."""

    pixel: PixelLayout
    tone: Tone

    def picture(self, frame: bytes, look: Look, media_type: MediaType) -> bytes | None:
        """The frame, little endian, in the look that is wanted; None where the darkroom is needed."""
        port = look.viewport
        if look.captions or look.profile != "no" or (port and max(port.width, port.height) > MOST_EDGE):
            return None
        image = self._image(frame, look.window or self.tone.window)
        if image is None:
            return None
        if port is not None:
            image = finish.fitted(image, [port.width, port.height, *(port.region or ())])
        return finish.saved(image, FORMATS[media_type], look.quality or QUALITY)

    def previews(self, frame: bytes) -> Previews | None:
        """Thumbnail and quick view; None where the darkroom is needed."""
        image = self._image(frame, self.tone.window)
        if image is None:
            return None
        return Previews(thumbnail=finish.thumbnail(image.copy()), quick_view=finish.quick_view(image))

    def _image(self, frame: bytes, window: Window | None) -> Image.Image | None:
        pixel = self.pixel
        if len(frame) != pixel.decoded_octets or not 0 < pixel.rows * pixel.columns * pixel.samples <= MOST_CELLS:
            return None
        if pixel.samples == 3:
            return Image.frombytes("RGB", (pixel.columns, pixel.rows), frame)
        levels = self._levels(frame, window) if window is not None else None
        return None if levels is None else Image.fromarray(levels.reshape(pixel.rows, pixel.columns))

    def _levels(self, frame: bytes, window: Window) -> Levels | None:
        pixel = self.pixel
        if window.shape == "LINEAR" and window.width <= 1:
            return None
        kind = np.dtype(f"<{'i' if pixel.signed else 'u'}{pixel.bits_allocated // 8}")
        values = np.frombuffer(frame, kind)
        low, high = int(values.min()), int(values.max())
        most = 1 << (pixel.bits_stored - int(pixel.signed))
        if high >= most or low < (-most if pixel.signed else 0):
            return None
        stored = np.arange(low, high + 1, dtype=np.float32)
        shades = stored * np.float32(self.tone.slope) + np.float32(self.tone.intercept)
        shown = grey.windowed(shades, window.centre, window.width, window.shape)
        table = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        table = 255 - table if self.tone.inverted else table
        places = values if low == 0 else values.astype(np.int32) - low
        return np.take(table, places, mode="clip")


def bare_picture(pixel: PixelLayout | None, tone: Tone | None, *, packed: bool) -> BarePicture | None:
    """How the frames of an instance are shown without the darkroom; None where they are not."""
    if pixel is None or tone is None or packed:
        return None
    grey_values = (
        pixel.samples == 1
        and pixel.photometric in {"MONOCHROME1", "MONOCHROME2"}
        and pixel.bits_allocated in {8, 16}
        and int(pixel.signed) < pixel.bits_stored <= pixel.bits_allocated
        and pixel.tag == "7FE00010"
    )
    colours = (
        pixel.samples == 3
        and pixel.photometric == "RGB"
        and pixel.planar == 0
        and pixel.bits_allocated == pixel.bits_stored == 8
    )
    return BarePicture(pixel, tone) if grey_values or colours else None
