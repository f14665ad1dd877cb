"""How a rendered picture is wanted: the query parameters of PS3.18 8.3.5, read once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fhir_gateway.dicom.frames import PixelLayout
from fhir_gateway.dicom.render import Look, Viewport, Window
from fhir_gateway.errors import BadParameter

_MOST_PIXELS = 8192
_SHAPES = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_CAPTIONS = ("patient", "technique")
_PROFILES = {"no": "no", "yes": "yes", "srgb": "srgb", "adobergb": "srgb", "rommrgb": "srgb"}
_KNOWN = frozenset({"annotation", "iccprofile", "charset", "accept", "window", "viewport", "quality"})
NO_SUCH_CAPTION = "The following annotation values are not supported: "
OTHER_PROFILE = "The ICC profile asked for is not supported; sRGB was used."


@dataclass(frozen=True, slots=True)
class Wishes:
    """Window, viewport, quality, captions and colours of a picture; `warnings` name what is passed over."""

    look: Look
    warnings: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Self:
        """The wishes of a query. Raises `BadParameter`."""
        if any(name not in _KNOWN for name in given):
            raise BadParameter("A rendered picture knows no such parameter.")
        captions, unknown = captions_of(given["annotation"]) if "annotation" in given else ((), ())
        profile = given.get("iccprofile", "no").strip().lower()
        if profile not in _PROFILES:
            raise BadParameter("A colour profile is no, yes, srgb, adobergb or rommrgb.")
        warnings = [NO_SUCH_CAPTION + ", ".join(unknown)] if unknown else []
        if profile not in {"no", "yes", "srgb"}:
            warnings.append(OTHER_PROFILE)
        look = Look(
            window=window_of(given["window"]) if "window" in given else None,
            viewport=viewport_of(given["viewport"]) if "viewport" in given else None,
            quality=quality_of(given["quality"]) if "quality" in given else None,
            captions=captions,
            profile=_PROFILES[profile],
        )
        return cls(look, tuple(warnings))

    def check_fits(self, pixel: PixelLayout | None) -> None:
        """Raise `BadParameter` where the region lies outside the picture."""
        region = self.look.viewport.region if self.look.viewport else None
        if region is None or pixel is None:
            return
        left, top, wide, high = region
        if left >= pixel.columns or top >= pixel.rows or (wide and abs(wide) < 1) or (high and abs(high) < 1):
            raise BadParameter("The region lies outside the picture.")


def window_of(text: str) -> Window:
    """`center,width,shape`; linear where no shape is named. Raises `BadParameter`."""
    parts = text.split(",")
    shape = parts[2].strip().lower() if len(parts) == 3 else "linear"
    if len(parts) not in (2, 3) or shape not in _SHAPES:
        raise BadParameter("A window is centre, width and shape, between commas.")
    centre, width = (_decimal(part) for part in parts[:2])
    # PS3.3 C.11.2.1.2.1 and C.11.2.1.3: a linear window is at least 1 wide, the other shapes wider than 0.
    if width <= 0 or (shape == "linear" and width < 1):
        raise BadParameter("A linear window is at least 1 wide, any other wider than 0.")
    if abs(centre) > 1e9 or width > 1e9:
        raise BadParameter("A window is beyond measure.")
    return Window(centre, width, _SHAPES[shape])


def viewport_of(text: str) -> Viewport:
    """`vw,vh` with the region `sx,sy,sw,sh` behind; a negative size mirrors. Raises `BadParameter`."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (2, 6) or not all(part.isascii() and part.isdigit() for part in parts[:2]):
        raise BadParameter("A viewport is two or six numbers, between commas.")
    if len(parts[0]) > 6 or len(parts[1]) > 6:
        raise BadParameter("A viewport is at most 8192 pixels wide and high.")
    width, height = int(parts[0]), int(parts[1])
    if not (1 <= width <= _MOST_PIXELS and 1 <= height <= _MOST_PIXELS):
        raise BadParameter("A viewport is at most 8192 pixels wide and high.")
    if len(parts) == 2:
        return Viewport(width, height)
    x, y, region_width, region_height = (_decimal(part or "0") for part in parts[2:])
    if x < 0 or y < 0:
        raise BadParameter("A region begins within the picture.")
    return Viewport(width, height, (x, y, region_width, region_height))


def quality_of(text: str) -> int:
    """1 to 100. Raises `BadParameter`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise BadParameter("The quality is a whole number from 1 to 100.")
    return int(text)


def captions_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to write upon the picture, and the words for which there is nothing. Raises `BadParameter`."""
    words = [word.strip().lower() for word in text.split(",")]
    if not all(word.isascii() and word.isalnum() and len(word) <= 32 for word in words) or len(words) > 8:
        raise BadParameter("An annotation is patient or technique, or both between a comma.")
    known = tuple(kind for kind in _CAPTIONS if kind in words)
    return known, tuple(dict.fromkeys(word for word in words if word not in _CAPTIONS))


def _decimal(text: str) -> float:
    try:
        number = float(text) if len(text) <= 32 and text.isascii() else math.inf
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise BadParameter("A number is not written as one.")
    return number
