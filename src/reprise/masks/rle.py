"""COCO run lengths: masks as runs of background and object, column by column.

The pixels of a mask are read column by column, each from top to bottom. ``counts`` holds the
lengths of the runs, background first, so that it starts with 0 when the first pixel is the
object's. It is a list, or a text that writes each count, from the fourth on as its difference
to the one two places before, in groups of five bits, lowest first: 16 in the last group is the
sign, 32 says that another group follows, and 48 is added to give a printable character.

Texts are written by pycocotools. They are read here, because its decoder trusts that the runs
fill the mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pycocotools import mask as library

# No mask has more pixels: pycocotools counts in 32 bits, which seven groups of five hold.
_MOST_PIXELS = 2**32
_MOST_GROUPS = 7


def encode(
    mask: np.ndarray, left: int = 0, top: int = 0, size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """A mask that is laid on an image as uncompressed RLE of the image.

    Args:
        mask: bool, shape (rows, columns).
        left: Column of the image that the mask's first column lies on, may be negative.
        top: As ``left``, for rows.
        size: Height and width of the image, by default the mask's; what lies outside it is cut
            off.

    Returns:
        ``size`` [height, width] and ``counts``, a list.
    """
    height, width = size or mask.shape
    columns, rows = np.nonzero(mask.T)
    columns, rows = columns + left, rows + top
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    pixels = columns[inside] * height + rows[inside]
    total = height * width
    starts = pixels[np.diff(pixels, prepend=-2) != 1]
    stops = pixels[np.diff(pixels, append=total + 1) != 1] + 1
    edges = np.column_stack((starts, stops)).ravel()
    counts = np.diff(np.concatenate(([0], edges, [total]))).tolist()
    # Background at the end is not written when there is none.
    return {"size": [height, width], "counts": counts[:-1] if counts[-1] == 0 else counts}


def pack(segmentation: Mapping[str, Any]) -> dict[str, Any]:
    """Uncompressed RLE, as from :func:`encode`, with ``counts`` as a text."""
    packed = library.frPyObjects(segmentation, *segmentation["size"])
    return {"size": segmentation["size"], "counts": packed["counts"].decode("ascii")}


def encode_mask(mask: np.ndarray) -> dict[str, Any]:
    """A mask of a whole image as packed RLE.

    Args:
        mask: bool, or 0 and 1, shape (height, width).

    Returns:
        ``size`` [height, width] and ``counts``, a text.
    """
    packed = library.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": packed["counts"].decode("ascii")}


def decode(segmentation: Mapping[str, Any], max_pixels: int = 2**30) -> np.ndarray:
    """A mask from RLE, uncompressed or packed into a text.

    Args:
        segmentation: ``size`` [height, width] and ``counts``.
        max_pixels: Largest height times width; it takes a byte a pixel.

    Returns:
        bool, shape (height, width).

    Raises:
        ValueError: The run lengths do not fill the mask, the text is not packed RLE, or the
            mask is larger than ``max_pixels``.
    """
    height, width, counts = _checked(segmentation)
    if height * width > max_pixels:
        raise ValueError(f"a mask of {height} x {width} has more than {max_pixels} pixels")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def area(segmentation: Mapping[str, Any]) -> float:
    """Number of pixels of the object, found without decoding the mask.

    Raises:
        ValueError: As of :func:`decode`.
    """
    _, _, counts = _checked(segmentation)
    return float(counts[1::2].sum())


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, width, height of a mask's object in pixels; four zeros without one."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return 0, 0, 0, 0
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left = int(columns[0])
    return left, top, int(columns[-1]) - left + 1, bottom - top


def _unpack(text: str) -> np.ndarray:
    if not text.isascii():
        raise ValueError("the text is no packed run lengths")
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    groups = codes.astype(np.int64) - 48
    if not len(groups) or groups.min() < 0 or groups.max() > 63 or groups[-1] & 32:
        raise ValueError("the text is no packed run lengths")
    stops = np.flatnonzero((groups & 32) == 0)
    starts = np.concatenate(([0], stops[:-1] + 1))
    sizes = stops - starts + 1
    if sizes.max() > _MOST_GROUPS:
        raise ValueError("a number of the packed run lengths is too large")
    place = np.arange(len(groups)) - np.repeat(starts, sizes)
    counts = np.add.reduceat((groups & 31) << (5 * place), starts)
    counts -= np.where(groups[stops] & 16, np.int64(1) << (5 * sizes), 0)
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts


def _checked(segmentation: Mapping[str, Any]) -> tuple[int, int, np.ndarray]:
    """Height, width, and counts as int64: none negative, together all pixels."""
    size, written = segmentation.get("size"), segmentation.get("counts")
    if not (isinstance(size, list | tuple) and len(size) == 2 and all(map(_is_length, size))):
        raise ValueError(f"run lengths are for a mask of the size {size!r}, not [height, width]")
    height, width = size
    if isinstance(written, str):
        counts = _unpack(written)
    elif isinstance(written, list) and all(map(_is_length, written)):
        counts = np.array(written, dtype=np.int64)
    else:
        raise ValueError("run lengths are neither a text nor a list of whole numbers, 0 or more")
    total = height * width
    fits = total <= _MOST_PIXELS and not ((counts < 0) | (counts > total)).any()
    if not fits or counts.sum() != total:
        raise ValueError(f"run lengths do not fill a mask of {height} x {width}")
    return height, width, counts


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
