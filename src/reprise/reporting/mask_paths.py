"""Masks as SVG paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TOLERANCE = 0.6  # pixels of the picture by which an outline may miss the mask's edge


def outline(
    segmentation: dict[str, Any], window: Sequence[float], scale: tuple[float, float]
) -> str:
    """A mask's outlines as the ``d`` of an SVG path, to be filled by the even-odd rule.

    Args:
        segmentation: Compressed RLE.
        window: xywh of what the picture shows, in the mask's pixels.
        scale: Pixels of the picture per pixel of the mask, across and down.

    Returns:
        Coordinates in pixels of the picture; empty when no pixel of the mask shows.
    """
    import cv2
    from faster_coco_eval.core import mask

    box = mask.toBbox(segmentation)
    left, top = (int(max(box[axis], window[axis])) for axis in (0, 1))
    right, bottom = (
        int(np.ceil(min(box[axis] + box[axis + 2], window[axis] + window[axis + 2])))
        for axis in (0, 1)
    )
    if right <= left or bottom <= top:
        return ""
    # A pixel of margin lets the edge be found by interpolation on every side.
    part: Any = np.pad(mask.decode(segmentation)[top:bottom, left:right], 1).astype(np.float32)
    size = [max(round(part.shape[1 - axis] * scale[axis]), 1) for axis in (0, 1)]
    smaller = size[0] < part.shape[1]
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    found, _ = cv2.findContours(
        (part >= 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    # OpenCV gives the centres of the outermost pixels of a part that starts at the margin.
    shift = 0.5 + (np.array([left, top]) - 1 - np.array(window[:2])) * np.array(scale)
    return "".join(
        _subpath(cv2.approxPolyDP(contour, TOLERANCE, True).reshape(-1, 2) + shift)
        for contour in found
        if len(contour) > 2
    )


def _subpath(points: np.ndarray) -> str:
    return "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in points.tolist()) + "Z"
