"""A chest that no one has: drawn by formulas, always the same, in the units of a CT scanner (Hounsfield).

Lengths are millimetres from the middle of the body: x to the patient's left, y to the back, z to the head.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Shorts = NDArray[np.int16]

ROWS = COLUMNS = 512
SLICES = 64
SPACING = 0.78  # mm between pixels
THICKNESS = 4.0  # mm between slices
AIR, LUNG, FAT, MUSCLE, BLOOD, MARROW, CORTEX = -1000, -860, -100, 45, 60, 220, 750

# A nodule that one can look for: x, y, z and radius, in the patient's right lung.
NODULE = (-72.0, 12.0, 28.0, 7.5)


def positions() -> list[float]:
    """Where the slices lie along the body, from the feet up."""
    return [(number - SLICES / 2 + 0.5) * THICKNESS for number in range(SLICES)]


def ct_slices() -> Iterator[Shorts]:
    """Every slice as whole Hounsfield units, with the noise that a scanner has."""
    across = ((np.arange(COLUMNS) - COLUMNS / 2 + 0.5) * SPACING).astype(np.float32)
    noise = np.random.default_rng(20_260)
    for z in positions():
        grain = noise.standard_normal((ROWS, COLUMNS), dtype=np.float32)
        yield np.clip(np.rint(_smoothed(densities(across, z)) + 9 * grain), -1024, 3071).astype(np.int16)


def densities(across: Floats, z: float) -> Floats:
    """Hounsfield units of one slice, at every pair of the places `across`: rows are y, columns x."""
    slice_ = _Slice(across)
    slice_.fill(0, 0, 178 - 0.10 * abs(z - 40), 118, FAT)
    slice_.fill(0, 0, 162 - 0.12 * abs(z - 40), 102, MUSCLE)
    _lungs(slice_, z)
    _vessels(slice_, z)
    _heart(slice_, z)
    _bones(slice_, z)
    at_x, at_y, at_z, radius = NODULE
    left = radius**2 - (z - at_z) ** 2
    if left > 0:
        slice_.fill(at_x, at_y, left**0.5, left**0.5, 35)
    return slice_.made


class _Slice:
    """A picture to paint ellipses on."""

    def __init__(self, across: Floats) -> None:
        self.across = across
        self.x, self.y = across[None, :], across[:, None]
        self.made: Floats = np.full((len(across), len(across)), AIR, dtype=np.float32)

    def fill(
        self, at_x: float, at_y: float, wide: float, deep: float, value: float, *, over: float | None = None
    ) -> None:
        """The ellipse has this value; with `over`, only where that value was."""
        if wide <= 0 or deep <= 0:
            return
        columns = slice(*np.searchsorted(self.across, (at_x - wide, at_x + wide)))
        rows = slice(*np.searchsorted(self.across, (at_y - deep, at_y + deep)))
        part = self.made[rows, columns]
        inside = ((self.x[:, columns] - at_x) / wide) ** 2 + ((self.y[rows] - at_y) / deep) ** 2 < 1
        part[inside if over is None else inside & (part == over)] = value


def _at(z: float, middle: float, reach: float) -> float:
    """How wide something is at height z, as a part of its widest: 1 in its middle, 0 at its ends."""
    return max(0.0, 1 - ((z - middle) / reach) ** 2) ** 0.5


def _lungs(slice_: _Slice, z: float) -> None:
    slice_.fill(-76, 4, 66 * _at(z, 10, 135), 86 * _at(z, 10, 140), LUNG)
    slice_.fill(78, 6, 62 * _at(z, 14, 132), 84 * _at(z, 14, 138), LUNG)
    if z < -30:  # the liver and the diaphragm bulge into them from below
        bulge = np.exp(-(((np.abs(slice_.x) - 74) / 46) ** 2) - ((slice_.y + 10) / 70) ** 2)
        slice_.made[(slice_.made == LUNG) & (z < -70 + 38 * bulge)] = MUSCLE


def _vessels(slice_: _Slice, z: float) -> None:
    """Branches that leave the middle and grow thin, and the windpipe."""
    paths = np.random.default_rng(7)
    for _ in range(70):
        side = paths.choice((-1.0, 1.0))
        out, back, up, wave, thick = paths.uniform((18, -60, -90, 0, 1.2), (125, 70, 110, 6.28, 4.2))
        part = float((z - 5) / up)
        if 0 < part < 1:
            at_x = side * (24 + (out - 18) * part)
            at_y = -4 + back * part + 5 * float(np.sin(wave + 6 * part))
            slice_.fill(at_x, at_y, thick * (1.3 - part), thick * (1.3 - part) * 1.15, 30, over=LUNG)
    if z > -10:
        slice_.fill(0, 6 - z / 20, 9.5, 9, 20)
        slice_.fill(0, 6 - z / 20, 8, 7.5, AIR)


def _heart(slice_: _Slice, z: float) -> None:
    size = _at(z, -38, 58)
    slice_.fill(20, -30, 62 * size, 48 * size, BLOOD - 15)
    slice_.fill(30, -34, 34 * size, 26 * size, BLOOD + 25)
    slice_.fill(18, 44, 13, 13, BLOOD + 10)  # the aorta on its way down
    if z > 0:
        slice_.fill(-12, -26, 15, 14, BLOOD + 10)  # the aorta on its way up
        slice_.fill(-34, -22, 9, 9, BLOOD)


def _bones(slice_: _Slice, z: float) -> None:
    disc = (z + 200) % 26 < 5
    slice_.fill(0, 74, 21, 17, 90 if disc else CORTEX)
    if not disc:
        slice_.fill(0, 74, 18, 14.5, MARROW)
    slice_.fill(0, 98, 8.5, 7.5, 15)  # the canal of the spine
    slice_.fill(0, 112, 4, 9, CORTEX - 200)
    slice_.fill(0, -88, 19 if z > 60 else 13, 6, CORTEX - 250)
    off_ring = np.abs(np.hypot(slice_.x / (150 - 0.12 * abs(z - 40)), slice_.y / 95) - 1)
    # Each rib falls from the spine to the front: its height depends on the angle.
    height = (z + 34 * np.arctan2(slice_.y, np.abs(slice_.x)) + 300) % 24
    slice_.made[(off_ring < 0.045) & (height < 8)] = CORTEX - 200
    slice_.made[(off_ring < 0.022) & (height > 2) & (height < 6)] = MARROW


def _smoothed(made: Floats) -> Floats:
    """Edges as soft as a scanner's: each point with a part of its neighbours."""
    for axis in (0, 1):
        made = (0.5 * made + 0.25 * np.roll(made, 1, axis) + 0.25 * np.roll(made, -1, axis)).astype(np.float32)
    return made


