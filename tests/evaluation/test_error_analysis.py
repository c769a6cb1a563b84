"""Errors by kind and what they cost: hand-labelled cases, and tidecv's numbers on random data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.evaluation import error_analysis
from reprise.evaluation.error_analysis import (
    KINDS,
    MISSED,
    RIGHT,
    Costs,
    Errors,
    average_precision,
    classify_errors,
)
from reprise.evaluation.error_costs import cost_rows
from reprise.predictions import prediction
from reprise.scoring import score
from reprise.scoring.overlaps import OVERLAPS
from scoring.scenes import coco

Box = list[float]
OBJECT: Box = [50, 50, 40, 40]
OTHER: Box = [150, 150, 40, 40]


def errors_of(boxes: list[Any], found: list[Any], threshold: float = 0.0) -> Errors:
    scores = score("detect", coco(boxes), [prediction(*row) for row in found])
    return classify_errors(scores, OVERLAPS["detect"], threshold)


def kinds_of(errors: Errors) -> tuple[list[str], list[str]]:
    """Of each detection its kind; and of each object whether it is missed."""
    names = ["right" if kind == RIGHT else KINDS[kind] for kind in errors.kind.tolist()]
    return names, ["missed" if gone else "" for gone in errors.missed.tolist()]


@pytest.mark.parametrize(
    ("box", "category", "kind", "missed"),
    [
        ([50, 50, 40, 40], 1, "right", ""),
        ([50, 50, 40, 40], 2, "classification", ""),
        ([50, 50, 40, 80], 1, "right", ""),  # IoU 0.5 exactly
        ([50, 50, 40, 100], 1, "localisation", ""),  # IoU 0.4
        ([50, 50, 40, 100], 2, "both", "missed"),
        ([50, 82, 40, 40], 1, "localisation", ""),  # IoU 1/9
        ([50, 82, 40, 40], 2, "both", "missed"),
        ([50, 84, 40, 40], 1, "background", "missed"),  # IoU 3/37
        ([0, 0, 20, 20], 1, "background", "missed"),
    ],
)
def test_one_detection_of_one_object(box: Box, category: int, kind: str, missed: str) -> None:
    assert kinds_of(errors_of([(1, 1, OBJECT, False)], [(1, category, box, 0.9)])) == (
        [kind],
        [missed],
    )


def test_a_second_detection_of_an_object_is_a_duplicate() -> None:
    rows = [(1, 1, OBJECT, 0.9), (1, 1, [50, 52, 40, 40], 0.8)]
    assert kinds_of(errors_of([(1, 1, OBJECT, False)], rows)) == (["right", "duplicate"], [""])


def test_a_crowd_region_makes_no_error() -> None:
    boxes = [(1, 1, OBJECT, False), (1, 1, OTHER, True)]
    rows = [(1, 1, OBJECT, 0.9), (1, 1, [155, 155, 20, 20], 0.8)]
    assert kinds_of(errors_of(boxes, rows)) == (["right"], [""])


def test_an_image_without_objects_has_background_alone() -> None:
    boxes = [(1, 1, OBJECT, False)]
    rows = [(1, 1, OBJECT, 0.9), (2, 1, OBJECT, 0.8)]
    assert kinds_of(errors_of(boxes, rows))[0] == ["right", "background"]


def test_what_scores_less_than_the_threshold_does_not_count() -> None:
    boxes = [(1, 1, OBJECT, False)]
    rows = [(1, 2, OBJECT, 0.9), (1, 1, OBJECT, 0.4)]
    assert kinds_of(errors_of(boxes, rows, 0.5)) == (["classification"], [""])
    assert kinds_of(errors_of(boxes, rows[1:], 0.5)) == ([], ["missed"])


def test_of_several_for_one_object_only_the_best_becomes_right() -> None:
    boxes = [(1, 1, OBJECT, False), (1, 1, OTHER, False)]
    rows = [
        (1, 1, OTHER, 0.95),
        (1, 2, OBJECT, 0.9),  # classification: the better one
        (1, 1, [50, 50, 40, 100], 0.8),  # localisation of the same object
    ]
    errors = errors_of(boxes, rows)
    costs = Costs(errors, {1: 2})
    nothing = np.zeros(2, dtype=bool)
    # Half of the objects are found, all right: the steps of recall up to 0.5.
    assert costs.map50 == pytest.approx(51 / 101)
    wrong_class = errors.kind == KINDS.index("classification")
    assert costs.cost(wrong_class, nothing) == pytest.approx(50 / 101)
    badly_placed = errors.kind == KINDS.index("localisation")
    assert costs.cost(badly_placed, nothing) == 0


def test_without_its_missed_objects_a_class_is_found_whole() -> None:
    boxes = [(1, 1, OBJECT, False), (1, 1, OTHER, False), (1, 2, [0, 0, 20, 20], False)]
    errors = errors_of(boxes, [(1, 1, OBJECT, 0.9)])
    costs = Costs(errors, {1: 2, 2: 1})
    assert costs.map50 == pytest.approx(51 / 101 / 2)
    none = np.zeros(1, dtype=bool)
    assert costs.cost(none, errors.missed) == pytest.approx(1 - 51 / 101 / 2)


def test_average_precision_of_nothing_found() -> None:
    assert average_precision(np.zeros(0, dtype=bool), 3) == 0
    assert average_precision(np.zeros(2, dtype=bool), 3) == 0


def random_scene(seed: int) -> tuple[list[Any], list[Any]]:
    """Objects, and detections of every kind of quality, without ties."""
    rng = np.random.default_rng(seed)
    boxes = [
        (image, category, rng.uniform((0, 0, 15, 15), (140, 140, 60, 60)).round(2).tolist(), False)
        for image in range(1, 13)
        for category in rng.integers(1, 4, size=rng.integers(1, 8)).tolist()
    ]
    found = []
    for image, category, box, _ in boxes:
        for _ in range(rng.integers(0, 4)):
            moved = (np.array(box) + rng.normal(0, rng.choice([1, 6, 15]), 4)).clip(1)
            said = category if rng.random() < 0.7 else int(rng.integers(1, 4))
            # As the contract keeps them: two digits of a place, five of a score.
            found.append((image, said, moved.round(2).tolist(), round(float(rng.random()), 5)))
    # Of each class one object is found, so that none has only missed ones.
    for wanted in (1, 2, 3):
        image, category, box, _ = next(row for row in boxes if row[1] == wanted)
        found.append((image, category, box, 0.5 + wanted / 1000))
    return boxes, found


@pytest.mark.parametrize("seed", range(20))
def test_kinds_and_costs_are_those_of_tidecv(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import tidecv

    # Its steps of recall differ from COCO's in the last digit, which shows where recall is one.
    monkeypatch.setattr(error_analysis, "RECALLS", np.arange(101) / 100)

    boxes, found = random_scene(seed)
    truth, detections = tidecv.Data("truth"), tidecv.Data("detections", max_dets=1000)
    for image, category, box, _ in boxes:
        truth.add_ground_truth(image, category, box=box)
    for image, category, box, value in found:
        detections.add_detection(image, category, value, box=box)
    tide = tidecv.TIDE()
    theirs = tide.evaluate(truth, detections, mode=tidecv.TIDE.BOX)
    names = {
        "Miss": "missed",
        "Cls": "classification",
        "Loc": "localisation",
        "Both": "both",
        "Dupe": "duplicate",
        "Bkg": "background",
    }
    counts = {names[kind.short_name]: count for kind, count in theirs.count_errors().items()}
    costs = {names[kind.short_name]: cost for kind, cost in theirs.fix_main_errors().items()}

    scores = score("detect", coco(boxes, images=12), [prediction(*row) for row in found])
    errors = classify_errors(scores, OVERLAPS["detect"])
    ours = {row["kind"]: row for row in cost_rows(scores, errors, errors) if row["by"] == "all"}
    assert {kind: row["count"] for kind, row in ours.items()} == {
        kind: count for kind, count in counts.items() if count
    }
    for kind, row in ours.items():
        assert 100 * row["cost"] == pytest.approx(costs[kind], abs=1e-9), kind
    assert Costs(errors, scores.truth_counts).map50 == pytest.approx(theirs.ap / 100, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_without_errors_fixed_the_map_is_the_evaluator_s(seed: int) -> None:
    boxes, found = random_scene(seed)
    scores = score("detect", coco(boxes, images=12), [prediction(*row) for row in found])
    errors = classify_errors(scores, OVERLAPS["detect"])
    assert Costs(errors, scores.truth_counts).map50 == pytest.approx(scores.summary["mAP50"])


def test_parts_of_a_division_hold_every_error_once() -> None:
    boxes, found = random_scene(3)
    scores = score("detect", coco(boxes, images=12), [prediction(*row) for row in found])
    errors = classify_errors(scores, OVERLAPS["detect"])
    rows = cost_rows(scores, errors, errors)
    total = int((errors.kind != RIGHT).sum() + errors.missed.sum())
    for by in ("all", "class", "size", "crowding"):
        assert sum(row["count"] for row in rows if row["by"] == by) == total, by
    assert {row["value"] for row in rows if row["by"] == "crowding"} == {
        *("apart", "touching", "crowded"),
    }
    assert all(row["cost"] >= 0 for row in rows)
    assert MISSED == 0


def test_crowding_goes_by_the_share_of_a_box_in_another() -> None:
    boxes = [
        (1, 1, [0, 0, 40, 40], False),
        (1, 1, [30, 0, 40, 40], False),  # a quarter of each lies in the other
        (2, 1, [0, 0, 100, 100], False),
        (2, 1, [10, 10, 20, 20], False),  # lies in the large one
        (3, 1, [0, 0, 40, 40], False),
    ]
    scores = score("detect", coco(boxes), [prediction(1, 1, [150, 150, 9, 9], 0.5)])
    errors = classify_errors(scores, OVERLAPS["detect"])
    rows = {
        (row["value"], row["kind"]): row["count"]
        for row in cost_rows(scores, errors, errors)
        if row["by"] == "crowding"
    }
    assert rows == {
        ("apart", "missed"): 1,
        ("touching", "missed"): 3,
        ("crowded", "missed"): 1,
        ("apart", "background"): 1,
    }
