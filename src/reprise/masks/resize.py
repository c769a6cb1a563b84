"""Object masks at the size of the network's pixels, and back at that of the image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask

from reprise.errors import RepriseError
from reprise.masks import rle


def decode_resized(
    segmentation: str, original: tuple[int, int], size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """The mask of one annotation at another size.

    Args:
        segmentation: JSON of COCO polygons or RLE, in pixels of the upright original.
        original: (height, width) of the upright original.
        size: (height, width) wanted.

    Returns:
        Uint8, 0 or 1, shape ``size``; all zero when there is no segmentation.

    Raises:
        RepriseError: The run lengths do not make a mask.
    """
    shape = json.loads(segmentation)
    if not shape:
        return np.zeros(size, dtype=np.uint8)
    if isinstance(shape, list):
        scale = np.array([size[1] / original[1], size[0] / original[0]])
        scaled = [(np.array(p).reshape(-1, 2) * scale).ravel().tolist() for p in shape]
        return np.ascontiguousarray(mask.decode(mask.merge(mask.frPyObjects(scaled, *size))))
    try:
        found = rle.decode(shape)
    except ValueError as error:
        raise RepriseError(
            f"an object's mask cannot be read: {error}.",
            "correct the label file, or choose a family that detects boxes.",
        ) from None
    if found.shape == tuple(size):
        return np.ascontiguousarray(found, dtype=np.uint8)
    resized = cv2.resize(
        found.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return resized.astype(np.uint8, copy=False)


def resize_probabilities(
    probabilities: npt.NDArray[np.floating[Any]], original: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Mask probabilities (height, width) in [0, 1] -> uint8 mask of the original's size."""
    resized = cv2.resize(
        probabilities.astype(np.float32), original[::-1], interpolation=cv2.INTER_LINEAR
    )
    return (resized >= 0.5).astype(np.uint8)


def paste_mask(
    probabilities: npt.NDArray[np.floating[Any]], box: Sequence[float], size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Mask probabilities that were predicted inside a box -> the mask of the whole image.

    Args:
        probabilities: Float, shape (m, m), in [0, 1]; the grid spans the box.
        box: xyxy in pixels of the image, of any size above zero.
        size: (height, width) of the image.

    Returns:
        Uint8, 0 or 1, shape ``size``: pixels whose centre, by bilinear interpolation, has a
        probability of at least one half.
    """
    found = np.zeros(size, dtype=np.uint8)
    left, top = max(int(np.floor(box[0])), 0), max(int(np.floor(box[1])), 0)
    right, bottom = min(int(np.ceil(box[2])), size[1]), min(int(np.ceil(box[3])), size[0])
    if right <= left or bottom <= top:
        return found
    rows, columns = probabilities.shape
    across, down = columns / (box[2] - box[0]), rows / (box[3] - box[1])
    # From the centre of a pixel of the image to the place in the grid, whose values stand
    # for the centres of its cells.
    to_grid = np.array(
        [
            [across, 0, (left + 0.5 - box[0]) * across - 0.5],
            [0, down, (top + 0.5 - box[1]) * down - 0.5],
        ]
    )
    inside = cv2.warpAffine(
        probabilities.astype(np.float32),
        to_grid,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    found[top:bottom, left:right] = inside >= 0.5
    return found
