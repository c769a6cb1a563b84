"""The metrics: each is one function and one entry of METRICS, and nothing else names them.

The parameters ``validation.metrics`` and ``training.early_stopping.metric`` accept what is
listed here, training logs it, the evaluate stage writes it to ``metrics.json`` in this order,
and the report shows those with an entry ``shown``. It is imported to check params.yaml, so
numpy and what computes with it are imported where they are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.scoring.tasks import Task

if TYPE_CHECKING:
    from reprise.predictions import Floats
    from reprise.scoring.scores import Scores
    from reprise.scoring.weighted import Weighted

# One number for each row of the weights, NaN where there is none.
Compute = Callable[["Weighted"], "Floats"]


@dataclass(frozen=True)
class Shown:
    """How the report shows a metric.

    Attributes:
        title: Its name there.
        meaning: What it says; ``{predicted}`` stands for boxes, masks or labels, ``{counted}``
            for objects or labels.
        rank: Its place, the lowest first.
    """

    title: str
    meaning: str
    rank: int = 50


@dataclass(frozen=True)
class Metric:
    """One number in [0, 1] that says how good predictions are; higher is better.

    Attributes:
        name: In params.yaml, ``metrics.json`` and the logs of training.
        tasks: The tasks that it is measured for.
        compute: The number, from the scores of a split with ground truth whose images have
            weights: one for each row of them, so that the images can be drawn again.
        shown: How the report shows it; None leaves it out there.
    """

    name: str
    tasks: tuple[Task, ...]
    compute: Compute
    shown: Shown | None = None


def _summary(name: str) -> Compute:
    """One of the benchmark's numbers."""

    def compute(weighted: Weighted) -> Floats:
        from reprise.scoring.scores import SUMMARY

        return SUMMARY[name](weighted)

    return compute


def _of_boxes(name: str) -> Compute:
    """One of the benchmark's numbers, of the boxes of predicted masks."""
    return lambda weighted: _summary(name)(weighted.boxes)


def _at_threshold(name: str) -> Compute:
    return lambda weighted: weighted.at_threshold[name]


def _macro(name: str) -> Compute:
    return lambda weighted: weighted.macro[name]


def mean_iou(weighted: Weighted) -> Floats:
    """The mean over objects of their IoU with the best mask of their class."""
    import numpy as np

    found, images = weighted.scores.matched, len(weighted.scores.matched.image_ids)
    counted = found.counted[:, 0]
    total = np.bincount(
        found.object_image[counted], weights=found.best_iou[counted], minlength=images
    )
    return weighted.total(total) / _or_nan(weighted.objects.sum(axis=1))


def _of_images(name: str) -> Compute:
    """Precision, recall or accuracy of the binary view: does an image hold anything at all?"""

    def compute(weighted: Weighted) -> Floats:
        actual = (weighted.scores.matched.objects_by_image(0) > 0).any(axis=1)
        said = (weighted.scores.counts_by_image["shown"] > 0).any(axis=1)
        if name == "accuracy":
            return weighted.total(actual == said) / _or_nan(weighted.images)
        among = said if name == "precision" else actual
        return weighted.total(actual & said) / _or_nan(weighted.total(among))

    return compute


def exact_match(weighted: Weighted) -> Floats:
    """The share of images with every class right."""
    right = ~weighted.scores.wrong_by_image.any(axis=1)
    return weighted.total(right) / _or_nan(weighted.images)


def accuracy(weighted: Weighted) -> Floats:
    """The share of right answers, one for each image and class."""
    right = (~weighted.scores.wrong_by_image).mean(axis=1)
    return weighted.total(right) / _or_nan(weighted.images)


def _or_nan(counts: Floats) -> Floats:
    import numpy as np

    return np.where(counts > 0, counts, np.nan)


OBJECTS: tuple[Task, ...] = ("detect", "segment")
LABELS: tuple[Task, ...] = ("classify",)
ALL = OBJECTS + LABELS

# COCO's other nine numbers: by the size of objects, and recall by the detections looked at.
BY_SIZE_AND_NUMBER = (
    *("mAP_small", "mAP_medium", "mAP_large", "mAR1", "mAR10", "mAR100"),
    *("mAR_small", "mAR_medium", "mAR_large"),
)

