"""One scorer for every model family: predictions against ground truth, by task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.scoring.metrics import (
    METRIC_NAMES,
    METRICS,
    Metric,
    compute_metrics,
    headline_metric,
    metrics_of,
)
from reprise.scoring.tasks import RETRAIN, Task, task_of, threshold_of, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.dataset import Dataset
    from reprise.predictions import Predictions
    from reprise.scoring.scores import Scores

__all__ = [
    "METRICS",
    "METRIC_NAMES",
    "RETRAIN",
    "Metric",
    "Task",
    "blind_predictions",
    "compute_metrics",
    "headline_metric",
    "metrics_of",
    "score",
    "task_of",
    "threshold_of",
    "truth_of",
]


def blind_predictions(
    dataset: Dataset, truth: dict[str, Any], task: Task, prompted: bool = False
) -> list[dict[str, Any]]:
    """See :func:`reprise.scoring.blind.blind_predictions`."""
    from reprise.scoring import blind

    return blind.blind_predictions(dataset, truth, task, prompted)


def score(
    task: Task,
    truth: dict[str, Any],
    predictions: Predictions | Sequence[dict[str, Any]],
    threshold: float | None = None,
    max_detections: int | None = None,
) -> Scores:
    """Match predictions of one task with ground truth.

    Args:
        task: What was predicted.
        truth: As :func:`truth_of` gives it.
        predictions: Rows of the prediction contract, or the same in columns.
        threshold: Predictions scoring at least this are kept, for the metrics that need a
            choice; by default the one with the best F1.
        max_detections: Of one class in one image, the best; by default as
            :func:`reprise.scoring.overlaps.detection_limit` says.
    """
    # The names of the metrics are read with params.yaml, which needs none of what scores them.
    from reprise.scoring.classification import score_labels
    from reprise.scoring.detections import score_detections

    if task == "classify":
        return score_labels(truth, predictions, threshold)
    return score_detections(truth, predictions, task, threshold, max_detections)
