"""What ties images together: copies, label keys, folders, names, and how they look."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from builders import picture
from preprocessing.split.splitting import (
    far_hash,
    image,
    settings,
    shares,
)
from reprise.errors import RepriseError
from reprise.preprocessing.decode.encode import perceptual_hash
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.split.split_images import split_images


def test_a_synthetic_image_that_resembles_a_held_out_one_is_named() -> None:
    real = [image(i) for i in range(100)]
    made = [
        image(1000 + i, key=f"synthetic/{i}", perceptual_hash=far_hash(i), synthetic=True)
        for i in range(100)
    ]
    division = split_images(real + made, settings())
    held_out = {one.key for one in real if division.split[one.key] != "train"}
    assert set(division.leaks.values()) == held_out
    assert not set(division.leaks) & set(division.split)


def test_a_synthetic_copy_of_a_held_out_image_is_named_without_any_hash() -> None:
    real = [image(i) for i in range(20)]
    made = [
        image(500 + i, key=f"synthetic/{i}", digest=one.encoded.file_sha256, synthetic=True)
        for i, one in enumerate(real)
    ]
    division = split_images(real + made, settings(near_duplicate_distance=None))
    assert len(division.leaks) == sum(division.split[one.key] != "train" for one in real)


def test_copies_that_are_kept_stay_together_without_any_hash() -> None:
    images = [image(i, digest=f"{i // 2:064x}") for i in range(100)]
    images += [image(200 + i, pixels=str(i % 5)) for i in range(20)]
    division = split_images(images, settings(near_duplicate_distance=None))
    for one, other in zip(images[:100:2], images[1:100:2], strict=True):
        assert division.split[one.key] == division.split[other.key]
    assert len({division.group[one.key] for one in images[100:]}) == 5


def test_folders_and_parts_of_names_group_images() -> None:
    images = [image(i, key=f"a/scans/p{i % 9}/{i}.png") for i in range(90)]
    for entry in ("folder", "folder:2", r"name:/(p\d)/"):
        division = split_images(images, settings(group_by=[entry]))
        assert len(set(division.group.values())) == 9, entry
    assert len(set(split_images(images, settings()).group.values())) == 90


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("folder:3", "no image lies in 3 folders of its source"),
        ("name:(zebra)", "no image's name matches it"),
        ("folders", "no image has this key"),
    ],
)
def test_an_entry_that_groups_nothing_is_an_error(entry: str, message: str) -> None:
    images = [image(i, key=f"a/scans/p{i % 9}/{i}.png") for i in range(90)]
    with pytest.raises(RepriseError, match=message) as caught:
        split_images(images, settings(group_by=[entry]))
    assert "an image is called, say, 'scans/p0/0.png'" in caught.value.problem


def test_a_misspelt_grouping_key_is_an_error() -> None:
    with pytest.raises(RepriseError, match=r"'pateint', but no image has this key.*keys: patient;"):
        split_images([image(0, keys={"patient": "1"})], settings(group_by=["pateint"]))


def test_an_entry_that_groups_nothing_says_what_else_there_is() -> None:
    keyed = [image(i, key=f"a/{i}.png", keys={"patient_id": str(i)}) for i in range(9)]
    with pytest.raises(RepriseError, match="no image has this key") as caught:
        split_images(keyed, settings(group_by=["patient"]))
    assert caught.value.fix.startswith("did you mean 'patient_id'? Or take the entry out")
    with pytest.raises(RepriseError, match="all images lie at the top of their source, in no fold"):
        split_images(keyed, settings(group_by=["folder"]))


def test_images_that_an_entry_says_nothing_of_are_counted() -> None:
    inside = [image(i, key=f"a/{i % 9}/{i}.png") for i in range(90)]
    top = [image(i, key=f"a/{i}.png") for i in range(100, 110)]
    division = split_images(inside + top, settings(group_by=["folder"]))
    assert len(set(division.group.values())) == 9 + 10
    assert division.notes == [
        "data.split.group_by: 'folder' says nothing of 10 of 100 image(s): by it, each of these is "
        "on its own"
    ]


def changed_a_little(pixels: np.ndarray) -> list[np.ndarray]:
    """The picture as a strong JPEG, at three quarters of its size, and 5% brighter."""
    original = Image.fromarray(pixels)
    height, width = pixels.shape[:2]
    buffer = io.BytesIO()
    original.save(buffer, "JPEG", quality=50)
    smaller = original.resize((width * 3 // 4, height * 3 // 4), Image.Resampling.LANCZOS)
    brighter = ImageEnhance.Brightness(original).enhance(1.05)
    return [np.asarray(one) for one in (Image.open(buffer), smaller, brighter)]


def test_planted_duplicates_never_straddle() -> None:
    """60 pictures, three near-duplicates of each; 6 bits is their farthest, others are beyond."""
    images = []
    for index in range(60):
        pixels = picture(index, 320, 240)
        for copy, changed in enumerate([pixels, *changed_a_little(pixels)]):
            key = f"a/{copy}/{index}.png"
            images.append(image(index, key=key, perceptual_hash=perceptual_hash(changed)))
    division = split_images(images, settings(near_duplicate_distance=6))
    for index in range(60):
        own = [division.split[f"a/{copy}/{index}.png"] for copy in range(4)]
        assert len(set(own)) == 1
    assert len(set(division.group.values())) == 60
    assert shares(division) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.001)


def sketches(folder: Path) -> list[ProcessedImage]:
    """80 photographs of 18 drawn designs, each with its design as a label key."""
    with (folder / "derived_design_groups.csv").open(newline="") as lines:
        designs = {row["image"]: row["design_id"] for row in csv.DictReader(lines)}
    return [
        image(
            0,
            key=f"sketches/{name}",
            perceptual_hash=perceptual_hash(np.asarray(Image.open(folder / name))),
            keys={"design": design},
        )
        for name, design in sorted(designs.items())
    ]


def test_no_drawn_design_and_no_near_duplicate_is_in_two_splits(shared_datasets: Path) -> None:
    """The hash cannot tell designs: photographs of one are 0 to 42 bits apart, those of two 16
    or more. Up to 14 no two designs are merged; what keeps a design whole is its key."""
    images = sketches(shared_datasets / "gui_sketch2code")
    alike = split_images(images, settings(near_duplicate_distance=14))
    design_of = {one.key: one.keys["design"] for one in images}
    assert len(set(alike.group.values())) == 42
    assert all(design_of[key] == design_of[root] for key, root in alike.group.items())
    whole = split_images(images, settings(near_duplicate_distance=14, group_by=["design"]))
    assert len(set(whole.group.values())) == 18
    for division in (alike, whole):
        for one, other in itertools.combinations(images, 2):
            apart = int(one.encoded.perceptual_hash, 16) ^ int(other.encoded.perceptual_hash, 16)
            if apart.bit_count() <= 14:
                assert division.split[one.key] == division.split[other.key]
    splits_of = {(one.keys["design"], whole.split[one.key]) for one in images}
    assert len(splits_of) == 18
    assert shares(whole) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.02)
