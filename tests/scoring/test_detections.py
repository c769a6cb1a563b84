"""Scores of boxes and masks, with pycocotools as the oracle."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from pycocotools import mask as coco_mask

from reprise.predictions import prediction
from reprise.scoring.detections import score_detections
from reprise.scoring.metrics import compute_metrics
from scoring.scenes import coco, diamond, filled, mask_scenes, masked, rle, scenes, solid

TASKS: dict[str, Literal["detect", "segment"]] = {"bbox": "detect", "segm": "segment"}
# In the order of pycocotools' stats.
METRICS = (
    *("mAP", "mAP50", "mAP75", "mAP_small", "mAP_medium", "mAP_large"),
    *("mAR1", "mAR10", "mAR100", "mAR_small", "mAR_medium", "mAR_large"),
)
# val2014_fake_eval_res.txt of the COCO API.
PUBLISHED = {
    "bbox": "0.505 0.697 0.573 0.586 0.519 0.501 0.387 0.594 0.595 0.640 0.566 0.564".split(),
    "segm": "0.320 0.562 0.299 0.387 0.310 0.327 0.268 0.415 0.417 0.469 0.377 0.381".split(),
}


def oracle(truth: dict[str, Any], detections: list[dict[str, Any]], kind: str = "bbox") -> Any:
    """pycocotools' evaluator, run; results with masks go without boxes, as COCO has them."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    unused = "bbox" if kind == "segm" else "segmentation"
    rows = [{key: row[key] for key in row if key != unused} for row in detections]
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = json.loads(json.dumps(truth))
        ground.createIndex()
        evaluator = COCOeval(ground, ground.loadRes(rows), kind)
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
                rows.append((entry["image_id"], entry["category_id"], entry["score"], matched))
    return sorted(rows)


def check(scene: tuple[dict[str, Any], list[dict[str, Any]]], kind: str) -> None:
    """Every metric and every match is that of pycocotools."""
    truth, detections = scene
    scores = score_detections(truth, detections, TASKS[kind])
    if not scores.summary:
        assert all(item["iscrowd"] for item in truth["annotations"])
        return
    if not detections:
        assert scores.summary["mAP"] == 0 and scores.matches == []
        return
    expected = oracle(truth, detections, kind)
    for name, value in zip(METRICS, expected.stats, strict=True):
        if value < 0:
            assert name not in scores.summary
        else:
            assert scores.summary[name] == pytest.approx(value, abs=1e-9)
    found = sorted(
        (row["image_id"], row["category_id"], row["score"], row["gt_id"] or 0)
        for row in scores.matches
    )
    assert found == oracle_matches(expected)


def crowded_scene(rng: np.random.Generator) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """More detections of a class in an image than COCO looks at, many with equal scores; ids of
    images and classes in no order; some images empty."""
    truth = coco([], images=8)
    image_ids = rng.permutation(1000)[:8].tolist()
    category_ids = rng.permutation(90)[:3].tolist()
    for item, image_id in zip(truth["images"], image_ids, strict=True):
        item["id"] = image_id
    for item, category_id in zip(truth["categories"], category_ids, strict=True):
        item["id"] = category_id
    rows = []
    for index in range(1, 80):
        image_id, category_id = rng.choice(image_ids[:4]), rng.choice(category_ids[:2])
        box = [*rng.uniform(0, 80, 2), *rng.uniform(4, 120, 2)]
        truth["annotations"].append(
            {
                "id": 1000 - index,
                "image_id": int(image_id),
                "category_id": int(category_id),
                "bbox": box,
                "area": box[2] * box[3],
                "segmentation": [],
                "iscrowd": int(rng.random() < 0.1),
            }
        )
        for _ in range(rng.integers(0, 25)):
            moved = (box + rng.normal(0, 4, 4)).clip(1)
            rows.append(prediction(image_id, category_id, moved, rng.integers(0, 50) / 50))
    rng.shuffle(rows)
    return truth, rows


