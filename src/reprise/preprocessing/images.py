"""One image from its file to its rows and stored bytes: the work that is spread over cores."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from reprise.formats.records import BoxRecord, ImageRecord
from reprise.preprocessing import rules
from reprise.preprocessing.boxes import XYWH, clean_box
from reprise.preprocessing.decode import BadImageError, read_image


@dataclass(frozen=True)
class Settings:
    """What decides the stored bytes.

    Attributes:
        image_size: Longest stored side in pixels.
        jpeg_quality: 1 to 100.
        max_pixels: Largest image that is decoded, width times height.
    """

    image_size: int
    jpeg_quality: int
    max_pixels: int


@dataclass
class Finished:
    """What became of one image.

    Attributes:
        source: Name of its source.
        record: Its labels as read; kept for its name and keys.
        encoded: The stored JPEG; empty when the image was dropped.
        row: Its part of the images table: sizes and hashes.
        boxes: Its boxes after the rules: class name and the annotation columns.
        ledger: Rows for what was dropped or repaired.
    """

    source: str
    record: ImageRecord
    encoded: bytes = b""
    row: dict[str, Any] = field(default_factory=dict)
    boxes: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, str]] = field(default_factory=list)

    def note(self, rule: rules.Rule, detail: str) -> None:
        """Add a row about this image to the ledger."""
        self.ledger.append(rules.row(rule, self.source, self.record.name, detail))


def finish(record: ImageRecord, source: str, settings: Settings) -> Finished:
    """Decode, hash, resize and encode one image, and apply the rules to its boxes.

    Args:
        record: The image; boxes at the size that the label file states.
        source: Name of its source.
        settings: Sizes and limits.

    Returns:
        The stored image (RGB, JPEG 4:4:4, never enlarged) with boxes as xywh in pixels of
        the upright original, or only ledger rows when it was dropped.
    """
    done = Finished(source, record)
    if record.path is None:
        done.note(rules.IMAGE_MISSING, f"with {len(record.boxes)} box(es)")
        return done
    try:
        pixels = read_image(record.path, settings.max_pixels)
        height, width = pixels.shape[:2]
        scale = _label_scale(record, width, height)
        stored = _resized(pixels, settings.image_size)
        done.encoded = _encoded(stored, settings.jpeg_quality)
    except BadImageError as bad:
        done.note(bad.rule, bad.detail)
        return done
    if scale != (1.0, 1.0):
        done.note(
            rules.IMAGE_SIZE_RESCALED,
            f"labels for {record.width} x {record.height}, image is {width} x {height}",
        )
    _keep_boxes(done, scale, width, height)
    done.row = {
        "width": stored.shape[1],
        "height": stored.shape[0],
        "original_width": width,
        "original_height": height,
        "sha256": _pixel_digest(pixels),
        "perceptual_hash": perceptual_hash(pixels),
    }
    return done


def perceptual_hash(pixels: np.ndarray) -> str:
    """64-bit DCT hash of an RGB image as 16 hexadecimal digits.

    It is taken from the original, not the stored image, so that another
    ``data.image_size`` does not move images between splits.
    """
    import imagehash
    from PIL import Image

    # imagehash shrinks to 32 x 32 itself, on 12 megapixels 20 times slower than this.
    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    return str(imagehash.phash(Image.fromarray(small)))


def _label_scale(record: ImageRecord, width: int, height: int) -> tuple[float, float]:
    """Factors from the label file's pixels to the image's.

    Raises:
        BadImageError: The label file states another aspect ratio than the image has.
    """
    if record.width is None or record.height is None:
        return 1.0, 1.0
    if (record.width, record.height) == (width, height):
        return 1.0, 1.0
    expected = record.width * height / width
    if abs(expected - record.height) > max(1.0, 0.01 * record.height):
        raise BadImageError(
            rules.IMAGE_SIZE_CONTRADICTS,
            f"labels for {record.width} x {record.height}, image is {width} x {height}",
        )
    return width / record.width, height / record.height


def _keep_boxes(done: Finished, scale: tuple[float, float], width: int, height: int) -> None:
    seen: set[tuple[str, XYWH]] = set()
    for index, box in enumerate(done.record.boxes):
        across, down = scale
        x, y, w, h = box.xywh
        scaled = (x * across, y * down, w * across, h * down)
        kept, rule = clean_box(scaled, width, height)
        if kept is not None and (box.class_name, kept) in seen:
            kept, rule = None, rules.BOX_DUPLICATE
        if rule is not None:
            place = ", ".join(f"{value:g}" for value in scaled)
            done.note(
                rule, f"box {index} ({box.class_name}) at [{place}], image {width} x {height}"
            )
        if kept is not None:
            seen.add((box.class_name, kept))
            done.boxes.append(_annotation(box, kept, scale))


def _annotation(box: BoxRecord, kept: XYWH, scale: tuple[float, float]) -> dict[str, Any]:
    x, y, w, h = kept
    area = box.area * scale[0] * scale[1]
    usable = math.isfinite(area) and 0 < area <= w * h
    return {
        "class_name": box.class_name,
        "x": x,
        "y": y,
        "w": w,
        "h": h,
        "area": area if usable else w * h,
        "iscrowd": box.iscrowd,
        "segmentation": json.dumps(_scaled_outline(box, scale), ensure_ascii=False),
    }


def _scaled_outline(box: BoxRecord, scale: tuple[float, float]) -> Any:
    if scale == (1.0, 1.0):
        return box.segmentation
    if isinstance(box.segmentation, dict):
        # Run lengths belong to one pixel grid; the box remains.
        return []
    return [
        [value * scale[place % 2] for place, value in enumerate(part)] for part in box.segmentation
    ]


def _resized(pixels: np.ndarray, longest: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    factor = longest / max(width, height)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _encoded(pixels: np.ndarray, quality: int) -> bytes:
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise BadImageError(rules.IMAGE_UNREADABLE, "its pixels cannot be stored as JPEG")
    return data.tobytes()


def _pixel_digest(pixels: np.ndarray) -> str:
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
