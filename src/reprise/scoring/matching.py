"""Detections matched with objects, in columns, at all overlaps and size ranges of COCO.

The match is made once. Everything that is told of a split is counted from it: average
precision, curves, tables, and the same numbers of the split's images drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from reprise.predictions import Floats, Ints, Predictions
from reprise.scoring.overlaps import MATCH_IOU

Bools = npt.NDArray[np.bool_]

# COCO's overlaps from which a detection is right.
IOUS = np.linspace(0.5, 0.95, 10)
# COCO's size ranges, areas in square pixels of the upright original, both ends inside.
AREAS: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
PAIRS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Matched:
    """What became of each prediction and each object of a split.

    Predictions are sorted by class, then by falling score, image and place within the image;
    those beyond the most that are looked at of a class in an image are left out. Of labels of
    whole images there are one overlap and one size range, and the objects are the labels.

    Attributes:
        image_ids: Of the split, rising.
        category_ids: In the order of the ground truth.
        image: Place in ``image_ids`` of each prediction, shape (n,).
        category: Place in ``category_ids``.
        score: float64.
        row: Place in the predictions that were matched.
        rank: Place among those of its class in its image, by falling score, from 0.
        right: Whether it found an object, shape (n, size ranges, overlaps).
        ignored: Whether it counts neither as right nor as wrong, of the same shape: it lies on
            a crowd region, or it or its object is of another size.
        found: Place among the objects of the one that it found at IoU 0.5, or -1.
        iou: Overlap with that object, or 0.
        object_image: Place in ``image_ids`` of each object or crowd region, in the order of the
            ground truth, shape (m,).
        object_category: Likewise.
        counted: Whether it is to be found, shape (m, size ranges).
        best_iou: Overlap with the prediction of its class that fits it best, or 0.
    """

    image_ids: Ints
    category_ids: Ints
    image: Ints
    category: Ints
    score: Floats
    row: Ints
    rank: Ints
    right: Bools
    ignored: Bools
    found: Ints
    iou: Floats
    object_image: Ints
    object_category: Ints
    counted: Bools
    best_iou: Floats

    @property
    def judged(self) -> Bools:
        """Whether a prediction counts at IoU 0.5, whatever its size, shape (n,)."""
        return ~self.ignored[:, 0, 0]

    @property
    def tp(self) -> Bools:
        """Whether it is right at IoU 0.5, shape (n,)."""
        return self.right[:, 0, 0]

    def by_class(self) -> Iterator[tuple[int, slice]]:
        """Of each class its place and that of its predictions."""
        bounds = np.searchsorted(self.category, np.arange(len(self.category_ids) + 1))
        for place in range(len(self.category_ids)):
            yield place, slice(int(bounds[place]), int(bounds[place + 1]))

    def by_image(self, chosen: Bools) -> Ints:
        """How many chosen predictions there are, shape (images, classes)."""
        return self._table(self.image[chosen], self.category[chosen])

    def objects_by_image(self, size: int) -> Ints:
        """How many objects there are to find in a size range, shape (images, classes)."""
        counted = self.counted[:, size]
        return self._table(self.object_image[counted], self.object_category[counted])

    def _table(self, image: Ints, category: Ints) -> Ints:
        shape = (len(self.image_ids), len(self.category_ids))
        flat = np.bincount(image * shape[1] + category, minlength=shape[0] * shape[1])
        return flat.reshape(shape)


@dataclass(frozen=True, eq=False)
class _Objects:
    """Objects and crowd regions by cell, which is one class in one image."""

    items: list[dict[str, Any]]
    cell: Ints  # rising
    place: Ints  # in the ground truth
    crowd: Bools
    counted: Bools


@dataclass(frozen=True, eq=False)
class _Found:
    """Predictions by cell; within one by falling score, equal ones in the order given."""

    predictions: Predictions
    row: Ints  # place in the predictions
    cell: Ints  # rising
    rank: Ints  # within the cell


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Predictions and objects of one cell that overlap; places in ``_Found`` and ``_Objects``."""

    found: Ints
    thing: Ints
    iou: Floats

    def where(self, chosen: Bools | Ints) -> _Pairs:
        return _Pairs(self.found[chosen], self.thing[chosen], self.iou[chosen])


