"""``reprise export`` writes what the dataset holds, in the pixels of the stored images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from datasets import shapes_dataset
from reprise.cli import main
from reprise.commands.export import export, exported_names
from reprise.dataset import LABEL_COLUMNS, Dataset, table
from reprise.errors import RepriseError
from reprise.formats.records import ReadOptions, SourceDataset
from reprise.formats.source_labels import read_source
from reprise.masks import rle

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def processed(tmp_path: Path) -> Path:
    return shapes_dataset(tmp_path / "processed", train=4, val=2, test=1)


def _change(processed: Path, name: str, column: str, values: list[Any]) -> None:
    frame = pd.read_parquet(processed / f"{name}.parquet")
    frame[column] = values + frame[column].tolist()[len(values) :]
    frame.to_parquet(processed / f"{name}.parquet", index=False)


def _read(folder: Path, name: str) -> SourceDataset:
    return read_source(folder, "again", name, ReadOptions())


def test_voc_holds_every_box_at_stored_size(
    processed: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["export", "voc", str(out), "--dataset", str(processed)]) == 0
    assert capsys.readouterr().out == f"7 image(s) in {out}, format voc\n"
    images, dataset = _read(out, "voc").images, Dataset(processed)
    assert len(images) == 7
    boxes = dataset.boxes_of(dataset.images["image_id"])
    for image, row in zip(images, dataset.images.to_dict("records"), strict=True):
        assert (image.width, image.height) == (row["width"], row["height"])
        # Originals are twice the stored size.
        expected = boxes[row["image_id"]][["x", "y", "w", "h"]].to_numpy() / 2
        assert np.allclose([box.xywh for box in image.boxes], expected)
    assert [path.name for path in out.parent.iterdir()] == ["folder"]


def test_images_are_the_stored_bytes(processed: Path, tmp_path: Path) -> None:
    export(Dataset(processed), "voc", tmp_path / "out")
    dataset = Dataset(processed)
    stored = {
        dataset.encoded(row["shard"], row["offset"], row["length"])
        for row in dataset.images.to_dict("records")
    }
    assert {path.read_bytes() for path in (tmp_path / "out").rglob("*.png")} == stored


def test_coco_holds_splits_outlines_and_masks(processed: Path, tmp_path: Path) -> None:
    dataset = Dataset(processed)
    row = dataset.images.iloc[0]
    mask = np.zeros((row["original_height"], row["original_width"]), dtype=bool)
    mask[20:60, 10:30] = True
    packed = rle.encode(mask)
    first = len(dataset.annotations[dataset.annotations["image_id"] == 1])
    outlines = [packed] * first + [[[0.0, 0.0, 10.0, 0.0, 10.0, 20.0]]]
    _change(processed, "annotations", "segmentation", [json.dumps(item) for item in outlines])
    export(Dataset(processed), "coco", tmp_path / "out")
    images = _read(tmp_path / "out", "coco").images
    assert sorted(image.split or "" for image in images) == ["test", *["train"] * 4, "val", "val"]
    by_name = {Path(image.name).name: image for image in images}
    found = by_name["0001.png"].boxes[0].segmentation
    assert isinstance(found, dict)
    assert rle.bounds(rle.decode(found)) == (5, 10, 10, 20)
    assert by_name["0002.png"].boxes[0].segmentation == [[0.0, 0.0, 5.0, 0.0, 5.0, 10.0]]


@pytest.mark.parametrize(
    "broken", [{"size": [4, 4], "counts": [16]}, {"size": [128, 128], "counts": [5]}]
)
def test_a_mask_that_fits_no_image_is_left_out_and_its_box_kept(
    broken: dict[str, Any], processed: Path, tmp_path: Path
) -> None:
    _change(processed, "annotations", "segmentation", [json.dumps(broken)])
    export(Dataset(processed), "coco", tmp_path / "out")
    boxes = [box for image in _read(tmp_path / "out", "coco").images for box in image.boxes]
    assert len(boxes) == len(Dataset(processed).annotations)
    assert not any(isinstance(box.segmentation, dict) for box in boxes)


def test_labels_of_whole_images(processed: Path, tmp_path: Path) -> None:
    rows = [{"image_id": 1, "category_id": 2}, {"image_id": 1, "category_id": 1}]
    table(rows, LABEL_COLUMNS).to_parquet(processed / "labels.parquet", index=False)
    boxes = pd.read_parquet(processed / "annotations.parquet")
    boxes.iloc[:0].to_parquet(processed / "annotations.parquet", index=False)
    export(Dataset(processed), "multilabel_csv", tmp_path / "out")
    labels = {Path(i.name).name: i.labels for i in _read(tmp_path / "out", "multilabel_csv").images}
    assert sorted(labels["0001.png"]) == ["disc", "square"]


def test_only_the_splits_asked_for(processed: Path, tmp_path: Path) -> None:
    assert export(Dataset(processed), "voc", tmp_path / "out", ["val", "test"]) == 3
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
    with pytest.raises(RepriseError, match="has no images in train"):
        few = shapes_dataset(tmp_path / "few", train=0, val=1, test=0)
        export(Dataset(few), "voc", tmp_path / "more", ["train"])


def test_a_folder_that_holds_something_is_left_alone(
    processed: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    words = ["export", "voc", str(out), "--dataset", str(processed)]
    assert main(words) == 0
    before = sorted(out.rglob("*"))
    assert main(words) == 1
    assert f"{out} exists and is not empty" in capsys.readouterr().err
    assert sorted(out.rglob("*")) == before


def test_a_format_that_cannot_hold_it_leaves_nothing(
    processed: Path, tmp_path: Path, capsys: Capture
) -> None:
    _change(processed, "annotations", "iscrowd", [1])
    assert main(["export", "voc", str(tmp_path / "out"), "--dataset", str(processed)]) == 1
    err = capsys.readouterr().err
    assert "cannot hold" in err
    assert "--without" in err
    assert [path.name for path in tmp_path.iterdir()] == ["processed"]


def test_what_a_format_cannot_hold_is_left_out_on_request(processed: Path, tmp_path: Path) -> None:
    table([{"image_id": 1, "category_id": 2}], LABEL_COLUMNS).to_parquet(
        processed / "labels.parquet", index=False
    )
    _change(processed, "annotations", "iscrowd", [1])
    dataset = Dataset(processed)
    words = ["export", "voc", str(tmp_path / "out"), "--dataset", str(processed)]
    assert main([*words, "--without", "labels", "crowds"]) == 0
    boxes = [box for image in _read(tmp_path / "out", "voc").images for box in image.boxes]
    assert len(boxes) == len(dataset.annotations) - 1


def test_the_same_dataset_gives_the_same_files(processed: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        export(Dataset(processed), "voc", tmp_path / name)
        files = sorted((tmp_path / name).rglob("*"))
        contents.append(
            [(p.relative_to(tmp_path / name), p.read_bytes()) for p in files if p.is_file()]
        )
    assert contents[0] == contents[1]


def test_names_are_used_once() -> None:
    stored = ".jpg"
    assert exported_names([("one", "a/b.PNG", stored), ("two", "c", stored)]) == [
        "a/b.jpg",
        "c.jpg",
    ]
    assert exported_names([("one", "b.png", stored), ("two", "b.jpg", stored)]) == [
        "one/b.jpg",
        "two/b.jpg",
    ]
    assert exported_names([("one", "b.png", stored), ("one", "b.jpg", stored)]) == [
        "one/b.png.jpg",
        "one/b.jpg.jpg",
    ]
    # The first two move into folders, where the third would be in their way.
    assert exported_names(
        [("one", "b.png", stored), ("two", "b.png", stored), ("x", "one/b.png", stored)]
    ) == ["one/b.png.jpg", "two/b.jpg", "x/one/b.jpg"]
