"""The numbers of a split in which each image counts a whole number of times.

With every image once these are the split's own metrics. With the images drawn again, as a
bootstrap does, they are those of the drawn split, and nothing is matched a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from reprise.predictions import Floats, Ints
from reprise.scoring.matching import AREAS, IOUS, Bools, Matched

if TYPE_CHECKING:
    from reprise.scoring.tasks import Task

RECALLS = np.linspace(0, 1, 101)  # COCO's, at which precision is read off
NUMBERS_AT_ONCE = 3_000_000
Weights = npt.NDArray[np.int32]


class Scored(Protocol):
    """What is counted here of :class:`reprise.scoring.scores.Scores`, which says what it is."""

    @property
    def task(self) -> Task: ...
    @property
    def matched(self) -> Matched: ...
    @property
    def counts_by_image(self) -> dict[str, Ints]: ...
    @property
    def wrong_by_image(self) -> Bools: ...
    @property
    def boxes(self) -> Scored: ...


class Weighted:
    """Scores of a split whose images count as often as weights say.

    Every number is an array with one value for each row of the weights, NaN where there is
    none.

    Attributes:
        scores: Of the split.
        weights: How often each image counts, int32, shape (rows, images), the images by
            rising id.
    """

    def __init__(self, scores: Scored, weights: Weights) -> None:
        self.scores = scores
        self.weights = weights
        self._precisions: dict[str, Floats] = {}

    @classmethod
    def once(cls, scores: Scored) -> Weighted:
        """Every image counts once: the split as it is."""
        return cls(scores, np.ones((1, len(scores.matched.image_ids)), dtype=np.int32))

    def total(self, values: npt.ArrayLike) -> Floats:
        """The sum over images of values, shape (images, ...): (rows, ...)."""
        found: Floats = np.tensordot(self._floats, np.asarray(values, dtype=np.float64), axes=1)
        return found

    def average_precision(self, size: str = "all") -> Floats:
        """Of each class at each overlap, shape (rows, classes, overlaps).

        Of objects precision is read off at COCO's 101 recalls; of labels the area under the
        curve is taken, as scikit-learn does. NaN for a class without objects.
        """
        if size not in self._precisions:
            matched, area = self.scores.matched, list(AREAS).index(size)
            compute = _step_precision if self.scores.task == "classify" else _coco_precision
            objects = self.total(matched.objects_by_image(area)).astype(np.int64)
            found = np.full((*objects.shape, matched.right.shape[2]), np.nan)
            for index, rows in matched.by_class():
                for part in _parts(self.weights, rows):
                    values = compute(matched, rows, area, self.weights[part], objects[part, index])
                    found[part, index] = values
            found[objects == 0] = np.nan
            self._precisions[size] = found
        return self._precisions[size]

    def mean_average_precision(self, size: str = "all", overlap: int | None = None) -> Floats:
        """The mean over classes, and over overlaps unless one is named by its place."""
        found = self.average_precision(size)
        return _mean(found if overlap is None else found[:, :, overlap : overlap + 1])

    def mean_recall(self, most: int, size: str = "all") -> Floats:
        """The mean over classes and overlaps of the share of objects found by the best
        detections of a class in an image.

        Args:
            most: How many of them.
            size: Of the objects.
        """
        matched, area = self.scores.matched, list(AREAS).index(size)
        objects = self.total(matched.objects_by_image(area))
        looked_at = matched.rank < most
        found = [
            self.total(matched.by_image(matched.right[:, area, overlap] & looked_at))
            for overlap in range(len(IOUS))
        ]
        return _mean(np.stack(found, axis=2) / _nan_for_zero(objects)[:, :, None])

    @cached_property
    def _floats(self) -> Floats:
        return self.weights.astype(np.float64)

    @cached_property
    def objects(self) -> Floats:
        """How many there are to find of each class, shape (rows, classes)."""
        return self.total(self.scores.matched.objects_by_image(0))

    @cached_property
    def right(self) -> Floats:
        """Right predictions at the score threshold of each class, shape (rows, classes)."""
        return self.total(self.scores.counts_by_image["right"])

    @cached_property
    def shown(self) -> Floats:
        """All predictions at the score threshold of each class, shape (rows, classes)."""
        return self.total(self.scores.counts_by_image["shown"])

    @property
    def at_threshold(self) -> dict[str, Floats]:
        """Precision, recall and F1 of all predictions together (micro)."""
        return shares(*(part.sum(axis=1) for part in (self.right, self.shown, self.objects)))

    @property
    def macro(self) -> dict[str, Floats]:
        """Mean precision, recall and F1 over the classes with something to find."""
        values = shares(self.right, self.shown, self.objects)
        return {
            name: _mean(np.where(self.objects > 0, value, np.nan)) for name, value in values.items()
        }

    @property
    def images(self) -> Floats:
        """How many images there are."""
        found: Floats = self._floats.sum(axis=1)
        return found

    @cached_property
    def boxes(self) -> Weighted:
        """The same of the boxes of predicted masks."""
        return Weighted(self.scores.boxes, self.weights)


def shares(right: Floats, shown: Floats, objects: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 from counts; 0 where nothing is shown, recall NaN without
    objects."""
    return {
        "precision": right / np.maximum(shown, 1),
        "recall": right / _nan_for_zero(objects),
        "f1": 2 * right / np.maximum(shown + objects, 1),
    }


