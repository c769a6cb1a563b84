"""What a model predicts, and the ground truth that its predictions are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from reprise.errors import RepriseError

if TYPE_CHECKING:
    from reprise.dataset import Dataset

Task = Literal["detect", "segment", "classify"]
TASKS = get_args(Task)
RETRAIN = "run the train stage again: dvc repro train"


def task_of(description: Any, path: Path) -> Task:
    """What a model predicts; models from before there was a choice detect.

    Args:
        description: Its ``model.json``.
        path: Of that file.

    Raises:
        RepriseError: It says something else.
    """
    if not isinstance(description, dict):
        raise RepriseError(f"{path} does not describe a model.", RETRAIN)
    found = description.get("task", "detect")
    if found not in TASKS:
        raise RepriseError(f"{path}: task is {found!r}, not one of {', '.join(TASKS)}.", RETRAIN)
    return cast("Task", found)


def threshold_of(description: dict[str, Any], path: Path, otherwise: str) -> float:
    """The score threshold that was chosen on val when a model was trained.

    Args:
        description: Its ``model.json``.
        path: Of that file.
        otherwise: What to do instead of training again.

    Raises:
        RepriseError: It states none, as those of older versions, or no number in [0, 1].
    """
    found = description.get("score_threshold")
    if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 1:
        return float(found)
    stated = "holds no score_threshold" if found is None else f"says score_threshold: {found!r}"
    raise RepriseError(f"{path} {stated}.", f"{RETRAIN}; or {otherwise}.")


def truth_of(dataset: Dataset, split: str, task: Task) -> dict[str, Any]:
    """The ground truth of a split; masks as compressed RLE."""
    from reprise.scoring.overlaps import with_masks

    if task == "classify":
        return dataset.label_truth(split)
    truth = dataset.ground_truth(split)
    return with_masks(truth) if task == "segment" else truth
