"""A batch of tensors as one picture: its images in a grid, with their boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from reprise.reporting.painting import font_file
from reprise.reporting.palette import class_colours

if TYPE_CHECKING:
    import torch

    from reprise.models.family import TargetBox

# Smaller images are enlarged by a whole number, so that names can be read beside the boxes.
LEAST_SIDE = 320
GAP = 8
CAPTION = 20
TEXT_SIZE = 13
BACKGROUND = 24  # of 255, grey


@dataclass(frozen=True)
class BatchImage:
    """One image of a batch.

    Attributes:
        name: For the caption.
        pixels: uint8, shape (height, width, 3), RGB: what the network gets.
        boxes: In these pixels.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    boxes: list[TargetBox]


def grid(images: list[BatchImage], class_names: list[str]) -> Image.Image:
    """All images in one picture, numbered from 1, row by row."""
    from torchvision.utils import make_grid

    colours = list(class_colours(class_names).values())
    drawn = [
        _drawn(image, f"{number}  {image.name}", class_names, colours)
        for number, image in enumerate(images, start=1)
    ]
    sizes = np.array([image.shape[1:] for image in drawn])
    cells = [_padded(image, *sizes.max(axis=0)) for image in drawn]
    columns = math.ceil(math.sqrt(len(cells)))
    sheet = make_grid(cells, nrow=columns, padding=GAP, pad_value=BACKGROUND)
    return Image.fromarray(sheet.permute(1, 2, 0).numpy())


def _drawn(
    image: BatchImage, caption: str, class_names: list[str], colours: list[str]
) -> torch.Tensor:
    """uint8, shape (3, height, width): the image enlarged, with its boxes, over its caption."""
    import torch
    from torchvision.utils import draw_bounding_boxes

    factor = max(1, math.ceil(LEAST_SIDE / max(image.pixels.shape[:2])))
    pixels = torch.from_numpy(image.pixels.repeat(factor, axis=0).repeat(factor, axis=1))
    pixels = pixels.permute(2, 0, 1)
    if image.boxes:
        pixels = draw_bounding_boxes(
            pixels,
            torch.tensor([corners for _, *corners in image.boxes]).clamp(min=0) * factor,
            labels=[class_names[index] for index, *_ in image.boxes],
            colors=[colours[index] for index, *_ in image.boxes],
            label_colors="black",
            label_background_colors=[colours[index] for index, *_ in image.boxes],
            fill_labels=True,
            width=2,
            font=str(font_file()),
            font_size=TEXT_SIZE,
        )
    below = Image.new("L", (pixels.shape[2], CAPTION), BACKGROUND)
    font = ImageFont.truetype(str(font_file()), TEXT_SIZE)
    ImageDraw.Draw(below).text((0, 2), caption, 228, font)
    strip = torch.from_numpy(np.array(below)).expand(3, -1, -1)
    return torch.cat([pixels, strip], dim=1)


def _padded(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    from torch.nn.functional import pad

    missing = (0, int(width) - image.shape[2], 0, int(height) - image.shape[1])
    return pad(image, missing, value=BACKGROUND)
