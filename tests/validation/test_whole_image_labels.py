"""A dataset of which only whole images are labelled is judged by these labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprise.dataset import Category
from reprise.validation.config import BoxesPerClass, ExpectationsConfig
from reprise.validation.validate import validate

if TYPE_CHECKING:
    from validation.conftest import Draft

Refusal = Callable[..., str]


@pytest.fixture(autouse=True)
def labelled(draft: Draft) -> None:
    draft.label_whole_images()


def test_a_sound_dataset_passes_without_a_box(draft: Draft, tmp_path: Path) -> None:
    expectations = ExpectationsConfig(
        max_background=0, min_boxes_per_class=BoxesPerClass(train=4, val=1, test=1)
    )
    validate(draft.write(tmp_path / "dataset"), expectations, tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["success"] is True
    rows = {entry["table"]: entry["rows"] for entry in summary["tables"]}
    assert (rows["annotations"], rows["labels"]) == (0, 21)
    assert (tmp_path / "out/data_docs/labels.html").is_file()


def test_a_class_with_too_few_images(draft: Draft, refusal: Refusal) -> None:
    draft.categories.append(Category(3, "blue"))
    message = refusal(draft, min_boxes_per_class=BoxesPerClass(val=3))
    assert "Each class has enough images in train; not so for 1 of 3 classes" in message
    assert "blue: 0 images in train, at least 1 are asked for" in message
    assert "white: 2 images in val, at least 3 are asked for" in message
    assert "expectations.min_boxes_per_class.val, which counts images with the label" in message
    assert "boxes in" not in message


def test_a_rare_class(draft: Draft, refusal: Refusal) -> None:
    message = refusal(draft, max_class_imbalance=1.5)
    assert "at most 1.5 times the images of any other in train" in message
    assert "white: 4 images in train, 2 times fewer than the commonest class" in message


def test_images_without_a_label(draft: Draft, refusal: Refusal) -> None:
    draft.labels = [row for row in draft.labels if row["image_id"] not in (9, 10)]
    message = refusal(draft)
    assert "val: 66.7% of 3 images have no label" in message
    assert "At most 50% of a split's images have no label" in message


def test_labels_that_contradict_the_other_tables(draft: Draft, refusal: Refusal) -> None:
    draft.labels[0]["category_id"] = 7
    draft.labels[1]["image_id"] = 99
    draft.labels.append(dict(draft.labels[-1]))
    message = refusal(draft)
    assert "cells/00.png (train), label class id 7: class id 7; known are 1, 2" in message
    assert "image id 99, label white: no image has the id 99" in message
    assert "cells/13.png (test), label red: it has this label before" in message
