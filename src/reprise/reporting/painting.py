"""Ground truth beside predictions as a bitmap, for where no browser is: the report's own marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reprise.errors import RepriseError
from reprise.reporting.object_samples import Mark
from reprise.reporting.overlays import TEXT_SIZE, ink_on, large_first, placed_labels
from reprise.reporting.palette import WRONG

ZOOM = 2  # marks are laid out for the report's pictures, which are half as large
GAP = 12
CAPTION = 30
DASH = (10, 6)
GROUND = "#181818"


def paint(
    pixels: np.ndarray,
    size: tuple[int, int],
    panels: Sequence[Sequence[Mark]],
    captions: Sequence[str],
) -> Image.Image:
    """An image once for each panel, side by side, each with its marks and a line below.

    Args:
        pixels: Uint8 RGB, shape (height, width, 3).
        size: Width and height of the picture that the marks are laid out for.
        panels: Marks of each.
        captions: Of each.
    """
    wide, high = size[0] * ZOOM, size[1] * ZOOM
    sheet = Image.new("RGB", (len(panels) * (wide + GAP) - GAP, high + CAPTION), GROUND)
    plain = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (wide, high), Image.Resampling.LANCZOS
    )
    font = ImageFont.truetype(font_file(), 16)
    for place, (marks, caption) in enumerate(zip(panels, captions, strict=True)):
        left = place * (wide + GAP)
        sheet.paste(_marked(plain, marks, size), (left, 0))
        draw = ImageDraw.Draw(sheet)
        draw.text((left + 4, high + 5), _fitting(caption, font, wide - 8), "#e5e7eb", font)
    return sheet


def font_file() -> Path:
    """DejaVu Sans, which Matplotlib carries; its package is located but not imported."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise RepriseError(
            "Matplotlib, which carries the font of the captions, is not installed.",
            "install exactly what the lock names: delete .venv and run make repro again.",
        )
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


def _fitting(text: str, font: Any, width: int) -> str:
    while text and font.getlength(text) > width:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    return text


def _marked(plain: Image.Image, marks: Sequence[Mark], size: tuple[int, int]) -> Image.Image:
    picture = plain.copy()
    for mark in large_first(marks):
        outlines = _outlines(mark)
        if mark.path:
            _fill(picture, outlines, mark.colour)
        draw = ImageDraw.Draw(picture)
        for points in outlines:
            draw.line([*points, points[0]], fill="#ffffff", width=5, joint="curve")
            _line(draw, [*points, points[0]], mark.colour, dashed=mark.wrong)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(font_file(), round(TEXT_SIZE * ZOOM) - 1)
    for mark, place in placed_labels(marks, *size):
        x, y, w, h = (value * ZOOM for value in place)
        colour = WRONG if mark.wrong else mark.colour
        draw.rectangle([x, y, x + w, y + h], fill=colour)
        draw.text((x + 5, y + h / 2), mark.text, ink_on(colour), font, anchor="lm")
    return picture


def _outlines(mark: Mark) -> list[list[tuple[float, float]]]:
    """Corners of the mask's parts and holes, or of the box, in pixels of the bitmap."""
    if not mark.path:
        x, y, w, h = (value * ZOOM for value in mark.box)
        return [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)]]
    parts = re.findall(r"M([^Z]+)Z", mark.path)
    return [
        [(float(x) * ZOOM, float(y) * ZOOM) for x, y in (p.split(",") for p in part.split())]
        for part in parts
    ]


def _fill(picture: Image.Image, outlines: list[list[tuple[float, float]]], colour: str) -> None:
    """Lay a colour over the inside of the outlines, by the even-odd rule."""
    import cv2

    inside = np.zeros((picture.height, picture.width), dtype=np.uint8)
    polygons = [np.round(points).astype(np.int32) for points in outlines]
    cv2.fillPoly(inside, polygons, 97)
    picture.paste(colour, mask=Image.fromarray(inside))


def _line(
    draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], colour: str, dashed: bool
) -> None:
    if not dashed:
        draw.line(points, fill=colour, width=3, joint="curve")
        return
    on, off = DASH
    offset = 0.0
    for start, end in pairwise(points):
        from_, to = np.array(start), np.array(end)
        length = float(np.hypot(*(to - from_)))
        at = -offset
        while at < length and length > 0:
            ends = [max(at, 0.0), min(at + on, length)]
            if ends[1] > ends[0]:
                corners = [tuple(from_ + (to - from_) * value / length) for value in ends]
                draw.line(corners, fill=colour, width=3)
            at += on + off
        offset = (offset + length) % (on + off)
