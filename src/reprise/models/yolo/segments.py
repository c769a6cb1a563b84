"""Masks of the YOLO family: outlines for its samples, run lengths from its prototypes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from reprise.masks import rle
from reprise.masks.resize import decode_resized

# An outline of more points is thinned out evenly to so many.
POINTS = 1000
# Parts of a mask beyond so many points together are left out, the shortest first.
LONGEST = 4 * POINTS


def outline(
    segmentation: str, box: np.ndarray, original: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """One closed path around the mask of an annotation, with its holes and all its parts.

    The family takes a single polygon for each object. Parts and holes are joined to the rest
    of the path where they come nearest to it, by a line that is walked both ways: filled by
    the even-odd rule with its edge, as OpenCV fills, the path gives the mask back, and besides
    lines one pixel wide between parts that do not touch. An object too small for any pixel
    of ``size`` becomes the pixels that its box touches.

    Args:
        segmentation: JSON of COCO polygons or RLE, in pixels of the upright original.
        box: xywh in the same pixels.
        original: (height, width) of the upright original.
        size: (height, width) that the outline is drawn in.

    Returns:
        Int16 (n, 2), n from 1 to POINTS: x and y of pixels on the edge, counted from 0.
    """
    mask = decode_resized(segmentation, original, size)
    if not mask.any():
        scale = np.array([size[1] / original[1], size[0] / original[0]] * 2)
        x, y, w, h = box * scale
        left, top = min(max(int(x), 0), size[1] - 1), min(max(int(y), 0), size[0] - 1)
        mask[top : max(int(np.ceil(y + h)), top + 1), left : max(int(np.ceil(x + w)), left + 1)] = 1
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts = sorted((part[:, 0] for part in found), key=len, reverse=True)
    path = parts[0]
    for part in parts[1:]:
        if len(path) + len(part) > LONGEST:
            break
        path = _joined(path, part)
    if len(path) > POINTS:
        path = path[np.linspace(0, len(path), POINTS, endpoint=False).astype(int)]
    return path.astype(np.int16)


def _joined(path: np.ndarray, part: np.ndarray) -> np.ndarray:
    """A closed path that leaves another where they are nearest, goes round, and returns."""
    distances = (path[:, None, 0] - part[:, 0]) ** 2 + (path[:, None, 1] - part[:, 1]) ** 2
    here, there = np.unravel_index(distances.argmin(), distances.shape)
    tour = np.roll(part, -int(there), axis=0)
    return np.concatenate([path[: here + 1], tour, tour[:1], path[here:]])


def segments_of(paths: list[np.ndarray], size: tuple[int, int], points: int) -> np.ndarray:
    """Outlines as the family's transforms take them.

    Args:
        paths: As from :func:`outline`, of at most ``points`` points each.
        size: (height, width) that they were drawn in.
        points: The length that all get, by standing still at their end.

    Returns:
        Float32 (objects, points, 2): x and y of the pixels' centres as fractions of the size.
    """
    segments = np.zeros((len(paths), points, 2), dtype=np.float32)
    for row, path in zip(segments, paths, strict=True):
        row[: len(path)] = path
        row[len(path) :] = path[-1]
    return (segments + 0.5) / np.array(size[::-1], dtype=np.float32)


def masks_of(
    detections: torch.Tensor,
    prototypes: torch.Tensor,
    placement: list[float],
    shape: tuple[int, int],
    original: tuple[int, int],
) -> list[dict[str, Any]]:
    """Masks of the detections in one image.

    A mask is a sum of prototypes weighted by the detection's coefficients (Bolya et al.,
    YOLACT, 2019), above zero and inside the box. It is interpolated once, straight to the
    pixels of the original and only inside the box: an original of 12 megapixels with 300
    detections would fill memory many times over.

    Args:
        detections: Float, (n, 6 + c): xyxy in network pixels, score, class, c coefficients.
        prototypes: Float, (c, rows, columns), spanning the network's input.
        placement: Left, top, scale x, scale y: original pixels -> network pixels.
        shape: (height, width) of the network's input.
        original: (height, width) of the upright original.

    Returns:
        Compressed RLE in pixels of the upright original, one a detection.
    """
    left, top, scale_x, scale_y = placement
    rows, columns = prototypes.shape[1:]
    cells = prototypes.permute(1, 2, 0).contiguous()
    # From the centre of an original pixel to the place among the prototypes' cells.
    across, down = scale_x * columns / shape[1], scale_y * rows / shape[0]
    start_x = (left + scale_x / 2) * columns / shape[1] - 0.5
    start_y = (top + scale_y / 2) * rows / shape[0] - 0.5
    found = []
    for box, coefficients in zip(detections[:, :4].tolist(), detections[:, 6:], strict=True):
        x1, x2 = _pixels((box[0] - left) / scale_x, (box[2] - left) / scale_x, original[1])
        y1, y2 = _pixels((box[1] - top) / scale_y, (box[3] - top) / scale_y, original[0])
        if x2 <= x1 or y2 <= y1:
            found.append(rle.pack(rle.encode(np.zeros((0, 0), dtype=bool), 0, 0, original)))
            continue
        u1, u2 = _cells(start_x + across * x1, start_x + across * x2, columns)
        v1, v2 = _cells(start_y + down * y1, start_y + down * y2, rows)
        logits = (cells[v1:v2, u1:u2] @ coefficients).numpy()
        to_cell = np.array(
            [[across, 0, start_x + across * x1 - u1], [0, down, start_y + down * y1 - v1]]
        )
        patch = cv2.warpAffine(
            logits,
            to_cell,
            (x2 - x1, y2 - y1),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        # The whole image is never drawn.
        found.append(rle.pack(rle.encode(patch > 0, x1, y1, original)))
    return found


def _pixels(start: float, stop: float, length: int) -> tuple[int, int]:
    """First pixel, and the one after the last, whose centres lie in a range of a side."""
    return max(int(np.ceil(start - 0.5)), 0), min(int(np.ceil(stop - 0.5)), length)


def _cells(start: float, stop: float, length: int) -> tuple[int, int]:
    """The cells that interpolation between two places reads, at least one."""
    first = min(max(int(np.floor(start)), 0), length - 1)
    return first, max(min(int(np.ceil(stop)) + 1, length), first + 1)
