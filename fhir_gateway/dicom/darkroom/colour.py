"""The colours a picture means: its ICC profile, kept or brought to sRGB (PS3.18 8.3.5.1.5, PS3.3 C.11.15)."""

import io
from contextlib import suppress

from PIL import Image, ImageCms
from pydicom.dataset import Dataset


def profile_in(header: Dataset) -> bytes | None:
    """The profile an object carries, or its first optical path's."""
    paths = header.get("OpticalPathSequence") or []
    for place in (header, *paths[:1]):
        found = place.get("ICCProfile")
        if isinstance(found, bytes) and found:
            return found
    return None


def profiled(image: Image.Image, own: bytes | None, wanted: str) -> tuple[Image.Image, bytes | None]:
    """The picture, and the profile to save with it: none, its own, or sRGB with the colours brought there.

    A grey picture has none. A profile that cannot be read counts as sRGB, as most are.
    """
    if wanted == "no" or image.mode != "RGB":
        return image, None
    if wanted == "yes" and own is not None:
        return image, own
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    if own is not None:
        with suppress(ImageCms.PyCMSError, OSError):
            image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(own)), srgb) or image
    made = srgb.tobytes()
    return image, made[:24] + bytes(12) + made[36:]  # without the moment it was made: the same picture, the same octets