class TestScoresEqualThoseOfPycocotools:
    @given(scenes())
    @settings(max_examples=120)
    def test_of_boxes_in_random_scenes(self, scene: Any) -> None:
        check(scene, "bbox")

    @given(mask_scenes())
    @settings(max_examples=60)
    def test_of_masks_in_random_scenes(self, scene: Any) -> None:
        check(scene, "segm")

    @pytest.mark.parametrize("seed", range(3))
    def test_of_many_boxes_with_scattered_ids(self, seed: int) -> None:
        check(crowded_scene(np.random.default_rng(seed)), "bbox")

    @given(mask_scenes())
    @settings(max_examples=20)
    def test_of_the_boxes_of_masks(self, scene: Any) -> None:
        check(scene, "bbox")

    @pytest.mark.parametrize("kind", ["bbox", "segm"])
    def test_on_coco_with_the_published_numbers(self, shared_datasets: Path, kind: str) -> None:
        folder = shared_datasets / "eval_coco_val2014_100"
        truth = json.loads((folder / "instances_val2014_100.json").read_text())
        name = f"instances_val2014_fake{kind}100_results.json"
        detections = json.loads((folder / name).read_text())
        if kind == "segm":
            # The contract has a box beside each mask.
            for row in detections:
                row["bbox"] = coco_mask.toBbox(row["segmentation"]).tolist()
        scores = score_detections(truth, detections, TASKS[kind])
        reference = json.loads((folder / "reference_metrics.json").read_text())
        keys = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100")
        keys = (*keys, "ARs", "ARm", "ARl")
        for ours, theirs in zip(METRICS, keys, strict=True):
            assert scores.summary[ours] == pytest.approx(reference[kind][theirs], abs=1e-9)
        assert [f"{value:.3f}" for value in scores.summary.values()] == PUBLISHED[kind]
        for class_name, value in reference[f"{kind}_AP_per_category"].items():
            assert scores.per_class[class_name]["AP"] == pytest.approx(value, abs=1e-12)
        expected = oracle(truth, detections, kind)
        matched = oracle_matches(expected)
        assert sum(row["tp"] for row in scores.matches) == sum(row[-1] > 0 for row in matched)
        assert len(scores.matches) == len(matched)


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
        assert scores.summary["mAP"] == pytest.approx(1.0)

    def test_without_objects_there_is_no_number(self) -> None:
        scores = score_detections(coco([]), [prediction(1, 1, [0, 0, 9, 9], 0.5)])
        assert (scores.summary, scores.per_class) == ({}, {})

    def test_a_class_without_objects_is_left_out_of_the_mean(self) -> None:
        truth = coco([(1, 1, [10, 10, 40, 40], False)])
        scores = score_detections(truth, [prediction(1, 1, [10, 10, 40, 40], 0.9)])
        assert set(scores.per_class) == {"a"}
        assert scores.summary["mAP"] == pytest.approx(1.0)

    def test_the_arguments_are_left_as_they_were(self) -> None:
        truth = coco([(1, 1, [10, 10, 40, 40], False)])
        detections = [prediction(1, 1, [10, 10, 40, 40], 0.9)]
        before = json.dumps([truth, detections])
        score_detections(truth, detections)
        assert json.dumps([truth, detections]) == before


