"""The predictions and the ground truth of the two runs that are compared."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reprise.commands import scratch
from reprise.commands.revisions import files_in, opened_revision, plain
from reprise.dataset import Dataset, read_json
from reprise.errors import RepriseError
from reprise.predictions import Predictions, read_predictions
from reprise.scoring import RETRAIN, Task, score, task_of, threshold_of, truth_of
from reprise.scoring.scores import Scores

WORKSPACE = "workspace"
DATASET, MODEL, PREDICTIONS = "data/processed", "models", "reports/predictions"
METRICS = "reports/evaluation/metrics.json"
TABLES = (
    *("images.parquet", "annotations.parquet", "labels.parquet", "rejected.parquet"),
    "categories.json",
)
LEAST_SHARED = 0.5  # of either run's images; with fewer the runs were tested on different sets


@dataclass(frozen=True, eq=False)
class Run:
    """One run's answers to one split.

    Attributes:
        name: As the user named it.
        dataset: That it was tested on, without pixels.
        description: Its ``model.json``.
        task: What it predicts.
        truth: Ground truth of the split.
        predictions: Of the split.
        threshold: From which its predictions count.
    """

    name: str
    dataset: Dataset
    description: dict[str, Any]
    task: Task
    truth: dict[str, Any]
    predictions: Predictions
    threshold: float

    @property
    def classes(self) -> dict[str, int]:
        """Class name -> category id."""
        return {item["name"]: item["id"] for item in self.truth["categories"]}


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs scored on the images that both were tested on, with the same ground truth.

    Attributes:
        first: Scores of A.
        second: Scores of B.
        groups: Of each image, by rising id.
        names: File of each image, likewise.
        left_out: Number of images of either run that are not among them, by why.
        split: That was compared.
    """

    first: Scores
    second: Scores
    groups: list[str]
    names: list[str]
    left_out: dict[str, int]
    split: str = "test"


@contextmanager
def opened_run(name: str, split: str) -> Iterator[Run]:
    """The run of a revision, an experiment, or ``workspace``.

    Raises:
        RepriseError: It has no predictions of the split, or they cannot be had.
    """
    if name == WORKSPACE:
        if not Path(PREDICTIONS, f"{split}.json").is_file():
            raise RepriseError(
                f"the workspace has no {PREDICTIONS}/{split}.json.",
                "predict first (dvc repro predict), or bring it back with dvc checkout.",
            )
        yield _read(name, Path(), split)
        return
    top = scratch("revisions")
    if top is not None:
        top.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"run@{plain(name)}-", dir=top) as folder:
        _copy(name, split, Path(folder))
        yield _read(name, Path(folder), split)


def _copy(rev: str, split: str, folder: Path) -> None:
    """Copy of a revision what a run is read from."""
    wanted = {
        PREDICTIONS: [f"{split}.json"],
        MODEL: ["model.json"],
        DATASET: [*TABLES],
        f"{DATASET}/annotations": [f"{split}.json"],
    }
    for where, names in wanted.items():
        what = DATASET if where.startswith(DATASET) else where
        with opened_revision(rev, what, rev) as tree:
            held = files_in(tree, where)
            for name in names:
                if name not in held:
                    raise RepriseError(
                        f"revision {rev} holds no {where}/{name}.",
                        "name a revision whose dvc.lock records the stages up to predict.",
                    )
                (folder / where).mkdir(parents=True, exist_ok=True)
                tree.get_file(f"/{where}/{name}", str(folder / where / name))
            if what is PREDICTIONS and tree.exists(f"/{METRICS}"):
                (folder / METRICS).parent.mkdir(parents=True)
                tree.get_file(f"/{METRICS}", str(folder / METRICS))


def _read(name: str, root: Path, split: str) -> Run:
    path = root / MODEL / "model.json"
    description = read_json(path, RETRAIN)
    task = task_of(description, path)
    dataset = Dataset(root / DATASET, pixels=False)
    predictions = read_predictions(root / PREDICTIONS / f"{split}.json")
    truth = truth_of(dataset, split, task)
    strange = ~np.isin(predictions.image_id, [item["id"] for item in truth["images"]])
    if strange.any():
        raise RepriseError(
            f"{name}: its predictions name image {predictions.image_id[strange][0]}, which the "
            f"{split} split of its dataset does not have.",
            "predict on that dataset: dvc repro predict",
        )
    return Run(
        name, dataset, description, task, truth, predictions, _threshold(root, split, description)
    )


