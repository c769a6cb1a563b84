"""``reprise visualize``: ground truth beside predictions of some images, as pictures."""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.commands import check_new_folder, from_repository
from reprise.errors import RepriseError
from reprise.replacing import replacing_folder

if TYPE_CHECKING:
    from reprise.dataset import Dataset
    from reprise.reporting.judged_images import Judged
    from reprise.scoring import Task

SPLITS = ("train", "val", "test")
COLUMNS = ("file", "image_id", "image", "f1", "right", "wrong", "missed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Write pictures of ground truth beside predictions, from the files of the pipeline: the\n"
        "network is not run. Images are ranked by their F1 at the score threshold; of equal ones\n"
        "the one with more mistakes is worse. images.csv, beside the pictures, lists them."
    )
    parser.add_argument("--split", choices=SPLITS, default="test", help="default test")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--worst", type=int, metavar="N", help="the N worst images (default 20)")
    which.add_argument("--best", type=int, metavar="N", help="the N best images")
    which.add_argument("--sample", type=int, metavar="N", help="N images by chance")
    parser.add_argument("--seed", type=int, default=0, help="of --sample (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, new or empty")
    parser.add_argument(
        "--threshold", type=float, help="least score shown (default: the one chosen on val)"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        default=Path("reports/predictions"),
        help="folder with SPLIT.json (default reports/predictions)",
    )
    parser.add_argument(
        "--dataset", type=Path, default=Path("data/processed"), help="default data/processed"
    )
    parser.add_argument("--model", type=Path, default=Path("models"), help="default models")


def run(options: argparse.Namespace) -> int:
    """Write the pictures.

    Raises:
        RepriseError: An input cannot be read or does not fit, an option is wrong, or the folder
            is not empty.
    """
    from reprise.dataset import Dataset, read_json
    from reprise.reporting.judged_images import judge_images
    from reprise.scoring import RETRAIN, task_of

    count = next((n for n in (options.worst, options.best, options.sample) if n is not None), 20)
    if count < 1:
        raise RepriseError(f"{count} images were asked for.", "ask for at least one.")
    check_new_folder(options.out)
    path = from_repository(options.model, "--model") / "model.json"
    description = read_json(path, RETRAIN)
    task = task_of(description, path)
    threshold = _threshold(options.threshold, description, path)
    data = Dataset(from_repository(options.dataset, "--dataset"))
    if data.split(options.split).empty:
        raise RepriseError(f"the {options.split} split has no images.", "name another: --split.")
    rows = _predictions(options.predictions, options.split, data)
    kept = [row for row in rows if row["score"] >= threshold]
    judged = judge_images(data, options.split, task, kept)
    chosen = _choose(judged, options, count)
    with replacing_folder(options.out) as folder:
        _write(folder, data, options.split, task, kept, chosen)
    print(f"{len(chosen)} of {len(judged)} images of {options.split} in {options.out}")
    return 0


def _threshold(asked: float | None, description: dict[str, Any], path: Path) -> float:
    if asked is None:
        from reprise.scoring import threshold_of

        return threshold_of(description, path, "name one with --threshold")
    if not 0 <= asked <= 1:
        raise RepriseError(f"the threshold {asked} is not in 0 to 1.", "name one with --threshold.")
    return float(asked)


def _predictions(folder: Path, split: str, data: Dataset) -> list[dict[str, Any]]:
    from reprise.predictions import read_predictions

    path = from_repository(folder, "--predictions") / f"{split}.json"
    if not path.is_file():
        raise RepriseError(
            f"{path} does not exist.",
            "predict first: dvc repro predict; or, for any split, reprise evaluate --split "
            f"{split} --out FOLDER, and name FOLDER/predictions with --predictions.",
        )
    rows = list(read_predictions(path))
    known = set(data.split(split)["image_id"].tolist())
    classes = {category.category_id for category in data.categories}
    for row in rows:
        if row["image_id"] not in known or row["category_id"] not in classes:
            raise RepriseError(
                f"{path} is of another dataset: its image {row['image_id']} with class "
                f"{row['category_id']} is not in {split}.",
                "predict on the present dataset: dvc repro predict",
            )
    return rows


