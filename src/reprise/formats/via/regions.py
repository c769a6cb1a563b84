"""The shapes of the VGG Image Annotator (VIA) as boxes and outlines, in pixels."""

from __future__ import annotations

import math
from typing import Any

from reprise.formats.geometry import Xywh, bounds, ellipse, json_number, outline
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
    if name == "rect":
        x, y, w, h = (json_number(shape.get(key)) for key in ("x", "y", "width", "height"))
        return (x, y, w, h), []
    if name in ("circle", "ellipse"):
        return _round(shape)
    if name == "point":
        return (json_number(shape.get("cx")), json_number(shape.get("cy")), 0.0, 0.0), []
    if name in ("polygon", "polyline"):
        xs, ys = _points(shape, "all_points_x"), _points(shape, "all_points_y")
        return _polygon(xs, ys) if name == "polygon" else ((xs[0], ys[0], 0.0, 0.0), [])
    return None


def box_shape(box: BoxRecord) -> dict[str, Any]:
    """The shape to write for a box.

    It is a ``polygon`` where the outline is one and its bounds are the box, to half a pixel;
    else a ``rect``.
    """
    x, y, w, h = box.xywh
    if isinstance(box.segmentation, list) and len(box.segmentation) == 1:
        xs, ys = box.segmentation[0][0::2], box.segmentation[0][1::2]
        sides = zip(bounds(xs, ys), box.xywh, strict=True)
        if all(abs(one - other) <= 0.5 for one, other in sides):
            return {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
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
    rim = ellipse(cx, cy, rx, ry, theta)
    return box, [rim] if rim else []


def _polygon(xs: list[float], ys: list[float]) -> tuple[Xywh, list[list[float]]]:
    points = outline(xs, ys) if len(xs) == len(ys) else []
    return bounds(xs, ys), [points] if points else []


def _points(shape: dict[str, Any], key: str) -> list[float]:
    values = shape.get(key)
    found = [json_number(value) for value in values] if isinstance(values, list) else []
    return found or [math.nan]
