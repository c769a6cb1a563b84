"""Precision-recall and F1 curves as small tables that two runs can be compared by.

Both are read off at fixed steps, of recall and of the score threshold, rather than at every
detection: the files stay small enough for Git, and rows of two experiments line up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reprise.scoring.scores import Curve, Scores

ALL_CLASSES = "all classes"
STEPS = 200
FEW_STEPS = 50  # for each class when there are many classes
MANY_CLASSES = 20


def named_curves(scores: Scores) -> dict[str, Curve]:
    """The curve of all classes together, then of each class that has objects, by name."""
    return {ALL_CLASSES: scores.curve, **scores.class_curves}


def precision_recall_rows(curves: dict[str, Curve]) -> list[dict[str, Any]]:
    """Rows ``class, recall, precision, threshold``, by class and rising recall.

    Each step of recall gives the curve's first point that reaches it; the curve ends where
    recall does.
    """
    rows = []
    for name, found in curves.items():
        wanted = np.linspace(0, 1, _steps(name, curves) + 1)
        points = np.unique(np.searchsorted(found.recall, wanted - 1e-12))
        rows += [
            {
                "class": name,
                "recall": float(found.recall[index]),
                "precision": float(found.precision[index]),
                "threshold": float(found.threshold[index]),
            }
            for index in points[points < len(found.recall)]
        ]
    return rows


def f1_rows(curves: dict[str, Curve]) -> list[dict[str, Any]]:
    """Rows ``class, threshold, precision, recall, f1``, by class and rising threshold.

    Precision is left out above the highest score, where nothing is detected.
    """
    rows = []
    for name, found in curves.items():
        highest = float(found.threshold[0]) if len(found.threshold) else -1.0
        for threshold in np.linspace(0, 1, _steps(name, curves) + 1):
            row = {"class": name, "threshold": float(threshold), **found.at(float(threshold))}
            if threshold > highest:
                del row["precision"]
            rows.append(row)
    return rows


def _steps(name: str, curves: dict[str, Curve]) -> int:
    return STEPS if name == ALL_CLASSES or len(curves) - 1 <= MANY_CLASSES else FEW_STEPS
