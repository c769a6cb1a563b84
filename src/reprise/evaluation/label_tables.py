"""Metrics and tables of classes of whole images, several of which may hold at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from reprise.evaluation.curves import class_curves, f1_rows, precision_recall_rows
from reprise.evaluation.scored_split import ScoredSplit, rounded
from reprise.scoring.classification import agreement, score_labels
from reprise.scoring.scores import Scores, curve

NO_LABEL = "(none)"
SHARES = ("precision", "recall", "f1")

COLUMNS: dict[str, tuple[str, ...]] = {
    "per_class": (
        *("split", "class", "images", "predicted", "AP", "accuracy"),
        *("precision", "recall", "f1"),
    ),
    "pr_curve": ("split", "class", "recall", "precision", "threshold"),
    "f1_curve": ("split", "class", "threshold", "precision", "recall", "f1"),
    "confusion": ("split", "actual", "predicted", "count"),
    "error_counts": ("split", "kind", "class", "count"),
    "errors": ("split", "kind", "image_id", "image", "class", "score"),
    "breakdown": (
        *("split", "by", "value", "images", "labels", "mAP", "exact_match", "accuracy"),
        *("precision", "recall", "f1"),
    ),
}


@dataclass(frozen=True)
class Decisions:
    """(image id, category id) pairs of one split at one threshold.

    Attributes:
        true: The image has the class.
        said: The class scores at least the threshold.
    """

    true: set[tuple[int, int]]
    said: set[tuple[int, int]]


def metrics(scored: ScoredSplit, threshold: float) -> dict[str, float | int]:
    """The headline numbers of one split; those that need labels only where there are some.

    ``precision``, ``recall`` and ``f1`` count all (image, class) pairs together (micro);
    ``macro_precision`` and so on are means over the classes that some image has. They,
    ``exact_match`` and ``accuracy`` are at the threshold.
    """
    counts: dict[str, float | int] = {
        "images": len(scored.truth["images"]),
        "labels": sum(scored.scores.truth_counts.values()),
    }
    if not scored.scores.metrics:
        return counts
    rows = [row for row in _class_rows(scored, _decide(scored, threshold)) if "f1" in row]
    values = _headline(scored.truth, scored.scores, threshold)
    values |= {f"macro_{key}": sum(row[key] for row in rows) / len(rows) for key in SHARES}
    values["score_threshold"] = threshold
    return rounded(values) | counts


def tables(scored: ScoredSplit, threshold: float, examples: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table, without the split's name.

    Args:
        scored: The split.
        threshold: An image is said to have the classes that score at least this.
        examples: Rows of each kind of mistake.
    """
    curves = class_curves(scored.scores, scored.names)
    decisions = _decide(scored, threshold)
    mistakes = {
        "missed": _error_rows(scored, "missed", decisions.true - decisions.said),
        "false": _error_rows(scored, "false", decisions.said - decisions.true),
    }
    return {
        "per_class": _class_rows(scored, decisions),
        "pr_curve": precision_recall_rows(curves),
        "f1_curve": f1_rows(curves),
        "confusion": confusion_rows(scored.names, decisions),
        "error_counts": [
            {"kind": kind, "class": name, "count": count}
            for kind, rows in mistakes.items()
            for name in scored.names.values()
            if (count := sum(row["class"] == name for row in rows))
        ],
        "errors": [row for rows in mistakes.values() for row in rows[:examples]],
        "breakdown": _by_source(scored, threshold),
    }


