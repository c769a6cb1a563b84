"""One scorer for every model family: predictions against ground truth, by task."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.scoring.classification import score_labels
from reprise.scoring.detections import score_detections
from reprise.scoring.matching import with_masks
from reprise.scoring.scores import Scores

Task = Literal["detect", "segment", "classify"]

# What can be logged in training, and choose the best weights.
METRICS: dict[str, tuple[str, ...]] = {
    "detect": ("mAP", "mAP50", "mAP75", "f1"),
    "segment": ("mAP", "mAP50", "mAP75", "mean_iou", "f1"),
    "classify": ("mAP", "f1", "exact_match", "accuracy"),
}


def task_of(description: dict[str, Any], path: Path) -> Task:
    """What a model predicts; models from before there was a choice detect.

    Args:
        description: Its ``model.json``.
        path: Of that file.

    Raises:
        RepriseError: It says something else.
    """
    found = description.get("task", "detect")
    for task in get_args(Task):
        if found == task:
            return task
    raise RepriseError(
        f"{path}: task is {found!r}, not one of {', '.join(get_args(Task))}.",
        "run the train stage again: dvc repro train",
    )


def truth_of(dataset: Dataset, split: str, task: Task) -> dict[str, Any]:
    """What a split's predictions are held against; masks as compressed RLE."""
    if task == "classify":
        return dataset.label_truth(split)
    truth = dataset.ground_truth(split)
    return with_masks(truth) if task == "segment" else truth


def score(task: Task, truth: dict[str, Any], predictions: list[dict[str, Any]]) -> Scores:
    """Score predictions of one task; ``truth`` comes from :func:`truth_of`."""
    if task == "classify":
        return score_labels(truth, predictions)
    return score_detections(truth, predictions, "segm" if task == "segment" else "bbox")
