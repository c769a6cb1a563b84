"""The blind answer: made of train alone, the same for every image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datasets import add_image, write_rows
from reprise.dataset import Dataset
from reprise.preprocessing.store.shards import ShardWriter
from reprise.scoring import blind_predictions, compute_metrics, score, truth_of
from reprise.scoring.blind import common_places, no_better_than_blind

# Image, class, xywh in pixels; images 1 to 4 are train, 200 x 100, and 5 is test, 400 x 200.
BOXES = [
    (1, 1, [20, 10, 40, 20]),
    (2, 1, [22, 10, 40, 20]),
    (3, 1, [21, 11, 40, 20]),
    (4, 1, [150, 70, 40, 20]),
    (4, 2, [100, 50, 10, 10]),
    (5, 1, [42, 22, 80, 40]),
]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    writer = ShardWriter(tmp_path, "farm")
    images = [
        add_image(
            writer, image_id, "test" if image_id == 5 else "train", "farm",
            np.zeros((100, 200, 3), dtype=np.uint8), scale=2 if image_id == 5 else 1,
        )
        for image_id in range(1, 6)
    ]  # fmt: skip
    writer.close()
    annotations = [
        {
            "annotation_id": index, "image_id": image_id, "category_id": category_id,
            **dict(zip("xywh", map(float, xywh), strict=True)), "area": xywh[2] * xywh[3],
            "iscrowd": 0, "segmentation": "[]",
        }
        for index, (image_id, category_id, xywh) in enumerate(BOXES, start=1)
    ]  # fmt: skip
    labels = [{"image_id": 3, "category_id": 2}]
    return Dataset(write_rows(tmp_path, ("cat", "dog"), images, annotations, labels))


def test_the_commonest_place_comes_first_and_its_neighbours_do_not_repeat_it(
    dataset: Dataset,
) -> None:
    places = [(category_id, score) for category_id, _, score in common_places(dataset)]
    # Three of four train images have a cat near the same place.
    assert places == [(1, 0.75), (1, 0.25), (2, 0.25)]


def test_places_are_shares_of_the_image(dataset: Dataset) -> None:
    first = blind_predictions(dataset, truth_of(dataset, "test", "detect"), "detect")[0]
    assert first["image_id"] == 5
    # 20 of 200 pixels in train are 40 of 400.
    assert first["bbox"] == pytest.approx([40, 20, 80, 40], abs=4)


def test_the_test_split_is_never_looked_at(dataset: Dataset) -> None:
    truth = truth_of(dataset, "test", "detect")
    emptied = truth | {"annotations": []}
    assert blind_predictions(dataset, truth, "detect") == blind_predictions(
        dataset, emptied, "detect"
    )


def test_masks_are_whole_boxes_and_prompts_are_the_boxes_given(dataset: Dataset) -> None:
    truth = truth_of(dataset, "test", "segment")
    rows = blind_predictions(dataset, truth, "segment", prompted=True)
    assert [row["bbox"] for row in rows] == [[42, 22, 80, 40]]
    # Without an outline of its own the object is its box, too.
    assert compute_metrics(score("segment", truth, rows), ["mean_iou"]) == {"mean_iou": 1.0}
    assert blind_predictions(dataset, truth, "segment")[0]["segmentation"]["size"] == [200, 400]


def test_labels_are_their_shares_of_train(dataset: Dataset) -> None:
    rows = blind_predictions(dataset, truth_of(dataset, "test", "classify"), "classify")
    assert [(row["category_id"], row["score"]) for row in rows] == [(1, 1.0), (2, 0.5)]


def test_only_a_model_that_is_better_has_learned() -> None:
    assert no_better_than_blind("test", "mAP50", {"mAP50": 0.3, "blind": {"mAP50": 0.1}}) == ""
    assert no_better_than_blind("test", "mAP50", {"mAP50": 0.3}) == ""
    said = no_better_than_blind("test", "mAP50", {"mAP50": 0.1, "blind": {"mAP50": 0.1}})
    assert "its mAP50 of 0.100 is no better than 0.100" in said
