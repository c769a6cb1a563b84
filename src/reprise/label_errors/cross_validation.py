"""Cross-validated metrics: what the out-of-fold predictions say of how good a model gets."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.intervals import groups_of, intervals
from reprise.label_errors.out_of_fold import FoldResult, OutOfFold
from reprise.scoring import compute_metrics, score, truth_of

DIGITS = 5


def cross_validate(found: OutOfFold, config: EvaluationConfig) -> dict[str, Any]:
    """Metrics of each fold, their mean, and those of all out-of-fold predictions together.

    Precision, recall and F1 of a fold are at the threshold that was chosen on its own val images,
    and those of all together at the mean of these: nothing is chosen on what is judged.

    Args:
        found: The out-of-fold predictions.
        config: The ``evaluation`` section: ``max_detections`` and ``bootstrap``.

    Returns:
        ``folds`` (each ``images``, ``score_threshold``, ``last_weights`` and ``metrics``),
        ``mean`` and ``standard_deviation`` (by metric, of the folds that have it), and
        ``out_of_fold`` (``images``, ``score_threshold``, ``metrics``, ``intervals`` and
        ``warning``).
    """
    truth = truth_of(found.judged, "test", found.task)
    limit = None if config.max_detections == "auto" else config.max_detections
    folds = []
    for fold in found.folds:
        scores = score(found.task, _part(truth, fold), fold.rows, fold.threshold, limit)
        folds.append(
            {
                "images": len(fold.image_ids),
                "score_threshold": round(fold.threshold, DIGITS),
                "last_weights": fold.last_weights,
                "metrics": _rounded(compute_metrics(scores)),
            }
        )
    threshold = statistics.mean(fold.threshold for fold in found.folds)
    scores = score(found.task, truth, found.rows, threshold, limit)
    drawn = intervals(scores, groups_of(found.judged, scores), config.bootstrap)
    values = _by_name(folds)
    return {
        "task": found.task,
        "folds": folds,
        "mean": _rounded({name: statistics.mean(of) for name, of in values.items()}),
        "standard_deviation": _rounded(
            {name: statistics.stdev(of) for name, of in values.items() if len(of) > 1}
        ),
        "out_of_fold": {
            "images": len(truth["images"]),
            "score_threshold": round(threshold, DIGITS),
            "metrics": _rounded(compute_metrics(scores)),
            "intervals": {
                name: [round(value, DIGITS) for value in pair]
                for name, pair in drawn.metrics.items()
            },
            "warning": drawn.warning,
        },
    }


def _part(truth: dict[str, Any], fold: FoldResult) -> dict[str, Any]:
    """The ground truth of one fold."""
    ids = set(fold.image_ids)
    kept = {"images": [image for image in truth["images"] if image["id"] in ids]}
    for name in ("annotations", "labels"):
        if name in truth:
            kept[name] = [item for item in truth[name] if item["image_id"] in ids]
    return truth | kept


def _by_name(folds: list[dict[str, Any]]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for fold in folds:
        for name, value in fold["metrics"].items():
            values.setdefault(name, []).append(value)
    return values


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, DIGITS) for name, value in values.items()}


def in_words(found: dict[str, Any]) -> str:
    """The headline metrics as a small table: mean of the folds, all together, the interval."""
    together = found["out_of_fold"]
    names = [name for name in together["metrics"] if name in together["intervals"]]
    wide = max(map(len, names), default=0)
    count = len(found["folds"])
    lines = [f"{'':<{wide}}  {f'{count} folds, mean':>15}  {'out of fold':>11}  95% interval"]
    for name in names:
        low, high = together["intervals"][name]
        mean = found["mean"].get(name)
        lines.append(
            f"{name:<{wide}}  {'' if mean is None else f'{mean:.3f}':>15}  "
            f"{together['metrics'][name]:>11.3f}  {low:.3f} to {high:.3f}"
        )
    return "\n".join(lines)
