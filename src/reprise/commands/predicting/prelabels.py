"""What a model finds as labels for a person to correct, in any format that the project writes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contourpy import FillType, contour_generator

from reprise.commands.predicting.drawing import frames_of, write_jpeg
from reprise.commands.predicting.stream import Found
from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.formats.source_labels import format_module
from reprise.masks import rle
from reprise.preprocessing.decode.decoder import read_image

# Formats that store masks as pixels; in all others a person corrects outlines.
PIXEL_FORMATS = ("instance_masks", "label_masks")
# What every labelling tool opens; anything else is written again as JPEG.
PLAIN_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
JPEG_QUALITY = 95
# By how much an outline may miss the mask's edge, so that a person has few points to move: pixels,
# and a share of the object's longer side.
TOLERANCE, TOLERANCE_SHARE = 0.3, 0.002


def write_prelabels(
    found: Sequence[Found],
    class_names: Sequence[str],
    format_name: str,
    folder: Path,
    max_pixels: int,
    scratch: Path,
) -> None:
    """Write pictures with labels.

    Pictures are copied as they are, but turned ones, frames, and kinds that labelling tools do
    not open are written anew, upright, as JPEG.

    Args:
        found: Of each picture.
        class_names: Of the model.
        format_name: A key of FORMATS.
        folder: An empty folder.
        max_pixels: Largest picture that is decoded.
        scratch: An empty folder for the pictures that are written anew.

    Raises:
        RepriseError: The format cannot hold what was found.
        BadImageError: A file has changed since it was predicted on.
    """
    records = []
    for (path, is_video), group in groupby(found, lambda one: (one.path, one.frame is not None)):
        of_file = list(group)
        if is_video:
            for one, pixels in frames_of(path, of_file):
                write_jpeg(_place(scratch, one.name), pixels, JPEG_QUALITY)
        for one in of_file:
            name, file = one.name, path
            if is_video:
                file = scratch / name
            elif not (one.upright and path.suffix.lower() in PLAIN_SUFFIXES):
                name = f"{one.name}.jpg"
                file = _place(scratch, name)
                write_jpeg(file, read_image(path, max_pixels).pixels, JPEG_QUALITY)
            records.append(_record(one, name, file, class_names, format_name in PIXEL_FORMATS))
    records.sort(key=lambda record: record.name)
    content = SourceDataset("predictions", records, list(class_names), lists_images=True)
    try:
        format_module(format_name).write(content, folder)
    except RepriseError as error:
        raise RepriseError(f"--as {format_name}: {error.problem}", error.fix) from None


def _record(
    one: Found, name: str, file: Path, class_names: Sequence[str], pixel_masks: bool
) -> ImageRecord:
    return ImageRecord(
        name=name,
        path=file,
        width=one.width,
        height=one.height,
        boxes=[
            _box(row, (one.width, one.height), class_names, pixel_masks)
            for row in one.rows
            if "bbox" in row
        ],
        labels=[class_names[row["category_id"] - 1] for row in one.rows if "bbox" not in row],
    )


def _box(
    row: dict[str, Any], size: tuple[int, int], class_names: Sequence[str], pixel_masks: bool
) -> BoxRecord:
    left, top, width, height = row["bbox"]
    # A network may see an object go on beyond the edge; a label ends there.
    right, bottom = min(left + width, size[0]), min(top + height, size[1])
    left, top = max(left, 0.0), max(top, 0.0)
    box = (left, top, max(right - left, 0.0), max(bottom - top, 0.0))
    mask = row.get("segmentation")
    shape = [] if mask is None else mask if pixel_masks else outlines(mask)
    area = box[2] * box[3] if mask is None else rle.area(mask)
    return BoxRecord(class_names[row["category_id"] - 1], box, area, segmentation=shape)


def outlines(mask: dict[str, Any]) -> list[list[float]]:
    """The outer edges of a mask's parts as COCO polygons.

    They run along the edges of pixels, the middle of a pixel being at a half; holes are filled.

    Args:
        mask: COCO's RLE.
    """
    inside = rle.decode(mask)
    left, top, width, height = rle.bounds(inside)
    # A pixel of margin closes the outlines on every side.
    part = np.pad(inside[top : top + height, left : left + width], 1).astype(np.float32)
    lines = contour_generator(z=part, fill_type=FillType.OuterOffset)
    tolerance = TOLERANCE + TOLERANCE_SHARE * max(width, height)
    polygons = []
    for points, offsets in zip(*lines.filled(0.5, np.inf), strict=True):
        outer = points[: offsets[1]].astype(np.float32)
        thinned = cv2.approxPolyDP(outer, tolerance, True).reshape(-1, 2)
        # From the middle of the first pixel, which is one of the margin, to the corner.
        placed = (thinned if len(thinned) > 2 else outer) + np.array([left - 0.5, top - 0.5])
        polygons.append([round(float(value), 1) for value in placed.ravel()])
    return polygons


def _place(folder: Path, name: str) -> Path:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
