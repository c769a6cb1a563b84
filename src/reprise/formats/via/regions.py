"""The shapes of the VGG Image Annotator (VIA) as boxes and outlines, in pixels."""

from __future__ import annotations

import math
from typing import Any

from reprise.formats.json_files import number
from reprise.formats.records import BoxRecord

XYWH = tuple[float, float, float, float]
WITHOUT_AREA = ("point", "polyline")
# Corners of the polygon that stands for a circle or an ellipse.
ROUND_POINTS = 64


def shape_box(shape: dict[str, Any]) -> tuple[XYWH, list[list[float]]] | None:
    """A region's ``shape_attributes`` as left, top, width, height and its outline.

    ``rect`` has no outline; ``circle`` and ``ellipse`` get a polygon of ROUND_POINTS. An
    ellipse may be turned by ``theta``, in radians and clockwise on the screen. A ``point`` or
    a ``polyline`` has no area, so its box has neither, which the box rules then judge. What is
    not a number is NaN.

    Returns:
        None for a shape that VIA does not have.
    """
    name = shape.get("name")
    if name == "rect":
        x, y, w, h = (number(shape.get(key)) for key in ("x", "y", "width", "height"))
        return (x, y, w, h), []
    if name in ("circle", "ellipse"):
        return _round(shape)
    if name == "point":
        return (number(shape.get("cx")), number(shape.get("cy")), 0.0, 0.0), []
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
        bounds, _ = _polygon(xs, ys)
        if all(abs(one - other) <= 0.5 for one, other in zip(bounds, box.xywh, strict=True)):
            return {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
    return {"name": "rect", "x": x, "y": y, "width": w, "height": h}


def _round(shape: dict[str, Any]) -> tuple[XYWH, list[list[float]]]:
    cx, cy = number(shape.get("cx")), number(shape.get("cy"))
    if shape.get("name") == "circle":
        rx = ry = number(shape.get("r"))
    else:
        rx, ry = number(shape.get("rx")), number(shape.get("ry"))
    theta = number(shape.get("theta", 0))
    cos, sin = (math.cos(theta), math.sin(theta)) if math.isfinite(theta) else (1.0, 0.0)
    half_w, half_h = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    box = (cx - half_w, cy - half_h, 2 * half_w, 2 * half_h)
    outline: list[float] = []
    for step in range(ROUND_POINTS):
        turn = 2 * math.pi * step / ROUND_POINTS
        across, down = rx * math.cos(turn), ry * math.sin(turn)
        outline += [cx + across * cos - down * sin, cy + across * sin + down * cos]
    return box, [outline] if all(map(math.isfinite, outline)) else []


def _polygon(xs: list[float], ys: list[float]) -> tuple[XYWH, list[list[float]]]:
    usable = len(xs) == len(ys) and all(map(math.isfinite, xs + ys))
    if not usable:
        return (math.nan, math.nan, math.nan, math.nan), []
    box = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    outline = [value for point in zip(xs, ys, strict=True) for value in point]
    return box, [outline] if len(xs) > 2 else []


def _points(shape: dict[str, Any], key: str) -> list[float]:
    values = shape.get(key)
    found = [number(value) for value in values] if isinstance(values, list) else []
    return found or [math.nan]