# -- the same chest, as an X-ray sees it ------------------------------------------------------------

SHADOW_ROWS, SHADOW_COLUMNS = 1800, 1560


def xray_views() -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """From the front and from the side: how much of the rays was held back, 12 bits, more is brighter."""
    across = np.linspace(-195, 195, 260, dtype=np.float32)
    held = np.stack([_weakening(densities(across, float(z))) for z in np.linspace(165, -165, 220)])
    return _shadow(held.sum(axis=1)), _shadow(held.sum(axis=2))


def _weakening(hounsfield: Floats) -> Floats:
    """How much a millimetre holds back, with water as 0.02; bone counts more, as it does at low energies."""
    water = np.clip(hounsfield / 1000 + 1, 0, None)
    return (0.02 * np.where(hounsfield > 150, water * 1.35, water)).astype(np.float32)


def _shadow(summed: Floats) -> NDArray[np.uint16]:
    spread = _stretched(_stretched(summed, SHADOW_ROWS, 0), SHADOW_COLUMNS, 1)
    low, high = np.percentile(spread, (1, 99.7))
    grain = np.random.default_rng(11).standard_normal(spread.shape, dtype=np.float32) * 0.006
    return np.rint(4095 * np.clip((spread - low) / (high - low) + grain, 0, 1)).astype(np.uint16)


def _stretched(values: Floats, length: int, axis: int) -> Floats:
    """The same values at more points of one axis, straight lines between them."""
    at = np.linspace(0, values.shape[axis] - 1, length)
    below = np.clip(at.astype(np.int64), 0, values.shape[axis] - 2)
    part = (at - below).astype(np.float32)
    part = part[:, None] if axis == 0 else part[None, :]
    return (np.take(values, below, axis) * (1 - part) + np.take(values, below + 1, axis) * part).astype(np.float32)
