"""``reprise evaluate``: any model on any split, scored as the stages predict and evaluate do."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.commands import (
    add_dataset_arguments,
    check_new_folder,
    from_repository,
    scratch,
)
from reprise.commands.model_choice import (
    add_backend_argument,
    add_model_arguments,
    chosen_model,
)
from reprise.dataset import SPLITS, Dataset, read_json
from reprise.errors import RepriseError
from reprise.replacing import replacing_folder

if TYPE_CHECKING:
    from reprise.params import Params

DEFAULT_SPLITS = ("val", "test")  # those of the stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Run a model over splits of the processed dataset and score it as the stages do: with the\n"
        "sections prediction and evaluation of params.yaml, and the score threshold that was\n"
        "chosen on val and is stored with the model. The numbers of the run's own model are those\n"
        "of reports/evaluation/metrics.json. No file of the pipeline is changed."
    )
    add_model_arguments(parser)
    add_backend_argument(parser)
    parser.add_argument(
        "--split", nargs="+", choices=SPLITS, help="default val and test; train has synthetic too"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="a folder, new or empty, for what is in reports/predictions and reports/evaluation",
    )
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON alone")
    add_dataset_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the metrics.

    Raises:
        RepriseError: The model, the dataset or the parameters cannot be read or do not fit, a
            split has no images, or the folder to write is not empty.
    """
    import json

    from reprise import params

    settings = params.load(from_repository(options.params, "--params"))
    dataset = from_repository(options.dataset, "--dataset")
    splits = _splits(dataset, options.split)
    console = sys.stderr if options.json else sys.stdout
    with chosen_model(options.weights, options.rev) as model, _output(options.out) as out:
        with contextlib.redirect_stdout(console):
            metrics, description = evaluate_model(
                settings, dataset, model, splits, out, options.backend
            )
        if options.json:
            print(json.dumps(metrics, indent=2))
            return 0
        at = f" of {options.rev}" if options.rev else ""
        print(f"\n{options.weights or 'best'} weights{at}: {_in_words(description)}\n")
    print(metrics_table(metrics))
    if options.out:
        print(f"\npredictions and tables in {options.out}")
    return 0


def evaluate_model(
    settings: Params,
    dataset: Path,
    model: Path,
    splits: Sequence[str],
    out: Path,
    backend: str = "torch",
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Run the stages predict and evaluate over some splits.

    Args:
        settings: The sections ``prediction`` and ``evaluation`` are used.
        dataset: A dataset folder.
        model: A model folder, or a weights file with its model.json beside it.
        splits: Of the dataset.
        out: A folder; ``predictions`` and ``evaluation`` are written in it.
        backend: torch, or what the model was exported to.

    Returns:
        ``{split: {metric: value}}``, with those of the blind answer under ``blind`` and targets
        under ``targets``, and what ``model.json`` says.

    Raises:
        RepriseError: The model cannot be read, or does not fit the dataset.
    """
    from reprise.evaluation.evaluate import evaluate
    from reprise.inference.backends import open_backend
    from reprise.models.predict import predict
    from reprise.models.storage import model_files, read_description

    description = read_description(model)
    folder = model_files(model)[1].parent
    predictions, evaluation = out / "predictions", out / "evaluation"
    # Numbers that a person asks to see are shown, also those that the stage would refuse.
    config = settings.evaluation.model_copy(
        update={"must_beat_blind": False, "must_meet_targets": False}
    )
    device = settings.prediction.device
    opened = partial(open_backend, backend, folder=model, device=device)
    predict(dataset, model, settings.prediction, predictions, splits, opened)
    evaluate(dataset, predictions, folder, config, evaluation, splits)
    metrics = read_json(evaluation / "metrics.json", "run the command again.")
    return metrics, description


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Metrics by name and split, a line each; a split has what could be computed on it."""
    flat = {split: dict(_flat(values)) for split, values in metrics.items()}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    wide = max(map(len, names), default=0)
    lines = [" " * wide + "".join(f"{split:>13}" for split in flat)]
    for name in names:
        cells = (_cell(values.get(name)) for values in flat.values())
        lines.append(f"{name:<{wide}}" + "".join(f"{cell:>13}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, float | list[float]]]:
    """Metrics by name; at the end the intervals as ``intervals mAP``, the blind answer likewise."""
    for name, value in values.items():
        if not isinstance(value, dict):
            yield name, value
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{name} {inner}", found) for inner, found in value.items())


def _cell(value: float | list[float] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "{:.3f}-{:.3f}".format(*value)
    return str(value) if isinstance(value, int) else f"{value:.5f}"


def _in_words(description: Mapping[str, Any]) -> str:
    told = (
        f"{description['family']} {description['parameters']['model']['variant']}, "
        f"{len(description['classes'])} classes, {description['image_size']} pixels"
    )
    if description.get("prompted"):
        told += "; each image was given with the boxes of its objects"
    return told


def _splits(dataset: Path, asked: Sequence[str] | None) -> list[str]:
    """The splits to run, in the dataset's order."""
    data = Dataset(dataset)
    filled = [split for split in SPLITS if not data.split(split).empty]
    for split in asked or ():
        if split not in filled:
            raise RepriseError(
                f"the {split} split of {dataset} has no images.",
                f"name others with --split: {', '.join(filled)}.",
            )
    return [split for split in SPLITS if split in (asked or DEFAULT_SPLITS)]


@contextlib.contextmanager
def _output(named: Path | None) -> Iterator[Path]:
    """The folder to write: the named one, which takes its place whole, or one that is removed."""
    if named is None:
        top = scratch("evaluate")
        if top is not None:
            top.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=top) as folder:
            yield Path(folder)
        return
    check_new_folder(named)
    with replacing_folder(named) as folder:
        yield folder
