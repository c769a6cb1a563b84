"""From predictions to metrics, curves and error tables: the evaluate stage."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reprise.dataset import Dataset, read_json, write_json
from reprise.errors import RepriseError
from reprise.evaluation import calibration, image_level, label_tables, object_tables
from reprise.evaluation.breakdown import by_part
from reprise.evaluation.calibration import calibration_rows, expected_calibration_error
from reprise.evaluation.config import EvaluationConfig, ThresholdAim
from reprise.evaluation.curves import f1_rows, named_curves, precision_recall_rows
from reprise.evaluation.image_level import image_rows
from reprise.evaluation.intervals import Interval, Intervals, groups_of, intervals
from reprise.evaluation.targets import (
    check_targets,
    compare_targets,
    require_targets,
    told_targets,
)
from reprise.predictions import Predictions, read_predictions
from reprise.replacing import replacing_folder
from reprise.scoring import (
    RETRAIN,
    Task,
    blind_predictions,
    compute_metrics,
    headline_metric,
    score,
    task_of,
    threshold_of,
    truth_of,
)
from reprise.scoring.blind import no_better_than_blind
from reprise.scoring.overlaps import COCO_MAX_DETECTIONS
from reprise.scoring.scores import Scores

DIGITS = 5
# The tables are written for the first of these splits that has ground truth.
TABLE_SPLITS = ("test", "val", "train")
STAGE_SPLITS = ("val", "test")
MOST_GROUPS = 20  # that the breakdown has rows for

# Columns of each table.
_SHARED = {
    "pr_curve": ("split", "class", "recall", "precision", "threshold"),
    "f1_curve": ("split", "class", "threshold", "precision", "recall", "f1"),
    "confusion": ("split", "actual", "predicted", "count"),
    "image_level": image_level.COLUMNS,
    "calibration": calibration.COLUMNS,
    "error_counts": ("split", "kind", "class", "count"),
}
COLUMNS: dict[Task, dict[str, tuple[str, ...]]] = {
    "detect": object_tables.COLUMNS | _SHARED,
    "segment": object_tables.MASK_COLUMNS | _SHARED,
    "classify": label_tables.COLUMNS | _SHARED,
}
# What a prediction has beside image, class and score.
SHAPES: dict[Task, tuple[str, ...]] = {
    "detect": ("bbox",),
    "segment": ("bbox", "segmentation"),
    "classify": (),
}


def evaluate(
    dataset: Path,
    predictions: Path,
    model: Path,
    config: EvaluationConfig,
    out: Path,
    splits: Sequence[str] = STAGE_SPLITS,
) -> None:
    """Judge the predictions of some splits and write every number and table.

    Args:
        dataset: A dataset folder.
        predictions: Folder with ``<split>.json`` for each split, in pixels of the upright
            original.
        model: The model folder; its ``model.json`` says what the model predicts, and gives
            the score threshold when the configuration says auto.
        config: The ``evaluation`` section.
        out: Folder to write, replaced as a whole: ``metrics.json`` for all splits, and the
            tables named in ``COLUMNS`` as CSV for the first of ``TABLE_SPLITS`` among them that
            has something to find (header rows only, when none has).
        splits: Of the dataset; the stage's are val and test.

    Raises:
        RepriseError: An input is missing or malformed, predictions name an image or a class that
            their split does not have, or the metrics are refused by ``must_beat_blind`` or
            ``must_meet_targets``: then they are there to look at.
    """
    data = Dataset(dataset)
    path = model / "model.json"
    description = read_json(path, RETRAIN)
    task = task_of(description, path)
    check_targets(config.targets, task)
    limit = None if config.max_detections == "auto" else config.max_detections
    matched = {split: _score(data, predictions, split, task, limit) for split in splits}
    threshold = score_threshold(config, description, path, matched.get("val"))
    scores = {split: replace(item, chosen_threshold=threshold) for split, item in matched.items()}
    chosen = next((s for s in TABLE_SPLITS if s in scores and scores[s].summary), "")
    drawn = {
        split: intervals(item, groups_of(data, item), config.bootstrap)
        for split, item in scores.items()
    }
    tables = (
        _tables(scores[chosen], _parts(data, chosen), drawn[chosen], config.error_examples)
        if chosen
        else {}
    )
    with replacing_folder(out) as folder:
        metrics = {split: _metrics(item, drawn[split]) for split, item in scores.items()}
        for split, item in scores.items():
            metrics[split] |= _blind_metrics(data, item, bool(description.get("prompted")))
        for split, found in compare_targets(metrics, config.targets).items():
            metrics[split] |= found
        write_json(folder / "metrics.json", metrics)
        for name, columns in COLUMNS[task].items():
            rows = ({"split": chosen, **row} for row in tables.get(name, ()))
            write_csv(folder / f"{name}.csv", columns, rows)
    if chosen:
        _tell(chosen, scores[chosen], metrics[chosen], headline_metric(task, description), config)
        if drawn[chosen].warning:
            print(f"WARNING: intervals of {chosen}: {drawn[chosen].warning}")
    for met, text in told_targets(metrics):
        print(text if met else f"WARNING: {text}")
    if config.must_meet_targets:
        require_targets(metrics)


def _tell(
    split: str,
    scores: Scores,
    metrics: dict[str, Any],
    metric: str,
    config: EvaluationConfig,
) -> None:
    """Say what a person must know of the numbers, and refuse them where that is asked for."""
    if scores.max_detections != COCO_MAX_DETECTIONS:
        print(
            f"{split}: {scores.max_detections} detections of a class are judged in each image, "
            f"not COCO's {COCO_MAX_DETECTIONS} (evaluation.max_detections)"
        )
    verdict = no_better_than_blind(split, metric, metrics)
    if verdict and config.must_beat_blind:
        raise RepriseError(
            verdict, "train longer or put the data right; or set evaluation.must_beat_blind: false."
        )
    if verdict:
        print(f"WARNING: {verdict}")


def _blind_metrics(data: Dataset, scores: Scores, prompted: bool) -> dict[str, Any]:
    """What the same numbers are for an answer that looks at no image, at its own best threshold."""
    rows = blind_predictions(data, scores.truth, scores.task, prompted)
    blind = score(scores.task, scores.truth, rows, max_detections=scores.max_detections)
    values = compute_metrics(blind)
    return {"blind": {k: round(v, DIGITS) for k, v in values.items()}} if values else {}


def _metrics(scores: Scores, drawn: Intervals) -> dict[str, Any]:
    """The headline numbers of one split; those that need ground truth only where there is."""
    values = {name: round(value, DIGITS) for name, value in compute_metrics(scores).items()}
    if values:
        values["score_threshold"] = round(scores.threshold, DIGITS)
        error = expected_calibration_error(scores)
        values |= {} if error is None else {"calibration_error": round(error, DIGITS)}
    if scores.max_detections != COCO_MAX_DETECTIONS:
        values["max_detections"] = scores.max_detections
    return {
        **values,
        "images": len(scores.truth["images"]),
        "labels" if scores.task == "classify" else "boxes": sum(scores.truth_counts.values()),
        **({"intervals": _rounded(drawn.metrics)} if drawn.metrics else {}),
    }


def _rounded(found: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [round(value, DIGITS) for value in pair] for name, pair in found.items()}


def _tables(
    scores: Scores, parts: Mapping[str, Mapping[int, str]], drawn: Intervals, examples: int
) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table, without the split's name."""
    curves = named_curves(scores)
    kind = label_tables if scores.task == "classify" else object_tables
    found = kind.tables(scores, examples)
    for row in found["per_class"]:
        row |= dict(zip(("AP_low", "AP_high"), drawn.per_class.get(row["class"], ()), strict=False))
    total, *metrics = COLUMNS[scores.task]["breakdown"][4:]
    by_parts = [row for by, of in parts.items() for row in by_part(scores, by, of, total, metrics)]
    return {
        "pr_curve": precision_recall_rows(curves),
        "f1_curve": f1_rows(curves),
        **found,
        "image_level": image_rows(scores),
        "calibration": calibration_rows(scores),
        "breakdown": found["breakdown"] + by_parts,
    }


