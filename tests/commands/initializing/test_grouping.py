"""Related images are told by their folders, names and keys; what tells nothing is left out."""

from __future__ import annotations

from collections import Counter

import pytest

from reprise.commands.initializing.fingerprint import ImageFacts
from reprise.commands.initializing.grouping import SERIES, candidates, foreseen
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.split.group_keys import extractor


def _image(name: str, split: str | None = None, **keys: str) -> ImageFacts:
    return ImageFacts(name, keys, split, Counter(cat=2))


def _verdicts(images: list[ImageFacts], *classes: str) -> dict[str, str]:
    return {one.entry: one.verdict for one in candidates(images, classes)}


def test_folders_of_patients_group_by_the_highest_that_serves() -> None:
    images = [_image(f"scans/p{n // 4}/visit{n // 2}/{n}.png") for n in range(60)]
    assert _verdicts(images) == {"folder:2": "", "folder:3": "a folder above it is taken"}


def test_folders_that_are_classes_or_splits_group_nothing() -> None:
    names = [f"kind{n}" for n in range(12)]
    images = [_image(f"{names[n % 12]}/{n}.png") for n in range(60)]
    assert _verdicts(images, *names) == {"folder:1": "its values are the classes"}
    splits = [_image(f"{('train', 'val', 'test')[n % 3]}/{n}.png") for n in range(60)]
    assert _verdicts(splits) == {"folder:1": "its values are splits"}


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("clip07_frame_00012.jpg", "clip07"),
        ("videos/clip07-12.png", "clip07"),
        ("P012_slice_3.png", "P012"),
        ("drive 3 0004.jpg", "drive 3"),
        ("frame0003.jpg", None),
        ("000000123456.jpg", None),
        ("79f7dc11-4a61-4856-ab94-c1f64fdcc6d7.png", None),
    ],
)
def test_the_series_of_a_name(name: str, series: str | None) -> None:
    assert extractor(SERIES)(name, {}) == series


def test_frames_of_videos_group_by_their_video() -> None:
    videos = [_image(f"clip{n // 5:02}_frame{n:05}.jpg") for n in range(100)]
    assert _verdicts(videos) == {SERIES: ""}
    few = [_image(f"clip{n // 50}_{n:05}.jpg") for n in range(100)]
    assert _verdicts(few) == {SERIES: "2 values are too few for three splits"}
    one = [_image(f"IMG_{n:05}.jpg") for n in range(100)]
    assert _verdicts(one) == {}


def test_keys_of_the_labels_as_long_as_enough_groups_are_left() -> None:
    images = [
        _image(f"{n}.png", patient=f"p{n // 4}", camera=f"c{n % 12}", license="1")
        for n in range(60)
    ]
    assert _verdicts(images) == {"camera": "", "patient": "with camera too few groups are left"}
    some = [_image(f"{n}.png", **({"site": f"s{n // 3}"} if n < 30 else {})) for n in range(60)]
    assert _verdicts(some) == {"site": "30 images have no value"}


def test_the_division_is_foreseen_by_groups() -> None:
    images = [_image(f"p{n // 5}/{n}.png") for n in range(100)]
    found = foreseen(images, SplitConfig(group_by=["folder"]))
    counts = {name: found[name][""] for name in ("train", "val", "test")}
    assert counts == {"train": 70, "val": 15, "test": 15}
    assert found["train"]["cat"] == 140


def test_a_split_that_no_source_gives_is_cut_from_train() -> None:
    images = [_image(f"{n}.png", "train" if n < 80 else "val") for n in range(100)]
    found = foreseen(images, None)
    assert [found[name][""] for name in ("train", "val", "test")] == [68, 20, 12]