def match(
    truth: dict[str, Any], predictions: Predictions, limit: int, masks: bool = False
) -> Matched:
    """Match class by class as COCO does, at each of its overlaps and in each size range.

    Of the objects that are free a detection takes the one that it overlaps most, the last of
    equal ones; detections choose by falling score, equal ones in the order given.

    Args:
        truth: COCO ground truth; with ``masks`` as ``with_masks`` leaves it.
        predictions: In the same pixels; those of other images and classes are left out.
        limit: Most of one class in one image that are looked at.
        masks: Compare masks, not boxes.
    """
    image_ids = np.sort(_ids(truth["images"], "id"))
    category_ids = _ids(truth["categories"], "id")
    objects = _objects(truth["annotations"], image_ids, category_ids)
    found = _found(predictions, image_ids, category_ids)
    pairs, best = _near_pairs(found, objects, masks)
    pairs = pairs.where(found.rank[pairs.found] < limit)
    right, ignored, chosen = _choose(pairs, found.rank, objects)
    outside = ~_inside(_areas(found, masks))
    ignored |= ~right & outside[:, :, None]
    right &= ~ignored

    kept = np.flatnonzero(found.rank < limit)
    score = predictions.score[found.row]
    category = found.cell // len(image_ids)
    kept = kept[np.lexsort((-score[kept], category[kept]))]
    hit = right[:, 0, 0] & (chosen >= 0)
    thing = objects.place[pairs.thing[chosen]] if len(pairs.found) else chosen
    overlap = pairs.iou[chosen] if len(pairs.found) else np.zeros(len(chosen))
    back = np.argsort(objects.place)
    object_cell = objects.cell[back]
    return Matched(
        image_ids=image_ids,
        category_ids=category_ids,
        image=(found.cell % len(image_ids))[kept],
        category=category[kept],
        score=score[kept],
        row=found.row[kept],
        rank=found.rank[kept],
        right=right[kept],
        ignored=ignored[kept],
        found=np.where(hit, thing, -1)[kept],
        iou=np.where(hit, overlap, 0.0)[kept],
        object_image=object_cell % len(image_ids),
        object_category=object_cell // len(image_ids),
        counted=objects.counted[back],
        best_iou=best[back],
    )


def match_labels(truth: dict[str, Any], predictions: Predictions) -> Matched:
    """Labels of whole images: a prediction is right where the image carries the label.

    Args:
        truth: ``images``, ``categories`` and ``labels``, as ``Dataset.label_truth``.
        predictions: One for each pair; those of other images and classes are left out.
    """
    image_ids = np.sort(_ids(truth["images"], "id"))
    category_ids = _ids(truth["categories"], "id")
    labels = truth["labels"]
    ids = _ids(labels, "image_id"), _ids(labels, "category_id")
    cells = np.unique(_cells(image_ids, category_ids, *ids))
    cells = cells[cells >= 0]
    found = _found(predictions, image_ids, category_ids)
    score, category = predictions.score[found.row], found.cell // len(image_ids)
    order = np.lexsort((found.cell, -score, category))
    right = np.isin(found.cell[order], cells)
    return Matched(
        image_ids=image_ids,
        category_ids=category_ids,
        image=(found.cell % len(image_ids))[order],
        category=category[order],
        score=score[order],
        row=found.row[order],
        rank=found.rank[order],
        right=right[:, None, None],
        ignored=np.zeros((len(order), 1, 1), dtype=bool),
        found=np.full(len(order), -1),
        iou=np.zeros(len(order)),
        object_image=cells % len(image_ids),
        object_category=cells // len(image_ids),
        counted=np.ones((len(cells), 1), dtype=bool),
        best_iou=np.zeros(len(cells)),
    )


def _ids(items: Sequence[dict[str, Any]], key: str) -> Ints:
    return np.array([item[key] for item in items], dtype=np.int64)


