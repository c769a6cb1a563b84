"""An image under composition: what is on it, how much of that is covered, what goes on top."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from reprise.formats.records import BoxRecord
from reprise.masks import rle
from reprise.preprocessing.copy_paste.cutouts import (
    Cutout,
    Mask,
    Pixels,
    Region,
    Size,
    region_of,
    tight,
)
from reprise.synthesis.config import CopyPasteConfig


@dataclass
class _SceneObject:
    """An object on the image.

    Attributes:
        record: Its labels as they are while nothing covers it, in pixels of the scene.
        region: Its pixels.
        covered: bool, as ``region.mask``: which of them something lies on.
    """

    record: BoxRecord
    region: Region
    covered: Mask


class Scene:
    """A background and its objects, onto which cutouts are pasted.

    Args:
        pixels: uint8 (height, width, 3), RGB; changed in place.
        objects: What it shows, in pixels of the background at ``size``.
        size: Width and height of the background before it was resized to ``pixels``.
        config: For ``max_occlusion`` and ``match_tone``. Crowd regions are never covered.
    """

    def __init__(
        self,
        pixels: Pixels,
        objects: Iterable[BoxRecord],
        size: Size,
        config: CopyPasteConfig,
    ) -> None:
        self.pixels = pixels
        self._max_occlusion = config.max_occlusion
        self._match_tone = config.match_tone
        self._frame = (pixels.shape[1], pixels.shape[0])
        self._objects = [self._scene_object(record, size) for record in objects]

    def paste(self, cutout: Cutout, x: int, y: int) -> bool:
        """Put a cutout on top, its region's top left pixel at column ``x``, row ``y``.

        Returns:
            False, and nothing is changed, when it would cover too much of an object.
        """
        region = replace(cutout.region, x=x, y=y)
        covered = [
            (item, now) for item in self._objects if (now := _under(item, region)) is not None
        ]
        if any(self._too_much(item, now) for item, now in covered):
            return False
        for item, now in covered:
            item.covered = now
        self._blend(cutout, x - cutout.region.x, y - cutout.region.y)
        self._objects.append(_pasted(cutout.class_name, region, self._frame))
        return True

    def labels(self) -> list[BoxRecord]:
        """What can be seen, in pixels of the scene, in the order of pasting.

        The labels of an object that nothing covers are as they were. Of a covered one with an
        outline, the visible pixels give box, area and mask; one that only has a box keeps
        it. What is covered wholly is left out.
        """
        return [label for item in self._objects if (label := self._label(item)) is not None]

    def _scene_object(self, record: BoxRecord, size: Size) -> _SceneObject:
        region = region_of(record, size, self._frame)
        resized = _resized(record, region, size, self._frame)
        return _SceneObject(resized, region, np.zeros_like(region.mask))

    def _too_much(self, item: _SceneObject, covered: Mask) -> bool:
        if item.record.iscrowd:
            return bool(covered.any())
        return bool(covered.sum() > self._max_occlusion * item.region.mask.sum())

    def _label(self, item: _SceneObject) -> BoxRecord | None:
        if not item.covered.any():
            return item.record
        visible = item.region.mask & ~item.covered
        rest = tight(visible, item.region.x, item.region.y, outlined=item.region.outlined)
        if rest is None or not rest.outlined:
            return None if rest is None else item.record
        return _record(item.record.class_name, rest, self._frame)

    def _blend(self, cutout: Cutout, left: int, top: int) -> None:
        height, width = cutout.alpha.shape
        rows = slice(max(top, 0), min(top + height, self._frame[1]))
        columns = slice(max(left, 0), min(left + width, self._frame[0]))
        part = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        alpha = cutout.alpha[part].astype(np.int32)[:, :, None]
        below = self.pixels[rows, columns].astype(np.int32)
        moved = cutout.pixels[part] + self._tone(cutout, part, below)
        above = np.rint(moved * cutout.brightness).clip(0, 255).astype(np.int32)
        self.pixels[rows, columns] = (below * (255 - alpha) + above * alpha + 127) // 255

    def _tone(
        self, cutout: Cutout, part: tuple[slice, slice], below: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float64]:
        """What to add to each channel so that the edge of a cutout is like its new place."""
        region = cutout.region
        around = cutout.alpha > 0
        height, width = region.mask.shape
        around[region.y : region.y + height, region.x : region.x + width] &= ~region.mask
        edge = around[part]
        if not edge.any():
            return np.zeros(3)
        difference: npt.NDArray[np.float64] = below[edge].mean(axis=0)
        difference = difference - cutout.pixels[part][edge].mean(axis=0)
        return difference.clip(-self._match_tone, self._match_tone)


def _pasted(class_name: str, region: Region, frame: Size) -> _SceneObject:
    return _SceneObject(_record(class_name, region, frame), region, np.zeros_like(region.mask))


def _record(class_name: str, region: Region, frame: Size) -> BoxRecord:
    height, width = region.mask.shape
    box = (float(region.x), float(region.y), float(width), float(height))
    area = float(region.mask.sum())
    if not region.outlined:
        return BoxRecord(class_name, box, area)
    return BoxRecord(class_name, box, area, segmentation=_run_lengths(region, frame))


def _resized(record: BoxRecord, region: Region, size: Size, frame: Size) -> BoxRecord:
    """The labels of an object for its image at another size."""
    if size == frame:
        return record
    across, down = frame[0] / size[0], frame[1] / size[1]
    x, y, w, h = record.xywh
    outline = record.segmentation
    if isinstance(outline, dict):
        outline = _run_lengths(region, frame) if region.outlined else []
    else:
        outline = [
            [value * (down if place % 2 else across) for place, value in enumerate(part)]
            for part in outline
        ]
    return replace(
        record,
        xywh=(x * across, y * down, w * across, h * down),
        area=record.area * across * down,
        segmentation=outline,
    )


def _run_lengths(region: Region, frame: Size) -> dict[str, object]:
    size = (frame[1], frame[0])
    return rle.encode(region.mask, region.x, region.y, size)


def _under(item: _SceneObject, region: Region) -> Mask | None:
    """Which pixels of an object are covered once ``region`` lies on it too; None if apart."""
    own = item.region
    left, top = max(own.x, region.x), max(own.y, region.y)
    right = min(own.x + own.mask.shape[1], region.x + region.mask.shape[1])
    bottom = min(own.y + own.mask.shape[0], region.y + region.mask.shape[0])
    if left >= right or top >= bottom:
        return None
    here = np.s_[top - own.y : bottom - own.y, left - own.x : right - own.x]
    there = np.s_[top - region.y : bottom - region.y, left - region.x : right - region.x]
    covered = item.covered.copy()
    covered[here] |= own.mask[here] & region.mask[there]
    return covered