def confusion_rows(names: dict[int, str], decisions: Decisions) -> list[dict[str, Any]]:
    """Rows ``actual, predicted, count``: every class with itself, then the pairs that occur.

    A class's row sums to the images that have it, its column to those said to. Where an
    image has exactly one missed and one false class, the one was taken for the other, as
    always where images have one class each; with more of them nobody can say which was
    taken for which: the missed ones were predicted as ``(none)``, the false ones are
    actually ``(none)``.
    """
    counts: Counter[tuple[int, int]] = Counter()
    missed = _by_image(decisions.true - decisions.said)
    false = _by_image(decisions.said - decisions.true)
    for _, category_id in decisions.true & decisions.said:
        counts[category_id, category_id] += 1
    for image_id in missed.keys() | false.keys():
        lacking, extra = missed.get(image_id, []), false.get(image_id, [])
        if len(lacking) == len(extra) == 1:
            counts[lacking[0], extra[0]] += 1
            continue
        counts.update((category_id, 0) for category_id in lacking)
        counts.update((0, category_id) for category_id in extra)
    # The diagonal comes first and whole, as in the confusion of objects.
    diagonal = [(category_id, category_id) for category_id in names]
    place = {category_id: index for index, category_id in enumerate([*names, 0])}
    others = sorted(
        counts.keys() - set(diagonal), key=lambda pair: (place[pair[0]], place[pair[1]])
    )
    return [
        {
            "actual": names.get(actual, NO_LABEL),
            "predicted": names.get(predicted, NO_LABEL),
            "count": counts[actual, predicted],
        }
        for actual, predicted in [*diagonal, *others]
    ]


def _by_image(pairs: set[tuple[int, int]]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for image_id, category_id in sorted(pairs):
        grouped.setdefault(image_id, []).append(category_id)
    return grouped


def _decide(scored: ScoredSplit, threshold: float) -> Decisions:
    return Decisions(
        {(row["image_id"], row["category_id"]) for row in scored.truth["labels"]},
        {
            (row["image_id"], row["category_id"])
            for row in scored.scores.matches
            if row["score"] >= threshold
        },
    )


def _headline(truth: dict[str, Any], scores: Scores, threshold: float) -> dict[str, float]:
    labels = {(row["image_id"], row["category_id"]) for row in truth["labels"]}
    images = [item["id"] for item in truth["images"]]
    return {
        "mAP": scores.metrics["mAP"],
        **agreement(scores.matches, labels, images, list(scores.truth_counts), threshold),
        **curve(scores).at(threshold),
    }


def _class_rows(scored: ScoredSplit, decisions: Decisions) -> list[dict[str, Any]]:
    images = len(scored.truth["images"])
    true, said, right = (
        Counter(category_id for _, category_id in pairs)
        for pairs in (decisions.true, decisions.said, decisions.true & decisions.said)
    )
    rows = []
    for key, name in scored.names.items():
        wrong = true[key] + said[key] - 2 * right[key]
        row: dict[str, Any] = {
            "class": name,
            "images": true[key],
            "predicted": said[key],
            "accuracy": 1 - wrong / images,
        }
        if true[key]:
            row |= {
                "AP": scored.scores.per_class[name]["AP"],
                "precision": right[key] / max(said[key], 1),
                "recall": right[key] / true[key],
                "f1": 2 * right[key] / (true[key] + said[key]),
            }
        rows.append(row)
    return rows


def _error_rows(
    scored: ScoredSplit, kind: str, pairs: set[tuple[int, int]]
) -> list[dict[str, Any]]:
    """Rows of the error table, the worst first: the surest of what is not so."""
    scores = {(row["image_id"], row["category_id"]): row["score"] for row in scored.scores.matches}
    sign = 1 if kind == "missed" else -1
    return [
        {
            "kind": kind,
            "image_id": image_id,
            "image": scored.files[image_id],
            "class": scored.names[category_id],
            "score": scores.get((image_id, category_id)),
        }
        for image_id, category_id in sorted(
            pairs, key=lambda pair: (sign * scores.get(pair, 0.0), pair)
        )
    ]


def _by_source(scored: ScoredSplit, threshold: float) -> list[dict[str, Any]]:
    """Rows ``by, value, images, labels`` and metrics, one for each data source."""
    rows = []
    for source in sorted({scored.sources[item["id"]] for item in scored.truth["images"]}):
        inside = {key for key, value in scored.sources.items() if value == source}
        part = scored.truth | {
            "images": [item for item in scored.truth["images"] if item["id"] in inside],
            "labels": [row for row in scored.truth["labels"] if row["image_id"] in inside],
        }
        predictions = [row for row in scored.predictions if row["image_id"] in inside]
        found = score_labels(part, predictions)
        row: dict[str, Any] = {
            "by": "source",
            "value": source,
            "images": len(part["images"]),
            "labels": len(part["labels"]),
        }
        rows.append(row | (_headline(part, found, threshold) if found.metrics else {}))
    return rows
