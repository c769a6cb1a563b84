"""A sheet to draw on with smooth edges, which remembers where the widgets are.

Coordinates are whole pixels of the finished image, origin top left. Text and straight
edges are drawn at that size, as browsers do; curves are drawn larger, then reduced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from gui_screens.drawn.fonts import Face

Color = tuple[int, int, int]
Box = tuple[int, int, int, int]  # x, y, width, height
Stroke = Callable[[ImageDraw.ImageDraw, int], None]

CLASSES = (
    "button",
    "text_input",
    "checkbox",
    "radio_button",
    "dropdown",
    "slider",
    "toggle",
    "link",
    "icon",
    "image",
)
MIN_SIDE = 4
MIN_VISIBLE = 0.5
_OVERSAMPLING = 4


class Shadow(NamedTuple):
    """A soft shadow.

    Attributes:
        blur: How far it fades, in pixels.
        strength: 0 to 255.
        drop: How much lower than its rectangle it lies, in pixels.
    """

    blur: int
    strength: int
    drop: int


@dataclass
class Label:
    """A widget as drawn, before anything was laid over it."""

    kind: str
    box: Box
    covers: list[Box] = field(default_factory=list)


def visible_part(box: Box, covers: list[Box], width: int, height: int) -> Box | None:
    """What remains to be seen of a box.

    Args:
        box: xywh in pixels; it may reach outside the image.
        covers: Opaque rectangles (xywh) that were drawn over it.
        width: Width of the image.
        height: Height of the image.

    Returns:
        The xywh rectangle around the visible pixels, or None when less than half of the
        box is visible or a side of the rectangle is under ``MIN_SIDE`` pixels.
    """
    x, y, w, h = box
    if w <= 0 or h <= 0:
        return None
    seen = np.zeros((h, w), dtype=bool)
    seen[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)] = True
    for cx, cy, cw, ch in covers:
        seen[max(0, cy - y) : max(0, cy + ch - y), max(0, cx - x) : max(0, cx + cw - x)] = False
    if seen.sum() < MIN_VISIBLE * w * h:
        return None
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    w, h = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    if min(w, h) < MIN_SIDE:
        return None
    return x + left, y + top, w, h


@lru_cache(maxsize=256)
def _disc(radius: int) -> Image.Image:
    side = 2 * radius
    big = Image.new("L", (side * _OVERSAMPLING,) * 2)
    ImageDraw.Draw(big).ellipse((0, 0, side * _OVERSAMPLING - 1, side * _OVERSAMPLING - 1), 255)
    return big.resize((side, side), Image.Resampling.BOX)


@lru_cache(maxsize=256)
def rounded_mask(width: int, height: int, radius: int) -> Image.Image:
    """Coverage (mode L) of a rectangle with round corners; do not write into it."""
    mask = Image.new("L", (width, height), 255)
    r = min(radius, width // 2, height // 2)
    if r > 0:
        disc = _disc(r)
        mask.paste(disc.crop((0, 0, r, r)), (0, 0))
        mask.paste(disc.crop((r, 0, 2 * r, r)), (width - r, 0))
        mask.paste(disc.crop((0, r, r, 2 * r)), (0, height - r))
        mask.paste(disc.crop((r, r, 2 * r, 2 * r)), (width - r, height - r))
    return mask


@lru_cache(maxsize=64)
def _shadow_mask(width: int, height: int, radius: int, blur: int, strength: int) -> Image.Image:
    # Half size: a shadow has no detail, and the blur costs a quarter.
    margin = 2 * blur
    size = ((width + 2 * margin) // 2, (height + 2 * margin) // 2)
    mask = Image.new("L", size)
    inner = rounded_mask(max(1, width // 2), max(1, height // 2), radius // 2)
    mask.paste(inner.point([v * strength // 255 for v in range(256)]), (margin // 2, margin // 2))
    mask = mask.filter(ImageFilter.GaussianBlur(blur / 2))
    return mask.resize((width + 2 * margin, height + 2 * margin), Image.Resampling.BILINEAR)


class Canvas:
    """The image being drawn and the widgets on it."""

    def __init__(self, width: int, height: int, color: Color) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width, height), color)
        self.pen = ImageDraw.Draw(self.image)
        self.labels: list[Label] = []

    def label(self, kind: str, x: int, y: int, w: int, h: int) -> None:
        """Note a widget of one of ``CLASSES``."""
        self.labels.append(Label(kind, (x, y, w, h)))

    def cover(self, x: int, y: int, w: int, h: int) -> None:
        """Say that an opaque rectangle hides what was drawn there up to now."""
        for label in self.labels:
            label.covers.append((x, y, w, h))

    def visible(self) -> list[tuple[str, Box]]:
        """Class and visible xywh box of each widget that counts, in drawing order."""
        found = []
        for label in self.labels:
            box = visible_part(label.box, label.covers, self.width, self.height)
            if box is not None:
                found.append((label.kind, box))
        return found

    def rect(self, x: int, y: int, w: int, h: int, color: Color) -> None:
        """Fill an axis-aligned rectangle."""
        if w > 0 and h > 0:
            self.pen.rectangle((x, y, x + w - 1, y + h - 1), fill=color)

    def rounded(
        self, x: int, y: int, w: int, h: int, radius: int, color: Color, alpha: float = 1.0
    ) -> None:
        """Fill a rectangle with round corners, seen through when ``alpha`` is below 1."""
        if w <= 0 or h <= 0:
            return
        if radius <= 0 and alpha >= 1:
            self.rect(x, y, w, h, color)
            return
        mask = rounded_mask(w, h, radius)
        if alpha < 1:
            mask = mask.point([int(v * alpha) for v in range(256)])
        self.image.paste(color, (x, y), mask)

    def outline(
        self, x: int, y: int, w: int, h: int, radius: int, color: Color, width: int
    ) -> None:
        """Draw the border of a rounded rectangle inside its box."""
        if w <= 2 * width or h <= 2 * width or width <= 0:
            return
        mask = rounded_mask(w, h, radius).copy()
        inner = rounded_mask(w - 2 * width, h - 2 * width, max(0, radius - width))
        hole = Image.new("L", mask.size)
        hole.paste(inner, (width, width))
        self.image.paste(color, (x, y), ImageChops.subtract(mask, hole))

    def bevel(self, x: int, y: int, w: int, h: int, light: Color, dark: Color, line: int) -> None:
        """Draw the edges of a raised plate; swap the colours for a sunken one."""
        self.rect(x, y, w, line, light)
        self.rect(x, y, line, h, light)
        self.rect(x, y + h - line, w, line, dark)
        self.rect(x + w - line, y, line, h, dark)

    def shadow(self, x: int, y: int, w: int, h: int, radius: int, shadow: Shadow) -> None:
        """Darken softly around a rectangle."""
        blur, strength, drop = shadow
        if blur > 0 and strength > 0 and w > 2 and h > 2:
            mask = _shadow_mask(w, h, radius, blur, strength)
            self.image.paste((0, 0, 0), (x - 2 * blur, y - 2 * blur + drop), mask)

    def text(self, x: int, y: int, text: str, face: Face, color: Color, height: int) -> None:
        """Draw one line of text, centred vertically in ``height`` pixels from ``y`` down."""
        ascent, descent = face.metrics
        top = y + (height - ascent - descent) // 2
        stretch = face.family.stretch
        if stretch == 1.0:
            self.pen.text((x, top + ascent), text, fill=color, font=face.font, anchor="ls")
            return
        # Narrow or wide letters: drawn at three times the size, then reduced unevenly.
        big = Face(face.family, face.size * 3, face.bold)
        length = int(big.font.getlength(text)) + 4
        rise, fall = big.metrics
        mask = Image.new("L", (length, rise + fall))
        ImageDraw.Draw(mask).text((0, rise), text, fill=255, font=big.font, anchor="ls")
        size = (max(1, round(length * stretch / 3)), max(1, (rise + fall) // 3))
        self.image.paste(color, (x, top), mask.resize(size, Image.Resampling.BOX))

    def smooth(self, x: int, y: int, w: int, h: int, color: Color, draw: Stroke) -> None:
        """Draw a one-coloured shape with smooth edges.

        Args:
            x: Left of the area.
            y: Top of the area.
            w: Width of the area.
            h: Height of the area.
            color: What the shape is painted with.
            draw: Called with a pen for a mask (255 is inside) and the number of mask
                pixels for each image pixel.
        """
        k = _OVERSAMPLING
        mask = Image.new("L", (max(1, w) * k, max(1, h) * k))
        draw(ImageDraw.Draw(mask), k)
        self.image.paste(color, (x, y), mask.resize((max(1, w), max(1, h)), Image.Resampling.BOX))

    def paste(self, x: int, y: int, picture: Image.Image, radius: int = 0) -> None:
        """Lay an RGB picture down, its corners rounded."""
        mask = rounded_mask(picture.width, picture.height, radius) if radius else None
        self.image.paste(picture, (x, y), mask)

    def dim(self, amount: float, color: Color = (0, 0, 0), blur: float = 0.0) -> None:
        """Veil all that was drawn: 0 changes nothing, 1 leaves only ``color``."""
        image = self.image.filter(ImageFilter.GaussianBlur(blur)) if blur else self.image
        veil = Image.new("RGB", image.size, color)
        self.image.paste(Image.blend(image, veil, amount))
