"""Tables of classes of whole images, several of which may hold at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reprise.evaluation.confusion import confusion_rows
from reprise.scoring.overlaps import grouped
from reprise.scoring.scores import Labels, Scores

NO_LABEL = "(none)"
SHARES = ("precision", "recall", "f1")
COLUMNS: dict[str, tuple[str, ...]] = {
    "per_class": (
        "split",
        "class",
        "images",
        "predicted",
        "AP",
        "AP_low",
        "AP_high",
        "accuracy",
        *SHARES,
    ),
    "errors": ("split", "kind", "image_id", "image", "class", "score"),
    "breakdown": (
        *("split", "by", "value", "images", "labels", "mAP", "exact_match", "accuracy"),
        *SHARES,
    ),
}


def tables(scores: Scores, examples: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of the tables, without the split's name and without the breakdown by source.

    Args:
        scores: Of the split.
        examples: Rows of each kind of error.
    """
    names = scores.class_names
    errors = {
        "missed": _error_rows(scores, "missed", scores.true_labels - scores.predicted_labels),
        "false": _error_rows(scores, "false", scores.predicted_labels - scores.true_labels),
    }
    return {
        "per_class": _class_rows(scores),
        "confusion": confusion_rows(_confusion(scores), names, NO_LABEL),
        "error_counts": [
            {"kind": kind, "class": name, "count": count}
            for kind, rows in errors.items()
            for name in names.values()
            if (count := sum(row["class"] == name for row in rows))
        ],
        "errors": [row for rows in errors.values() for row in rows[:examples]],
        "breakdown": [],
    }


def _confusion(scores: Scores) -> Counter[tuple[int, int]]:
    """(actual, predicted) category id -> number of images; 0 stands for no label.

    A class's row sums to the images that have it, its column to those predicted to. Where an
    image has exactly one missed and one false class, the one was taken for the other, as
    always where images have one class each; with more of them nobody can say which was
    taken for which: the missed ones were predicted as no label, the false ones are actually
    no label.
    """
    true, said = scores.true_labels, scores.predicted_labels
    missed, false = grouped(true - said, 0), grouped(said - true, 0)
    counts = Counter((key, key) for _, key in true & said)
    for image_id in missed.keys() | false.keys():
        lacking = [category_id for _, category_id in missed.get(image_id, [])]
        extra = [category_id for _, category_id in false.get(image_id, [])]
        if len(lacking) == len(extra) == 1:
            counts[lacking[0], extra[0]] += 1
            continue
        counts.update((category_id, 0) for category_id in lacking)
        counts.update((0, category_id) for category_id in extra)
    return counts


def _class_rows(scores: Scores) -> list[dict[str, Any]]:
    images = len(scores.truth["images"])
    so, said = scores.true_labels, scores.predicted_labels
    true, predicted, wrong = (Counter(key for _, key in pairs) for pairs in (so, said, so ^ said))
    rows = []
    for key, name in scores.class_names.items():
        row: dict[str, Any] = {
            "class": name,
            "images": true[key],
            "predicted": predicted[key],
            "accuracy": 1 - wrong[key] / images,
        }
        if true[key]:
            row |= scores.per_class[name] | scores.class_curves[name].at(scores.threshold)
        rows.append(row)
    return rows


def _error_rows(scores: Scores, kind: str, pairs: Labels) -> list[dict[str, Any]]:
    """Rows of the error table, the worst first: the surest of what is not so."""
    known = {(row["image_id"], row["category_id"]): row["score"] for row in scores.matches}
    sign = 1 if kind == "missed" else -1
    names = scores.class_names
    files = {item["id"]: item["file_name"] for item in scores.truth["images"]}
    return [
        {
            "kind": kind,
            "image_id": image_id,
            "image": files[image_id],
            "class": names[category_id],
            "score": known.get((image_id, category_id)),
        }
        for image_id, category_id in sorted(
            pairs, key=lambda pair: (sign * known.get(pair, 0.0), pair)
        )
    ]
