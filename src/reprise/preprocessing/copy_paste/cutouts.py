"""Objects as pixels: which ones an object takes in its image, and a copy of it to paste."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from pycocotools import mask as coco_mask

from reprise.formats.records import BoxRecord
from reprise.masks import rle

Size = tuple[int, int]
Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
# A box without a mask fades over this share of its shorter side at least: what is between the
# box and its object seldom fits the new place.
_BOX_FEATHER = 0.125
# No object fades over more than this share of its shorter side, or little of it would be left.
_MOST_FEATHER = 0.25


@dataclass(frozen=True)
class Region:
    """The pixels of one object.

    Attributes:
        x: Column of the mask's left side in the image.
        y: Row of its top.
        mask: bool (height, width), tight: its first and last row and column hold a pixel.
        outlined: False when only a box is known, and the mask is that box.
    """

    x: int
    y: int
    mask: Mask
    outlined: bool


@dataclass(frozen=True)
class Cutout:
    """A copy of an object, turned and resized, ready to paste.

    Attributes:
        class_name: Its class.
        pixels: uint8 (height, width, 3), RGB.
        alpha: uint8 (height, width); how far the pixels replace what is below them.
        region: The object's own pixels in ``pixels``; alpha fades out around it.
        brightness: Factor on all values when it is pasted.
    """

    class_name: str
    pixels: Pixels
    alpha: Pixels
    region: Region
    brightness: float


@dataclass(frozen=True)
class Look:
    """How a cutout differs from its original.

    Attributes:
        scale: Pixels of the cutout for one of the image as it is given.
        angle: Degrees against the clock.
        mirrored: Whether left and right change places.
        brightness: Factor on all values.
    """

    scale: float = 1.0
    angle: float = 0.0
    mirrored: bool = False
    brightness: float = 1.0


def region_of(record: BoxRecord, size: Size, frame: Size | None = None) -> Region:
    """The pixels that an object takes in its image, or in that image at another size.

    Args:
        record: The object; finite numbers, in pixels of an image of ``size``.
        size: Width and height of that image.
        frame: Width and height that the region is for; ``size`` when left out.

    Returns:
        What its polygons or RLE mask say; its box where there are none, or they hold no pixel
        or do not fit the image.
    """
    frame = frame or size
    scale = (frame[0] / size[0], frame[1] / size[1])
    found = None
    if isinstance(record.segmentation, dict):
        found = _from_rle(record.segmentation, size, frame)
    elif record.segmentation:
        found = _from_polygons(record.segmentation, scale, frame)
    return found or _from_box(record.xywh, scale, frame)


def _from_polygons(
    polygons: list[list[float]], scale: tuple[float, float], frame: Size
) -> Region | None:
    # Label files can hold any number; far outside the image is outside.
    reach = (-frame[0], -frame[1]), (2 * frame[0], 2 * frame[1])
    scaled = [
        np.nan_to_num(np.reshape(polygon, (-1, 2)) * scale).clip(*reach).ravel().tolist()
        for polygon in polygons
    ]
    filled = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(scaled, frame[1], frame[0])))
    return tight(filled.astype(bool), 0, 0, outlined=True)


def _from_rle(run_lengths: dict[str, Any], size: Size, frame: Size) -> Region | None:
    if list(run_lengths["size"]) != [size[1], size[0]]:
        return None
    try:
        mask = rle.decode(run_lengths)
    except ValueError:
        return None
    if frame != size:
        mask = cv2.resize(mask.astype(np.uint8) * 255, frame, interpolation=cv2.INTER_AREA) >= 128
    return tight(mask, 0, 0, outlined=True)


def _from_box(
    xywh: tuple[float, float, float, float], scale: tuple[float, float], frame: Size
) -> Region:
    x, w = _interval(xywh[0] * scale[0], xywh[2] * scale[0], frame[0])
    y, h = _interval(xywh[1] * scale[1], xywh[3] * scale[1], frame[1])
    return Region(x, y, np.ones((h, w), dtype=bool), outlined=False)


def _interval(start: float, length: float, limit: int) -> tuple[int, int]:
    """Whole pixels nearest to an interval, at least one, inside 0 to ``limit``."""
    low = min(max(round(start), 0), limit - 1)
    high = min(max(round(start + length), low + 1), limit)
    return low, high - low


def tight(mask: Mask, x: int, y: int, *, outlined: bool) -> Region | None:
    """The region of a bool mask whose top left corner is at ``x``, ``y``; None when empty."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    inner = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Region(x + int(columns[0]), y + int(rows[0]), inner, outlined)


