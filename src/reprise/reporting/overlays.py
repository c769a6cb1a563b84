"""Boxes, masks and labels as SVG shapes; no label covers another."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reprise.reporting.object_samples import Mark
from reprise.reporting.palette import WRONG

TEXT_SIZE = 9.0  # in pixels of the picture
CHARACTER = 0.56  # width of a character, relative to the text size
HEIGHT = TEXT_SIZE + 3.5

Place = tuple[float, float, float, float]  # xywh in pixels of the picture


def overlay(marks: Sequence[Mark], width: int, height: int) -> str:
    """Boxes or masks, and labels, for a picture of this size, as SVG elements.

    Mistakes get their labels first. A label goes above its box, below it or inside it, where
    there is room; one that finds none is left to the pointer and to the colour's legend.
    """
    shapes = [_shape(mark) for mark in large_first(marks)]
    texts = [_label(mark, place) for mark, place in placed_labels(marks, width, height)]
    return "".join(shapes + texts)


def placed_labels(marks: Sequence[Mark], width: int, height: int) -> list[tuple[Mark, Place]]:
    """The marks whose labels find room, each with its label's xywh."""
    taken: list[Place] = []
    placed = []
    for mark in sorted(large_first(marks), key=lambda mark: not mark.wrong):
        place = _place(mark, width, height, taken) if mark.text else None
        if place is not None:
            taken.append(place)
            placed.append((mark, place))
    return placed


def large_first(marks: Sequence[Mark]) -> list[Mark]:
    """In the order in which they are drawn, so that small ones stay visible."""
    return sorted(marks, key=lambda mark: -mark.box[2] * mark.box[3])


def _shape(mark: Mark) -> str:
    """A mask's outlines, or a box, over a white line that sets it off."""
    x, y, w, h = mark.box
    tag, behind, line, filled = "rect", 3.4, 1.8, 'fill-opacity=".07"'
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(w, 1):.1f}" height="{max(h, 1):.1f}" rx="1.5"'
    if mark.path:
        tag, behind, line, filled = "path", 3, 1.6, 'fill-opacity=".38" fill-rule="evenodd"'
        shape = f'd="{mark.path}"'
    dash = ' stroke-dasharray="5 3"' if mark.wrong else ""
    return (
        f'<{tag} {shape} fill="none" stroke="#fff" stroke-opacity=".75" stroke-width="{behind}"/>'
        f'<{tag} {shape} fill="{mark.colour}" {filled} stroke="{mark.colour}" '
        f'stroke-width="{line}"{dash}><title>{escape(mark.title)}</title></{tag}>'
    )


def _place(mark: Mark, width: int, height: int, taken: Sequence[Place]) -> Place | None:
    """Where the label goes, xywh; None when every place is taken or outside."""
    x, y, w, h = mark.box
    wide = len(mark.text) * TEXT_SIZE * CHARACTER + 6
    for left in (x - 0.9, x + w - wide + 0.9):
        for top in (y - HEIGHT, y + h, y + 1):
            inside = left >= -1 and top >= 0 and left + wide <= width and top + HEIGHT <= height
            spot = (max(left, 0), top, wide, HEIGHT)
            if inside and not any(_meet(spot, other) for other in taken):
                return spot
    return None


def _meet(one: Place, other: Place) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def _label(mark: Mark, place: Place) -> str:
    x, y, w, h = place
    colour = WRONG if mark.wrong else mark.colour
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="2" fill="{colour}"/>'
        f'<text x="{x + 3:.1f}" y="{y + h - 3.6:.1f}" font-size="{TEXT_SIZE}" '
        f'textLength="{w - 6:.1f}" lengthAdjust="spacingAndGlyphs" '
        f'fill="{ink_on(colour)}">{escape(mark.text)}</text>'
    )


def ink_on(colour: str) -> str:
    """Black or white text, whichever is easier to read on the colour."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#111" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#fff"
