"""The labels of one image, brought to its upright pixels and judged by the rules."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from reprise.formats.records import BoxRecord, ImageRecord
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.decode.orientation import orient_box
from reprise.preprocessing.labels.box_rules import XYWH, clean_box
from reprise.preprocessing.labels.segmentations import Outline, place_segmentation
from reprise.preprocessing.rules import Rule


@dataclass(slots=True)
class CleanBox:
    """A box that stays, in pixels of the upright original.

    Attributes:
        class_name: Its class.
        xywh: Left, top, width, height.
        area: In square pixels.
        iscrowd: 1 for a region of many objects.
        segmentation: JSON of COCO polygons or RLE; ``[]`` when there is none.
    """

    class_name: str
    xywh: XYWH
    area: float
    iscrowd: int
    segmentation: str


@dataclass(slots=True)
class CleanedLabels:
    """What the rules leave of an image's labels.

    Attributes:
        boxes: The boxes that stay.
        notes: A rule and a detail for everything that was dropped or repaired.
    """

    boxes: list[CleanBox] = field(default_factory=list)
    notes: list[tuple[Rule, str]] = field(default_factory=list)


def clean_labels(record: ImageRecord, width: int, height: int, orientation: int) -> CleanedLabels:
    """Apply the rules to the labels of an image that was decoded.

    Args:
        record: The image as its label file has it.
        width: Of the upright original, in pixels.
        height: As ``width``.
        orientation: EXIF orientation of the file, 1 to 8.

    Raises:
        BadImageError: The labels are for an image of another shape.
    """
    done = CleanedLabels()
    turned = _is_turned(record, width, height, orientation)
    size = (height, width) if turned else (width, height)
    scale = _scale(record, *size)
    if not record.normalised and scale != (1.0, 1.0):
        done.notes.append(
            (
                Rule.IMAGE_SIZE_RESCALED,
                f"labels for {record.width} x {record.height}, image is {size[0]} x {size[1]}",
            )
        )
    if turned and record.boxes:
        done.notes.append((Rule.IMAGE_LABELS_TURNED, f"EXIF orientation {orientation}"))
    seen: set[tuple[str, XYWH]] = set()
    for index, box in enumerate(record.boxes):
        placed = box.xywh
        if scale != (1.0, 1.0):
            x, y, w, h = placed
            placed = (x * scale[0], y * scale[1], w * scale[0], h * scale[1])
        if turned:
            placed = orient_box(placed, *size, orientation)
        kept, rule = clean_box(placed, width, height)
        if kept is not None and (box.class_name, kept) in seen:
            kept, rule = None, Rule.BOX_DUPLICATE
        if rule is not None:
            place = ", ".join(f"{value:g}" for value in placed)
            named = f"{box.class_name}, drawn as {box.shape}" if box.shape else box.class_name
            done.notes.append(
                (rule, f"box {index} ({named}) at [{place}], image {width} x {height}")
            )
        if kept is not None:
            seen.add((box.class_name, kept))
            outline, lost = box.segmentation, ""
            if outline:
                outline, lost = place_segmentation(
                    outline, scale, size, orientation if turned else 1
                )
            if lost:
                detail = f"box {index} ({box.class_name}): {lost}"
                done.notes.append((Rule.BOX_OUTLINE_UNUSABLE, detail))
            done.boxes.append(_judged(box, kept, scale, outline))
    return done


def _is_turned(record: ImageRecord, width: int, height: int, orientation: int) -> bool:
    """Whether the labels were made on the image as stored, before EXIF turned it.

    Only a quarter turn can be told, by the size that the label file states; labels without
    a size, of squares, and of other orientations are taken as made on the upright image,
    which is what a labeller sees.
    """
    if orientation < 5 or width == height or record.width is None or record.height is None:
        return False
    return (record.width, record.height) == (height, width)


def _scale(record: ImageRecord, width: int, height: int) -> tuple[float, float]:
    """Factors from the label file's units to the pixels of an image of this size.

    Raises:
        BadImageError: The label file states another aspect ratio than the image has.
    """
    if record.normalised:
        return float(width), float(height)
    if record.width is None or record.height is None:
        return 1.0, 1.0
    if (record.width, record.height) == (width, height):
        return 1.0, 1.0
    expected = record.width * height / width
    if abs(expected - record.height) > max(1.0, 0.01 * record.height):
        raise BadImageError(
            Rule.IMAGE_SIZE_CONTRADICTS,
            f"labels for {record.width} x {record.height}, image is {width} x {height}",
        )
    return width / record.width, height / record.height


def _judged(box: BoxRecord, kept: XYWH, scale: tuple[float, float], outline: Outline) -> CleanBox:
    area = box.area * scale[0] * scale[1]
    largest = kept[2] * kept[3]
    usable = math.isfinite(area) and 0 < area <= largest
    written = json.dumps(outline, ensure_ascii=False) if outline else "[]"
    return CleanBox(box.class_name, kept, area if usable else largest, box.iscrowd, written)
