"""How far the numbers of a split would move with other images of the same kind: the bootstrap.

Whole groups are drawn again, with replacement, as many as there are; images of one group are
alike and would make the interval too narrow if they were drawn one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from reprise.predictions import Floats, Ints
from reprise.scoring.metrics import metrics_of
from reprise.scoring.scores import Scores
from reprise.scoring.weighted import NUMBERS_AT_ONCE, Weighted, Weights

# Intervals from fewer are plainly too narrow: docs/evaluation.md has the figures.
MIN_GROUPS = 20
LEVEL = 0.95


def units_of(groups: Sequence[str]) -> tuple[Ints, str]:
    """What is drawn: the groups of the images, or the images where there are too few groups.

    Args:
        groups: Of each image.

    Returns:
        The unit that each image belongs to, counted from 0, and a warning that says why
        images are drawn, or "".
    """
    names, units = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) >= MIN_GROUPS:
        return units, ""
    told = "all of one group" if len(names) == 1 else f"of {len(names)} groups"
    return np.arange(len(groups)), (
        f"its {len(groups)} images are {told}, and fewer than {MIN_GROUPS} are too few to draw "
        "again: images were drawn one by one. The intervals say how the numbers vary among images "
        "like these; for groups that are not in the split they are too narrow."
        if len(names) < len(groups)
        else f"it has {len(groups)} images, and intervals from fewer than {MIN_GROUPS} are too "
        "narrow."
    )


def drawn_again(units: Ints, resamples: int, seed: int) -> Iterator[Weights]:
    """How often each image is drawn.

    Args:
        units: The unit that each image belongs to, counted from 0.
        resamples: How many times as many units as there are are drawn.
        seed: Of the draws.

    Yields:
        int32, shape (some of the resamples, images).
    """
    size = int(units.max()) + 1
    rng = np.random.default_rng(seed)
    most = max(1, NUMBERS_AT_ONCE // max(size, len(units)))
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        drawn = rng.integers(0, size, (rows, size)) + np.arange(rows)[:, None] * size
        counts = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts[:, units].astype(np.int32)


@dataclass(frozen=True, eq=False)
class Numbers:
    """What is told of each resample.

    Attributes:
        metrics: Of each headline metric, those that the report shows, shape (resamples,).
        precision: Average precision of each class at each overlap, shape (resamples, classes,
            overlaps).
    """

    metrics: dict[str, Floats]
    precision: Floats

    @classmethod
    def of(cls, weighted: Weighted) -> Numbers:
        """The numbers of weighted scores."""
        known = metrics_of(weighted.scores.task)
        metrics = {name: m.compute(weighted) for name, m in known.items() if m.shown}
        return cls(metrics, weighted.average_precision())


def bootstrapped(scores: Sequence[Scores], units: Ints, resamples: int, seed: int) -> list[Numbers]:
    """The numbers of each scores when their images are drawn again, the same ones for all.

    Args:
        scores: Of the same images.
        units: As :func:`drawn_again`, as are the others.
    """
    parts: list[list[Numbers]] = [[] for _ in scores]
    for weights in drawn_again(units, resamples, seed):
        for item, part in zip(scores, parts, strict=True):
            part.append(Numbers.of(Weighted(item, weights)))
    return [
        Numbers(
            {
                name: np.concatenate([numbers.metrics[name] for numbers in part])
                for name in part[0].metrics
            },
            np.concatenate([numbers.precision for numbers in part]),
        )
        for part in parts
    ]


def interval(values: Floats, value: float) -> tuple[float, float] | None:
    """The 95% interval of a number: bias-corrected percentiles (Efron, 1981).

    Average precision is a little too high on few images, and on images drawn again once more;
    plain percentiles would hold the truth less often than they say.

    Args:
        values: Of the resamples; those without the number, as without any object, are left out.
        value: Of the images as they are.

    Returns:
        None where most resamples have no number.
    """
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values) or not len(known):
        return None
    below = (np.sum(known < value) + np.sum(known == value) / 2) / len(known)
    normal = NormalDist()
    shift = 2 * normal.inv_cdf(float(np.clip(below, 0.5 / len(known), 1 - 0.5 / len(known))))
    tail = normal.inv_cdf((1 - LEVEL) / 2)
    ends = [100 * normal.cdf(shift + tail), 100 * normal.cdf(shift - tail)]
    low, high = np.percentile(known, ends)
    return float(low), float(high)