# In the order of metrics.json.
METRICS: tuple[Metric, ...] = (
    Metric(
        "mAP",
        OBJECTS,
        _summary("mAP"),
        Shown("mAP50:95", "the same over overlaps from 0.5 to 0.95: rewards exact {predicted}", 2),
    ),
    Metric(
        "mAP",
        LABELS,
        _summary("mAP"),
        Shown("mAP", "average precision over classes, whatever the threshold", 2),
    ),
    Metric(
        "mAP50",
        OBJECTS,
        _summary("mAP50"),
        Shown("mAP50", "average precision over classes, at an overlap of 0.5 or more", 1),
    ),
    Metric("mAP75", OBJECTS, _summary("mAP75")),
    *(Metric(name, OBJECTS, _summary(name)) for name in BY_SIZE_AND_NUMBER),
    Metric(
        "mean_iou",
        ("segment",),
        mean_iou,
        Shown("Mean IoU", "overlap of each object with the best mask of its class", 3),
    ),
    Metric(
        "exact_match",
        LABELS,
        exact_match,
        Shown("Exact match", "share of images with every class right", 3),
    ),
    Metric(
        "accuracy",
        LABELS,
        accuracy,
        Shown("Accuracy", "share of right answers, one for each image and class", 3),
    ),
    Metric(
        "box_mAP",
        ("segment",),
        _of_boxes("mAP"),
        Shown("Box mAP50:95", "mAP50:95 of the boxes alone", 9),
    ),
    Metric(
        "box_mAP50",
        ("segment",),
        _of_boxes("mAP50"),
        Shown("Box mAP50", "mAP50 of the boxes alone, whatever their masks", 8),
    ),
    Metric("box_mAP75", ("segment",), _of_boxes("mAP75")),
    *(Metric(f"box_{name}", ("segment",), _of_boxes(name)) for name in BY_SIZE_AND_NUMBER),
    Metric(
        "precision",
        ALL,
        _at_threshold("precision"),
        Shown("Precision", "share of the {predicted} shown that are right", 4),
    ),
    Metric(
        "recall",
        ALL,
        _at_threshold("recall"),
        Shown("Recall", "share of the {counted} that are found", 5),
    ),
    Metric(
        "f1",
        ALL,
        _at_threshold("f1"),
        Shown("F1", "balance of precision and recall at the chosen threshold", 6),
    ),
    *(
        Metric(f"image_{name}", OBJECTS, _of_images(name))
        for name in ("precision", "recall", "accuracy")
    ),
    Metric("macro_precision", LABELS, _macro("precision")),
    Metric("macro_recall", LABELS, _macro("recall")),
    Metric(
        "macro_f1",
        LABELS,
        _macro("f1"),
        Shown("Macro F1", "mean over classes: a rare one counts as much as a common one", 7),
    ),
)
METRIC_NAMES: tuple[str, ...] = tuple(dict.fromkeys(metric.name for metric in METRICS))


def headline_metric(task: Task, description: dict[str, Any]) -> str:
    """The metric that says whether a model is any good: the one that chose its weights, or,
    where that was the loss, the first that the report shows.

    Args:
        task: What the model predicts.
        description: Its ``model.json``.
    """
    known = metrics_of(task)
    chosen = (description.get("selection") or {}).get("metric")
    if chosen in known:
        return str(chosen)
    shown = {name: metric.shown.rank for name, metric in known.items() if metric.shown}
    return min(shown, key=lambda name: shown[name])


def metrics_of(task: Task) -> dict[str, Metric]:
    """Name -> metric, of those that are measured for a task."""
    return {metric.name: metric for metric in METRICS if task in metric.tasks}


def compute_metrics(scores: Scores, names: Iterable[str] | None = None) -> dict[str, float]:
    """The values of metrics; one that has none, as on a split without ground truth, is left out.

    Args:
        scores: What :func:`reprise.scoring.score` returned.
        names: What to compute, by default all metrics of the task. Names that the task does
            not know are left out.
    """
    known = metrics_of(scores.task)
    if not any(scores.truth_counts.values()):
        return {}
    values = {
        name: float(known[name].compute(scores.weighted)[0])
        for name in (known if names is None else names)
        if name in known
    }
    return {name: value for name, value in values.items() if not math.isnan(value)}
