"""Whether what a generator returned can be stored: every error names it, its image and a fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.errors import RepriseError
from reprise.synthesis.generator import GeneratedImage, LabelledObject

#: Keys of an image's COCO entry that a generator may not set.
RESERVED_KEYS = ("id", "file_name", "width", "height", "synthetic")
# Boxes are computed in floating point: so much beyond the edge, in pixels, is no mistake.
_TOLERANCE = 1e-6


def check_image(image: Any, classes: Sequence[str], where: str) -> None:
    """Check one generated image.

    Args:
        image: What ``generate`` returned.
        classes: The generator's.
        where: Names the generator and the image.

    Raises:
        RepriseError: It is not a :class:`GeneratedImage`, or breaks what that class promises.
    """
    _require(
        isinstance(image, GeneratedImage),
        f"{where}: generate returned {_describe(image)}.",
        "return a GeneratedImage(pixels, objects).",
    )
    pixels, objects, keys = image.pixels, image.objects, image.keys
    _require(
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.shape[2:] == (3,)
        and pixels.size > 0,
        f"{where}: its pixels are {_describe(pixels)}.",
        "give a NumPy array of uint8, 0 to 255, and shape (height, width, 3), RGB.",
    )
    _require(
        isinstance(keys, Mapping)
        and all(isinstance(text, str) for pair in keys.items() for text in pair)
        and keys.keys().isdisjoint(RESERVED_KEYS),
        f"{where}: its keys are {keys!r}.",
        f"give a dictionary of text, without {', '.join(RESERVED_KEYS)}.",
    )
    _require(
        isinstance(objects, Sequence),
        f"{where}: its objects are {_describe(objects)}.",
        "give a list of LabelledObject.",
    )
    for number, item in enumerate(objects):
        _check_object(item, classes, pixels.shape[:2], f"{where}, object {number}")


def _check_object(item: Any, classes: Sequence[str], shape: tuple[int, int], where: str) -> None:
    _require(
        isinstance(item, LabelledObject),
        f"{where} is {_describe(item)}.",
        "give a LabelledObject(class_name, xywh) for each.",
    )
    _require(
        item.class_name in classes,
        f"{where} has the unknown class {item.class_name!r}.",
        f"use one of the generator's classes ({', '.join(classes)}), or add it to them.",
    )
    where = f"{where} ({item.class_name})"
    _require(
        (item.xywh is None) != (item.mask is None),
        f"{where} has {'no box and no' if item.mask is None else 'a box and a'} mask.",
        "give xywh or mask, one of the two.",
    )
    if item.mask is None:
        _check_box(item.xywh, shape, where)
        return
    _require(
        isinstance(item.mask, np.ndarray) and item.mask.dtype == bool and item.mask.shape == shape,
        f"{where}: its mask is {_describe(item.mask)}.",
        f"give a bool array of the image's shape {shape}, such as labels == 3.",
    )
    _require(item.mask.any(), f"{where}: its mask holds no pixel.", "leave the object out.")


def _check_box(xywh: Any, shape: tuple[int, int], where: str) -> None:
    try:
        x, y, w, h = (float(value) for value in xywh)
    except (TypeError, ValueError):
        raise RepriseError(
            f"{where}: its box is {xywh!r}.", "give four numbers: left, top, width and height."
        ) from None
    size = f"{shape[1]} x {shape[0]} pixels"
    box = f"{where}: its box, left {x:g}, top {y:g}, width {w:g} and height {h:g},"
    fix = "cut boxes at the image's edges, and leave out an object that has no pixel inside."
    # NaN is neither more nor less than anything, so that it is refused.
    inside = (
        x >= -_TOLERANCE
        and y >= -_TOLERANCE
        and x + w <= shape[1] + _TOLERANCE
        and y + h <= shape[0] + _TOLERANCE
    )
    _require(inside, f"{box} leaves the image of {size}.", fix)
    _require(w > 0 and h > 0, f"{box} is empty.", fix)


def _require(fulfilled: bool, problem: str, fix: str) -> None:
    if not fulfilled:
        raise RepriseError(problem, fix)


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"of type {type(value).__name__}"