def _cells(image_ids: Ints, category_ids: Ints, image: Ints, category: Ints) -> Ints:
    """The cell of each pair of ids; -1 where the split does not have them."""
    if not len(image_ids) or not len(category_ids):
        return np.full(len(image), -1)
    order = np.argsort(category_ids)
    places = np.searchsorted(category_ids, category, sorter=order)
    where = np.searchsorted(image_ids, image).clip(max=len(image_ids) - 1)
    which = order[places.clip(max=len(category_ids) - 1)]
    known = (image_ids[where] == image) & (category_ids[which] == category)
    return np.where(known, which * len(image_ids) + where, -1)


def _inside(area: Floats) -> Bools:
    """Whether areas lie in each size range, shape (n, size ranges)."""
    low, high = np.array(list(AREAS.values())).T
    inside: Bools = (area[:, None] >= low) & (area[:, None] <= high)
    return inside


def _objects(items: list[dict[str, Any]], image_ids: Ints, category_ids: Ints) -> _Objects:
    cell = _cells(image_ids, category_ids, _ids(items, "image_id"), _ids(items, "category_id"))
    order = np.argsort(cell, kind="stable")
    ordered = [items[place] for place in order]
    crowd = np.array([bool(item["iscrowd"]) for item in ordered], dtype=bool)
    area = np.array([item["area"] for item in ordered], dtype=np.float64)
    return _Objects(
        ordered, cell[order], order, crowd, _inside(area) & (~crowd & (cell[order] >= 0))[:, None]
    )


def _found(predictions: Predictions, image_ids: Ints, category_ids: Ints) -> _Found:
    cell = _cells(image_ids, category_ids, predictions.image_id, predictions.category_id)
    row = np.flatnonzero(cell >= 0)
    row = row[np.lexsort((-predictions.score[row], cell[row]))]
    cell = cell[row]
    return _Found(predictions, row, cell, np.arange(len(row)) - np.searchsorted(cell, cell))


def _areas(found: _Found, masks: bool) -> Floats:
    """Areas of the predictions, in square pixels."""
    if not masks:
        sides: Floats = found.predictions.bbox[found.row, 2:]
        return sides[:, 0] * sides[:, 1]
    from faster_coco_eval.core import mask

    rles = found.predictions.masks
    shapes = [rles[row] for row in found.row] if rles else []
    return np.asarray(mask.area(shapes) if shapes else [], dtype=np.float64)


