"""Tables of classes of whole images, several of which may hold at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from reprise.evaluation.breakdown import by_source
from reprise.evaluation.confusion import confusion_rows
from reprise.evaluation.scored_split import ScoredSplit
from reprise.scoring.scores import Scores

NO_LABEL = "(none)"
SHARES = ("precision", "recall", "f1")
PARTS = ("mAP", "exact_match", "accuracy", *SHARES)
COLUMNS: dict[str, tuple[str, ...]] = {
    "per_class": ("split", "class", "images", "predicted", "AP", "accuracy", *SHARES),
    "errors": ("split", "kind", "image_id", "image", "class", "score"),
    "breakdown": ("split", "by", "value", "images", "labels", *PARTS),
}

Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Decisions:
    """(image id, category id) pairs of one split at its threshold.

    Attributes:
        true: The image has the class.
        predicted: The class scores at least the threshold.
    """

    true: Pairs
    predicted: Pairs

    @classmethod
    def of(cls, scores: Scores) -> Decisions:
        """The decisions that a split's scores lead to."""
        return cls(
            {(row["image_id"], row["category_id"]) for row in scores.truth["labels"]},
            {
                (row["image_id"], row["category_id"])
                for row in scores.matches
                if row["score"] >= scores.threshold
            },
        )

    @property
    def missed(self) -> Pairs:
        """Labels that were not predicted."""
        return self.true - self.predicted

    @property
    def false(self) -> Pairs:
        """Labels that were predicted and are not so."""
        return self.predicted - self.true


def tables(scored: ScoredSplit, examples: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of the tables, without the split's name.

    Args:
        scored: The split.
        examples: Rows of each kind of error.
    """
    scores = scored.scores
    names = scores.class_names
    decisions = Decisions.of(scores)
    errors = {
        "missed": _error_rows(scored, "missed", decisions.missed),
        "false": _error_rows(scored, "false", decisions.false),
    }
    return {
        "per_class": _class_rows(scores, decisions),
        "confusion": confusion_rows(label_confusion(decisions), names, NO_LABEL),
        "error_counts": [
            {"kind": kind, "class": name, "count": count}
            for kind, rows in errors.items()
            for name in names.values()
            if (count := sum(row["class"] == name for row in rows))
        ],
        "errors": [row for rows in errors.values() for row in rows[:examples]],
        "breakdown": by_source(scored, "labels", PARTS),
    }


def label_confusion(decisions: Decisions) -> Counter[tuple[int, int]]:
    """(actual, predicted) category id -> number of images; 0 stands for no label.

    A class's row sums to the images that have it, its column to those predicted to. Where an
    image has exactly one missed and one false class, the one was taken for the other, as
    always where images have one class each; with more of them nobody can say which was
    taken for which: the missed ones were predicted as no label, the false ones are actually
    no label.
    """
    missed, false = _by_image(decisions.missed), _by_image(decisions.false)
    counts = Counter((key, key) for _, key in decisions.true & decisions.predicted)
    for image_id in missed.keys() | false.keys():
        lacking, extra = missed.get(image_id, []), false.get(image_id, [])
        if len(lacking) == len(extra) == 1:
            counts[lacking[0], extra[0]] += 1
            continue
        counts.update((category_id, 0) for category_id in lacking)
        counts.update((0, category_id) for category_id in extra)
    return counts


def _by_image(pairs: Pairs) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for image_id, category_id in sorted(pairs):
        grouped.setdefault(image_id, []).append(category_id)
    return grouped


def _class_rows(scores: Scores, decisions: Decisions) -> list[dict[str, Any]]:
    images = len(scores.truth["images"])
    true, predicted, wrong = (
        Counter(category_id for _, category_id in pairs)
        for pairs in (decisions.true, decisions.predicted, decisions.missed | decisions.false)
    )
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


def _error_rows(scored: ScoredSplit, kind: str, pairs: Pairs) -> list[dict[str, Any]]:
    """Rows of the error table, the worst first: the surest of what is not so."""
    known = {(row["image_id"], row["category_id"]): row["score"] for row in scored.scores.matches}
    sign = 1 if kind == "missed" else -1
    names = scored.scores.class_names
    return [
        {
            "kind": kind,
            "image_id": image_id,
            "image": scored.files[image_id],
            "class": names[category_id],
            "score": known.get((image_id, category_id)),
        }
        for image_id, category_id in sorted(
            pairs, key=lambda pair: (sign * known.get(pair, 0.0), pair)
        )
    ]