def cut_out(
    pixels: Pixels, record: BoxRecord, size: Size, look: Look, feather: float
) -> Cutout | None:
    """Copy an object out of its image.

    Args:
        pixels: uint8 (height, width, 3), RGB: the whole image, at its own size or another.
        record: The object in pixels of the image at ``size``.
        size: Width and height.
        look: How to change it. An object that only has a box is not turned.
        feather: Pixels of the result over which its edge fades.

    Returns:
        The object with a margin of its surroundings to fade in; None when it is too small to
        leave a pixel.
    """
    region = region_of(record, size, (pixels.shape[1], pixels.shape[0]))
    side = look.scale * min(region.mask.shape)
    if feather and not region.outlined:
        feather = max(feather, _BOX_FEATHER * side)
    feather = min(feather, _MOST_FEATHER * side)
    margin = math.ceil(1.5 * feather) + 1
    part, shown = _resized(*_with_margin(pixels, region, margin / look.scale), look.scale)
    # Beyond the image's edge its last pixels are repeated.
    around = (margin, margin)
    picture = Image.fromarray(np.pad(part, (around, around, (0, 0)), "edge"))
    shape = Image.fromarray(np.pad(shown, margin))
    if region.outlined and look.angle:
        picture = picture.rotate(look.angle, Image.Resampling.BICUBIC, expand=True)
        shape = shape.rotate(look.angle, Image.Resampling.BILINEAR, expand=True)
    colours, mask = np.asarray(picture), np.asarray(shape) >= 128
    if look.mirrored:
        colours, mask = colours[:, ::-1], mask[:, ::-1]
    inner = tight(mask, 0, 0, outlined=region.outlined)
    if inner is None:
        return None
    # Half a feather as deviation: alpha passes from 7/8 to 1/8 over about its width.
    blur = ImageFilter.GaussianBlur(feather / 2)
    alpha = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).filter(blur))
    return _trimmed(Cutout(record.class_name, colours, alpha, inner, look.brightness))


def _with_margin(pixels: Pixels, region: Region, margin: float) -> tuple[Pixels, Pixels]:
    """Colours and mask (0 or 255) of a region and what surrounds it in the image."""
    height, width = region.mask.shape
    reach = math.ceil(margin)
    left, top = max(region.x - reach, 0), max(region.y - reach, 0)
    part = pixels[top : region.y + height + reach, left : region.x + width + reach]
    mask = np.zeros(part.shape[:2], dtype=np.uint8)
    y, x = region.y - top, region.x - left
    mask[y : y + height, x : x + width][region.mask] = 255
    return part, mask


def _resized(pixels: Pixels, mask: Pixels, scale: float) -> tuple[Pixels, Pixels]:
    # Pillow averages when it shrinks, and its whole numbers are the same on every machine.
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    shape = Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture), np.asarray(shape)


def _trimmed(cutout: Cutout) -> Cutout:
    """Without the rows and columns that paste nothing."""
    region = cutout.region
    height, width = region.mask.shape
    used = cutout.alpha > 0
    used[region.y : region.y + height, region.x : region.x + width] |= region.mask
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inner = replace(region, x=region.x - int(columns[0]), y=region.y - int(rows[0]))
    return replace(cutout, pixels=cutout.pixels[part], alpha=cutout.alpha[part], region=inner)
