"""What a model predicts, and the ground truth that its predictions are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from reprise.errors import RepriseError

if TYPE_CHECKING:
    from reprise.dataset import Dataset

Task = Literal["detect", "segment", "classify"]


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
            return task  # type: ignore[no-any-return]
    raise RepriseError(
        f"{path}: task is {found!r}, not one of {', '.join(get_args(Task))}.",
        "run the train stage again: dvc repro train",
    )


def truth_of(dataset: Dataset, split: str, task: Task) -> dict[str, Any]:
    """The ground truth of a split; masks as compressed RLE."""
    from reprise.scoring.matching import with_masks

    if task == "classify":
        return dataset.label_truth(split)
    truth = dataset.ground_truth(split)
    return with_masks(truth) if task == "segment" else truth
