"""The curve of precision, recall and F1, and the threshold read off it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from reprise.predictions import prediction
from reprise.scoring.detections import score_detections
from scoring.scenes import coco, scenes


class TestCurve:
    @given(scenes())
    @settings(max_examples=60)
    def test_recall_only_rises_as_the_threshold_falls(
        self, scene: tuple[dict[str, Any], list[dict[str, Any]]]
    ) -> None:
        found = score_detections(*scene).curve
        assert (np.diff(found.threshold) < 0).all()
        assert (np.diff(found.recall) >= 0).all()
        for values in (found.precision, found.recall, found.f1):
            assert ((values >= 0) & (values <= 1)).all()

    @given(scenes())
    @settings(max_examples=60)
    def test_no_threshold_has_a_higher_f1_than_the_best_one(
        self, scene: tuple[dict[str, Any], list[dict[str, Any]]]
    ) -> None:
        scores = score_detections(*scene)
        found = scores.curve
        if len(found.f1) and found.f1.max() > 0:
            best = scores.threshold
            assert found.at(best)["f1"] == found.f1.max()
            assert best == max(found.threshold[found.f1 == found.f1.max()])
        else:
            assert scores.threshold == 0.5

    def test_reads_off_the_counts_at_a_threshold(self) -> None:
        truth = coco([(1, 1, [0, 0, 20, 20], False), (1, 1, [100, 100, 20, 20], False)])
        detections = [
            prediction(1, 1, [0, 0, 20, 20], 0.9),
            prediction(1, 1, [60, 60, 20, 20], 0.7),
            prediction(1, 1, [100, 100, 20, 20], 0.5),
        ]
        found = score_detections(truth, detections).curve
        assert found.at(0.95) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
        assert found.at(0.9) == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)}
        assert found.at(0.6) == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
        assert found.at(0.5) == {"precision": pytest.approx(2 / 3), "recall": 1.0, "f1": 0.8}

    def test_of_one_class_counts_that_class_alone(self) -> None:
        truth = coco([(1, 1, [0, 0, 20, 20], False), (1, 2, [100, 100, 20, 20], False)])
        detections = [
            prediction(1, 1, [0, 0, 20, 20], 0.9),
            prediction(1, 2, [50, 50, 20, 20], 0.8),
        ]
        scores = score_detections(truth, detections)
        assert scores.class_curves["a"].at(0.5) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
        assert scores.class_curves["b"].at(0.5) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
