"""Predictions of every judged image by a network that has not seen it or its group.

Each fold is trained by the very function of the train stage, with the parameters of params.yaml,
in a scratch folder whose name is a digest of what decides the predictions. A finished fold leaves
its predictions there; an unfinished one goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.code_digest import code_digest
from reprise.dataset import Dataset, read_json, write_json
from reprise.errors import RepriseError
from reprise.label_errors.folds import assign_folds, fold_images
from reprise.predictions import read_predictions
from reprise.preprocessing.store.subset import write_subset
from reprise.replacing import remove, replacing_folder

if TYPE_CHECKING:
    from reprise.machine import MachineConfig
    from reprise.models.config import PredictionConfig
    from reprise.scoring import Task
    from reprise.training.config import TrainSettings

# Folders of other datasets or parameters that are kept to go on from.
KEPT_FOLDERS = 3
DEFAULT_SPLITS = ("train", "val")
_AGAIN = "remove the folder, and run the command again."


@dataclass(frozen=True)
class FoldResult:
    """What one fold gave.

    Attributes:
        image_ids: Of the images held out, sorted.
        rows: Their predictions, rows of the prediction contract.
        threshold: The score threshold that was chosen on the fold's own val images.
        last_weights: Whether the last weights predicted, for want of such images.
    """

    image_ids: list[int]
    rows: list[dict[str, Any]]
    threshold: float
    last_weights: bool


@dataclass(frozen=True)
class OutOfFold:
    """The out-of-fold predictions of a dataset.

    Attributes:
        task: What was predicted.
        judged: A dataset of the judged images alone, all in the split test.
        folds: In order.
    """

    task: Task
    judged: Dataset
    folds: list[FoldResult]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All predictions, rows of the prediction contract."""
        return [row for fold in self.folds for row in fold.rows]


@dataclass(frozen=True)
class FoldSettings:
    """How the folds are trained.

    Attributes:
        train: The parameters of the train stage.
        machine: Loader processes, checkpoint interval and console.
        prediction: Device and batch size.
        weights: The folder of the weights stage.
        splits: Whose real images are judged.
        folds: How many.
    """

    train: TrainSettings
    machine: MachineConfig
    prediction: PredictionConfig
    weights: Path
    splits: tuple[str, ...] = DEFAULT_SPLITS
    folds: int = 3


def settings_of_folds(settings: TrainSettings, epochs: int | None) -> TrainSettings:
    """The parameters of a fold: those of the run, in one process, without what only a run keeps.

    Args:
        settings: Of the train stage.
        epochs: In place of ``training.epochs`` and ``training.steps``.
    """
    training = settings.training
    changes: dict[str, Any] = {
        "devices": 1,
        "loggers": [],
        "resume": None,
        "checkpoint_epochs": 0,
        "keep_state": False,
    }
    if epochs is not None:
        warmup = min(training.scheduler.warmup_epochs, epochs)
        scheduler = training.scheduler.model_copy(update={"warmup_epochs": warmup})
        changes |= {"epochs": epochs, "steps": None, "scheduler": scheduler}
    return replace(settings, training=training.model_copy(update=changes))


def predict_out_of_fold(data: Dataset, settings: FoldSettings, scratch: Path) -> OutOfFold:
    """Train on all folds but one, and predict the images of that one, for each fold.

    Args:
        data: The dataset.
        settings: How.
        scratch: The folder of the command, for all datasets and parameters.

    Raises:
        RepriseError: The folds cannot respect the groups, the family draws the masks of boxes
            that it is given, or training fails; what is finished is kept for the next call.
    """
    from reprise.models.family import family_class

    model = settings.train.model
    if family_class(model.type).prompted:
        raise RepriseError(
            f"model.type: {model.type} draws the masks of boxes that it is given: it can tell "
            "neither a missing object nor a wrong class.",
            "name a family that finds objects by itself, such as mask_rcnn, in params.yaml.",
        )
    rows = data.images[data.images["split"].isin(settings.splits) & ~data.images["synthetic"]]
    if rows.empty:
        raise RepriseError(
            f"{data.root} has no real images in {', '.join(settings.splits)}.",
            "name other splits: --split all.",
        )
    groups = dict(zip(rows["image_id"].tolist(), rows["group"].tolist(), strict=True))
    place = assign_folds(groups, settings.folds)
    folder = scratch / _key(data, settings)[:16]
    _prune(scratch, folder)
    remove(folder / "judged")
    write_subset(data, rows.assign(split="test"), folder / "judged")
    results = []
    for number in range(settings.folds):
        held_out = [image_id for image_id, fold in place.items() if fold == number]
        path = folder / f"fold-{number + 1}"
        title = f"fold {number + 1} of {settings.folds}: {len(held_out)} images held out"
        if (path / "fold.json").is_file():
            print(f"{title}, predicted before")
        else:
            print(title)
            _run_fold(data, settings, path, held_out, list(place))
        results.append(_result(path))
    found = read_json(folder / "fold-1" / "fold.json", _AGAIN)
    return OutOfFold(found["task"], Dataset(folder / "judged"), results)


