"""The labels of one image, brought to its upright pixels and judged by the rules."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from reprise.formats.records import BoxRecord, ImageRecord
from reprise.masks import rle
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.decode.orientation import orient_box, orient_polygon
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
        lost: Whether none does, of an image that has no other label: it is to be dropped.
        notes: A rule and a detail for everything that was dropped or repaired.
    """

    boxes: list[CleanBox] = field(default_factory=list)
    lost: bool = False
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
        placed = _placed_box(box.xywh, scale, size, orientation if turned else 1)
        kept, rule = clean_box(placed, width, height)
        if rule is Rule.BOX_NOT_FINITE and box.shape:
            rule = Rule.BOX_SHAPE_UNKNOWN
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
    # What was labelled, and lost all of it, is not what background looks like.
    if record.boxes and not done.boxes and not record.labels:
        done.lost = True
        done.notes.append((Rule.IMAGE_LABELS_LOST, f"{len(record.boxes)} box(es)"))
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


def _placed_box(
    xywh: XYWH, scale: tuple[float, float], size: tuple[int, int], orientation: int
) -> XYWH:
    """A box in pixels of the upright image."""
    if scale != (1.0, 1.0):
        x, y, w, h = xywh
        xywh = (x * scale[0], y * scale[1], w * scale[0], h * scale[1])
    return orient_box(xywh, *size, orientation) if orientation != 1 else xywh


def _judged(box: BoxRecord, kept: XYWH, scale: tuple[float, float], outline: Outline) -> CleanBox:
    area = box.area * scale[0] * scale[1]
    largest = kept[2] * kept[3]
    usable = math.isfinite(area) and 0 < area <= largest
    written = json.dumps(outline, ensure_ascii=False) if outline else "[]"
    return CleanBox(box.class_name, kept, area if usable else largest, box.iscrowd, written)


Outline = list[list[float]] | dict[str, object]
# Numbers of a triangle.
_LEAST_NUMBERS = 6


def place_segmentation(
    outline: Outline, scale: tuple[float, float], size: tuple[int, int], orientation: int
) -> tuple[Outline, str]:
    """Check an outline and bring it to the upright image.

    Args:
        outline: COCO polygons or RLE as the label file has them; empty for none.
        scale: Factors across and down from the label file's units to pixels of ``size``.
        size: Width and height in pixels of the image that the labels were made on.
        orientation: EXIF orientation that the image was turned by since; 1 when it was not.

    Returns:
        What can be used, in pixels of the upright image, empty for nothing; and why the rest
        was left out, empty when all can be used.
    """
    if isinstance(outline, dict):
        wrong = _wrong_run_lengths(outline, size, turned=orientation != 1) if outline else ""
        return ([], wrong) if wrong else (outline, "")
    if not outline:
        return [], ""
    sound = [part for part in outline if _is_polygon(part)]
    # Exporters write one empty polygon for a box that has no outline.
    broken = sum(bool(part) for part in outline) - len(sound)
    reason = f"{broken} of {len(outline)} polygons broken" if broken else ""
    return _placed(sound, scale, size, orientation), reason


def _is_polygon(part: list[float]) -> bool:
    return len(part) >= _LEAST_NUMBERS and len(part) % 2 == 0 and all(map(math.isfinite, part))


def _placed(
    polygons: list[list[float]],
    scale: tuple[float, float],
    size: tuple[int, int],
    orientation: int,
) -> list[list[float]]:
    if scale != (1.0, 1.0):
        polygons = [[v * scale[place % 2] for place, v in enumerate(part)] for part in polygons]
    if orientation != 1:
        polygons = [orient_polygon(part, *size, orientation) for part in polygons]
    return polygons


def _wrong_run_lengths(outline: dict[str, object], size: tuple[int, int], turned: bool) -> str:
    """Why run lengths cannot be used, empty when they can; they belong to one pixel grid."""
    try:
        rle.area(outline)
    except ValueError as error:
        return str(error)
    if turned or outline["size"] != [size[1], size[0]]:
        return f"its mask is of {outline['size']}, the image of {[size[1], size[0]]}"
    return ""


XYWH = tuple[float, float, float, float]
# Label tools round; an excess this small (pixels) is cut without a row in the ledger.
ROUNDING = 1e-3


def clean_box(xywh: XYWH, width: int, height: int) -> tuple[XYWH | None, Rule | None]:
    """Judge one box.

    Args:
        xywh: Left, top, width, height in pixels of the upright image; any floats.
        width: The image's width in pixels.
        height: The image's height in pixels.

    Returns:
        The box to keep, or None; and the rule that dropped or repaired it, or None. A box
        that is kept has ``0 <= x < x + w <= width``, also in floating point, and likewise
        for ``y``.
    """
    x, y, w, h = xywh
    # Most boxes are as they should be, and there are millions.
    if 0 <= x < x + w <= width and 0 <= y < y + h <= height:
        return xywh, None
    if not all(math.isfinite(value) for value in xywh):
        return None, Rule.BOX_NOT_FINITE
    if not (x + w > x and y + h > y):
        return None, Rule.BOX_EMPTY
    across, down = _cut(x, w, width), _cut(y, h, height)
    if across is None or down is None:
        return None, Rule.BOX_OUTSIDE
    kept = (across[0], down[0], across[1], down[1])
    moved = max(abs(before - after) for before, after in zip(xywh, kept, strict=True))
    return kept, Rule.BOX_CLIPPED if moved > ROUNDING else None


def _cut(start: float, length: float, limit: int) -> tuple[float, float] | None:
    """An interval's part inside 0 to ``limit``; None when nothing worth keeping is."""
    if start >= 0 and start + length <= limit:
        return start, length
    low, high = max(start, 0.0), min(start + length, float(limit))
    if high - low <= ROUNDING:
        return None
    size = high - low
    while low + size > limit:
        size = math.nextafter(size, 0.0)
    return low, size
