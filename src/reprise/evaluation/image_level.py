"""Each image as a whole: does it hold anything, or anything of a class, and is that said of it?"""

from __future__ import annotations

from typing import Any

from reprise.scoring.scores import Scores

ANY_CLASS = "any class"
COLUMNS = ("split", "class", "tp", "fp", "fn", "tn", "precision", "recall", "accuracy")


def image_rows(scores: Scores) -> list[dict[str, Any]]:
    """Rows of ``COLUMNS`` without the split: of clean against not, then of each class.

    An image counts as having a class when an object of it (no crowd region) is in it, or when
    it carries the label, and as predicted to have it when something of it scores at least the
    threshold, wherever it lies. A precision or recall of no images is left out.
    """
    actual = scores.matched.objects_by_image(0) > 0
    said = scores.counts_by_image["shown"] > 0
    rows = [_row(ANY_CLASS, actual.any(axis=1), said.any(axis=1))]
    for place, name in enumerate(scores.class_names.values()):
        rows.append(_row(name, actual[:, place], said[:, place]))
    return rows


def _row(name: str, actual: Any, said: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "class": name,
        "tp": int((actual & said).sum()),
        "fp": int((~actual & said).sum()),
        "fn": int((actual & ~said).sum()),
        "tn": int((~actual & ~said).sum()),
        "accuracy": float((actual == said).mean()),
    }
    if said.any():
        row["precision"] = row["tp"] / int(said.sum())
    if actual.any():
        row["recall"] = row["tp"] / int(actual.sum())
    return row
