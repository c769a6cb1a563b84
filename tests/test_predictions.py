"""The prediction contract and its scorer, with pycocotools as the oracle."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.errors import RepriseError
from reprise.predictions import (
    best_threshold,
    box_ious,
    curve,
    prediction,
    read_predictions,
    score_detections,
    write_predictions,
)

COCO_VAL = Path(__file__).parents[2] / "shared" / "datasets" / "eval_coco_val2014_100"

METRICS = {"mAP": 0, "mAP50": 1, "mAP75": 2, "mAP_small": 3, "mAP_medium": 4, "mAP_large": 5}


def oracle(truth: dict[str, Any], detections: list[dict[str, Any]]) -> Any:
    """pycocotools' evaluator, run."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = truth
        ground.createIndex()
        evaluator = COCOeval(ground, ground.loadRes([dict(d) for d in detections]), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


def oracle_matches(evaluator: Any) -> list[tuple[Any, ...]]:
    """What pycocotools matched at IoU 0.5 over all sizes, without what it ignores."""
    rows = []
    for cell in evaluator.evalImgs:
        if cell is None or cell["aRng"] != evaluator.params.areaRng[0]:
            continue
        for place, detection_id in enumerate(cell["dtIds"]):
            if not cell["dtIgnore"][0, place]:
                entry = evaluator.cocoDt.anns[detection_id]
                matched = int(cell["dtMatches"][0, place])
                rows.append((entry["image_id"], entry["category_id"], *entry["bbox"], matched))
    return sorted(rows)


def coco(boxes: list[tuple[int, int, list[float], bool]], images: int = 3) -> dict[str, Any]:
    """Ground truth from (image, class, xywh, crowd)."""
    return {
        "info": {},
        "images": [
            {"id": n, "width": 200, "height": 200, "file_name": f"{n}.png"}
            for n in range(1, images + 1)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate("abc", start=1)],
        "annotations": [
            {
                "id": index,
                "image_id": image,
                "category_id": category,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": int(crowd),
                "segmentation": [],
            }
            for index, (image, category, box, crowd) in enumerate(boxes, start=1)
        ],
    }


side = st.integers(4, 120)
box = st.tuples(st.integers(0, 80), st.integers(0, 80), side, side).map(
    lambda xywh: [float(value) for value in xywh]
)
image_id, category_id = st.integers(1, 3), st.integers(1, 3)
objects = st.lists(
    st.tuples(image_id, category_id, box, st.sampled_from([False, False, False, True])),
    min_size=1,
    max_size=12,
)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Objects with crowd regions among them, and detections many of which lie near them."""
    boxes = draw(objects)
    detections = []
    for place in draw(st.lists(st.integers(0, len(boxes) - 1), max_size=25)):
        image, category, near, _ = boxes[place]
        moved = [value + draw(st.integers(-3, 3)) for value in near]
        moved[2:] = [max(value, 1.0) for value in moved[2:]]
        category = draw(st.sampled_from([category, category, category_id_other(category)]))
        score = draw(st.integers(0, 20)) / 20  # few values, so that ties are common
        detections.append(prediction(image, category, moved, score))
    return coco(boxes), detections


def category_id_other(category: int) -> int:
    return category % 3 + 1


class TestScoresEqualThoseOfPycocotools:
    @given(scenes())
    @settings(max_examples=120, deadline=None)
    def test_on_random_scenes(self, scene: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
        truth, detections = scene
        scores = score_detections(truth, detections)
        if not scores.metrics:
            assert all(item["iscrowd"] for item in truth["annotations"])
            return
        if not detections:
            assert scores.metrics["mAP"] == 0 and scores.matches == []
            return
        expected = oracle(truth, detections)
        for name, place in METRICS.items():
            if expected.stats[place] < 0:
                assert name not in scores.metrics
            else:
                assert scores.metrics[name] == pytest.approx(expected.stats[place], abs=1e-12)
        found = sorted(
            (row["image_id"], row["category_id"], *row["bbox"], row["gt_id"] or 0)
            for row in scores.matches
        )
        assert found == oracle_matches(expected)

    @pytest.mark.skipif(not COCO_VAL.exists(), reason="../shared/datasets is not beside the repo")
    def test_on_coco_with_the_published_numbers(self) -> None:
        truth = json.loads((COCO_VAL / "instances_val2014_100.json").read_text())
        path = COCO_VAL / "instances_val2014_fakebbox100_results.json"
        detections = json.loads(path.read_text())
        scores = score_detections(truth, detections)
        reference = json.loads((COCO_VAL / "reference_metrics.json").read_text())
        assert scores.metrics["mAP"] == pytest.approx(reference["bbox"]["AP"], abs=1e-12)
        assert scores.metrics["mAP50"] == pytest.approx(reference["bbox"]["AP50"], abs=1e-12)
        assert scores.metrics["mAP75"] == pytest.approx(reference["bbox"]["AP75"], abs=1e-12)
        assert scores.metrics["mAR100"] == pytest.approx(reference["bbox"]["AR100"], abs=1e-12)
        for name, value in reference["bbox_AP_per_category"].items():
            assert scores.per_class[name]["AP"] == pytest.approx(value, abs=1e-12)
        expected = oracle_matches(oracle(truth, detections))
        assert sum(row["tp"] for row in scores.matches) == sum(row[-1] > 0 for row in expected)
        assert len(scores.matches) == len(expected)


class TestMatches:
    def test_of_two_detections_of_one_object_only_the_better_scored_is_right(self) -> None:
        truth = coco([(1, 1, [10, 10, 40, 40], False)])
        # The second overlaps more, but the first comes first: COCO matches by score.
        first = prediction(1, 1, [14, 10, 40, 40], 0.9)
        second = prediction(1, 1, [10, 10, 40, 40], 0.4)
        scores = score_detections(truth, [second, first])
        assert [(row["score"], row["tp"]) for row in scores.matches] == [(0.9, True), (0.4, False)]

    def test_detections_on_a_crowd_region_are_neither_right_nor_wrong(self) -> None:
        truth = coco([(1, 1, [0, 0, 100, 100], True), (1, 1, [150, 150, 30, 30], False)])
        on_crowd = prediction(1, 1, [20, 20, 30, 30], 0.9)
        right = prediction(1, 1, [150, 150, 30, 30], 0.8)
        scores = score_detections(truth, [on_crowd, right])
        assert [row["score"] for row in scores.matches] == [0.8]
        assert scores.truth_counts[1] == 1
        assert scores.metrics["mAP"] == pytest.approx(1.0)

    def test_without_objects_there_is_no_number(self) -> None:
        scores = score_detections(coco([]), [prediction(1, 1, [0, 0, 9, 9], 0.5)])
        assert (scores.metrics, scores.per_class) == ({}, {})

    def test_a_class_without_objects_is_left_out_of_the_mean(self) -> None:
        truth = coco([(1, 1, [10, 10, 40, 40], False)])
        scores = score_detections(truth, [prediction(1, 1, [10, 10, 40, 40], 0.9)])
        assert set(scores.per_class) == {"a"}
        assert scores.metrics["mAP"] == pytest.approx(1.0)

    def test_the_arguments_are_left_as_they_were(self) -> None:
        truth = coco([(1, 1, [10, 10, 40, 40], False)])
        detections = [prediction(1, 1, [10, 10, 40, 40], 0.9)]
        before = json.dumps([truth, detections])
        score_detections(truth, detections)
        assert json.dumps([truth, detections]) == before


class TestOverlap:
    def test_half_covered_boxes(self) -> None:
        ious = box_ious([[0, 0, 10, 10]], [[5, 0, 10, 10], [0, 0, 10, 10]], [False, False])
        assert ious == pytest.approx(np.array([[1 / 3, 1.0]]))

    def test_overlap_with_a_crowd_region_is_the_share_of_the_detection(self) -> None:
        ious = box_ious([[0, 0, 10, 10]], [[5, 0, 100, 100]], [True])
        assert ious == pytest.approx(np.array([[0.5]]))

    @given(box, box)
    def test_is_symmetric_and_at_most_one(self, one: list[float], other: list[float]) -> None:
        there = box_ious([one], [other], [False])[0, 0]
        assert 0 <= there <= 1
        assert there == pytest.approx(box_ious([other], [one], [False])[0, 0])


class TestCurve:
    @given(scenes())
    @settings(max_examples=60, deadline=None)
    def test_recall_only_rises_as_the_threshold_falls(
        self, scene: tuple[dict[str, Any], list[dict[str, Any]]]
    ) -> None:
        found = curve(score_detections(*scene))
        assert (np.diff(found.threshold) < 0).all()
        assert (np.diff(found.recall) >= 0).all()
        for values in (found.precision, found.recall, found.f1):
            assert ((values >= 0) & (values <= 1)).all()

    @given(scenes())
    @settings(max_examples=60, deadline=None)
    def test_no_threshold_has_a_higher_f1_than_the_best_one(
        self, scene: tuple[dict[str, Any], list[dict[str, Any]]]
    ) -> None:
        scores = score_detections(*scene)
        found = curve(scores)
        if len(found.f1) and found.f1.max() > 0:
            best = best_threshold(scores)
            assert found.at(best)["f1"] == found.f1.max()
            assert best == max(found.threshold[found.f1 == found.f1.max()])
        else:
            assert best_threshold(scores) == 0.5

    def test_reads_off_the_counts_at_a_threshold(self) -> None:
        truth = coco([(1, 1, [0, 0, 20, 20], False), (1, 1, [100, 100, 20, 20], False)])
        detections = [
            prediction(1, 1, [0, 0, 20, 20], 0.9),
            prediction(1, 1, [60, 60, 20, 20], 0.7),
            prediction(1, 1, [100, 100, 20, 20], 0.5),
        ]
        found = curve(score_detections(truth, detections))
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
        assert curve(scores, 1).at(0.5) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
        assert curve(scores, 2).at(0.5) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


class TestFile:
    def test_is_the_same_whatever_the_order_of_the_detections(self, tmp_path: Path) -> None:
        rows = [prediction(n % 2 + 1, 1, [n, 0, 5, 5], n / 10) for n in range(6)]
        write_predictions(tmp_path / "one.json", rows)
        write_predictions(tmp_path / "two.json", reversed(rows))
        assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
        assert sorted(map(str, read_predictions(tmp_path / "one.json"))) == sorted(map(str, rows))

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("{", "is not JSON"),
            ("{}", "is not a list"),
            ('[{"image_id": 1}]', "entry 0 is not a detection"),
            ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]', "entry 0"),
            ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, NaN], "score": 1}]', "entry 0"),
        ],
    )
    def test_that_is_malformed_is_refused_by_name(
        self, tmp_path: Path, text: str, problem: str
    ) -> None:
        path = tmp_path / "test.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RepriseError, match=r"test\.json") as caught:
            read_predictions(path)
        assert problem in caught.value.problem
        assert "dvc repro predict" in caught.value.fix
