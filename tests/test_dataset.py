"""The dataset contract: what is written is read back, the same bytes each time."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import picture
from datasets import add_image, write_rows
from reprise.dataset import (
    ANNOTATION_COLUMNS,
    IMAGE_COLUMNS,
    Dataset,
    table,
)
from reprise.errors import RepriseError
from reprise.preprocessing.store.shards import ShardWriter

SPLIT_OF = ("train", "train", "val", "test")


def write(root: Path) -> Dataset:
    """Four images, of which the last has no box."""
    shards = ShardWriter(root, "mine")
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for index, split in enumerate(SPLIT_OF):
        more = {"name": f"{index}.png", "group": f"mine/{index}.png", "synthetic": index == 1}
        images.append(add_image(shards, index + 1, split, "mine", picture(index), 2, **more))
        for place in range(3 - index):
            box = {"x": 1.5, "y": 2.0, "w": 10.0, "h": 20.25, "area": 202.5, "iscrowd": 0}
            ids = {"annotation_id": len(boxes) + 1, "image_id": index + 1}
            boxes.append({**ids, "category_id": place + 1, **box, "segmentation": "[]"})
    shards.close()
    rejected = {"source": "mine", "name": "x", "item": "box", "action": "repaired"}
    rejected |= {"rule": "box_clipped", "detail": ""}
    write_rows(root, "abc", images, boxes, rejected=[rejected])
    return Dataset(root)


def test_images_come_back_by_offset(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    for index in (3, 0, 2, 1):
        row = dataset.images.iloc[index]
        found = dataset.pixels(row["shard"], row["offset"], row["length"])
        np.testing.assert_array_equal(found, picture(index))


def test_shards_are_plain_tar_files(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    with tarfile.open(tmp_path / "shards" / "mine-00000.tar") as archive:
        assert archive.getnames() == [f"{i}.png" for i in range(4)]
        for member, offset in zip(archive, dataset.images["offset"], strict=True):
            assert member.offset_data == offset


@pytest.mark.parametrize("name", ["short", "ü" * 20, "long/" * 60 + "name"])
def test_offsets_are_right_for_any_name(tmp_path: Path, name: str) -> None:
    shards = ShardWriter(tmp_path, "mine")
    for content in (b"first", b"second"):
        shard, offset, length = shards.add(f"{name}{len(content)}", content)
        assert (offset, length) >= (512, len(content))
    shards.close()
    with (tmp_path / "shards" / shard).open("rb") as file:
        file.seek(offset)
        assert file.read(length) == b"second"


def test_a_full_shard_is_followed_by_the_next(tmp_path: Path) -> None:
    shards = ShardWriter(tmp_path, "mine", limit=4000)
    names = [shards.add(str(i), bytes(1500))[0] for i in range(5)]
    shards.close()
    assert names == [f"mine-0000{i}.tar" for i in (0, 0, 1, 1, 2)]
    assert {path.name for path in (tmp_path / "shards").iterdir()} == set(names)


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two")
    for path in sorted((tmp_path / "one").rglob("*.*")):
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == twin.read_bytes(), path.name


def test_tables_splits_and_boxes(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    assert list(dataset.images.columns) == list(IMAGE_COLUMNS)
    assert list(dataset.annotations.columns) == list(ANNOTATION_COLUMNS)
    assert dataset.split("train")["image_id"].tolist() == [1, 2]
    boxes = dataset.boxes_of([1, 4])
    assert {image_id: len(rows) for image_id, rows in boxes.items()} == {1: 3, 4: 0}
    assert dataset.class_names == ["a", "b", "c"]


def test_ground_truth_is_coco_in_original_pixels(tmp_path: Path) -> None:
    truth = write(tmp_path).ground_truth("val")
    assert truth["images"] == [{"id": 3, "file_name": "mine/2.png", "width": 128, "height": 96}]
    (box,) = truth["annotations"]
    assert box["bbox"] == [1.5, 2.0, 10.0, 20.25] and box["id"] == 6
    assert truth["categories"][0] == {"id": 1, "name": "a"}


def test_statistics_count_everything(tmp_path: Path) -> None:
    write(tmp_path)
    counted = json.loads((tmp_path / "statistics.json").read_text())
    train = counted["splits"]["train"]
    assert (train["images"], train["synthetic_images"], train["boxes"]) == (2, 1, 5)
    assert train["boxes_by_class"] == {"a": 2, "b": 2, "c": 1}
    assert counted["splits"]["test"]["images_without_boxes"] == 1
    assert (counted["dropped"], counted["repaired"]) == (0, 1)


def test_empty_tables_keep_their_columns() -> None:
    empty = table([], ANNOTATION_COLUMNS)
    assert list(empty.columns) == list(ANNOTATION_COLUMNS)
    assert str(empty["x"].dtype) == "float64"


def test_damage_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match=r"is not a dataset: images\.parquet is missing"):
        Dataset(tmp_path)
    dataset = write(tmp_path)
    row = dataset.images.iloc[0]
    with pytest.raises(RepriseError, match="does not decode"):
        dataset.pixels(row["shard"], 0, 100)
    with pytest.raises(RepriseError, match="ends before the image"):
        dataset.encoded(row["shard"], 10**9, 10)
