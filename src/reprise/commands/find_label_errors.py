"""``reprise find-label-errors``: labels that are likely wrong, and cross-validated metrics."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.commands import (
    add_dataset_arguments,
    check_new_folder,
    from_repository,
    printable,
    scratch,
)
from reprise.dataset import SPLITS, Dataset, write_json
from reprise.errors import RepriseError
from reprise.formats.registry import FORMATS
from reprise.replacing import remove, replacing_folder

if TYPE_CHECKING:
    from reprise.label_errors.out_of_fold import FoldSettings, OutOfFold
    from reprise.label_errors.suspects import Ranking
    from reprise.params import Params

DEFAULT_OUT = Path("reports/label_errors")
TABLE = "label_errors.csv"
DEFAULT_FORMATS = {"detect": "coco", "segment": "coco", "classify": "multilabel_csv"}
TOLD = 5  # suspects that are printed
# Formats that hold neither boxes nor labels.
_UNLABELLED = ("images",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    formats = [name for name in FORMATS if name not in _UNLABELLED]
    parser.description = (
        "Rank what is likely mislabelled, missing or badly drawn. The images are divided into\n"
        "folds that keep their groups together; a network that is trained on the others, with\n"
        "the parameters of params.yaml, predicts each fold, and cleanlab compares that with the\n"
        "labels. The same predictions give cross-validated metrics.\n\n"
        "The folder holds label_errors.csv and label_errors.html, images.csv (the quality of\n"
        "each image's labels), cross_validation.json, predictions.json, and the images of the\n"
        "first suspects with the suggested labels. A command that was stopped goes on where it\n"
        "was: finished folds are not trained again."
    )
    parser.add_argument(
        "--folds", type=_at_least(2), default=3, metavar="N", help="default 3; more cost more"
    )
    parser.add_argument(
        "--split",
        nargs="+",
        choices=[*SPLITS, "all"],
        default=["train", "val"],
        help="whose real images are judged: default train and val",
    )
    parser.add_argument(
        "--epochs", type=_at_least(1), metavar="N", help="in place of training.epochs"
    )
    parser.add_argument(
        "--top", type=_at_least(1), default=100, metavar="N", help="suspects with a picture (100)"
    )
    parser.add_argument(
        "--as",
        dest="label_format",
        choices=formats,
        metavar="FORMAT",
        help=f"of the suggested labels: {', '.join(formats)} (default coco, or multilabel_csv "
        "for labels of whole images)",
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, help=f"a folder to write (default {DEFAULT_OUT})"
    )
    parser.add_argument(
        "--weights",
        type=Path,
        default=Path("data/weights"),
        help="what the weights stage wrote (default data/weights)",
    )
    add_dataset_arguments(parser)


def _at_least(least: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}")
        return int(text)

    return number


def run(options: argparse.Namespace) -> int:
    """Train the folds, rank the labels and write the folder.

    Raises:
        RepriseError: Cleanlab is not installed, the folder holds something else, an input cannot
            be read, the folds cannot respect the groups, training fails, or the format cannot
            hold the labels.
    """
    from reprise.label_errors.packages import package

    package("cleanlab")
    _check_out(options.out)
    folder = scratch("folds")
    if folder is None:
        raise RepriseError(
            "this folder is not the top folder of a Reprise repository: it has no dvc.yaml.",
            "change to the folder that holds dvc.yaml and params.yaml.",
        )
    from reprise import params
    from reprise.label_errors.cross_validation import cross_validate, in_words
    from reprise.label_errors.out_of_fold import predict_out_of_fold
    from reprise.label_errors.ranking import rank

    settings = params.load(from_repository(options.params, "--params"))
    data = Dataset(from_repository(options.dataset, "--dataset"))
    found = predict_out_of_fold(data, fold_settings(settings, options), folder)
    validated = cross_validate(found, settings.evaluation)
    ranking = rank(found)
    with replacing_folder(options.out) as out:
        write_results(out, data, found, ranking, validated, options)
    print(f"\n{in_words(validated)}\n")
    if validated["out_of_fold"]["warning"]:
        print(f"WARNING: intervals: {validated['out_of_fold']['warning']}")
    _tell(ranking, data, options.out)
    return 0


def fold_settings(settings: Params, options: argparse.Namespace) -> FoldSettings:
    """How the folds are trained: the parameters of the train stage, and the options.

    Args:
        settings: params.yaml.
        options: ``epochs``, ``folds``, ``split`` and ``weights``.
    """
    from reprise.label_errors.out_of_fold import FoldSettings, settings_of_folds
    from reprise.training.config import TrainSettings

    whole = TrainSettings(
        model=settings.model,
        training=settings.training,
        validation=settings.validation,
        augmentation=settings.augmentation,
        image_size=settings.data.image_size,
        jpeg_quality=settings.data.encoding.jpeg_quality,
    )
    asked = SPLITS if "all" in options.split else options.split
    return FoldSettings(
        train=settings_of_folds(whole, options.epochs),
        machine=settings.machine,
        prediction=settings.prediction,
        weights=options.weights,
        splits=tuple(split for split in SPLITS if split in asked),
        folds=options.folds,
    )


def _check_out(out: Path) -> None:
    """Refuse a folder that holds something, unless this command wrote it."""
    if not (out / TABLE).is_file():
        check_new_folder(out)


def write_results(
    out: Path,
    data: Dataset,
    found: OutOfFold,
    ranking: Ranking,
    validated: dict[str, Any],
    options: argparse.Namespace,
) -> None:
    """Fill the folder of ``--out``.

    Args:
        out: An empty folder.
        data: The dataset as labelled.
        found: Its out-of-fold predictions.
        ranking: What is likely wrong by them.
        validated: The cross-validated metrics.
        options: ``top`` and ``label_format``.

    Raises:
        RepriseError: The format cannot hold the suggested labels.
    """
    from reprise.evaluation.evaluate import write_csv
    from reprise.label_errors.page import PageInputs, write_page
    from reprise.label_errors.suspects import COLUMNS, IMAGE_COLUMNS, image_rows, table_rows
    from reprise.predictions import write_predictions
    from reprise.scoring import truth_of

    write_csv(out / TABLE, COLUMNS, table_rows(ranking, data))
    write_csv(out / "images.csv", IMAGE_COLUMNS, image_rows(ranking, data))
    write_json(out / "cross_validation.json", validated)
    write_predictions(out / "predictions.json", found.rows)
    threshold = validated["out_of_fold"]["score_threshold"]
    rows = [row for row in found.rows if row["score"] >= threshold]
    truth = truth_of(found.judged, "test", found.task)
    inputs = PageInputs(data, truth, found.task, rows, ranking, validated)
    write_page(out / "label_errors.html", inputs, options.top)
    if ranking.suspects:
        _write_corrected(out, data, found, ranking, options)


def _write_corrected(
    out: Path, data: Dataset, found: OutOfFold, ranking: Ranking, options: argparse.Namespace
) -> None:
    """The images of the suspects that are shown, with the suggested labels."""
    from reprise.commands.export import export
    from reprise.commands.predicting.prelabels import PIXEL_FORMATS, outlines
    from reprise.label_errors.corrections import write_corrected

    first = ranking.suspects[: options.top]
    name = options.label_format or DEFAULT_FORMATS[found.task]
    in_pixels = name in PIXEL_FORMATS
    corrected = out / "corrected"
    write_corrected(
        data, found.task, first, corrected, (lambda mask: mask) if in_pixels else outlines
    )
    try:
        export(Dataset(corrected), name, (out / name).resolve())
    except RepriseError as error:
        raise RepriseError(
            f"--as {name}: {error.problem}",
            f"name another format: --as {DEFAULT_FORMATS[found.task]}.",
        ) from None
    remove(corrected)


def _tell(ranking: Ranking, data: Dataset, out: Path) -> None:
    from reprise.label_errors.page import sentence

    names = {category.category_id: category.name for category in data.categories}
    images = data.images.set_index("image_id")["name"]
    for rank, suspect in enumerate(ranking.suspects[:TOLD], start=1):
        told = f"{rank}. {images.loc[suspect.image_id]}: {sentence(suspect, names)}"
        print(printable(told))
    counts = Counter(suspect.kind for suspect in ranking.suspects)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    print(f"{len(ranking.suspects)} suspect(s){f' ({kinds})' if kinds else ''} in {out / TABLE}")
