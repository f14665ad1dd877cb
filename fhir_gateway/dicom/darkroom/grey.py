"""
From stored values to what the eye is shown: modality and VOI transformations (PS3.3 C.11.1, C.11.2).

Every function takes and gives arrays; the result of a window is between 0 and 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

Floats = NDArray[np.floating[Any]]
FLAT = 1e-6
SHAPES = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def number(value: object) -> float | None:
    """The first value as a finite number, or None."""
    if isinstance(value, (MultiValue, list)):
        value = value[0] if len(value) else None
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if np.isfinite(found) else None


def described(lut: Dataset) -> tuple[Floats, int, int]:
    """The entries of a LUT sequence item, the first value mapped, and its bits (PS3.3 C.11.1.1)."""
    raw = lut["LUTData"].value
    entries = np.frombuffer(raw, "<u2") if isinstance(raw, bytes) else np.atleast_1d(np.asarray(raw, "u2"))
    descriptor = [int(value) for value in lut.LUTDescriptor]
    count = descriptor[0] or 65536
    if entries.size * 2 == count:  # two entries packed in each word
        entries = entries.view("u1")
    return entries[:count].astype(np.float32), descriptor[1], descriptor[2]


def looked_up(values: Floats, lut: Dataset) -> tuple[Floats, int]:
    """Each value's entry; values outside the table take its first or last entry."""
    entries, start, bits = described(lut)
    if start >= 1 << 15 and values.min() < 0:
        start -= 1 << 16
    places = np.clip(np.rint(values).astype(np.int64) - start, 0, len(entries) - 1)
    return entries[places], bits


def modality(values: Floats, transform: Dataset) -> Floats:
    """Stored values as the maker's units: a table, else slope and intercept."""
    tables = transform.get("ModalityLUTSequence")
    if tables:
        return looked_up(values, tables[0])[0]
    slope, intercept = number(transform.get("RescaleSlope")), number(transform.get("RescaleIntercept"))
    if slope is None and intercept is None:
        return values
    return values * np.float32(1 if slope is None else slope) + np.float32(intercept or 0)


def windowed(values: Floats, centre: float, width: float, shape: str) -> Floats:
    """The window functions, word for word (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2)."""
    if shape == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / max(width, FLAT), -80, 80)))
    if shape == "LINEAR_EXACT":
        return np.clip((values - centre) / max(width, FLAT) + 0.5, 0, 1)
    # LINEAR, the default: a window of width 1 is a step, which fractions cannot have been meant for.
    if width <= 1 and (values % 1).any():
        return windowed(values, centre, width, "LINEAR_EXACT")
    if width <= 1:
        return (values > centre - 0.5).astype(np.float32)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def stretched(values: Floats) -> Floats:
    """The whole range of what is there, but for the outermost half percent, where nothing names a window."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros_like(values)
    low, high = (float(edge) for edge in np.percentile(finite, (0.5, 99.5)))
    if high - low < FLAT:
        low, high = float(finite.min()), float(finite.max())
    return np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, FLAT), 0, 1)


def shown(values: Floats, transform: Dataset, window: tuple[float, float, str] | None) -> Floats:
    """Apply the asked window, else the object's own, else its VOI table, else stretch."""
    if window:
        return windowed(np.nan_to_num(values), *window)
    centre, width = number(transform.get("WindowCenter")), number(transform.get("WindowWidth"))
    if centre is not None and width is not None and width > 0:
        shape = str(transform.get("VOILUTFunction") or "LINEAR").upper()
        return windowed(np.nan_to_num(values), centre, width, shape if shape in SHAPES else "LINEAR")
    tables = transform.get("VOILUTSequence")
    if tables:
        entries, bits = looked_up(values, tables[0])
        return np.clip(entries / ((1 << bits) - 1), 0, 1)
    return stretched(values)


def is_inverted(header: Dataset) -> bool:
    """Tell whether high values are dark: MONOCHROME1, or a presentation that says so (PS3.3 C.8.11.3.1.2)."""
    return header.get("PhotometricInterpretation") == "MONOCHROME1" or header.get("PresentationLUTShape") == "INVERSE"


def transform_of(header: Dataset, frame: int) -> Dataset:
    """What maps this frame's values: the object's own attributes, or those of its functional groups (C.7.6.16)."""
    merged = Dataset()
    for name in _NAMES:
        if name in header:
            merged[name] = header[name]
    groups = [*(header.get("SharedFunctionalGroupsSequence") or [])[:1]]
    groups += (header.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
    for group in groups:
        for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in (group.get(macro) or [])[:1]:
                merged.update(item)
    return merged


_NAMES = (
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
)