def _threshold(root: Path, split: str, description: dict[str, Any]) -> float:
    """What the run's own metrics were made with, or what was chosen on val."""
    metrics = read_json(root / METRICS, RETRAIN) if (root / METRICS).is_file() else {}
    found = metrics.get(split, {}).get("score_threshold")
    if found is not None:
        return float(found)
    otherwise = "evaluate it first (dvc repro evaluate)"
    return threshold_of(description, root / MODEL / "model.json", otherwise)


def paired(first: Run, second: Run, split: str) -> Pair:
    """Score both runs on the images that they share.

    Raises:
        RepriseError: They predict different things, or were tested on different sets.
    """
    if first.task != second.task:
        raise RepriseError(
            f"{first.name} has to {first.task}, and {second.name} to {second.task}.",
            "compare runs of one task.",
        )
    if first.classes.keys() != second.classes.keys():
        apart = sorted(first.classes.keys() ^ second.classes.keys())
        raise RepriseError(
            f"{first.name} and {second.name} have different classes: {', '.join(apart[:5])} in "
            "one of them alone.",
            "compare runs over the same classes.",
        )
    ours, theirs = _answers(first), _answers(second)
    shared = {key for key in ours.keys() & theirs.keys() if ours[key][1] == theirs[key][1]}
    if not shared or len(shared) < LEAST_SHARED * max(len(ours), len(theirs)):
        raise RepriseError(
            f"{first.name} and {second.name} have different {split} sets: of {len(ours)} and "
            f"{len(theirs)} images, {len(shared)} have the same pixels and the same labels.",
            "compare runs on one dataset; reprise evaluate --rev scores another model on this.",
        )
    to_first = {theirs[key][0]: ours[key][0] for key in shared}
    ids = {ours[key][0] for key in shared}
    truth = _only(first.truth, ids)
    table = first.dataset.images.set_index("image_id").loc[sorted(ids)]
    kept = _chosen(first, {key: key for key in ids}, first)
    return Pair(
        score(first.task, truth, kept, first.threshold),
        score(first.task, truth, _chosen(second, to_first, first), second.threshold),
        table["group"].tolist(),
        (table["source"] + "/" + table["name"]).tolist(),
        {
            f"in {first.name} alone": len(ours.keys() - theirs.keys()),
            f"in {second.name} alone": len(theirs.keys() - ours.keys()),
            "with other pixels or labels": len(ours.keys() & theirs.keys()) - len(shared),
        },
        split,
    )


def _answers(run: Run) -> dict[str, tuple[int, list[str]]]:
    """File of each image -> its id, and its pixels' hash and labels in an order of their own."""
    table = run.dataset.images.set_index("image_id")
    files, hashes = table["source"] + "/" + table["name"], table["sha256"]
    names = {item["id"]: item["name"] for item in run.truth["categories"]}
    labels: dict[int, list[str]] = {item["id"]: [] for item in run.truth["images"]}
    for item in run.truth["labels" if run.task == "classify" else "annotations"]:
        told = {key: item.get(key) for key in ("bbox", "iscrowd", "segmentation")}
        told["class"] = names[item["category_id"]]
        labels[item["image_id"]].append(json.dumps(told, sort_keys=True))
    return {
        str(files[key]): (key, [str(hashes[key]), *sorted(found)]) for key, found in labels.items()
    }


def _only(truth: dict[str, Any], ids: set[int]) -> dict[str, Any]:
    labelled = "labels" if "labels" in truth else "annotations"
    return truth | {
        "images": [item for item in truth["images"] if item["id"] in ids],
        labelled: [item for item in truth[labelled] if item["image_id"] in ids],
    }


def _chosen(run: Run, new_ids: dict[int, int], other: Run) -> Predictions:
    """A run's predictions of some images, with the other's ids of images and classes."""
    kept = np.flatnonzero(np.isin(run.predictions.image_id, list(new_ids)))
    classes = {key: other.classes[name] for name, key in run.classes.items()}
    found = run.predictions
    ids = [new_ids[key] for key in found.image_id[kept].tolist()]
    return Predictions(
        np.array(ids, dtype=np.int64),
        np.array([classes[key] for key in found.category_id[kept].tolist()], dtype=np.int64),
        found.score[kept],
        found.bbox[kept],
        None if found.masks is None else [found.masks[place] for place in kept.tolist()],
    )
