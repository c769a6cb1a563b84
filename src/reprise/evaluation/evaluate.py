"""From predictions to metrics, curves and error tables: the evaluate stage."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.dataset import Dataset, write_json
from reprise.errors import RepriseError
from reprise.evaluation.breakdown import breakdown_rows
from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.confusion import confusion_rows
from reprise.evaluation.curves import class_curves, f1_rows, precision_recall_rows
from reprise.evaluation.mistakes import count_rows, find_mistakes, worst_rows
from reprise.predictions import Curve, Scores, curve, read_predictions, score_detections

METRICS = ("mAP", "mAP50", "mAP75")
DIGITS = 5

# The tables are written for the first of these splits that has ground truth.
TABLE_SPLITS = ("test", "val")

COLUMNS: dict[str, tuple[str, ...]] = {
    "per_class": (
        *("split", "class", "boxes", "detections", "AP", "AP50", "AP75"),
        *("precision", "recall", "f1"),
    ),
    "pr_curve": ("split", "class", "recall", "precision", "threshold"),
    "f1_curve": ("split", "class", "threshold", "precision", "recall", "f1"),
    "confusion": ("split", "actual", "predicted", "count"),
    "error_counts": ("split", "kind", "class", "count"),
    "errors": (
        *("split", "kind", "image_id", "image", "class", "actual", "score", "iou"),
        *("x", "y", "w", "h"),
    ),
    "breakdown": (
        *("split", "by", "value", "images", "boxes", "mAP", "precision", "recall", "f1"),
    ),
}


@dataclass(frozen=True)
class Judged:
    """One split, scored.

    Attributes:
        split: Its name.
        truth: COCO ground truth, boxes xywh in pixels of the upright original.
        detections: COCO results in the same pixels.
        scores: What the scorer found.
    """

    split: str
    truth: dict[str, Any]
    detections: list[dict[str, Any]]
    scores: Scores


def evaluate(
    dataset: Path, predictions: Path, model: Path, config: EvaluationConfig, out: Path
) -> None:
    """Judge the predictions of val and test and write every number and table.

    Args:
        dataset: A dataset folder.
        predictions: Folder with ``val.json`` and ``test.json``, in pixels of the upright
            original.
        model: The model folder; its ``model.json`` gives the score threshold when the
            configuration says auto.
        config: The ``evaluation`` section.
        out: Folder to write, replaced as a whole: ``metrics.json`` for both splits, and the
            tables named in ``COLUMNS`` as CSV for the test split (for val, when test has no
            boxes; header rows only, when neither has).

    Raises:
        RepriseError: An input is missing or malformed, or predictions name an image or a
            class that their split does not have.
    """
    data = Dataset(dataset)
    threshold = score_threshold(config, model)
    judged = [_judge(data, predictions, split) for split in ("val", "test")]
    known = {item.split: item for item in judged if item.scores.metrics}
    chosen = next((known[split] for split in TABLE_SPLITS if split in known), None)
    tables = _tables(chosen, data, threshold, config) if chosen else {}

    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write_json(partial / "metrics.json", {item.split: _metrics(item, threshold) for item in judged})
    for name, columns in COLUMNS.items():
        split = chosen.split if chosen else ""
        rows = ({"split": split, **row} for row in tables.get(name, ()))
        write_csv(partial / f"{name}.csv", columns, rows)
    shutil.rmtree(out, ignore_errors=True)
    partial.replace(out)


def score_threshold(config: EvaluationConfig, model: Path) -> float:
    """The threshold asked for, or the one stored with the model.

    Raises:
        RepriseError: It is to be read from the model, which does not have it.
    """
    if config.score_threshold != "auto":
        return config.score_threshold
    fix = (
        "run the train stage again: dvc repro train; "
        "or set evaluation.score_threshold to a number in params.yaml."
    )
    path = model / "model.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))["score_threshold"]
    except FileNotFoundError:
        raise RepriseError(f"{path} does not exist.", fix) from None
    except (ValueError, KeyError, TypeError):
        raise RepriseError(f"{path} holds no score_threshold.", fix) from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise RepriseError(f"{path}: score_threshold is {value!r}, not in 0 to 1.", fix)
    return float(value)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table: numbers rounded to five digits, an unknown value left empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _rounded(value) for key, value in row.items()})


def _rounded(value: Any) -> Any:
    return round(value, DIGITS) if isinstance(value, float) else value


def _judge(data: Dataset, predictions: Path, split: str) -> Judged:
    truth = data.ground_truth(split)
    path = predictions / f"{split}.json"
    detections = read_predictions(path)
    _refuse_strangers(path, truth, detections)
    return Judged(split, truth, detections, score_detections(truth, detections))


def _refuse_strangers(path: Path, truth: dict[str, Any], detections: list[dict[str, Any]]) -> None:
    images = {item["id"] for item in truth["images"]}
    categories = {item["id"] for item in truth["categories"]}
    for index, entry in enumerate(detections):
        for key, known in (("image_id", images), ("category_id", categories)):
            if entry[key] not in known:
                raise RepriseError(
                    f"{path}: entry {index} has {key} {entry[key]!r}, "
                    f"which the {path.stem} split of the dataset does not have.",
                    "predict on the present dataset: dvc repro predict",
                )


def _metrics(judged: Judged, threshold: float) -> dict[str, float | int]:
    """The headline numbers of one split; those that need ground truth only where there is."""
    counts: dict[str, float | int] = {
        "images": len(judged.truth["images"]),
        "boxes": sum(judged.scores.truth_counts.values()),
    }
    if not judged.scores.metrics:
        return counts
    values = {name: judged.scores.metrics[name] for name in METRICS}
    values |= curve(judged.scores).at(threshold)
    values["score_threshold"] = threshold
    return {name: round(value, DIGITS) for name, value in values.items()} | counts


def _tables(
    judged: Judged, data: Dataset, threshold: float, config: EvaluationConfig
) -> dict[str, list[dict[str, Any]]]:
    names = {item["id"]: item["name"] for item in judged.truth["categories"]}
    curves = class_curves(judged.scores, names)
    mistakes = find_mistakes(judged.truth, judged.scores, threshold)
    return {
        "per_class": _class_rows(judged.scores, names, curves, threshold),
        "pr_curve": precision_recall_rows(curves),
        "f1_curve": f1_rows(curves),
        "confusion": confusion_rows(judged.truth, judged.scores, threshold),
        "error_counts": count_rows(mistakes, names),
        "errors": worst_rows(mistakes, judged.truth, config.error_examples),
        "breakdown": breakdown_rows(
            judged.truth,
            judged.detections,
            judged.scores,
            dict(zip(data.images["image_id"].tolist(), data.images["source"], strict=True)),
            threshold,
        ),
    }


def _class_rows(
    scores: Scores, names: dict[int, str], curves: dict[str, Curve], threshold: float
) -> list[dict[str, Any]]:
    shown = Counter(row["category_id"] for row in scores.matches if row["score"] >= threshold)
    rows = []
    for category_id, name in names.items():
        boxes = scores.truth_counts[category_id]
        row: dict[str, Any] = {"class": name, "boxes": boxes, "detections": shown[category_id]}
        if boxes:
            row |= scores.per_class[name] | curves[name].at(threshold)
        rows.append(row)
    return rows
