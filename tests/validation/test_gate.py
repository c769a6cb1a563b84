"""One thing is wrong at a time: the refusal names the image or box, and says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
import pytest

from reprise.dataset import Category
from reprise.errors import RepriseError
from reprise.validation.config import ExpectationsConfig
from reprise.validation.validate import validate

if TYPE_CHECKING:
    from validation.conftest import Draft

Refusal = Callable[..., str]


def failed(message: str) -> int:
    """Number of failed expectations that a refusal's headline gives."""
    return int(message.removeprefix("The dataset fails ").split()[0])


@pytest.fixture
def only(refusal: Refusal) -> Refusal:
    """The refusal of a dataset that fails one expectation and no other."""

    def run(draft: Draft, **expectations: Any) -> str:
        message = refusal(draft, **expectations)
        assert failed(message) == 1
        return message

    return run


def test_sound_dataset_passes(draft: Draft, tmp_path: Path) -> None:
    validate(draft.write(tmp_path / "dataset"), ExpectationsConfig(), tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["success"] is True
    assert summary["failed"] == 0
    assert summary["passed"] == summary["expectations"] > 30
    assert [entry["rows"] for entry in summary["tables"]] == [14, 28, 3, 2, 1]


@pytest.mark.parametrize(
    ("number", "values", "expectations", "told"),
    [
        (3, {"x": 110.0, "w": 30.0}, {}, ["cells/01.png (train), annotation 3 (red)",
         "x=110 y=20 w=30 h=25 passes the edge of the 128 x 96 image by 12.00 px",
         "correct the box in the annotation file"]),
        (4, {"h": 3.5, "area": 100.0}, {"min_box_size": 4},
         ["cells/01.png (train), annotation 4 (white)", "shortest side 3.5 px",
          "expectations.min_box_size"]),
        (3, {"category_id": 7}, {}, ["cells/01.png (train), annotation 3 (class id 7)",
         "known are 1, 2", "data.classes"]),
        (3, {"area": 900.0}, {}, ["annotation 3 (red): x=10 y=20 w=30 h=25 area=900"]),
    ],
    ids=["outside", "tiny", "unknown-class", "area"],
)  # fmt: skip
def test_one_wrong_box(
    draft: Draft, only: Refusal, number: int, values: Any, expectations: Any, told: list[str]
) -> None:
    draft.box(number, **values)
    message = only(draft, **expectations)
    assert [text for text in told if text not in message] == []


def test_clipping_error_of_a_float_is_no_overflow(draft: Draft, tmp_path: Path) -> None:
    draft.box(3, x=98.1, w=29.9 + 1e-9, area=700.0)
    validate(draft.write(tmp_path / "dataset"), ExpectationsConfig(), tmp_path / "out")


def test_equal_boxes(draft: Draft, only: Refusal) -> None:
    draft.annotations.append({**draft.annotations[2], "annotation_id": 29})
    message = only(draft)
    assert "annotation 29 (red): x=10 y=20 w=30 h=25, equal to annotation 3" in message
    assert "delete one of the two" in message


def test_box_without_an_image_and_id_zero(draft: Draft, refusal: Refusal) -> None:
    draft.box(3, image_id=99)
    draft.box(4, annotation_id=0)
    message = refusal(draft)
    assert failed(message) == 2
    assert "annotation 3 (red): no image has the id 99" in message
    assert "cells/01.png (train), annotation 0 (white)" in message


def test_coordinate_that_is_no_number(draft: Draft, tmp_path: Path) -> None:
    dataset = draft.write(tmp_path / "dataset")
    boxes = pd.read_parquet(dataset / "annotations.parquet")
    boxes.loc[2, "x"] = float("nan")
    boxes.loc[3, "w"] = float("inf")
    boxes.to_parquet(dataset / "annotations.parquet")
    with pytest.raises(RepriseError, match=r"annotation 3 \(red\): x=nan y=20") as caught:
        validate(dataset, ExpectationsConfig(), tmp_path / "out")
    assert "annotation 4 (white): x=20 y=20 w=inf" in str(caught.value)
    assert failed(str(caught.value)) == 1


def test_same_pixels_in_two_splits(draft: Draft, only: Refusal) -> None:
    draft.image(9, sha256=draft.images[0]["sha256"])
    message = only(draft)
    assert "cells/00.png (train): same pixels as cells/09.png (val)" in message
    assert "cells/09.png (val): same pixels as cells/00.png (train)" in message
    assert "delete one of the two from its source" in message


def test_same_pixels_twice_in_a_split(draft: Draft, only: Refusal) -> None:
    draft.image(1, sha256=draft.images[0]["sha256"])
    message = only(draft)
    assert "cells/01.png (train): same pixels as cells/00.png (train)" in message


def test_group_in_two_splits(draft: Draft, only: Refusal) -> None:
    draft.image(12, group="slide-2")
    message = only(draft)
    assert "cells/12.png (test): group 'slide-2' is also that of cells/02.png (train)" in message
    assert "--force preprocess" in message


def test_almost_the_same_picture_in_two_splits(draft: Draft, only: Refusal) -> None:
    three_bits_off = int(draft.images[0]["perceptual_hash"], 16) ^ 0b1011
    draft.image(8, perceptual_hash=f"{three_bits_off:016x}")
    message = only(draft, near_duplicate_distance=3)
    assert "cells/08.png (val): almost the same as cells/00.png (train), 3 of 64" in message
    assert "data.split.near_duplicate_distance to 3" in message


@pytest.mark.parametrize("distance", [2, None])
def test_pictures_further_apart_are_allowed(
    draft: Draft, tmp_path: Path, distance: int | None
) -> None:
    three_bits_off = int(draft.images[0]["perceptual_hash"], 16) ^ 0b1011
    draft.image(8, perceptual_hash=f"{three_bits_off:016x}")
    expectations = ExpectationsConfig(near_duplicate_distance=distance)
    validate(draft.write(tmp_path / "dataset"), expectations, tmp_path / "out")


def test_synthetic_image_in_val(draft: Draft, only: Refusal) -> None:
    draft.image(0, synthetic=True)
    draft.image(8, synthetic=True)
    message = only(draft)
    assert "cells/08.png (val): a synthetic image in val" in message
    assert "00.png" not in message


def test_images_that_do_not_decode(draft: Draft, only: Refusal) -> None:
    draft.encoded[4] = draft.encoded[4][:-200]
    draft.encoded[5] = b"no image at all"
    jpeg = cv2.imencode(".jpg", np.zeros((48, 64, 3), dtype=np.uint8))[1].tobytes()
    draft.encoded[6] = jpeg[:-20]
    draft.image(7, offset=10**9)
    message = only(draft)
    assert "not so for 4 of 14 images" in message
    for name, why in {
        "04.png (train)": "cut off",
        "05.png (train)": "does not decode",
        "06.png (train)": "cut off",
        "07.png (train)": "cells-00000.tar ends before",
    }.items():
        (line,) = (line for line in message.splitlines() if name in line)
        assert why in line
    assert "dvc repro --force preprocess" in message


def test_a_shard_that_is_not_there(draft: Draft, refusal: Refusal) -> None:
    draft.image(8, shard="lost-00000.tar")
    message = refusal(draft)
    assert "shards lacks lost-00000.tar" in message
    assert "dvc checkout" in message


def test_stored_size_differs_from_the_table(draft: Draft, only: Refusal) -> None:
    draft.image(3, width=63)
    message = only(draft)
    assert "cells/03.png (train): the table says 63 x 48, the file is 64 x 48" in message


def test_class_missing_from_train(draft: Draft, only: Refusal) -> None:
    draft.categories.append(Category(3, "platelet"))
    message = only(draft)
    assert "platelet: 0 boxes in train, at least 1 are asked for" in message
    assert "expectations.min_boxes_per_class.train" in message


def test_rare_class(draft: Draft, only: Refusal) -> None:
    for annotation_id in range(2, 15, 2):
        draft.box(annotation_id, category_id=1)
    message = only(draft, max_class_imbalance=10)
    assert "white: 1 boxes in train, 15 times fewer than the commonest class" in message


def test_empty_split(draft: Draft, only: Refusal) -> None:
    for place in (8, 9, 10):
        draft.image(place, split="train")
    message = only(draft)
    assert "val: 0 images, at least 1 are asked for" in message
    assert "data.split" in message


def test_no_images_at_all(draft: Draft, refusal: Refusal) -> None:
    draft.images, draft.annotations, draft.encoded, draft.categories = [], [], [], []
    message = refusal(draft)
    assert "train: 0 images, at least 1 are asked for" in message
    assert "There is at least one class" in message


def test_images_without_boxes(draft: Draft, only: Refusal) -> None:
    draft.annotations = [row for row in draft.annotations if row["image_id"] not in (9, 10)]
    message = only(draft)
    assert "val: 66.7% of 3 images have no box" in message
    assert "expectations.max_background" in message


def test_boxes_too_small_after_resizing(draft: Draft, only: Refusal) -> None:
    for row in draft.annotations:
        row.update(w=3.0, h=3.0, area=9.0)
    message = only(draft)
    assert "train: 100.0% of 16 boxes are under 2 px after resizing" in message
    assert "data.image_size" in message


def test_boxes_of_another_scale_in_test(draft: Draft, only: Refusal) -> None:
    for row in draft.annotations[22:]:
        row.update(w=6.0, h=5.0, area=30.0)
    message = only(draft)
    assert "test: median box side 2.7 px after resizing, 5.0 times apart from train" in message


def test_too_much_rejected(draft: Draft, only: Refusal) -> None:
    lost = {"source": "cells", "action": "dropped", "rule": "image_unreadable", "detail": ""}
    draft.rejected = [{**lost, "name": f"{n}.png", "item": "image"} for n in range(20, 23)]
    draft.rejected.append({**lost, "name": "1.png", "item": "box", "action": "repaired"})
    message = only(draft)
    assert "cells: 3 images dropped, 14 kept (image_unreadable 3 times, first in 20.png)" in message
    assert "expectations.max_rejected" in message


def test_too_many_specks(draft: Draft, refusal: Refusal, tmp_path: Path) -> None:
    folder = draft.write(tmp_path / "specks")
    statistics = json.loads((folder / "statistics.json").read_text())
    for count, fails in ((3, False), (400, True)):
        (folder / "statistics.json").write_text(
            json.dumps({**statistics, "specks": {"cells": count}})
        )
        if not fails:
            validate(folder, ExpectationsConfig(), tmp_path / "out")
            continue
        with pytest.raises(RepriseError) as caught:
            validate(folder, ExpectationsConfig(), tmp_path / "out")
        message = str(caught.value)
        assert failed(message) == 1
        assert "cells: 400 regions left out as too small for objects, 28 kept" in message
        assert "expectations.max_rejected" in message


def test_boxes_that_are_all_tiny_are_explained(draft: Draft, refusal: Refusal) -> None:
    for row in draft.annotations:
        row.update(w=0.5, h=0.4, area=0.2)
    message = refusal(draft)
    assert "Nearly all boxes are so small: usually their coordinates are fractions" in message


def test_boxes_that_are_all_outside_are_explained(draft: Draft, refusal: Refusal) -> None:
    row = {"source": "cells", "item": "box", "action": "dropped", "rule": "box_outside"}
    draft.rejected = [{**row, "name": "00.png", "detail": str(n)} for n in range(400)]
    assert "Nearly all boxes lie outside their images: usually" in refusal(draft)


def test_beside_boxes_labels_are_checked_and_boxes_counted(draft: Draft, refusal: Refusal) -> None:
    draft.categories.append(Category(3, "wet"))
    draft.labels = [{"image_id": 1, "category_id": 3}, {"image_id": 99, "category_id": 3}]
    message = refusal(draft)
    assert failed(message) == 2
    assert "image id 99, label wet: no image has the id 99" in message
    assert "wet: 0 boxes in train, at least 1 are asked for" in message


def test_what_the_label_file_never_listed_is_not_rejected(draft: Draft, tmp_path: Path) -> None:
    row = {"source": "cells", "item": "image", "action": "dropped", "rule": "image_unlisted"}
    draft.rejected = [{**row, "name": f"mask-{n}.png", "detail": ""} for n in range(100)]
    validate(draft.write(tmp_path / "dataset"), ExpectationsConfig(), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["success"] is True


def test_table_of_another_version(draft: Draft, tmp_path: Path) -> None:
    dataset = draft.write(tmp_path / "dataset")
    pd.read_parquet(dataset / "images.parquet").drop(columns="group").to_parquet(
        dataset / "images.parquet"
    )
    with pytest.raises(RepriseError, match="lacks the column"):
        validate(dataset, ExpectationsConfig(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
