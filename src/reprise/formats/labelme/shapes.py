"""The shapes of LabelMe, to boxes and outlines and back."""

from __future__ import annotations

import base64
import io
import math
from functools import reduce
from typing import Any

import numpy as np
from PIL import Image

from reprise.formats.geometry import (
    NO_BOX,
    Point,
    bounds,
    corners,
    ellipse,
    json_number,
    outline,
    stated_angle,
)
from reprise.formats.json_files import text_value
from reprise.formats.mask_images import mask_of, open_mask
from reprise.formats.records import NO_GEOMETRY, BoxRecord, ImageRecord, LabelError
from reprise.masks import rle

MAX_PIXELS = 64_000_000  # of an image with masks, which take up to 24 bytes a pixel
# Rotated ones have their corners as points, in LabelMe and in X-AnyLabeling.
_OUTLINES = ("polygon", "oriented_rectangle", "rotation", "rotated_rectangle")
_WITHOUT_AREA = ("point", "points", "line", "linestrip")
Size = tuple[int, int]  # height, width


def record_of(entry: Any, size: Size | None) -> tuple[int | str | None, BoxRecord]:
    """One entry of ``shapes``: what joins it with others of its class, if anything, and its object.

    A shape of an unknown kind has no box, but a ``shape``; one without points has no geometry.

    Args:
        entry: The entry as JSON has it.
        size: Height and width of the image, None when the file does not say.

    Raises:
        LabelError: What makes the whole file unusable, as the end of a sentence.
    """
    if not isinstance(entry, dict):
        raise LabelError("is not an object")
    label, group = text_value(entry.get("label"), "label"), entry.get("group_id")
    if group is not None and (isinstance(group, bool) or not isinstance(group, int | str)):
        raise LabelError(f"has the group_id {group!r}, which is neither a number nor text")
    points = _points(entry.get("points"))
    kind = entry.get("shape_type") or "polygon"  # as LabelMe 3 wrote it: without a type
    if not points and kind != "mask":
        return None, BoxRecord(label, NO_BOX, shape=NO_GEOMETRY)
    if kind == "rectangle" and stated_angle(entry):
        return None, BoxRecord(label, NO_BOX, shape=f"rectangle with {stated_angle(entry)}")
    if kind == "rectangle":
        return group, BoxRecord(label, bounds(points))
    if kind in _OUTLINES:
        return group, BoxRecord(label, bounds(points), segmentation=outline(points))
    if kind == "circle":
        return group, _circle(label, points)
    if kind in _WITHOUT_AREA:
        return group, BoxRecord(label, bounds(points[:1]), shape=kind)
    if kind == "mask":
        return group, _mask(label, points, entry.get("mask"), size)
    return None, BoxRecord(label, NO_BOX, shape=text_value(kind, "its shape_type"))


def merged(boxes: list[BoxRecord], group: int | str) -> BoxRecord:
    """The object that the shapes of a group are.

    Its box is the bounds of all. A plain box among outlines is an outline too.

    Raises:
        LabelError: Masks and other shapes are mixed.
    """
    label = boxes[0].class_name
    xywh = bounds([corner for box in boxes for corner in _box_corners(box)])
    masks = [box.segmentation for box in boxes if isinstance(box.segmentation, dict)]
    if masks:
        if len(masks) < len(boxes):
            raise LabelError(f"group {group} of '{label}' mixes masks and other shapes")
        union = reduce(np.logical_or, map(rle.decode, masks))
        encoded = rle.encode(union)
        return BoxRecord(label, xywh, area=float(union.sum()), segmentation=encoded)
    drawn = [box.segmentation for box in boxes if isinstance(box.segmentation, list)]
    outlines = [part for parts in drawn for part in parts]
    if outlines:
        plain = [box for box in boxes if not box.segmentation and any(box.xywh[2:])]
        outlines += [part for box in plain for part in outline(_box_corners(box))]
    return BoxRecord(label, xywh, segmentation=outlines)


def shapes_from(box: BoxRecord, image: ImageRecord, group: int) -> list[dict[str, Any]]:
    """An object as entries of ``shapes``.

    Args:
        box: The object, in pixels.
        image: Its image.
        group: Joins the outlines of an object that has several.

    Raises:
        RepriseError: Its mask is not of the image's size or is damaged.
    """
    if isinstance(box.segmentation, dict):
        mask = mask_of(box, image)
        if mask.any():
            return [_mask_entry(box.class_name, mask)]
    elif box.segmentation:
        joined = group if len(box.segmentation) > 1 else None
        return [
            _entry(box.class_name, "polygon", corners(part), joined) for part in box.segmentation
        ]
    x, y, w, h = box.xywh
    return [_entry(box.class_name, "rectangle", [(x, y), (x + w, y + h)])]


def _points(value: Any) -> list[Point]:
    """Points; a coordinate that is not a number is NaN."""
    if not isinstance(value, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in value
    ):
        raise LabelError("has points that are not a list of [x, y]")
    return [(json_number(x), json_number(y)) for x, y in value]


def _box_corners(box: BoxRecord) -> list[Point]:
    x, y, w, h = box.xywh
    return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]


def _circle(label: str, points: list[Point]) -> BoxRecord:
    """A circle from its centre and a point on it."""
    if len(points) != 2:
        raise LabelError(f"is a circle of {len(points)} points instead of 2")
    (cx, cy), (x, y) = points
    radius = math.hypot(x - cx, y - cy)
    box = bounds([(cx - radius, cy - radius), (cx + radius, cy + radius)])
    return BoxRecord(label, box, segmentation=ellipse(cx, cy, radius, radius))


def _mask(label: str, points: list[Point], png: Any, size: Size | None) -> BoxRecord:
    """A mask: a PNG in base64, whose upper left pixel lies at the first point."""
    if size is None:
        raise LabelError("is a mask, but the file does not state the image's size")
    if size[0] * size[1] > MAX_PIXELS:
        raise LabelError(f"is a mask of an image of more than {MAX_PIXELS} pixels")
    if not points or not all(abs(value) <= MAX_PIXELS for value in points[0]):
        raise LabelError("is a mask without a place")
    left, top = (round(value) for value in points[0])
    mask = _png(png, size[0] * size[1])
    encoded = rle.encode(mask, left, top, size)
    x, y, w, h = rle.bounds(mask)
    box = (float(left + x), float(top + y), float(w), float(h))
    return BoxRecord(label, box, rle.area(encoded), segmentation=encoded)


def _png(text: Any, max_pixels: int) -> np.ndarray:
    """bool, shape (height, width)."""
    if not isinstance(text, str):
        raise LabelError("is a mask without pixels")
    try:
        png = open_mask(io.BytesIO(base64.b64decode(text, validate=True)), max_pixels)
    except (ValueError, LabelError) as error:
        raise LabelError(
            f"is a mask whose pixels are not a PNG image in base64 that fits the image: {error}"
        ) from None
    return np.asarray(png.convert("L")) > 0


def _mask_entry(label: str, mask: np.ndarray) -> dict[str, Any]:
    x, y, w, h = rle.bounds(mask)
    buffer = io.BytesIO()
    Image.fromarray(mask[y : y + h, x : x + w]).save(buffer, "PNG")
    # LabelMe counts the last pixel in.
    entry = _entry(label, "mask", [(x, y), (x + w - 1, y + h - 1)])
    return {**entry, "mask": base64.b64encode(buffer.getvalue()).decode("ascii")}


def _entry(
    label: str, kind: str, points: list[tuple[float, float]], group: int | None = None
) -> dict[str, Any]:
    return {
        "label": label,
        "points": [list(point) for point in points],
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }
