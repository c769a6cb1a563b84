"""Clean or not, image by image, in ten images with stated answers."""

from __future__ import annotations

from typing import Any

import pytest

from reprise.evaluation.image_level import image_rows
from reprise.predictions import prediction
from reprise.scoring import compute_metrics
from reprise.scoring.detections import score_detections
from scoring.scenes import coco

BOX = [10.0, 10.0, 40.0, 40.0]
# Image -> class of its object, and class and score of its detection.
OBJECTS = {1: 1, 2: 1, 3: 2, 4: 1, 5: 2}
DETECTIONS = {1: (1, 0.9), 2: (2, 0.5), 3: (2, 0.8), 6: (1, 0.7), 7: (2, 0.6), 4: (1, 0.4)}


@pytest.fixture
def scores() -> Any:
    truth = coco([(image, category, BOX, False) for image, category in OBJECTS.items()], images=10)
    # On no object: where it lies plays no part.
    rows = [
        prediction(image, category, [100, 100, 30, 30], score)
        for image, (category, score) in DETECTIONS.items()
    ]
    return score_detections(truth, rows, threshold=0.5)


def test_counts_of_ten_images(scores: Any) -> None:
    rows = {row["class"]: row for row in image_rows(scores)}
    keys = ("tp", "fp", "fn", "tn")
    assert [rows["any class"][key] for key in keys] == [3, 2, 2, 3]
    assert [rows["a"][key] for key in keys] == [1, 1, 2, 6]
    assert [rows["b"][key] for key in keys] == [1, 2, 1, 6]
    assert [rows["c"][key] for key in keys] == [0, 0, 0, 10]
    assert {"precision", "recall"} & rows["c"].keys() == set()
    assert rows["any class"]["precision"] == rows["any class"]["recall"] == 0.6
    assert rows["any class"]["accuracy"] == 0.6
    assert rows["a"]["recall"] == pytest.approx(1 / 3)


def test_the_metrics_say_the_same(scores: Any) -> None:
    names = ("image_precision", "image_recall", "image_accuracy")
    assert compute_metrics(scores, names) == dict.fromkeys(names, 0.6)


def test_a_crowd_region_is_nothing_to_find() -> None:
    truth = coco([(1, 1, BOX, True), (2, 1, BOX, False)])
    scores = score_detections(truth, [prediction(1, 1, [15, 15, 20, 20], 0.9)], threshold=0.5)
    row = image_rows(scores)[0]
    assert (row["tp"], row["fp"], row["fn"], row["tn"]) == (0, 0, 1, 2)