def _parts(data: Dataset, split: str) -> dict[str, dict[int, str]]:
    """What divides the images of a split -> image id -> the part that it belongs to."""
    rows = data.split(split)
    origin = rows["synthetic"].map({True: "synthetic", False: "real"})
    columns = {"source": rows["source"]}
    if 1 < rows["group"].nunique() <= min(MOST_GROUPS, len(rows) // 2):
        columns["group"] = rows["group"]
    if origin.nunique() > 1:
        columns["origin"] = origin
    ids = rows["image_id"].tolist()
    return {by: dict(zip(ids, column.tolist(), strict=True)) for by, column in columns.items()}


def score_threshold(
    config: EvaluationConfig, description: dict[str, Any], path: Path, val: Scores | None
) -> float:
    """The threshold asked for, or chosen on val, or the one stored with the model.

    Raises:
        RepriseError: It is to be read from the model, which does not have it; or nothing on val
            reaches what is asked for.
    """
    if isinstance(config.score_threshold, ThresholdAim):
        return _chosen_on_val(config.score_threshold, val)
    if config.score_threshold != "auto":
        return config.score_threshold
    otherwise = "set evaluation.score_threshold to a number in params.yaml"
    return threshold_of(description, path, otherwise)


def _chosen_on_val(aim: ThresholdAim, val: Scores | None) -> float:
    share: Literal["precision", "recall"] = "recall" if aim.precision is None else "precision"
    least = aim.recall if aim.precision is None else aim.precision
    asked = f"evaluation.score_threshold asks for a {share} of {least} on val"
    if val is None or not val.summary:
        raise RepriseError(
            f"{asked}, and val {'is not evaluated' if val is None else 'has nothing to find'}.",
            "evaluate val too (--split val test), or set evaluation.score_threshold to auto or a "
            "number.",
        )
    try:
        return val.curve.threshold_reaching(share, float(least or 0.0))
    except ValueError as error:
        raise RepriseError(
            f"{asked}, and no threshold reaches more than {error.args[0]:.3f}.",
            "ask for less, or train a better model.",
        ) from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table: numbers rounded to five digits, an unknown value left empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            rounded = {k: round(v, DIGITS) for k, v in row.items() if isinstance(v, float)}
            writer.writerow({**row, **rounded})


def _score(data: Dataset, predictions: Path, split: str, task: Task, limit: int | None) -> Scores:
    path = predictions / f"{split}.json"
    truth = truth_of(data, split, task)
    found = read_predictions(path)
    _check_ids(path, truth, found)
    _check_shapes(path, task, truth, found)
    return score(task, truth, found, max_detections=limit)


def _check_ids(path: Path, truth: dict[str, Any], found: Predictions) -> None:
    for key, items in (("image_id", truth["images"]), ("category_id", truth["categories"])):
        values = getattr(found, key)
        strange = np.flatnonzero(~np.isin(values, [item["id"] for item in items]))
        if len(strange):
            raise RepriseError(
                f"{path}: entry {strange[0]} has {key} {values[strange[0]]}, "
                f"which the {path.stem} split of the dataset does not have.",
                "predict on the present dataset: dvc repro predict",
            )


def _check_shapes(path: Path, task: Task, truth: dict[str, Any], found: Predictions) -> None:
    """Check for predictions of another task, and masks that do not fit their image."""
    fix = "predict with the present model: dvc repro predict"
    masks = found.masks or [None] * len(found)
    lacking = {
        "bbox": np.isnan(found.bbox[:, 0]),
        "segmentation": np.array([mask is None for mask in masks], dtype=bool),
    }
    for shape in SHAPES[task]:
        if lacking[shape].any():
            index = int(np.argmax(lacking[shape]))
            raise RepriseError(
                f"{path}: entry {index} has no {shape}, and the model has to {task}.", fix
            )
    if task != "segment":
        return
    sizes = {item["id"]: [item["height"], item["width"]] for item in truth["images"]}
    for index, (image_id, mask) in enumerate(zip(found.image_id.tolist(), masks, strict=True)):
        if mask is None or mask["size"] != sizes[image_id] or not isinstance(mask["counts"], str):
            raise RepriseError(
                f"{path}: entry {index} is not a mask, as compressed RLE, of image "
                f"{image_id}'s height and width, {sizes[image_id]}.",
                fix,
            )
