"""EXIF orientation: from the frame in which pixels are stored to the upright frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reprise.preprocessing.decode.colour import Pixels

XYWH = tuple[float, float, float, float]

# EXIF 2.3, tag 0x0112: whether the stored image is mirrored left to right, mirrored top to
# bottom, and then transposed, in this order, to stand upright.
_STEPS = {
    1: (False, False, False),
    2: (True, False, False),
    3: (True, True, False),
    4: (False, True, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}


def valid_orientation(value: object) -> int:
    """The orientation that a tag's value stands for: 1 to 8, and 1 for anything else."""
    return next((orientation for orientation in _STEPS if value == orientation), 1)


def orient_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height of the other frame: stored to upright, or upright to stored."""
    return (height, width) if _STEPS[orientation][2] else (width, height)


def orient_pixels(pixels: Pixels, orientation: int) -> Pixels:
    """Turn stored pixels upright.

    Args:
        pixels: uint8, shape (height, width, channels).
        orientation: 1 to 8.

    Returns:
        A contiguous array; the same one where nothing is to be done.
    """
    across, down, transposed = _STEPS[orientation]
    turned = pixels[:: -1 if down else 1, :: -1 if across else 1]
    return np.ascontiguousarray(turned.swapaxes(0, 1) if transposed else turned)


def orient_box(xywh: XYWH, width: float, height: float, orientation: int) -> XYWH:
    """Move a box from the stored frame to the upright one.

    Args:
        xywh: Left, top, width and height in pixels of the stored frame; pixel (0, 0) reaches
            from 0 to 1, so that the frame ends at ``width`` and ``height``. With fractions,
            give a width and height of 1.
        width: Width of the stored frame.
        height: Height of the stored frame.
        orientation: 1 to 8.

    Returns:
        The same in the upright frame, whose size is :func:`orient_size`. NaN stays NaN.
    """
    across, down, transposed = _STEPS[orientation]
    x, y, w, h = xywh
    if across:
        x = width - x - w
    if down:
        y = height - y - h
    return (y, x, h, w) if transposed else (x, y, w, h)


def orient_polygon(
    points: Sequence[float], width: float, height: float, orientation: int
) -> list[float]:
    """Move an outline from the stored frame to the upright one.

    Args:
        points: x0, y0, x1, y1, ... in the coordinates of :func:`orient_box`; an even count.
        width: Width of the stored frame.
        height: Height of the stored frame.
        orientation: 1 to 8. 2, 4, 5 and 7 reverse the direction of the outline.

    Returns:
        The same points, in the same order, in the upright frame.
    """
    moved: list[float] = []
    for x, y in zip(points[0::2], points[1::2], strict=True):
        moved.extend(orient_box((x, y, 0.0, 0.0), width, height, orientation)[:2])
    return moved
