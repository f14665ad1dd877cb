"""Drawn pictures and a scanner's noise: smooth organs, sharp edges, flat air, so that codecs work as in life."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

_FIELDS = 5  # of noise; each frame shows a part of one, at a place of its own
_MARGIN = 61
_AIR, _FAT, _LUNG, _TISSUE, _VESSEL, _BONE = -1000.0, -100.0, -850.0, 45.0, 180.0, 620.0
_SIGMA = {"CT": 22.0, "MR": 12.0, "CR": 14.0, "US": 20.0}


@dataclass(frozen=True)
class Painter:
    """Paints the frames of one study, the same ones for the same seed and order."""

    modality: str
    rows: int
    columns: int
    seed: int

    def frame(self, place: float) -> NDArray[np.uint16] | NDArray[np.uint8]:
        """The picture at `place`, 0 to 1 through the body: 12 bits of grey, or 8 bits of each colour."""
        drawn = self._body(place)
        if self.modality == "US":
            grey = np.clip(drawn / 8 + 130 + self._noise() / 2, 0, 255).astype(np.uint8)
            colour = np.repeat(grey[..., None], 3, axis=2)
            colour[: self.rows // 12, :, 2] = 90  # the banner that machines draw
            return colour
        if self.modality == "MR":
            drawn = np.hypot((drawn + 1000) * self._unevenness + self._noise(), self._noise())
        elif self.modality == "CR":
            drawn = (drawn + 1000) * 1.6 + 500 * self._grid[0] + self._noise()
        else:
            drawn = drawn + 1024 + self._noise()
            drawn[self._outside] = 0  # what lies outside of the reconstructed circle
        return np.clip(drawn, 0, 4095).astype("<u2")

    def _body(self, place: float) -> Picture:
        y, x = self._grid
        width = 0.82 + 0.07 * np.sin(6 * place)
        trunk = (x / width) ** 2 + (y / (0.72 * width)) ** 2
        drawn = np.where(trunk < 1, _FAT, _AIR).astype(np.float32)
        drawn[trunk < 0.86] = _TISSUE
        for side in (-1, 1):
            inside = ((x - side * 0.36) / 0.24) ** 2 + ((y + 0.05) / 0.33) ** 2 < 1 - 0.3 * place
            drawn[inside] = _LUNG + 40 * np.cos(25 * x[inside] + 18 * place)
        drawn[x**2 + (y - 0.42) ** 2 < 0.011] = _BONE
        for rib in range(8):
            turn = rib * np.pi / 4 + 2 * place
            near = (x - 0.7 * width * np.cos(turn)) ** 2 + (y - 0.5 * width * np.sin(turn)) ** 2 < 0.0021
            drawn[near] = _BONE if rib % 2 else _VESSEL
        return drawn

    def _noise(self) -> Picture:
        """A part of a field of noise, neighbours alike as a reconstruction makes them."""
        field = self._fields[self._random.integers(_FIELDS)]
        down, right = self._random.integers(_MARGIN, size=2)
        return field[down : down + self.rows, right : right + self.columns]

    @cached_property
    def _random(self) -> np.random.Generator:
        return np.random.default_rng([2026, self.seed])

    @cached_property
    def _fields(self) -> list[Picture]:
        shape, random = (self.rows + _MARGIN, self.columns + _MARGIN), np.random.default_rng([7, self.seed])
        drawn = [random.standard_normal(shape, dtype=np.float32) for _ in range(_FIELDS)]
        return [(one + np.roll(one, 1, 0) + np.roll(one, 1, 1)) * (_SIGMA[self.modality] / 3**0.5) for one in drawn]

    @cached_property
    def _grid(self) -> tuple[Picture, Picture]:
        y, x = np.mgrid[-1 : 1 : self.rows * 1j, -1 : 1 : self.columns * 1j].astype(np.float32)
        return y, x

    @cached_property
    def _outside(self) -> NDArray[np.bool_]:
        y, x = self._grid
        return x**2 + y**2 > 1

    @cached_property
    def _unevenness(self) -> Picture:
        y, x = self._grid
        return (0.6 + 0.25 * x + 0.2 * y).astype(np.float32)
