"""The outline of one box, polygons or run lengths: what is sound of it, in upright pixels."""

from __future__ import annotations

import math

from reprise.masks import rle
from reprise.preprocessing.decode.orientation import orient_polygon

Outline = list[list[float]] | dict[str, object]
# Numbers of a triangle.
_LEAST_NUMBERS = 6


def place_segmentation(
    outline: Outline, scale: tuple[float, float], size: tuple[int, int], orientation: int
) -> tuple[Outline, str]:
    """Check an outline and bring it to the upright image.

    Args:
        outline: COCO polygons or RLE as the label file has them; empty for none.
        scale: Factors across and down from the label file's units to pixels of ``size``.
        size: Width and height in pixels of the image that the labels were made on.
        orientation: EXIF orientation that the image was turned by since; 1 when it was not.

    Returns:
        What can be used, in pixels of the upright image, empty for nothing; and why the rest
        was left out, empty when all can be used.
    """
    if isinstance(outline, dict):
        wrong = _wrong_run_lengths(outline, size, turned=orientation != 1) if outline else ""
        return ([], wrong) if wrong else (outline, "")
    if not outline:
        return [], ""
    sound = [part for part in outline if _is_polygon(part)]
    # Exporters write one empty polygon for a box that has no outline.
    broken = sum(bool(part) for part in outline) - len(sound)
    reason = f"{broken} of {len(outline)} polygons broken" if broken else ""
    return _placed(sound, scale, size, orientation), reason


def _is_polygon(part: list[float]) -> bool:
    return len(part) >= _LEAST_NUMBERS and len(part) % 2 == 0 and all(map(math.isfinite, part))


def _placed(
    polygons: list[list[float]],
    scale: tuple[float, float],
    size: tuple[int, int],
    orientation: int,
) -> list[list[float]]:
    if scale != (1.0, 1.0):
        polygons = [[v * scale[place % 2] for place, v in enumerate(part)] for part in polygons]
    if orientation != 1:
        polygons = [orient_polygon(part, *size, orientation) for part in polygons]
    return polygons


def _wrong_run_lengths(outline: dict[str, object], size: tuple[int, int], turned: bool) -> str:
    """Why run lengths cannot be used, empty when they can; they belong to one pixel grid."""
    try:
        rle.area(outline)
    except ValueError as error:
        return str(error)
    if turned or outline["size"] != [size[1], size[0]]:
        return f"its mask is of {outline['size']}, the image of {[size[1], size[0]]}"
    return ""
