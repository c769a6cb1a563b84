"""The shapes of the VGG Image Annotator (VIA) as boxes and outlines, in pixels."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

from reprise.formats.geometry import (
    Point,
    Xywh,
    bounds,
    corners,
    ellipse,
    json_number,
    outline,
    stated_angle,
)
from reprise.formats.records import BoxRecord

WITHOUT_AREA = ("point", "polyline")


def shape_box(shape: dict[str, Any]) -> tuple[Xywh, list[list[float]]] | None:
    """A region's ``shape_attributes`` as left, top, width, height and its outline.

    ``rect`` has no outline; ``circle`` and ``ellipse`` get a polygon of ROUND_CORNERS. An
    ellipse may be turned by ``theta``, in radians and clockwise on the screen. A ``point`` or
    a ``polyline`` has no area, so its box has neither, which the box rules then drop. What is
    not a number is NaN.

    Returns:
        None for a shape that VIA does not have.
    """
    name = shape.get("name")
    if name == "rect" and not stated_angle(shape):
        x, y, w, h = (json_number(shape.get(key)) for key in ("x", "y", "width", "height"))
        return (x, y, w, h), []
    if name in ("circle", "ellipse"):
        return _round(shape)
    if name == "point":
        return (json_number(shape.get("cx")), json_number(shape.get("cy")), 0.0, 0.0), []
    if name in ("polygon", "polyline"):
        points = _points(shape)
        if name == "polyline":
            return (*points[0], 0.0, 0.0), []
        return bounds(points), outline(points)
    return None


def box_shape(box: BoxRecord) -> dict[str, Any]:
    """The shape to write for a box.

    It is a ``polygon`` where the outline is one and its bounds are the box, to half a pixel;
    else a ``rect``.
    """
    x, y, w, h = box.xywh
    if isinstance(box.segmentation, list) and len(box.segmentation) == 1:
        rim = box.segmentation[0]
        sides = zip(bounds(corners(rim)), box.xywh, strict=True)
        if all(abs(one - other) <= 0.5 for one, other in sides):
            return {"name": "polygon", "all_points_x": rim[0::2], "all_points_y": rim[1::2]}
    return {"name": "rect", "x": x, "y": y, "width": w, "height": h}


def _round(shape: dict[str, Any]) -> tuple[Xywh, list[list[float]]]:
    cx, cy = json_number(shape.get("cx")), json_number(shape.get("cy"))
    if shape.get("name") == "circle":
        rx = ry = json_number(shape.get("r"))
    else:
        rx, ry = json_number(shape.get("rx")), json_number(shape.get("ry"))
    theta = json_number(shape.get("theta", 0))
    theta = theta if math.isfinite(theta) else 0.0
    cos, sin = math.cos(theta), math.sin(theta)
    half_w, half_h = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    box = (cx - half_w, cy - half_h, 2 * half_w, 2 * half_h)
    return box, ellipse(cx, cy, rx, ry, theta)


def _points(shape: dict[str, Any]) -> list[Point]:
    """At least one; NaN for a coordinate that is not a number or has no other beside it."""
    lists = [shape.get(key) for key in ("all_points_x", "all_points_y")]
    xs, ys = ([json_number(value) for value in v] if isinstance(v, list) else [] for v in lists)
    return list(zip_longest(xs, ys, fillvalue=math.nan)) or [(math.nan, math.nan)]
