"""Whether what a generator returned can be stored: every error names it, its image and a fix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.errors import RepriseError
from reprise.synthesis.generator import GeneratedImage, LabelledObject

#: Keys of an image's COCO entry that a generator may not set.
RESERVED_KEYS = frozenset({"id", "file_name", "width", "height", "synthetic"})
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
    if not isinstance(image, GeneratedImage):
        raise RepriseError(
            f"{where}: generate returned {_type(image)}.",
            "return a GeneratedImage(pixels, objects).",
        )
    if not isinstance(image.objects, Sequence) or not isinstance(image.keys, Mapping):
        raise RepriseError(
            f"{where}: its objects are {_type(image.objects)}, its keys {_type(image.keys)}.",
            "give a list of LabelledObject, and a dictionary of text.",
        )
    _check_pixels(image.pixels, where)
    _check_keys(image.keys, where)
    height, width = image.pixels.shape[:2]
    for number, item in enumerate(image.objects):
        _check_object(item, classes, (width, height), f"{where}, object {number}")


def _check_pixels(pixels: Any, where: str) -> None:
    if not isinstance(pixels, np.ndarray):
        raise RepriseError(
            f"{where}: its pixels are {_type(pixels)}.",
            "give a NumPy array; np.asarray(picture.convert('RGB')) makes one of a PIL image.",
        )
    if pixels.dtype != np.uint8:
        raise RepriseError(
            f"{where}: its pixels are {pixels.dtype}.",
            "give uint8, 0 to 255: (pixels * 255).round().astype(np.uint8) for values from 0 to 1.",
        )
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise RepriseError(
            f"{where}: its pixels have shape {pixels.shape}.",
            "give (height, width, 3): rows first, RGB last.",
        )


def _check_keys(keys: Mapping[Any, Any], where: str) -> None:
    wrong = [
        key
        for key, value in keys.items()
        if key in RESERVED_KEYS or not isinstance(key, str) or not isinstance(value, str)
    ]
    if wrong:
        raise RepriseError(
            f"{where}: its keys hold {wrong[0]!r}.",
            f"give names and values as text, and no {', '.join(sorted(RESERVED_KEYS))}.",
        )


def _check_object(item: Any, classes: Sequence[str], size: tuple[int, int], where: str) -> None:
    if not isinstance(item, LabelledObject):
        raise RepriseError(
            f"{where} is {_type(item)}.", "give a LabelledObject(class_name, xywh) for each."
        )
    if item.class_name not in classes:
        raise RepriseError(
            f"{where} has the unknown class {item.class_name!r}.",
            f"use one of the generator's classes ({', '.join(classes)}), or add it to them.",
        )
    if (item.xywh is None) == (item.mask is None):
        raise RepriseError(
            f"{where} ({item.class_name}) has {'no' if item.mask is None else 'both a'} box "
            f"{'and no' if item.mask is None else 'and a'} mask.",
            "give xywh or mask, one of the two.",
        )
    if item.mask is not None:
        _check_mask(item.mask, size, f"{where} ({item.class_name})")
    else:
        _check_box(item.xywh, size, f"{where} ({item.class_name})")


def _check_box(xywh: Any, size: tuple[int, int], where: str) -> None:
    try:
        x, y, w, h = (float(value) for value in xywh)
    except (TypeError, ValueError):
        raise RepriseError(
            f"{where}: its box is {xywh!r}.", "give four numbers: left, top, width and height."
        ) from None
    inside = (
        min(x, y) >= -_TOLERANCE and x + w <= size[0] + _TOLERANCE and y + h <= size[1] + _TOLERANCE
    )
    if not (all(map(math.isfinite, (x, y, w, h))) and min(w, h) > 0 and inside):
        raise RepriseError(
            f"{where}: its box, left {x:g}, top {y:g}, width {w:g} and height {h:g}, "
            f"{'is empty' if min(w, h) <= 0 else 'leaves the image'} of {size[0]} x {size[1]} "
            "pixels.",
            "cut boxes at the image's edges, and leave out an object that has no pixel inside.",
        )


def _check_mask(mask: Any, size: tuple[int, int], where: str) -> None:
    wanted = (size[1], size[0])
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != wanted:
        found = f"{mask.dtype} {mask.shape}" if isinstance(mask, np.ndarray) else _type(mask)
        raise RepriseError(
            f"{where}: its mask is {found}.",
            f"give a bool array of the image's shape {wanted}, such as labels == 3.",
        )
    if not mask.any():
        raise RepriseError(f"{where}: its mask holds no pixel.", "leave the object out.")


def _type(value: object) -> str:
    return f"of type {type(value).__name__}"
