"""New pictures, made into what preprocessing makes of a dataset's images.

The network learnt from images that were turned upright, reduced and stored as JPEG: a new picture
goes the same way, so that what is predicted on a dataset's own files is what the predict stage
predicts on its stored images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reprise.dataset import (
    ANNOTATION_COLUMNS,
    LABEL_COLUMNS,
    REJECTED_COLUMNS,
    Category,
    Dataset,
    table,
)
from reprise.models.family import Batch, Family
from reprise.models.inference import batches
from reprise.preprocessing.decode.decoder import read_image
from reprise.preprocessing.decode.encode import LEAST_DECODED, Settings, encode, resized

# The one split of new pictures.
NEW = "new"

# Class from 1, then left, top, width and height in pixels of the upright original.
Prompt = tuple[int, tuple[float, float, float, float]]


@dataclass(frozen=True)
class Picture:
    """A picture as the dataset would store it.

    Attributes:
        pixels: Uint8 (h, w, 3) RGB.
        original: (height, width) of the upright original, in pixels.
        upright: Whether the file's own pixels are upright.
        prompts: Objects whose masks are asked for, of a family that is prompted.
    """

    pixels: np.ndarray
    original: tuple[int, int]
    upright: bool = True
    prompts: tuple[Prompt, ...] = ()


def read_picture(
    source: Path | bytes, settings: Settings, prompts: tuple[Prompt, ...] = ()
) -> Picture:
    """A picture from its file.

    Args:
        source: The file, or its content.
        settings: As the dataset's images were stored.
        prompts: See :class:`Picture`.

    Raises:
        BadImageError: It cannot be decoded or stored.
    """
    decoded = read_image(source, settings.max_pixels, max(settings.image_size, LEAST_DECODED))
    original = (decoded.original_height, decoded.original_width)
    stored = _stored(decoded.pixels, settings)
    return Picture(stored, original, decoded.orientation == 1, prompts)


def picture_of(pixels: np.ndarray, settings: Settings, prompts: tuple[Prompt, ...] = ()) -> Picture:
    """A picture from its pixels: uint8 (height, width, 3) RGB, upright."""
    reduced = resized(pixels, max(settings.image_size, LEAST_DECODED))
    height, width = pixels.shape[:2]
    return Picture(_stored(reduced, settings), (height, width), prompts=prompts)


def _stored(pixels: np.ndarray, settings: Settings) -> np.ndarray:
    data = encode(resized(pixels, settings.image_size), settings.jpeg_quality)
    decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, np.uint8)


class PictureSet(Dataset):
    """Pictures as a dataset of one split, held in memory.

    It is what the families take samples from; its objects are the pictures' prompts. Image ids
    are the places of the pictures, from 1.

    Args:
        pictures: At least one.
        class_names: Of the model, in the order of their indices.
    """

    def __init__(self, pictures: Sequence[Picture], class_names: Sequence[str]) -> None:
        import pandas as pd

        self.root = Path()
        self._pictures = pictures
        shapes = [picture.pixels.shape for picture in pictures]
        ids = list(range(1, len(pictures) + 1))
        self.images = pd.DataFrame(
            {
                "image_id": ids,
                "split": NEW,
                "source": "",
                "name": [str(image_id) for image_id in ids],
                "shard": "",
                "offset": ids,
                "length": 0,
                "width": [shape[1] for shape in shapes],
                "height": [shape[0] for shape in shapes],
                "original_width": [picture.original[1] for picture in pictures],
                "original_height": [picture.original[0] for picture in pictures],
            }
        )
        self.annotations = table(_annotations(pictures), ANNOTATION_COLUMNS)
        self.labels = table([], LABEL_COLUMNS)
        self.rejected = table([], REJECTED_COLUMNS)
        self.categories = [Category(place, name) for place, name in enumerate(class_names, 1)]
        self._kept_splits = set()

    def pixels(self, shard: str, offset: int, length: int) -> np.ndarray:  # noqa: ARG002
        """The picture at a place, counted from 1: uint8 (height, width, 3) RGB."""
        return self._pictures[offset - 1].pixels


def _annotations(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    objects = [
        (image_id, category_id, xywh)
        for image_id, picture in enumerate(pictures, start=1)
        for category_id, xywh in picture.prompts
    ]
    return [
        {
            "annotation_id": number,
            "image_id": image_id,
            "category_id": category_id,
            **dict(zip("xywh", xywh, strict=True)),
            "area": xywh[2] * xywh[3],
            "iscrowd": 0,
            "segmentation": "[]",
        }
        for number, (image_id, category_id, xywh) in enumerate(objects, start=1)
    ]


def new_batches(
    family: Family, pictures: Sequence[Picture], class_names: Sequence[str], batch_size: int
) -> Iterator[Batch]:
    """Pictures as batches without labels; those of a batch have one shape in the network.

    Args:
        family: Makes the samples.
        pictures: At least one.
        class_names: Of the model.
        batch_size: Most pictures in a batch.

    Yields:
        Batches on the CPU; ``image_ids`` are places among the pictures, from 1.
    """
    samples: Any = family.evaluation_samples(PictureSet(pictures, class_names), NEW)
    shapes = [samples.shape(index) for index in range(len(samples))]
    for indices in batches(shapes, batch_size):
        yield family.collate([samples[index] for index in indices])
