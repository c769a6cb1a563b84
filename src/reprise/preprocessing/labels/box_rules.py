"""Rules for one box: drop it, cut it at the image's edge, or leave it as it is."""

from __future__ import annotations

import math

from reprise.preprocessing.rules import Rule

XYWH = tuple[float, float, float, float]
# Label tools round; an excess this small (pixels) is cut without a row in the ledger.
ROUNDING = 1e-3


def clean_box(xywh: XYWH, width: int, height: int) -> tuple[XYWH | None, Rule | None]:
    """Judge one box.

    Args:
        xywh: Left, top, width, height in pixels of the upright image; any floats.
        width: The image's width in pixels.
        height: The image's height in pixels.

    Returns:
        The box to keep, or None; and the rule that dropped or repaired it, or None. A box
        that is kept has ``0 <= x < x + w <= width``, also in floating point, and likewise
        for ``y``.
    """
    x, y, w, h = xywh
    # Most boxes are as they should be, and there are millions.
    if 0 <= x < x + w <= width and 0 <= y < y + h <= height:
        return xywh, None
    if not all(math.isfinite(value) for value in xywh):
        return None, Rule.BOX_NOT_FINITE
    if not (x + w > x and y + h > y):
        return None, Rule.BOX_EMPTY
    across, down = _cut(x, w, width), _cut(y, h, height)
    if across is None or down is None:
        return None, Rule.BOX_OUTSIDE
    kept = (across[0], down[0], across[1], down[1])
    moved = max(abs(before - after) for before, after in zip(xywh, kept, strict=True))
    return kept, Rule.BOX_CLIPPED if moved > ROUNDING else None


def _cut(start: float, length: float, limit: int) -> tuple[float, float] | None:
    """An interval's part inside 0 to ``limit``; None when nothing worth keeping is."""
    if start >= 0 and start + length <= limit:
        return start, length
    low, high = max(start, 0.0), min(start + length, float(limit))
    if high - low <= ROUNDING:
        return None
    size = high - low
    while low + size > limit:
        size = math.nextafter(size, 0.0)
    return low, size
