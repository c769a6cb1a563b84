"""A batch of tensors as one picture: its images in a grid, with their boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reprise.errors import RepriseError
from reprise.reporting.palette import class_colours

if TYPE_CHECKING:
    import torch

# Shorter tiles are enlarged by a whole number, so that names can be read beside the boxes.
LEAST_SIDE = 320
GAP = 8
CAPTION = 20
TEXT_SIZE = 13
_BACKGROUND, _INK = (24, 24, 27), (228, 228, 231)

Box = tuple[int, float, float, float, float]


@dataclass(frozen=True)
class BatchImage:
    """One image of a batch.

    Attributes:
        name: For the caption.
        pixels: uint8, shape (height, width, 3), RGB: what the network gets.
        boxes: Class index, then left, top, right, bottom in these pixels.
    """

    name: str
    pixels: np.ndarray
    boxes: list[Box]


def batch_images(
    images: torch.Tensor, boxes: list[list[Box]], names: list[str]
) -> list[BatchImage]:
    """The images of a batch with the boxes that its loss is given.

    Args:
        images: uint8, shape (n, 3, h, w), RGB.
        boxes: For each image, as ``Family.tiles`` gives them.
        names: Of its images.
    """
    pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
    return [
        BatchImage(name, image, found)
        for name, image, found in zip(names, pixels, boxes, strict=True)
    ]


def _font_file() -> Path:
    """DejaVu Sans, which Matplotlib carries; its package is located but not imported."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise RepriseError(
            "Matplotlib, which carries the font of the captions, is not installed.",
            "install exactly what the lock names: delete .venv and run make repro again.",
        )
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


def grid(tiles: list[BatchImage], class_names: list[str]) -> Image.Image:
    """All tiles in one picture, numbered from 1, row by row."""
    colours = list(class_colours(class_names).values())
    font = ImageFont.truetype(_font_file(), TEXT_SIZE)
    drawn = [
        _drawn(tile, f"{number}  {tile.name}", class_names, colours, font)
        for number, tile in enumerate(tiles, start=1)
    ]
    columns = math.ceil(math.sqrt(len(drawn)))
    wide, high = max(d.width for d in drawn), max(d.height for d in drawn)
    rows = math.ceil(len(drawn) / columns)
    size = (GAP + columns * (wide + GAP), GAP + rows * (high + GAP))
    sheet = Image.new("RGB", size, _BACKGROUND)
    for place, picture in enumerate(drawn):
        row, column = divmod(place, columns)
        sheet.paste(picture, (GAP + column * (wide + GAP), GAP + row * (high + GAP)))
    return sheet


def _drawn(
    tile: BatchImage,
    caption: str,
    class_names: list[str],
    colours: list[str],
    font: ImageFont.FreeTypeFont,
) -> Image.Image:
    height, width = tile.pixels.shape[:2]
    factor = max(1, math.ceil(LEAST_SIDE / max(width, height)))
    picture = Image.new("RGB", (width * factor, height * factor + CAPTION), _BACKGROUND)
    image = Image.fromarray(tile.pixels)
    picture.paste(image.resize((width * factor, height * factor), Image.Resampling.NEAREST))
    pen = ImageDraw.Draw(picture)
    for index, *corners in tile.boxes:
        box = [value * factor for value in corners]
        pen.rectangle(box, outline=colours[index], width=2)
        _label(pen, (box[0], box[1]), class_names[index], colours[index], font)
    # Over whatever box or name ran out of the image.
    pen.rectangle((0, height * factor, *picture.size), fill=_BACKGROUND)
    pen.text((0, height * factor + 2), _shortened(caption, picture.width, font), _INK, font)
    return picture


def _label(
    pen: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    text: str,
    colour: str,
    font: ImageFont.FreeTypeFont,
) -> None:
    """A class name on its colour, above the box or, at the upper edge, inside it."""
    x, y = max(corner[0], 0.0), corner[1] - TEXT_SIZE - 3
    y = y if y >= 0 else max(corner[1], 0.0)
    right = x + font.getlength(text) + 4
    pen.rectangle((x, y, right, y + TEXT_SIZE + 3), fill=colour)
    pen.text((x + 2, y), text, (0, 0, 0), font)


def _shortened(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """The text with its middle left out where it is too long; a file name's end tells most."""
    kept = len(text)
    shown = text
    while kept > 8 and font.getlength(shown) > width:
        kept -= 1
        shown = f"{text[:4]}…{text[len(text) - kept + 5 :]}"
    return shown
