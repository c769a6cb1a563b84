"""Numbers of label files: sides of images, boxes of outlines, and outlines of round shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reprise.formats.records import LabelError

Point = tuple[float, float]
Xywh = tuple[float, float, float, float]
NO_BOX: Xywh = (math.nan, math.nan, math.nan, math.nan)
# How several tools call the sides of a box in JSON.
SIDES = ("left", "top", "width", "height")
# Pixels; no image format has longer sides, and larger numbers overflow in arithmetic.
MAX_SIDE = 2**31
# What tools call an angle beside a box; only where the tool is known is its sense known.
ANGLE_NAMES = ("angle", "rotation", "theta")
_FRACTION_COMMA = re.compile(r"[+-]?\d{1,30},\d{1,60}(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
# Corners of the polygon that approximates a circle or an ellipse.
ROUND_CORNERS = 64


def json_number(value: object) -> float:
    """A JSON number as float, also one written as text; NaN for anything else, which the box
    rules then drop."""
    if isinstance(value, str):
        return text_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def text_number(text: str) -> float:
    """Text as a number; NaN for anything else, which the box rules then drop.

    A comma marks the fraction, as many languages write it, unless it may mark thousands.
    """
    try:
        return float(text)
    except ValueError:
        if _FRACTION_COMMA.fullmatch(text.strip()) and not _THOUSANDS.fullmatch(text.strip()):
            return float(text.replace(",", "."))
        return math.nan


def sides_box(entry: Mapping[str, Any]) -> Xywh:
    """The box in a JSON object with the keys SIDES; NaN for what is no number."""
    left, top, width, height = (json_number(entry.get(side)) for side in SIDES)
    return left, top, width, height


def keyed_points(value: object) -> list[Point]:
    """The points of a JSON list of objects with ``x`` and ``y``; none of anything else."""
    points = [p for p in value if isinstance(p, dict)] if isinstance(value, list) else []
    return [(json_number(p.get("x")), json_number(p.get("y"))) for p in points]


def stated_angle(entry: Mapping[str, Any]) -> str:
    """The name of an angle in a JSON object that turns a box, empty where none does."""
    return next((key for key in ANGLE_NAMES if is_turn(json_number(entry.get(key)))), "")


def is_turn(angle: float) -> bool:
    """Whether a number is one and not 0."""
    return math.isfinite(angle) and angle != 0


def cell_number(text: str) -> float:
    """A cell's number: ``120.75``, or ``120,75`` as many languages write it.

    Where both a comma and a point occur, the last one of them marks the fraction. NaN for
    anything else.
    """
    if "," not in text:
        return text_number(text)
    fraction, thousands = (",", ".") if text.rfind(",") > text.rfind(".") else (".", ",")
    return text_number(text.replace(thousands, "").replace(fraction, "."))


def plain(value: float) -> float | int:
    """A number as it is to be written: without a point where it is whole."""
    return int(value) if float(value).is_integer() else value


def stated_side(
    value: object, what: str, number: Callable[[Any], float] = json_number
) -> int | None:
    """The width or height of an image, in pixels, as its label file states it.

    Args:
        value: None, 0 and empty text say that it is not known.
        what: Its name, for messages.
        number: Makes a number of the value.

    Raises:
        LabelError: It is no number of pixels.
    """
    pixels = 0.0 if value is None or value == "" else number(value)
    if pixels == 0 or value is False:
        return None
    if not 0 < pixels <= MAX_SIDE:
        raise LabelError(f"{what} {value!r} is not a positive number of pixels")
    return max(1, round(pixels))


def corners(values: Sequence[float]) -> list[Point]:
    """The points of an outline that is written as x, y in turn."""
    return list(zip(values[0::2], values[1::2], strict=True))


def bounds(points: Sequence[Point]) -> Xywh:
    """Left, top, width, height; NaN without points, or with one that is not finite."""
    if not points or not all(math.isfinite(value) for point in points for value in point):
        return NO_BOX
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def outline(points: Sequence[Point]) -> list[list[float]]:
    """The one polygon, x and y in turn; none when it encloses nothing or is not finite."""
    if len(points) < 3 or math.isnan(bounds(points)[0]):
        return []
    return [[value for point in points for value in point]]


def rotated(xywh: Xywh, angle: float) -> tuple[Xywh, list[list[float]]]:
    """A rectangle that is turned about its centre, as the box around it and its outline.

    Args:
        xywh: Left, top, width, height before the turn, in pixels.
        angle: Radians, clockwise on the screen.
    """
    x, y, w, h = xywh
    cx, cy, cos, sin = x + w / 2, y + h / 2, math.cos(angle), math.sin(angle)
    sides = ((-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2))
    # Quarter turns give whole numbers again.
    points = [
        (round(cx + dx * cos - dy * sin, 6), round(cy + dx * sin + dy * cos, 6))
        for dx, dy in sides
        if all(map(math.isfinite, (*xywh, angle)))
    ]
    return bounds(points), outline(points)


def ellipse(cx: float, cy: float, rx: float, ry: float, theta: float = 0.0) -> list[list[float]]:
    """An outline of ROUND_CORNERS points on an ellipse, turned clockwise by ``theta`` radians."""
    cos, sin = math.cos(theta), math.sin(theta)
    points = []
    for step in range(ROUND_CORNERS):
        turn = 2 * math.pi * step / ROUND_CORNERS
        across, down = rx * math.cos(turn), ry * math.sin(turn)
        points.append((cx + across * cos - down * sin, cy + across * sin + down * cos))
    return outline(points)
