"""The objects of VOC files, as VOC and the tools that write its tags mean them.

- ``<bndbox>``: left, top, right and bottom. With ``<attributes>`` of which one is called
  ``rotation`` (CVAT), it is turned about its centre by so many degrees, clockwise.
- ``<robndbox>``: centre, size, and an angle in radians, clockwise (roLabelImg); or the corners,
  ``<x_left_top>`` and so on (DIOR-R).
- ``<polygon>``: ``<x1>``, ``<y1>``, ``<x2>`` and so on (Roboflow, Labelbox), or ``<pt>`` or
  ``<point>`` with ``<x>`` and ``<y>`` (LabelMe's old form). The box is ``<bndbox>``, if it is
  there too, else that around the polygon. Boxes with ``<x1>`` to ``<y4>`` are polygons as well.

An angle that stands elsewhere may be of any kind, and is not guessed at.
"""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element

from reprise.formats.geometry import (
    ANGLE_NAMES,
    NO_BOX,
    Point,
    Xywh,
    bounds,
    is_turn,
    outline,
    rotated,
    text_number,
)
from reprise.formats.records import NO_GEOMETRY, ROTATED, BoxRecord, LabelError

CORNERS = ("xmin", "ymin", "xmax", "ymax")
_TURNED_CORNERS = ("left_top", "right_top", "right_bottom", "left_bottom")
# Radians; a little more than a full turn, for some round.
_FULL_TURN = 6.3
# Tags with others inside that say nothing of an object's place.
_NO_PLACES = frozenset({"attributes", "actions", "part", "parts"})


def voc_objects(entry: Element, place: int) -> list[BoxRecord]:
    """One ``<object>``, or one for each ``<bndbox>`` in it; otherwise as of :func:`voc_object`."""
    boxes = entry.findall("bndbox")
    if len(boxes) < 2:
        return [voc_object(entry, place)]
    found = []
    for box in boxes:
        alone = Element(entry.tag)
        alone.extend(child for child in entry if child is box or child.tag != "bndbox")
        found.append(voc_object(alone, place))
    return found


def voc_object(entry: Element, place: int) -> BoxRecord:
    """One ``<object>`` with one place.

    Args:
        entry: The tag.
        place: Its number in the file, from 1, for messages.

    Raises:
        LabelError: It has no name, or an angle whose sense no tool is known to give.
    """
    class_name = element_text(entry, "name")
    if not class_name:
        raise LabelError(f"object {place} of its XML file has no name")
    for path in (f"{above}{tag}" for above in ("", "bndbox/") for tag in ANGLE_NAMES):
        if is_turn(text_number(element_text(entry, path))):
            raise LabelError(
                f"object {place} of its XML file is turned by its <{path}>, which may be of "
                "several kinds: write its corners as <polygon>"
            )
    turned = _turned(entry, place)
    if turned is not None:
        box, rim = turned
        return BoxRecord(class_name, box, segmentation=rim, shape=ROTATED if rim else "")
    corners, points = _bndbox(entry), _polygon(entry)
    if corners is None and not points:
        kinds = [child.tag for child in entry if len(child) and child.tag not in _NO_PLACES]
        return BoxRecord(class_name, NO_BOX, shape=kinds[0] if kinds else NO_GEOMETRY)
    box = bounds(points) if corners is None else corners
    return BoxRecord(class_name, box, segmentation=outline(points))


def element_text(element: Element, path: str) -> str:
    """The text of a tag below another, without spaces around it; empty without one."""
    return (element.findtext(path) or "").strip()


def _bndbox(entry: Element) -> Xywh | None:
    box = entry.find("bndbox")
    if box is None or all(box.find(key) is None for key in CORNERS):
        return None
    left, top, right, bottom = (text_number(element_text(box, key)) for key in CORNERS)
    return left, top, right - left, bottom - top


def _turned(entry: Element, place: int) -> tuple[Xywh, list[list[float]]] | None:
    """The box around a turned rectangle and its outline; None where nothing is turned.

    Raises:
        LabelError: An angle is too large for radians.
    """
    box = entry.find("robndbox")
    if box is not None and box.find("cx") is not None:
        keys = ("cx", "cy", "w", "h", "angle")
        cx, cy, w, h, angle = (text_number(element_text(box, key)) for key in keys)
        if abs(angle) > _FULL_TURN:
            raise LabelError(
                f"object {place} of its XML file is turned by {angle:g}, which is too much for the "
                "radians of <robndbox>: write its corners as <polygon>"
            )
        return rotated((cx - w / 2, cy - h / 2, w, h), angle)
    plain = _bndbox(entry)
    for attribute in entry.iterfind("attributes/attribute"):
        if element_text(attribute, "name") == "rotation" and plain is not None:
            angle = text_number(element_text(attribute, "value"))
            if math.isfinite(angle) and angle % 360:
                return rotated(plain, math.radians(angle))
    return None


def _polygon(entry: Element) -> list[Point]:
    found = (entry.find(tag) for tag in ("polygon", "robndbox", "bndbox"))
    polygon = next((element for element in found if element is not None), None)
    if polygon is None:
        return []
    if polygon.find("x_left_top") is not None:
        pairs = [
            (element_text(polygon, f"x_{corner}"), element_text(polygon, f"y_{corner}"))
            for corner in _TURNED_CORNERS
        ]
        return [(text_number(x), text_number(y)) for x, y in pairs]
    pairs = [(element_text(p, "x"), element_text(p, "y")) for p in polygon if p.tag != "username"]
    pairs = [pair for pair in pairs if any(pair)]
    if not pairs:
        numbers = sorted(
            int(tag[1:]) for child in polygon if re.fullmatch(r"x\d{1,6}", tag := child.tag)
        )
        pairs = [(element_text(polygon, f"x{n}"), element_text(polygon, f"y{n}")) for n in numbers]
    return [(text_number(x), text_number(y)) for x, y in pairs]