def _choose(judged: list[Judged], options: argparse.Namespace, count: int) -> list[Judged]:
    import random

    from reprise.reporting.judged_images import worst_first

    if options.sample is not None:
        # The same images whatever the model: two models' pictures can be laid side by side.
        picked = random.Random(options.seed).sample(judged, min(count, len(judged)))
        return sorted(picked, key=lambda item: item.image_id)
    ranked = worst_first(judged)
    return ranked[::-1][:count] if options.best is not None else ranked[:count]


def _write(
    folder: Path,
    data: Dataset,
    split: str,
    task: Task,
    kept: list[dict[str, Any]],
    chosen: list[Judged],
) -> None:
    images = data.split(split).set_index("image_id", drop=False)
    rows = images.loc[[item.image_id for item in chosen]]
    pictures = _label_pictures if task == "classify" else _object_pictures
    with (folder / "images.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        found = pictures(data, split, task, kept, rows, chosen)
        for number, (item, (name, picture)) in enumerate(zip(chosen, found, strict=True), start=1):
            slug = re.sub(r"[^\w.-]+", "-", Path(name).stem)[:60]
            target = f"{number:04d}_f1-{item.f1:.2f}_{slug}.png"
            picture.save(folder / target)
            counts = (item.right, item.wrong, item.missed)
            table.writerow((target, item.image_id, name, round(item.f1, 5), *counts))


def _object_pictures(
    data: Dataset, split: str, task: Task, kept: list[Any], rows: Any, chosen: list[Judged]
) -> Any:
    """Name and picture of each image."""
    from reprise.reporting.object_samples import matched_samples
    from reprise.reporting.painting import paint
    from reprise.reporting.palette import class_colours
    from reprise.scoring import truth_of

    colours = class_colours(data.class_names)
    truth = truth_of(data, split, task)
    samples = matched_samples(data, task, truth, kept, rows, colours, _laid_out)
    for item, row, sample in zip(chosen, rows.itertuples(index=False), samples, strict=True):
        pixels = data.pixels(row.shard, row.offset, row.length)
        captions = (
            f"{sample.name}: ground truth, {item.missed} missed",
            f"predictions: {item.right} right, {item.wrong} wrong, F1 {item.f1:.2f}",
        )
        size = (sample.picture.width, sample.picture.height)
        yield sample.name, paint(pixels, size, (sample.truth, sample.predicted), captions)


def _label_pictures(
    data: Dataset, split: str, task: Task, kept: list[Any], rows: Any, chosen: list[Judged]
) -> Any:
    """Name and picture of each image; what it is and what was said of it stand below."""
    from reprise.reporting.label_samples import judged_labels
    from reprise.reporting.painting import paint
    from reprise.scoring import truth_of

    truth = truth_of(data, split, task)
    true = {(row["image_id"], row["category_id"]) for row in truth["labels"]}
    scores = {(row["image_id"], row["category_id"]): row["score"] for row in kept}
    for item, row in zip(chosen, rows.itertuples(index=False), strict=True):
        labels = judged_labels(item.image_id, truth["categories"], true, scores, 0.0)
        is_so = [label["name"] for label in labels if label["verdict"] != "wrong"]
        said = [
            f"{'✕ ' if label['verdict'] == 'wrong' else ''}{label['name']} {label['score']:.2f}"
            for label in labels
            if label["verdict"] != "missed"
        ]
        pixels = data.pixels(row.shard, row.offset, row.length)
        picture = _laid_out(pixels)
        captions = (f"is: {', '.join(is_so) or 'none'}", f"said: {', '.join(said) or 'none'}")
        size = (picture.width, picture.height)
        yield f"{row.source}/{row.name}", paint(pixels, size, ((), ()), captions)


def _laid_out(pixels: Any) -> Any:
    """The size that the report shows an image of these pixels at, without its pixels."""
    from reprise.reporting.object_samples import SAMPLE_SIDE, Picture

    height, width = pixels.shape[:2]
    ratio = SAMPLE_SIDE / max(height, width)
    return Picture("", max(1, round(width * ratio)), max(1, round(height * ratio)))
