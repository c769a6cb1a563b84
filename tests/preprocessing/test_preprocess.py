"""From label files and image files to the dataset contract, with a ledger of every change."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError

from builders import picture, tiny_coco, tiny_yolo, write_labels
from preprocessing.running import run_stage
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.rules import Rule
from reprise.synthesis.config import SyntheticConfig


def settings(*names: str, **more: Any) -> DataConfig:
    sources = {name: {"url": name, "format": "coco"} for name in names or ("mine",)}
    split = {"train": 0.6, "val": 0.2, "test": 0.2}
    fields = {"sources": sources, "image_size": 64, "split": split, **more}
    return DataConfig.model_validate(fields)


class Place:
    """A raw folder, an out, and a short way to preprocess between them."""

    def __init__(self, root: Path) -> None:
        self.raw = root / "raw"
        self.synthetic = root / "synthetic"
        self.out = root / "processed"
        self.splits: Path | None = None
        self.cache: Path | None = None

    def run(self, *names: str, workers: int = 0, **more: Any) -> Dataset:
        config = settings(*names, **more)
        raw = {name: self.raw / name for name in config.sources}
        run_stage(
            config,
            raw,
            self.out,
            workers,
            drawn=self.synthetic,
            assignments=self.splits,
            cache=self.cache,
        )
        return Dataset(self.out)

    def fail(self, *names: str, **more: Any) -> str:
        with pytest.raises(RepriseError) as caught:
            self.run(*names, **more)
        assert not self.out.exists()
        assert list(self.out.parent.glob(".*")) == []
        return str(caught.value)

    def digests(self) -> dict[str, str]:
        return {
            path.relative_to(self.out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.out.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def ledger(dataset: Dataset) -> set[tuple[str, str]]:
    return set(dataset.rejected[["name", "rule"]].itertuples(index=False, name=None))


def replace_image(folder: Path, index: int, pixels: np.ndarray, **options: Any) -> None:
    Image.fromarray(pixels).save(folder / f"images/{index:04d}.png", **options)


def test_the_contract_is_filled(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20, ("cat", "dog"))
    dataset = place.run()
    assert len(dataset.images) == 20 and len(dataset.annotations) == 40
    assert dataset.images["image_id"].tolist() == list(range(1, 21))
    assert dataset.annotations["annotation_id"].tolist() == list(range(1, 41))
    assert dataset.class_names == ["cat", "dog"]
    assert dataset.images["split"].value_counts().to_dict() == {"train": 12, "val": 4, "test": 4}
    assert dataset.images["sha256"].is_unique
    assert dataset.images["perceptual_hash"].str.fullmatch("[0-9a-f]{16}").all()
    assert len(dataset.rejected) == 0
    truth = dataset.ground_truth("val")
    assert [entry["file_name"] for entry in truth["images"]] == [
        f"mine/{name}" for name in dataset.split("val")["name"]
    ]


def test_images_are_reduced_never_enlarged_and_boxes_stay_in_original_pixels(
    place: Place,
) -> None:
    content = tiny_coco(place.raw / "mine", 20, size=(150, 100))
    big = place.run(image_size=96)
    row = big.images.iloc[0]
    assert (row["width"], row["height"]) == (96, 64)
    assert (row["original_width"], row["original_height"]) == (150, 100)
    assert big.pixels(row["shard"], row["offset"], row["length"]).shape == (64, 96, 3)
    box = big.annotations.iloc[0][["x", "y", "w", "h"]].tolist()
    assert box == content["annotations"][0]["bbox"]
    kept = place.run(image_size=256).images.iloc[0]
    assert (kept["width"], kept["height"]) == (150, 100)


def test_stored_pixels_are_those_of_the_original(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20, size=(150, 100))
    for index in range(20):
        replace_image(place.raw / "mine", index, picture(index, 150, 100))
    dataset = place.run(image_size=96, encoding={"jpeg_quality": 100})
    for row in dataset.images.itertuples():
        stored = dataset.pixels(row.shard, row.offset, row.length)
        expected = cv2.resize(picture(row.Index, 150, 100), (96, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(stored.astype(int) - expected).mean() < 1


def test_every_image_rule(place: Place) -> None:
    folder = place.raw / "mine"
    content = tiny_coco(folder, 20)
    (folder / "images/0000.png").unlink()
    (folder / "images/0001.png").write_bytes(b"not an image")
    replace_image(folder, 2, picture(2, 2000, 60))
    replace_image(folder, 3, picture(3, 48, 64))
    replace_image(folder, 4, picture(4, 128, 96))
    replace_image(folder, 6, np.asarray(Image.open(folder / "images/0005.png")))
    Image.fromarray(picture(99)).save(folder / "images/extra.png")
    content["annotations"][8]["segmentation"] = [[1, 2, 3, 4, 5, 7]]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != 8]
    write_labels(folder, content)
    dataset = place.run(limits={"max_image_megapixels": 0.1})
    assert ledger(dataset) == {
        ("images/0000.png", "image_missing"),
        ("images/0001.png", "image_unreadable"),
        ("images/0002.png", "image_too_large"),
        ("images/0003.png", "image_size_contradicts"),
        ("images/0004.png", "image_size_rescaled"),
        ("images/0006.png", "image_conflict"),
        ("images/extra.png", "image_unlisted"),
    }
    kept = dataset.images.set_index("name")
    assert set(kept.index) == {f"images/{i:04d}.png" for i in range(20)} - {
        f"images/{i:04d}.png" for i in (0, 1, 2, 3, 6)
    }
    rescaled = dataset.boxes_of([kept.loc["images/0004.png", "image_id"]])
    first = next(iter(rescaled.values())).iloc[0]
    written = content["annotations"][8]
    assert [first[side] for side in "xywh"] == [2 * value for value in written["bbox"]]
    assert first["area"] == 4 * written["area"]
    assert first["segmentation"] == "[[2.0, 4.0, 6.0, 8.0, 10.0, 14.0]]"
    background = dataset.boxes_of([kept.loc["images/0007.png", "image_id"]])
    assert [len(rows) for rows in background.values()] == [0]


def test_every_box_rule(place: Place) -> None:
    content = tiny_coco(place.raw / "mine", 20)
    boxes: dict[str, list[float]] = {
        "box_not_finite": [float("nan"), 1, 5, 5],
        "box_empty": [5, 5, 0, 5],
        "box_outside": [64, 5, 5, 5],
        "box_clipped": [60, 5, 10, 5],
    }
    template = content["annotations"][0]
    for index, bbox in enumerate(boxes.values()):
        extra = {**template, "id": 1000 + index, "image_id": index + 1, "bbox": bbox}
        content["annotations"].append(extra)
    content["annotations"].append({**content["annotations"][8], "id": 2000})
    write_labels(place.raw / "mine", content)
    dataset = place.run()
    names = [f"images/{i:04d}.png" for i in range(5)]
    assert ledger(dataset) == set(zip(names, [*boxes, "box_duplicate"], strict=True))
    assert len(dataset.annotations) == 41
    clipped = dataset.annotations[dataset.annotations["x"] == 60].iloc[0]
    assert (clipped["w"], clipped["area"]) == (4, 20)
    details = dataset.rejected.set_index("rule")["detail"]
    assert details["box_clipped"] == "box 2 (button) at [60, 5, 10, 5], image 64 x 48"


def test_the_ledger_uses_only_documented_rules(place: Place, capsys: Any) -> None:
    content = tiny_coco(place.raw / "mine", 20)
    content["annotations"][0]["bbox"][2] = 500
    write_labels(place.raw / "mine", content)
    dataset = place.run()
    assert set(dataset.rejected["rule"]) <= {rule.code for rule in Rule}
    assert "1 box(es) repaired: box_clipped" in capsys.readouterr().out


def test_exif_turns_the_image_and_its_boxes_are_for_the_upright_one(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    exif = Image.Exif()
    exif[0x0112] = 6
    replace_image(place.raw / "mine", 0, np.rot90(picture(0)), exif=exif)
    row = place.run().images.iloc[0]
    assert (row["original_width"], row["original_height"]) == (64, 48)
    tiny = np.ascontiguousarray(picture(0))
    assert row["sha256"] == hashlib.sha256(b"64x48:" + tiny.tobytes()).hexdigest()


def copy_of_the_first(folder: Path, content: dict[str, Any], same_labels: bool) -> None:
    """Makes image 1 a copy of image 0, with its labels or with those it had."""
    replace_image(folder, 1, np.asarray(Image.open(folder / "images/0000.png")))
    if same_labels:
        mine = [a for a in content["annotations"] if a["image_id"] != 2]
        copied = [{**a, "id": a["id"] + 1000, "image_id": 2} for a in mine if a["image_id"] == 1]
        content["annotations"] = mine + copied
        write_labels(folder, content)


@pytest.mark.parametrize(("same", "rule"), [(True, "duplicate"), (False, "conflict")])
def test_copies_go_and_labels_that_contradict_are_told(place: Place, same: bool, rule: str) -> None:
    content = tiny_coco(place.raw / "mine", 20)
    copy_of_the_first(place.raw / "mine", content, same)
    dataset = place.run()
    assert ledger(dataset) == {("images/0001.png", f"image_{rule}")}
    assert dataset.rejected.iloc[0]["detail"] == "same pixels as mine/images/0000.png"


def test_copies_may_be_kept_and_then_stay_together(place: Place) -> None:
    content = tiny_coco(place.raw / "mine", 20)
    copy_of_the_first(place.raw / "mine", content, same_labels=True)
    split = {"train": 0.6, "val": 0.2, "test": 0.2, "duplicates": "keep"}
    dataset = place.run(split=split)
    assert ledger(dataset) == {("images/0001.png", "image_copy_kept")}
    copies = dataset.images[dataset.images["name"].isin(["images/0000.png", "images/0001.png"])]
    assert copies["split"].nunique() == copies["group"].nunique() == 1


def test_kept_copies_are_told_of_once(place: Place) -> None:
    content = tiny_coco(place.raw / "mine", 20)
    copy_of_the_first(place.raw / "mine", content, same_labels=True)
    tiny_coco(place.raw / "yours", 3, seed=1)
    (place.raw / "yours/images/0001.png").write_bytes(
        (place.raw / "mine/images/0000.png").read_bytes()
    )
    split = {"train": 0.6, "val": 0.2, "test": 0.2, "duplicates": "keep"}
    sources = {name: {"url": name, "format": "coco"} for name in ("mine", "yours")}
    told = place.run(split=split, sources=sources).rejected
    assert list(told["source"] + "/" + told["name"]) == [
        "mine/images/0001.png",
        "yours/images/0001.png",
    ]
    assert set(told["detail"]) == {"same pixels as mine/images/0000.png"}


@pytest.mark.parametrize(("rule", "kept"), [("auto", 20), ("background", 21), ("drop", 20)])
def test_an_image_that_the_label_file_does_not_list(place: Place, rule: str, kept: int) -> None:
    tiny_coco(place.raw / "mine", 20)
    Image.fromarray(picture(99)).save(place.raw / "mine/images/extra.png")
    source = {"url": "mine", "format": "coco", "unlabelled": rule}
    dataset = place.run(sources={"mine": source})
    assert len(dataset.images) == kept
    expected = "image_unlabelled" if rule == "background" else "image_unlisted"
    assert ledger(dataset) == {("images/extra.png", expected)}


def test_an_image_without_a_label_file_is_background(place: Place) -> None:
    tiny_yolo(place.raw / "mine", 20)
    (place.raw / "mine/labels/0003.txt").unlink()
    dataset = place.run(sources={"mine": {"url": "mine", "format": "yolo"}})
    assert ledger(dataset) == {("images/0003.png", "image_unlabelled")}
    assert len(dataset.images) == 20 and len(dataset.annotations) == 19


def test_an_image_that_loses_every_label_is_no_background(place: Place) -> None:
    tiny_yolo(place.raw / "mine", 20)
    (place.raw / "mine/labels/0003.txt").write_text("0 0.5 0.5 0 0.2\n")
    (place.raw / "mine/labels/0004.txt").write_text("0 0.5 0.5 0 0.2\n0 0.5 0.5 0.2 0.2\n")
    dataset = place.run(sources={"mine": {"url": "mine", "format": "yolo"}})
    assert ledger(dataset) == {
        ("images/0003.png", "box_empty"),
        ("images/0003.png", "image_labels_lost"),
        ("images/0004.png", "box_empty"),
    }
    assert len(dataset.images) == len(dataset.annotations) == 19


def test_pixels_where_fractions_should_be_are_read_anew_each_time(place: Place) -> None:
    tiny_yolo(place.raw / "mine", 20)
    for label in (place.raw / "mine/labels").iterdir():
        label.write_text("0 32 24 40 20\n")
    dataset = place.run(sources={"mine": {"url": "mine", "format": "yolo"}})
    boxes = dataset.annotations[["x", "y", "w", "h"]].to_numpy()
    assert boxes.tolist() == [[12, 14, 40, 20]] * 20


def test_a_copy_without_labels_never_wins_over_the_labelled_one(place: Place) -> None:
    tiny_yolo(place.raw / "mine", 20)
    shutil.copy(place.raw / "mine/images/0003.png", place.raw / "mine/images/0000-copy.png")
    (place.raw / "first/images").mkdir(parents=True)
    replace_image(place.raw / "first", 0, picture(7))
    formats = {"first": "images", "mine": "yolo"}
    sources = {name: {"url": name, "format": kind} for name, kind in formats.items()}
    dataset = place.run(sources=sources)
    dropped = dataset.rejected[dataset.rejected["action"] == "dropped"]
    assert dropped[["source", "name", "rule"]].to_numpy().tolist() == [
        ["first", "images/0000.png", "image_duplicate"],
        ["mine", "images/0000-copy.png", "image_duplicate"],
    ]
    assert len(dataset.annotations) == 20


def test_an_image_whose_labels_cannot_be_read_is_left_out(place: Place) -> None:
    tiny_yolo(place.raw / "mine", 20)
    (place.raw / "mine/labels/0003.txt").write_text("0 0.5\n")
    dataset = place.run(sources={"mine": {"url": "mine", "format": "yolo"}})
    assert ledger(dataset) == {("images/0003.png", "labels_unreadable")}
    assert "line 1" in dataset.rejected.iloc[0]["detail"]


def test_labels_of_whole_images(place: Place) -> None:
    folder = place.raw / "mine"
    for index in range(20):
        name = ("cat", "dog", "cat+dog")[index % 3]
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(index)).save(folder / name / f"{index}.png")
    dataset = place.run(sources={"mine": {"url": "mine", "format": "auto"}})
    assert dataset.class_names == ["cat", "dog"] and len(dataset.annotations) == 0
    name_of = dataset.images.set_index("image_id")["name"]
    labels = dataset.labels.groupby(dataset.labels["image_id"].map(name_of))["category_id"]
    assert labels.apply(list)["cat+dog/2.png"] == [1, 2]
    assert labels.apply(list)["dog/1.png"] == [2]
    counted = json.loads((place.out / "statistics.json").read_text())
    assert sum(s["images_by_label"]["cat"] for s in counted["splits"].values()) == 13
    assert "format multilabel_folders" in counted["notes"]["mine"][0]


def test_an_image_never_moves_to_another_split(place: Place) -> None:
    place.splits = place.out.parent / "splits.csv"
    tiny_coco(place.raw / "mine", 20)
    before = place.run().images.set_index("file_sha256")["split"]
    tiny_coco(place.raw / "mine", 60)
    after = place.run().images.set_index("file_sha256")["split"]
    assert len(after) == 60 and after[before.index].equals(before)
    record = place.splits.read_bytes()
    assert place.run().images.set_index("file_sha256")["split"].equals(after)
    assert place.splits.read_bytes() == record


def test_a_cache_changes_no_byte(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    place.run()
    without = place.digests()
    place.cache = place.out.parent / "cache"
    for workers in (0, 1, 2):
        place.run(workers=workers)
        assert place.digests() == without


def test_copy_paste_uses_train_alone(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    raw = {"mine": place.raw / "mine"}
    made = SyntheticConfig.model_validate({"generator": "copy_paste", "count": 6, "seed": 0})
    run_stage(settings(), raw, place.out, 0, made)
    one = place.digests()
    run_stage(settings(), raw, place.out, 2, made)
    assert place.digests() == one
    dataset = Dataset(place.out)
    composed = dataset.images[dataset.images["source"] == "copy_paste"]
    assert len(composed) >= 4 and set(composed["split"]) == {"train"}
    assert composed["synthetic"].all()
    assert (dataset.annotations["image_id"].isin(composed["image_id"])).sum() > len(composed)


def test_synthetic_images_join_train_only(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    tiny_coco(place.synthetic, 30, seed=5)
    copied = np.asarray(Image.open(place.raw / "mine/images/0003.png"))
    replace_image(place.synthetic, 7, copied)
    for index in range(20):
        near = np.asarray(Image.open(place.raw / f"mine/images/{index:04d}.png")).copy()
        near[0, 0] ^= 1
        replace_image(place.synthetic, 10 + index, near)
    dataset = place.run()
    made = dataset.images[dataset.images["synthetic"]]
    assert set(made["split"]) == {"train"} and set(made["source"]) == {"synthetic"}
    held_out = int((dataset.images["split"] != "train").sum())
    assert held_out == pytest.approx(0.4 * 20, abs=1)
    counts = dataset.rejected["rule"].value_counts()
    assert counts["image_conflict"] == 1
    assert counts["synthetic_near_real"] == held_out
    assert len(made) == 30 - 1 - held_out


def test_groups_of_the_label_file_are_kept_together(place: Place) -> None:
    tiny_coco(place.raw / "mine", 40, keys=lambda i: {"look": i % 10})
    split = {"train": 0.6, "val": 0.2, "test": 0.2, "group_by": ["look"]}
    images = place.run(split=split).images
    assert images["group"].nunique() == 10
    assert (images.groupby("group")["split"].nunique() == 1).all()


def test_workers_do_not_change_a_byte(place: Place) -> None:
    content = tiny_coco(place.raw / "mine", 40)
    content["annotations"][0]["bbox"][2] = 500
    write_labels(place.raw / "mine", content)
    place.run()
    one = place.digests()
    place.run(workers=2)
    assert place.digests() == one


def test_hash_seed_and_folder_do_not_change_a_byte(place: Place, tmp_path: Path) -> None:
    tiny_coco(place.raw / "mine", 20, keys=lambda i: {"look": i % 10})
    split = {"train": 0.6, "val": 0.2, "test": 0.2, "group_by": ["look"]}
    place.run(split=split)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    place.raw.rename(moved / "raw")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from reprise.preprocessing.config import DataConfig\n"
        "from reprise.preprocessing.preprocess import Folders, preprocess\n"
        "root = Path(sys.argv[1])\n"
        "config = DataConfig.model_validate_json(sys.argv[2])\n"
        "folders = Folders({'mine': root / 'raw/mine'}, root / 'processed')\n"
        "preprocess(data=config, folders=folders)\n"
    )
    config = settings(split=split).model_dump_json()
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    command = [sys.executable, "-c", program, str(moved), config]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    before = place.digests()
    place.out = moved / "processed"
    assert place.digests() == before


def test_another_source_leaves_the_other_shards_as_they_were(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    place.run("mine")
    before = place.digests()
    tiny_coco(place.raw / "a-first", 10, seed=1)
    shared = np.asarray(Image.open(place.raw / "mine/images/0000.png"))
    replace_image(place.raw / "a-first", 0, shared)
    dataset = place.run("mine", "a-first")
    after = place.digests()
    assert after["shards/mine-00000.tar"] == before["shards/mine-00000.tar"]
    assert "shards/a-first-00000.tar" in after
    dropped = dataset.rejected.iloc[0]
    assert (dropped["source"], dropped["rule"]) == ("mine", "image_conflict")
    assert dataset.images["source"].value_counts().to_dict() == {"mine": 19, "a-first": 10}


def test_the_split_does_not_depend_on_the_stored_size(place: Place) -> None:
    tiny_coco(place.raw / "mine", 30, size=(150, 100))
    columns = ["name", "split", "sha256", "perceptual_hash"]
    small = place.run(image_size=32).images[columns]
    large = place.run(image_size=128).images[columns]
    pd.testing.assert_frame_equal(small, large)


def test_the_raw_files_are_not_changed(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    before = {path: path.read_bytes() for path in place.raw.rglob("*") if path.is_file()}
    place.run()
    assert {path: path.read_bytes() for path in place.raw.rglob("*") if path.is_file()} == before


def test_unknown_class(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20, ("cat", "dog", "bird"))
    message = place.fail(classes=["dog", "horse"])
    assert "'cat' (source mine), 'bird' (source mine)" in message
    assert "it names: dog, horse" in message and "data.classes: all" in message


def test_listed_classes_keep_their_order_and_may_be_unused(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20, ("cat", "dog"))
    dataset = place.run(classes=["horse", "dog", "cat"])
    assert dataset.class_names == ["horse", "dog", "cat"]
    assert set(dataset.annotations["category_id"]) == {2, 3}


def test_all_means_the_classes_that_label_a_box(place: Place) -> None:
    content = tiny_coco(place.raw / "mine", 20, ("cat", "dog"))
    content["categories"].insert(0, {"id": 0, "name": "everything"})
    write_labels(place.raw / "mine", content)
    assert place.run(classes="all").class_names == ["cat", "dog"]


def test_no_boxes_at_all(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20, boxes_each=0)
    assert "no image has any box" in place.fail()


def test_no_usable_image(place: Place) -> None:
    tiny_coco(place.raw / "mine", 3)
    for path in (place.raw / "mine/images").iterdir():
        path.write_bytes(b"")
    message = place.fail()
    assert "no usable image is left" in message and "3 image(s) dropped" in message


def test_an_empty_split(place: Place) -> None:
    tiny_coco(place.raw / "mine", 2)
    assert "would be empty" in place.fail()


def test_a_failure_leaves_the_earlier_dataset(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    place.run()
    before = place.digests()
    with pytest.raises(RepriseError):
        place.run(classes=["horse"])
    assert place.digests() == before


def test_a_full_disk_ends_with_one_message(place: Place) -> None:
    tiny_coco(place.raw / "mine", 20)
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from reprise.errors import RepriseError\n"
        "from reprise.preprocessing.config import DataConfig\n"
        "from reprise.preprocessing.preprocess import Folders, preprocess\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "config = DataConfig.model_validate_json(sys.argv[2])\n"
        "root = Path(sys.argv[1])\n"
        "try:\n"
        "    folders = Folders({'mine': root / 'raw/mine'}, root / 'processed')\n"
        "    preprocess(data=config, folders=folders)\n"
        "except RepriseError as error:\n"
        "    print(error)\n"
    )
    root = str(place.raw.parent)
    command = [sys.executable, "-c", program, root, settings().model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the dataset cannot be written" in done.stdout and "free disk space" in done.stdout
    assert sorted(path.name for path in place.out.parent.iterdir()) == ["raw"]


def test_torch_is_never_imported() -> None:
    program = (
        "import sys\n"
        "import reprise.preprocessing.preprocess, reprise.sources.download\n"
        "assert 'torch' not in sys.modules and 'fsspec' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image_size": 100}, "multiple of 32"),
        ({"sources": {}}, "at least 1"),
        ({"sources": {"Bad Name": {"url": "x", "format": "coco"}}}, "a source's name has small"),
        ({"sources": {"synthetic": {"url": "x", "format": "coco"}}}, "is taken by"),
        ({"sources": {"a": {"url": "x", "format": "excel"}}}, "Input should be 'auto'"),
        ({"sources": {"a": {"url": "x", "format": "coco", "sha256": "abc"}}}, "64 digits"),
        ({"classes": ["a", "a"]}, "a class is named twice"),
        ({"classes": []}, "at least 1"),
        ({"encoding": {"jpeg_quality": 0}}, "greater than or equal to 1"),
        ({"limits": {"max_files": 0}}, "greater than 0"),
        ({"worker": 1}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_parameters(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings(**change)


def test_repairs_of_pixels_are_rows_of_the_ledger_also_from_the_cache(place: Place) -> None:
    folder = place.raw / "mine"
    tiny_coco(folder, 20)
    place.cache = folder.parent / "cache"
    unset = np.dstack([picture(100), np.zeros((48, 64), np.uint8)])
    replace_image(folder, 3, unset)
    for _ in range(2):
        dataset = place.run()
        assert ledger(dataset) == {("images/0003.png", Rule.IMAGE_ALPHA_UNSET.code)}
    assert dataset.rejected["action"].tolist() == ["repaired"]


def test_specks_of_masks_reach_the_statistics(place: Place) -> None:
    folder = place.raw / "mine"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(10):
        Image.fromarray(picture(number)).save(folder / f"images/{number}.png")
        mask = np.zeros((48, 64), np.uint8)
        mask[8:24, 8:24], mask[40, 40:44:2] = 1, 1
        Image.fromarray(mask).save(folder / f"masks/{number}.png")
    sources = {"mine": {"url": "mine", "format": "label_masks"}}
    place.cache = folder.parent / "cache"
    for _ in range(2):
        dataset = place.run(sources=sources)
        assert len(dataset.annotations) == 10
        statistics = json.loads((place.out / "statistics.json").read_text())
        assert statistics["specks"] == {"mine": 20}
    tiny_coco(place.raw / "other", 10)
    place.run("other")
    assert "specks" not in json.loads((place.out / "statistics.json").read_text())
