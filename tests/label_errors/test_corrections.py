"""The suggested labels, as files to correct, and the page that shows them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import shapes_dataset
from reprise.commands.find_label_errors import write_results
from reprise.dataset import Category, Dataset
from reprise.evaluation.config import BootstrapConfig, EvaluationConfig
from reprise.label_errors.corrections import write_corrected
from reprise.label_errors.cross_validation import cross_validate, in_words
from reprise.label_errors.out_of_fold import FoldResult, OutOfFold
from reprise.label_errors.ranking import rank
from reprise.label_errors.suspects import OVERLOOKED, Ranking, Suspect
from reprise.predictions import prediction
from reprise.preprocessing.store.subset import write_subset
from reprise.scoring import Task, truth_of

pytest.importorskip("cleanlab", reason="pip install -e .[label-errors]")


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return Dataset(shapes_dataset(tmp_path / "data", train=8, val=4, test=0, masks=True))


def out_of_fold(data: Dataset, task: Task, folder: Path) -> tuple[OutOfFold, Any, Any]:
    """What a network finds that is always right, while one label is swapped and one removed."""
    rows = []
    masks = {a["id"]: a["segmentation"] for a in _truth(data, task, folder / "clean")}
    for row in data.annotations.itertuples(index=False):
        mask = masks[row.annotation_id] if task == "segment" else None
        box = (row.x, row.y, row.w, row.h)
        rows.append(prediction(row.image_id, row.category_id, box, 0.9, mask))
    swapped, removed = data.annotations.iloc[0], data.annotations.iloc[-1]
    spoilt = data.annotations.copy()
    spoilt.loc[spoilt.index[0], "category_id"] = 3 - int(swapped["category_id"])
    images = data.images.assign(split="test")
    write_subset(data, images, folder / "judged", annotations=spoilt.iloc[:-1])
    ids = data.images["image_id"].tolist()
    folds = [
        FoldResult(part, [row for row in rows if row["image_id"] in part], 0.5, False)
        for part in (ids[::2], ids[1::2])
    ]
    return OutOfFold(task, Dataset(folder / "judged"), folds), swapped, removed


def _truth(data: Dataset, task: Task, folder: Path) -> list[dict[str, Any]]:
    write_subset(data, data.images.assign(split="test"), folder)
    found: list[dict[str, Any]] = truth_of(Dataset(folder), "test", task)["annotations"]
    return found


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_suggested_labels_are_written_to_be_corrected(
    data: Dataset, task: Task, tmp_path: Path
) -> None:
    found, swapped, removed = out_of_fold(data, task, tmp_path)
    ranking = rank(found)
    assert [item.kind for item in ranking.suspects[:2]] == ["swapped", "overlooked"]
    settings = EvaluationConfig(bootstrap=BootstrapConfig(resamples=100))
    validated = cross_validate(found, settings)
    assert len(validated["folds"]) == 2
    assert "mAP50" in in_words(validated)
    out = tmp_path / "out"
    out.mkdir()
    options = argparse.Namespace(top=2, label_format=None)
    judged = found.judged
    write_results(out, judged, found, ranking, validated, options)
    written = json.loads(next((out / "coco").rglob("*.json")).read_text())
    names = {item["id"]: item["name"] for item in written["categories"]}
    assert {item["file_name"].rpartition("/")[2] for item in written["images"]} == {
        f"{key:04d}.png" for key in {int(swapped["image_id"]), int(removed["image_id"])}
    }
    # Half of the originals: they are written as they are stored.
    expected = {
        (data.class_names[int(row["category_id"]) - 1], *(float(row[k]) / 2 for k in "xywh"))
        for row in (swapped, removed)
    }
    boxes = {(names[a["category_id"]], *a["bbox"]) for a in written["annotations"]}
    assert expected <= boxes
    if task == "segment":
        assert all(item["segmentation"] for item in written["annotations"])
    page = (out / "label_errors.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 2
    assert "looks like" in page
    assert "not labelled" in page
    assert page.count("data:image/webp") == 2


def test_a_suggested_box_ends_at_the_edge(data: Dataset, tmp_path: Path) -> None:
    row = prediction(1, 1, (-10.0, 100.0, 50.0, 60.0), 0.9)
    suspect = Suspect(OVERLOOKED, 0.0, 0.9, 1, suggested=1, prediction=row)
    write_corrected(data, "detect", [suspect], tmp_path / "out", lambda mask: mask)
    last = Dataset(tmp_path / "out").annotations.iloc[-1]
    height = int(data.images.iloc[0]["original_height"])
    assert [float(last[key]) for key in "xywh"] == [0.0, 100.0, 40.0, height - 100.0]
    assert last["area"] == 40 * (height - 100)


def test_a_subset_may_number_its_classes_anew(data: Dataset, tmp_path: Path) -> None:
    write_subset(data, data.split("val"), tmp_path / "part", [Category(2, "disc")])
    part = Dataset(tmp_path / "part")
    assert part.class_names == ["disc"]
    assert set(part.annotations["category_id"]) == {1}
    assert set(part.images["split"]) == {"val"}
    first = part.images.iloc[0]
    assert part.pixels(first["shard"], first["offset"], first["length"]).dtype == np.uint8


def test_no_suspect_leaves_no_folder_of_labels(data: Dataset, tmp_path: Path) -> None:
    found, _, _ = out_of_fold(data, "detect", tmp_path)
    validated = cross_validate(found, EvaluationConfig(bootstrap=BootstrapConfig(resamples=0)))
    (tmp_path / "out").mkdir()
    options = argparse.Namespace(top=5, label_format=None)
    write_results(tmp_path / "out", found.judged, found, Ranking([]), validated, options)
    assert not (tmp_path / "out" / "coco").exists()
    assert "No label is suspect" in (tmp_path / "out" / "label_errors.html").read_text()
