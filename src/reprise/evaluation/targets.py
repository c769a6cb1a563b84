"""What a person wants of the metrics: each target is met or missed, and says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reprise.errors import RepriseError
from reprise.scoring import Task, metrics_of

Metrics = dict[str, dict[str, Any]]


def check_targets(targets: Mapping[str, float], task: Task) -> None:
    """Refuse a target of a metric that is not measured for a task.

    Args:
        targets: ``evaluation.targets``.
        task: What the model predicts.

    Raises:
        RepriseError: There is one.
    """
    known = metrics_of(task)
    for name in targets:
        if name.partition(".")[2] not in known:
            raise RepriseError(
                f"evaluation.targets: {name} is not measured of a model that is to {task}.",
                f"take it out, or name one of: {', '.join(known)}.",
            )


def compare_targets(metrics: Metrics, targets: Mapping[str, float]) -> Metrics:
    """Of each split that has targets: ``targets`` and ``targets_met``, by metric.

    A metric without a value, as on a split without objects, misses its target. Targets of splits
    that were not scored are left out.

    Args:
        metrics: Split -> metric -> value, as they are written.
        targets: ``evaluation.targets``: ``split.metric`` -> the least value.
    """
    found: Metrics = {}
    for name, least in targets.items():
        split, _, metric = name.partition(".")
        if split in metrics:
            value = metrics[split].get(metric)
            entry = found.setdefault(split, {"targets": {}, "targets_met": {}})
            entry["targets"][metric] = least
            entry["targets_met"][metric] = value is not None and value >= least
    return found


def told_targets(metrics: Metrics) -> list[tuple[bool, str]]:
    """Of each target whether it is met, and a sentence with the figure."""
    told = []
    for split, values in metrics.items():
        for metric, least in values.get("targets", {}).items():
            met = values["targets_met"][metric]
            figure = f"is {values[metric]:.5g}" if metric in values else "has no value"
            verdict = "meets" if met else "misses"
            told.append((met, f"{split}.{metric} {figure}, which {verdict} its target of {least}"))
    return told


def require_targets(metrics: Metrics) -> None:
    """Refuse metrics that miss a target.

    Raises:
        RepriseError: They do; it says by how much.
    """
    missed = [text for met, text in told_targets(metrics) if not met]
    if missed:
        raise RepriseError(
            f"{'; '.join(missed)}.",
            "improve the model, change evaluation.targets, or set "
            "evaluation.must_meet_targets: false to go on all the same.",
        )