def _run_fold(
    data: Dataset,
    settings: FoldSettings,
    path: Path,
    held_out: Sequence[int],
    judged: Collection[int],
) -> None:
    """Train and predict one fold; ``path`` holds its predictions in the end, and nothing else."""
    from reprise.models.predict import predict
    from reprise.training.train import TrainFolders, train

    labelled = {*data.annotations["image_id"].tolist(), *data.labels["image_id"].tolist()}
    seed = settings.train.training.seed
    fold = fold_images(data.images, held_out, judged, labelled, seed)
    work = path.with_name(f"{path.name}.work")
    remove(work / "dataset")
    write_subset(data, fold.images, work / "dataset")
    folders = TrainFolders(
        dataset=work / "dataset",
        weights=settings.weights,
        models=work / "models",
        reports=work / "reports",
        scratch=work / "scratch",
        logs=work / "logs",
    )
    train(settings.train, settings.machine, folders)
    used = work / "models" / "last.safetensors" if fold.last_weights else work / "models"
    predict(work / "dataset", used, settings.prediction, work / "predictions", ["test"])
    description = read_json(work / "models" / "model.json", _AGAIN)
    with replacing_folder(path) as done:
        shutil.copy(work / "predictions" / "test.json", done / "predictions.json")
        kept = {
            "task": description["task"],
            "score_threshold": description["score_threshold"],
            "best_epoch": description["best_epoch"],
            "last_weights": fold.last_weights,
            "image_ids": fold.held_out,
        }
        write_json(done / "fold.json", kept)
    remove(work)


def _result(path: Path) -> FoldResult:
    found = read_json(path / "fold.json", _AGAIN)
    return FoldResult(
        found["image_ids"],
        list(read_predictions(path / "predictions.json")),
        found["score_threshold"],
        found["last_weights"],
    )


def _key(data: Dataset, settings: FoldSettings) -> str:
    """A digest of all that decides the predictions."""
    from reprise.models.inference import choose_device
    from reprise.models.starting_weights import starting_description
    from reprise.training.checkpoint import run_key
    from reprise.training.train import LIBRARIES

    entry = settings.train.model.weights.get(settings.train.model.type)
    device = choose_device(settings.train.training.device).type
    return run_key(
        {
            "tables": {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in (*data.root.glob("*.parquet"), data.root / "categories.json")
            },
            "parameters": settings.train.dump(),
            "weights": entry and starting_description(entry, settings.weights)["sha256"],
            "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
            "code": code_digest("train"),
            "folding": [
                hashlib.sha256((Path(__file__).parent / name).read_bytes()).hexdigest()
                for name in ("folds.py", "out_of_fold.py")
            ],
            "device": device,
            "splits": list(settings.splits),
            "folds": settings.folds,
        }
    )


def _prune(scratch: Path, keep: Path) -> None:
    """Drop the oldest folders of other datasets and parameters."""
    if not scratch.is_dir():
        return
    others = [path for path in scratch.iterdir() if path.is_dir() and path != keep]
    others.sort(key=lambda path: path.stat().st_mtime)
    for path in others[: max(0, len(others) - KEPT_FOLDERS)]:
        remove(path)