def _near_pairs(found: _Found, objects: _Objects, masks: bool) -> tuple[_Pairs, Floats]:
    """Pairs at IoU 0.5 or more, and of each object its greatest overlap with any prediction."""
    best = np.zeros(len(objects.items))
    parts = [_Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for pairs in (_mask_pairs if masks else _box_pairs)(found, objects):
        np.maximum.at(best, pairs.thing, pairs.iou)
        parts.append(pairs.where(pairs.iou >= MATCH_IOU))
    columns = ([getattr(part, name) for part in parts] for name in ("found", "thing", "iou"))
    return _Pairs(*map(np.concatenate, columns)), best


def _box_pairs(found: _Found, objects: _Objects) -> Iterator[_Pairs]:
    """Every prediction with every object of its cell, some millions at a time."""
    boxes = np.array([item["bbox"] for item in objects.items], dtype=np.float64).reshape(-1, 4)
    starts = np.searchsorted(objects.cell, found.cell)
    counts = np.searchsorted(objects.cell, found.cell, side="right") - starts
    busy = np.flatnonzero(counts)
    ends = np.cumsum(counts[busy])
    for chosen in _chunks(ends, PAIRS_AT_ONCE):
        which = busy[chosen]
        place = np.repeat(which, counts[which])
        within = np.arange(len(place)) - np.repeat(
            np.cumsum(counts[which]) - counts[which], counts[which]
        )
        thing = starts[place] + within
        shapes = found.predictions.bbox[found.row[place]]
        yield _Pairs(place, thing, _box_ious(shapes, boxes[thing], objects.crowd[thing]))


def _box_ious(one: Floats, other: Floats, crowd: Bools) -> Floats:
    """IoU of xywh boxes, row by row, as COCO computes it; with a crowd region, the share of
    the first box that lies in it."""
    sides = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    sides -= np.maximum(one[:, :2], other[:, :2])
    shared = sides.clip(min=0).prod(axis=1)
    area = one[:, 2] * one[:, 3]
    union = np.where(crowd, area, area + other[:, 2] * other[:, 3] - shared)
    ious: Floats = np.divide(shared, union, out=np.zeros(len(one)), where=shared > 0)
    return ious


def _mask_pairs(found: _Found, objects: _Objects) -> Iterator[_Pairs]:
    """Every prediction with every object of its cell, cell by cell."""
    from faster_coco_eval.core import mask

    masks = found.predictions.masks
    cells = np.unique(found.cell)
    starts = np.searchsorted(found.cell, cells)
    ends = np.searchsorted(found.cell, cells, side="right")
    lows = np.searchsorted(objects.cell, cells)
    highs = np.searchsorted(objects.cell, cells, side="right")
    for start, end, low, high in zip(starts, ends, lows, highs, strict=True):
        if low == high or masks is None:
            continue
        shapes = [masks[row] for row in found.row[start:end]]
        things = [item["segmentation"] for item in objects.items[low:high]]
        iou = np.asarray(mask.iou(shapes, things, objects.crowd[low:high].astype(int).tolist()))
        one, other = np.meshgrid(np.arange(start, end), np.arange(low, high), indexing="ij")
        yield _Pairs(one.ravel(), other.ravel(), iou.ravel())


def _chunks(ends: Ints, size: int) -> Iterator[slice]:
    """Slices of rows whose cumulated numbers ``ends`` grow by about ``size`` in each."""
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + size, side="right")))
        yield slice(start, stop)
        start = stop


def _choose(pairs: _Pairs, rank: Ints, objects: _Objects) -> tuple[Bools, Bools, Ints]:
    """COCO's greedy choice, of all cells at once: in each round, each cell's next prediction.

    Returns:
        Of each prediction, at each size range and overlap, whether it takes an object, and
        whether that is one that does not count there; and at IoU 0.5, whatever the size, the
        pair of the object that it takes, or -1.
    """
    shape = (len(AREAS), len(IOUS))
    taken = np.zeros((len(objects.items), *shape), dtype=bool)
    right = np.zeros((len(rank), *shape), dtype=bool)
    ignored = np.zeros_like(right)
    chosen = np.full(len(rank), -1)
    # Of each prediction the pairs that it prefers come last. COCO takes an overlap of 1 - 1e-10
    # for one of 1.
    order = np.lexsort((pairs.thing, pairs.iou, pairs.found, rank[pairs.found]))
    ranks = rank[pairs.found[order]]
    bounds = np.flatnonzero(np.diff(ranks, prepend=-1, append=-1))
    thresholds = np.minimum(IOUS, 1 - 1e-10)
    for start, end in pairwise(bounds):
        place = order[start:end]
        thing = pairs.thing[place]
        free = ~taken[thing] | objects.crowd[thing][:, None, None]
        eligible = free & (pairs.iou[place][:, None, None] >= thresholds)
        # Objects that count are preferred to those that do not.
        value = np.arange(1, len(place) + 1, dtype=np.int32)[:, None]
        value = value + len(place) * objects.counted[thing].astype(np.int32)
        value = np.where(eligible, value[:, :, None], 0)
        firsts = np.flatnonzero(np.diff(pairs.found[place], prepend=-1))
        best = np.maximum.reduceat(value, firsts, axis=0)
        found = pairs.found[place][firsts]
        right[found], ignored[found] = best > 0, (best > 0) & (best <= len(place))
        pick = (best - 1) % len(place)
        which, size, overlap = np.nonzero(best > 0)
        taken[thing[pick[which, size, overlap]], size, overlap] = True
        chosen[found] = np.where(best[:, 0, 0] > 0, place[pick[:, 0, 0]], -1)
    return right, ignored, chosen
