"""A model that segments is scored by its masks, and its boxes are scored beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.running import TEST_BOXES, VAL_BOXES, Box, Run
from reprise.errors import RepriseError
from reprise.evaluation.evaluate import COLUMNS
from reprise.predictions import prediction
from scoring.scenes import diamond, masked, rle, solid

MODEL = {"task": "segment", "score_threshold": 0.5}
BOXES = VAL_BOXES + TEST_BOXES
# Every object is a diamond in its box, labelled as a polygon.
SHAPES = {index: diamond(xywh) for index, (_, _, xywh) in enumerate(BOXES, start=1)}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    runner = Run(tmp_path)

    def judge(test: list[dict[str, Any]], **settings: Any) -> Run:
        return runner(test, shapes=SHAPES, model=MODEL, **settings)

    return judge


def outlined(box: Box, score: float = 0.9) -> dict[str, Any]:
    """The object as it is: its diamond in its box."""
    from pycocotools import mask

    image, category, xywh = box
    (found,) = mask.frPyObjects(diamond(xywh), 200, 200)
    shape = {"size": [200, 200], "counts": found["counts"].decode()}
    return prediction(image, category, xywh, score, shape)


def filled_box(box: Box, score: float = 0.9) -> dict[str, Any]:
    """The right box, all of it filled: overlaps a diamond by half."""
    image, category, xywh = box
    return prediction(image, category, xywh, score, rle(solid(xywh)))


def test_perfect_masks_have_perfect_scores(run: Any) -> None:
    test = run([outlined(box) for box in TEST_BOXES]).metrics["test"]
    for name in ("mAP", "mAP50", "mAP75", "mean_iou", "box_mAP", "box_mAP50", "f1"):
        assert test[name] == 1.0, name
    assert test["boxes"] == 3


def test_the_right_box_with_a_wrong_mask_counts_as_a_box_alone(run: Any) -> None:
    test = run([filled_box(box) for box in TEST_BOXES]).metrics["test"]
    assert (test["box_mAP"], test["box_mAP50"]) == (1.0, 1.0)
    assert test["mAP75"] == 0.0
    assert test["mean_iou"] == pytest.approx(0.5, abs=0.02)


def test_tables_have_the_columns_of_boxes_and_the_overlap_of_masks(run: Any) -> None:
    done = run([outlined(box) for box in TEST_BOXES[:2]])
    rows = {row["class"]: row for row in done.table("per_class")}
    assert list(rows["cat"]) == list(COLUMNS["segment"]["per_class"])
    assert (rows["cat"]["mean_iou"], rows["dog"]["mean_iou"], rows["cow"]["mean_iou"]) == (
        *("0.5", "1.0"),
        "",
    )


def test_mistakes_and_confusion_go_by_mask(run: Any) -> None:
    cat, dog, _ = TEST_BOXES
    # The corners of the dog's box hold nothing of the dog.
    corners = solid(dog[2])
    corners[105:145, 105:145] = False
    done = run([outlined(cat), prediction(3, 1, dog[2], 0.8, rle(corners))])
    assert done.errors() == [
        ("missed", "dog", "dog"),
        ("missed", "cat", "cat"),
        ("background", "cat", ""),
    ]
    assert done.confusion["cat", "cat"] == done.confusion["background", "cat"] == 1
    assert ("dog", "cat") not in done.confusion


def test_a_false_mask_is_of_the_size_of_its_own_area(run: Any) -> None:
    # A frame of one pixel in a box of medium size has a small area.
    frame = solid([20.0, 120.0, 60.0, 60.0]) & ~solid([21.0, 121.0, 58.0, 58.0])
    false = prediction(4, 1, (20, 120, 60, 60), 0.9, rle(frame))
    rows = {row["value"]: row for row in run([outlined(TEST_BOXES[0]), false]).table("breakdown")}
    assert (rows["small"]["precision"], rows["medium"]["precision"]) == ("0.0", "1.0")


def test_sources_are_scored_by_mask(run: Any) -> None:
    rows = run([filled_box(box) for box in TEST_BOXES[:2]]).table("breakdown")
    farm = next(row for row in rows if row["value"] == "farm")
    assert float(farm["mAP"]) <= 0.11


def test_a_crowd_region_may_lack_a_mask(run: Any) -> None:
    on_crowd = masked(4, 2, [120.0, 120.0, 20.0, 20.0], 0.9)
    done = run(
        [*(outlined(box) for box in TEST_BOXES), on_crowd], crowd=[(4, 2, [100, 100, 90, 90])]
    )
    assert done.errors() == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (prediction(3, 1, [0, 0, 9, 9], 0.5), "entry 0 has no segmentation"),
        (masked(3, 1, [0.0, 0.0, 9.0, 9.0], 0.5) | {"segmentation": {"size": [9, 9], "counts": ""}},
         r"entry 0 is not a mask.*\[200, 200\]"),
    ],
)  # fmt: skip
def test_predictions_without_a_mask_of_their_image_are_refused(
    run: Any, row: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RepriseError, match=problem):
        run([row])