class TestMasks:
    BOX = (20.0, 20.0, 80.0, 80.0)

    def test_are_compared_and_not_their_boxes(self) -> None:
        truth = coco([(1, 1, list(self.BOX), False)])
        truth["annotations"][0]["segmentation"] = rle(filled(list(self.BOX)))
        corners = ~filled(list(self.BOX))
        corners[:20], corners[100:], corners[:, :20], corners[:, 100:] = False, False, False, False
        beside = prediction(1, 1, self.BOX, 0.9, rle(corners))
        assert score_detections(truth, [beside], "detect").summary["mAP"] == pytest.approx(1.0)
        scores = score_detections(truth, [beside], "segment")
        assert (scores.summary["mAP"], compute_metrics(scores)["mean_iou"]) == (0.0, 0.0)
        assert [row["tp"] for row in scores.matches] == [False]

    def test_belong_to_the_size_of_their_own_area_and_not_of_their_box(self) -> None:
        # A ring whose box is large and whose area is small: COCO ignores it among large ones.
        truth = coco([(1, 1, [50.0, 50.0, 110.0, 110.0], False)])
        truth["annotations"][0]["segmentation"] = rle(filled([50.0, 50.0, 110.0, 110.0]))
        ring = filled([0.0, 0.0, 100.0, 100.0]) & ~filled([2.0, 2.0, 96.0, 96.0])
        false = prediction(1, 1, (0, 0, 100, 100), 0.9, rle(ring))
        found = masked(1, 1, [50.0, 50.0, 110.0, 110.0], 0.5)
        check((truth, [false, found]), "segm")
        assert score_detections(truth, [false, found], "segment").summary["mAP_large"] == 1.0
        assert score_detections(truth, [false, found], "detect").summary["mAP_large"] == 0.5

    def test_mean_overlap_is_that_of_each_object_with_its_best_prediction(self) -> None:
        square, half = [0.0, 0.0, 40.0, 40.0], [0.0, 0.0, 20.0, 40.0]
        objects = [(1, 1, square), (1, 2, [90.0, 90.0, 40.0, 40.0]), (2, 1, square)]
        truth = coco([(*row, False) for row in objects])
        for item in truth["annotations"]:
            item["segmentation"] = rle(solid(item["bbox"]))
        rows = [
            prediction(1, 1, half, 0.9, rle(solid(half))),
            prediction(1, 1, square, 0.1, rle(solid(square))),
            prediction(2, 1, half, 0.9, rle(solid(half))),
        ]
        scores = score_detections(truth, rows, "segment")
        assert scores.mask_ious["a"].mean() == pytest.approx((1 + 0.5) / 2)
        assert scores.mask_ious["b"].mean() == 0
        assert compute_metrics(scores)["mean_iou"] == pytest.approx(0.5)

    def test_polygons_and_run_lengths_of_one_shape_score_alike(self) -> None:
        truth = coco([(1, 1, list(self.BOX), False)])
        polygon = diamond(list(self.BOX))
        (encoded,) = coco_mask.frPyObjects(polygon, 200, 200)
        text = {"size": [200, 200], "counts": encoded["counts"].decode()}
        row = prediction(1, 1, self.BOX, 0.5, text)
        for shape in (polygon, text):
            truth["annotations"][0]["segmentation"] = shape
            assert compute_metrics(score_detections(truth, [row], "segment"))["mean_iou"] == 1.0

    def test_a_crowd_region_without_a_mask_is_as_large_as_its_box(self) -> None:
        truth = coco([(1, 1, [0.0, 0.0, 90.0, 90.0], True), (1, 1, list(self.BOX), False)])
        truth["annotations"][1]["segmentation"] = diamond(list(self.BOX))
        scores = score_detections(truth, [masked(1, 1, [5.0, 5.0, 20.0, 20.0], 0.9)], "segment")
        assert scores.matches == []

    def test_leave_the_arguments_as_they_were(self) -> None:
        truth = coco([(1, 1, list(self.BOX), False)])
        truth["annotations"][0]["segmentation"] = diamond(list(self.BOX))
        rows = [masked(1, 1, list(self.BOX), 0.9)]
        before = json.dumps([truth, rows])
        score_detections(truth, rows, "segment")
        assert json.dumps([truth, rows]) == before


def test_a_crowded_image_can_be_answered_in_full() -> None:
    boxes = [[x * 10, y * 10, 8, 8] for x in range(14) for y in range(14)]
    truth = coco([(1, 1, box, False) for box in boxes])
    found = [prediction(1, 1, box, 1 - index / 1000) for index, box in enumerate(boxes)]
    scores = score_detections(truth, found)
    assert scores.max_detections == len(boxes) == 196
    assert scores.summary["mAP50"] == pytest.approx(1.0)
    assert len(scores.matches) == 196
    # COCO's own limit for recall keeps its meaning.
    assert scores.summary["mAR100"] == pytest.approx(100 / 196, abs=1e-3)
    limited = score_detections(truth, found, max_detections=100)
    assert limited.summary["mAP50"] == pytest.approx(0.515, abs=0.01)
    assert len(limited.matches) == 100
