"""Few true values among many: masks that were resized, blurred or saved as JPEG.

A drawn mask has areas of few values. Resizing with interpolation puts a thin edge of other values
around them, and JPEG rings of nearly the same. Which values are true is decided by all masks of a
source together, by where a value fills areas: a pixel counts as inner when its eight neighbours
have its value. Edges have next to no inner pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

# A value that is inner in fewer of its pixels is of an edge; so many such values make edges soft.
_INNER_SHARE = 0.05
LEAST_SOFT = 8
# How far JPEG moves a value, and the share of the second largest level that makes another one.
_NEAR = 12
_LEAST_LEVEL = 0.02
_MOST_LEVELS = 16
# The limit: the most pixels of a source that may be snapped. A photograph has more.
MOST_BETWEEN = 0.2
# Most pixels that are looked at around an edge.
_MOST_REACH = 15


@dataclass
class ValueCounts:
    """How often values occur in the masks of a source.

    Attributes:
        pixels: int64, shape (256,): pixels of each value.
        inner: int64, shape (256,): those of them whose neighbours have the same value.
    """

    pixels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    inner: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))

    def add(self, mask: np.ndarray) -> None:
        """Count a mask, uint8, shape (height, width)."""
        self.pixels += np.bincount(mask.ravel(), minlength=256)
        self.inner += np.bincount(mask[_inner(mask)], minlength=256)

    def levels(self) -> list[int] | None:
        """The true values in ascending order, where the masks have soft edges; else None."""
        used = np.flatnonzero(self.pixels)
        soft = np.count_nonzero(self.inner[used] < _INNER_SHARE * self.pixels[used])
        # Class numbers may well be thin lines, but not most of them.
        if soft < LEAST_SOFT or 2 * soft < len(used):
            return None
        levels = self._areas()
        if len(levels) < 2:
            # Lines so thin that they have no inner pixel: the far end is what they were drawn in.
            low, high = int(used[0]), int(used[-1])
            levels = [low, high]
        between = self.pixels[[min(abs(v - one) for one in levels) > _NEAR for v in range(256)]]
        if len(levels) > _MOST_LEVELS or between.sum() > MOST_BETWEEN * self.pixels.sum():
            return None
        return levels

    def _areas(self) -> list[int]:
        """Values that fill areas, each with what JPEG makes of it, in ascending order."""
        left = self.inner.copy()
        found: dict[int, int] = {}
        while left.any():
            level = int(left.argmax())
            near = slice(max(0, level - _NEAR), level + _NEAR + 1)
            size = int(left[near].sum())
            second = sorted([*found.values(), size])[-2:][0]
            if size < _LEAST_LEVEL * second:
                break
            # What is near a larger level is its ringing.
            if not any(abs(level - other) <= 2 * _NEAR for other in found):
                found[level] = size
            left[near] = 0
        return sorted(found)


def snap(mask: np.ndarray, levels: Sequence[int]) -> np.ndarray:
    """A mask whose pixels have true values only.

    Args:
        mask: uint8, shape (height, width).
        levels: The true values in ascending order, two at least.

    Returns:
        uint8, the same shape: each pixel has the nearest level. With more than two, an edge
        between two levels passes the values of others: a pixel near areas of several levels,
        as near as edges are wide, becomes the nearest of these, if it is no inner pixel itself.
    """
    steps = np.array(levels, np.int16)
    middles = (steps[1:] + steps[:-1]) / 2
    nearest = np.searchsorted(middles, np.arange(256), side="right")
    places = nearest[mask]
    if len(levels) > 2:
        places = _by_surroundings(mask, steps, places)
    return np.asarray(steps[places], np.uint8)


def _by_surroundings(mask: np.ndarray, steps: np.ndarray, places: np.ndarray) -> np.ndarray:
    inner = _inner(mask)
    edges = ~inner
    if not edges.any():
        return places
    # Half of an edge's width is how far its middle lies from the areas.
    depths = cv2.distanceTransform(edges.astype(np.uint8), cv2.DIST_L2, 3)[edges]
    radius = min(_MOST_REACH, int(2 * np.percentile(depths, 95)) + 2)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    best = np.full(mask.shape, 1000, np.int16)
    chosen, around = places.copy(), np.zeros(mask.shape, np.uint8)
    for place, level in enumerate(steps):
        area = (inner & (places == place)).astype(np.uint8)
        close = cv2.dilate(area, reach).astype(bool)
        distance = np.abs(mask.astype(np.int16) - level)
        better = close & (distance < best)
        chosen[better], best[better] = place, distance[better]
        around += close
    # Beside one area only, a pixel may be of an object too thin to have inner pixels.
    return np.where((around > 1) & ~inner, chosen, places)


def _inner(mask: np.ndarray) -> np.ndarray:
    square = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.erode(mask, square) == cv2.dilate(mask, square))