def _nan_for_zero(counts: Floats) -> Floats:
    return np.where(counts > 0, counts, np.nan)


def _mean(values: Floats) -> Floats:
    """The mean of what is no NaN in each row; NaN of nothing."""
    known = ~np.isnan(values)
    axes = tuple(range(1, values.ndim))
    total = np.where(known, values, 0).sum(axis=axes)
    found: Floats = total / _nan_for_zero(known.sum(axis=axes).astype(np.float64))
    return found


def _parts(weights: Weights, rows: slice) -> Iterator[slice]:
    """Slices of the weights' rows, so that a class's predictions fit the memory."""
    size = max(1, NUMBERS_AT_ONCE // max(1, rows.stop - rows.start))
    return (slice(start, start + size) for start in range(0, len(weights), size))


def _coco_precision(
    matched: Matched, rows: slice, area: int, weights: Weights, objects: Ints
) -> Floats:
    """COCO's average precision of one class, shape (rows of the weights, overlaps)."""
    drawn = weights[:, matched.image[rows]]
    seen = np.cumsum(drawn, axis=1, dtype=np.int32)
    wanted = _wanted(objects)
    columns = []
    for overlap in range(len(IOUS)):
        # Precision is highest, and recall rises, at right predictions alone.
        right = np.flatnonzero(matched.right[rows, area, overlap])
        if not len(right):
            columns.append(np.zeros(len(weights)))
            continue
        shown = seen[:, right] - _before(drawn, matched.ignored[rows, area, overlap], right)
        found = np.cumsum(drawn[:, right], axis=1, dtype=np.int32)
        precision = found / np.maximum(shown, 1)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        columns.append(_read_off(found, best, wanted))
    return np.stack(columns, axis=1)


def _before(drawn: Weights, ignored: Bools, right: Ints) -> Weights:
    """How many ignored predictions come before each right one, in each row."""
    places = np.flatnonzero(ignored)
    counts = np.zeros((len(drawn), len(places) + 1), dtype=np.int32)
    np.cumsum(drawn[:, places], axis=1, out=counts[:, 1:])
    return counts[:, np.searchsorted(places, right)]


def _wanted(objects: Ints) -> Ints:
    """The fewest objects whose share reaches each recall, shape (rows, recalls)."""
    most = np.maximum(objects, 1)[:, None]
    fewest = np.ceil(RECALLS * most).astype(np.int64)
    # The product is rounded, and what COCO compares is the share.
    fewest -= (fewest - 1) / most >= RECALLS
    fewest += fewest / most < RECALLS
    return fewest


def _read_off(found: Weights, best: Floats, wanted: Ints) -> Floats:
    """The mean precision at the first place that finds as many as wanted; 0 where none does."""
    rows, places = found.shape
    apart = int(max(found.max(), wanted.max())) + 1
    offset = np.arange(rows, dtype=np.int64)[:, None] * apart
    index = np.searchsorted((found + offset).ravel(), (wanted + offset).ravel())
    index = index.reshape(rows, -1)
    reached = index < np.arange(1, rows + 1)[:, None] * places
    values = best.ravel()[np.minimum(index, best.size - 1)]
    result: Floats = np.where(reached, values, 0.0).mean(axis=1)
    return result


def _step_precision(
    matched: Matched, rows: slice, area: int, weights: Weights, objects: Ints
) -> Floats:
    """The area under the steps of precision over recall, shape (rows of the weights, 1)."""
    last = np.flatnonzero(np.diff(matched.score[rows], append=-1.0))
    drawn = weights[:, matched.image[rows]]
    shown = np.cumsum(drawn, axis=1)[:, last]
    found = np.cumsum(drawn * matched.right[rows, area, 0], axis=1)[:, last]
    precision = found / np.maximum(shown, 1)
    steps = np.diff(found, prepend=0, axis=1) / np.maximum(objects, 1)[:, None]
    values: Floats = (steps * precision).sum(axis=1)[:, None]
    return values
