"""Scores of classes of whole images, held against their definitions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.scoring.classification import score_labels
from reprise.scoring.metrics import compute_metrics
from reprise.scoring.scores import curve_of

NAMES = {1: "cat", 2: "dog"}


def ground_truth(images: int, labels: list[tuple[int, int]]) -> dict[str, Any]:
    return {
        "images": [{"id": image_id} for image_id in range(1, images + 1)],
        "categories": [{"id": key, "name": name} for key, name in NAMES.items()],
        "labels": [{"image_id": i, "category_id": c} for i, c in labels],
    }


def predictions(scores: dict[tuple[int, int], float]) -> list[dict[str, Any]]:
    return [{"image_id": i, "category_id": c, "score": score} for (i, c), score in scores.items()]


def average_precision_by_definition(pairs: list[tuple[float, bool]]) -> Fraction:
    """Sum of (R_n - R_{n-1}) P_n over the distinct scores as thresholds, highest first."""
    positives = sum(is_so for _, is_so in pairs)
    area, recall_before = Fraction(0), Fraction(0)
    for threshold in sorted({score for score, _ in pairs}, reverse=True):
        said = [is_so for score, is_so in pairs if score >= threshold]
        recall = Fraction(sum(said), positives)
        area += (recall - recall_before) * Fraction(sum(said), len(said))
        recall_before = recall
    return area


# Few distinct scores, so that ties are common.
PAIRS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=1
)


@given(PAIRS)
def test_average_precision_is_its_definition(pairs: list[tuple[float, bool]]) -> None:
    score, right = np.array(pairs, dtype=np.float64).T
    curve = curve_of(score, right.astype(bool), sum(is_so for _, is_so in pairs))
    positives = sum(is_so for _, is_so in pairs)
    if not positives:
        assert curve.average_precision == 0
        return
    expected = float(average_precision_by_definition(pairs))
    assert curve.average_precision == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans(), st.booleans())))
def test_every_number_follows_from_counting(
    images: list[tuple[float, float, bool, bool]],
) -> None:
    scores = {
        (image_id, category): row[category - 1]
        for image_id, row in enumerate(images, start=1)
        for category in NAMES
    }
    labels = [
        (image_id, category)
        for image_id, row in enumerate(images, start=1)
        for category in NAMES
        if row[category + 1]
    ]
    found = score_labels(ground_truth(len(images), labels), predictions(scores))
    if not labels:
        assert compute_metrics(found) == {}
        return
    metrics, threshold = compute_metrics(found), found.threshold
    right = [(scores[pair] >= threshold) == (pair in labels) for pair in scores]
    both = [right[index] and right[index + 1] for index in range(0, len(right), 2)]
    assert metrics["accuracy"] == pytest.approx(sum(right) / len(right))
    assert metrics["exact_match"] == pytest.approx(sum(both) / len(both))
    by_class = [
        average_precision_by_definition(
            [(score, (i, c) in labels) for (i, c), score in scores.items() if c == category]
        )
        for category in NAMES
        if any(c == category for _, c in labels)
    ]
    assert metrics["mAP"] == pytest.approx(float(sum(by_class) / len(by_class)))


def test_a_perfect_prediction_scores_one() -> None:
    truth = ground_truth(3, [(1, 1), (1, 2), (2, 2)])
    said = {
        (i, c): 0.9 if (i, c) in {(1, 1), (1, 2), (2, 2)} else 0.1 for i in (1, 2, 3) for c in NAMES
    }
    found = score_labels(truth, predictions(said))
    assert set(compute_metrics(found).values()) == {1.0}
    assert found.curve.at(0.5) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


def test_one_score_for_all_images_gives_the_share_of_positives() -> None:
    truth = ground_truth(4, [(1, 1)])
    found = score_labels(truth, predictions({(i, 1): 0.5 for i in range(1, 5)}))
    assert found.per_class == {"cat": {"AP": 0.25}}


def test_a_class_that_no_image_has_is_left_out_of_the_mean() -> None:
    truth = ground_truth(2, [(1, 1)])
    found = score_labels(truth, predictions({(1, 1): 0.9, (2, 1): 0.1, (1, 2): 1.0, (2, 2): 1.0}))
    assert list(found.per_class) == ["cat"]
    assert found.summary["mAP"] == 1.0
    assert found.truth_counts == {1: 1, 2: 0}


def test_predictions_of_other_images_and_classes_do_not_count() -> None:
    truth = ground_truth(2, [(1, 1)])
    own = {(1, 1): 0.9, (2, 1): 0.1}
    stray = {(7, 1): 1.0, (1, 9): 1.0}
    with_strays = score_labels(truth, predictions(own | stray))
    assert with_strays.matches == score_labels(truth, predictions(own)).matches
