"""The split keeps groups together, classes in proportion, or follows the sources."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError

from preprocessing.split.splitting import (
    assert_groups_hold,
    far_hash,
    image,
    image_sets,
    record,
    settings,
    shares,
)
from reprise.errors import RepriseError
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.split.split_images import settings_key, split_images


def test_shares_are_met() -> None:
    division = split_images([image(i) for i in range(1000)], settings())
    assert shares(division) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.002)


def test_images_that_share_any_key_stay_together_also_through_a_chain() -> None:
    keys = [{"patient": "1", "device": "x"}, {"patient": "1", "device": "y"}, {"device": "y"}]
    chained = [image(i, keys=values) for i, values in enumerate(keys)]
    others = [image(i) for i in range(10, 40)]
    division = split_images(chained + others, settings(group_by=["patient", "device"]))
    assert len({division.split[one.key] for one in chained}) == 1
    assert {division.group[one.key] for one in chained} == {"a/00000"}
    assert len({division.group[one.key] for one in others}) == 30


def test_near_duplicates_stay_together_up_to_the_distance() -> None:
    near, farther = f"{7:016x}", f"{0b11111:016x}"
    images = [image(0, perceptual_hash=f"{0:016x}"), image(1, perceptual_hash=near)]
    images += [image(2, perceptual_hash=farther)] + [image(i) for i in range(10, 30)]
    for distance, expected in ((None, 3), (2, 2), (3, 1), (1, 3)):
        division = split_images(images, settings(near_duplicate_distance=distance))
        groups = {division.group[one.key] for one in images[:3]}
        assert len(groups) == expected, distance


def test_a_rare_class_reaches_every_split() -> None:
    images = [
        image(i, boxes={"common": 5, **({"rare": 1} if i % 100 == 0 else {})}) for i in range(1000)
    ]
    division = split_images(images, settings())
    rare = Counter(division.split[one.key] for one in images if "rare" in one.class_counts)
    assert rare == {"train": 6, "val": 2, "test": 2}


def test_classes_and_images_are_balanced_over_uneven_groups() -> None:
    rng = np.random.default_rng(0)
    images: list[ProcessedImage] = []
    for group in range(60):
        kind = "abc"[group % 3]
        for _ in range(int(rng.integers(1, 12))):
            boxes = {kind: int(rng.integers(1, 9)), "all": 2}
            images.append(image(len(images), boxes=boxes, keys={"g": str(group)}))
    division = split_images(images, settings(group_by=["g"]))
    assert shares(division) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.03)
    for kind in "abc":
        counts: Counter[str] = Counter()
        for one in images:
            counts[division.split[one.key]] += one.class_counts.get(kind, 0)
        assert counts["train"] / counts.total() == pytest.approx(0.6, abs=0.06)
        assert counts["test"] / counts.total() == pytest.approx(0.2, abs=0.06)


def test_synthetic_images_join_train_and_are_not_counted() -> None:
    real = [image(i) for i in range(100)]
    made = [image(i, key=f"synthetic/{i}", synthetic=True) for i in range(1000, 1300)]
    division = split_images(real + made, settings())
    assert {division.split[one.key] for one in made} == {"train"}
    counts = Counter(division.split[one.key] for one in real)
    assert counts == {"train": 60, "val": 20, "test": 20}


def test_another_seed_divides_otherwise() -> None:
    images = [image(i) for i in range(100)]
    assert (
        split_images(images, settings(seed=0)).split != split_images(images, settings(seed=1)).split
    )


def test_a_few_groups_still_fill_every_split() -> None:
    images = [image(i, keys={"g": "big" if i < 98 else str(i)}) for i in range(100)]
    division = split_images(images, settings(group_by=["g"]))
    assert Counter(division.split.values()) == {"train": 98, "val": 1, "test": 1}


def test_an_empty_split_is_an_error_that_counts_the_groups() -> None:
    images = [image(i, keys={"g": str(i % 2)}) for i in range(100)]
    with pytest.raises(RepriseError, match=r"100 real image.* form only 2 group") as caught:
        split_images(images, settings(group_by=["g"]))
    assert "data.split.group_by" in caught.value.fix


def test_a_share_of_zero_may_stay_empty() -> None:
    division = split_images([image(i) for i in range(10)], settings(train=0.8, test=0))
    assert set(division.split.values()) == {"train", "val"}


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"must sum to 1, not 1\.1"):
        settings(train=0.7)


@settings_of_hypothesis(max_examples=25)
@given(image_sets(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_promises_hold_for_any_images(
    images: list[ProcessedImage], seed: int, shuffler: random.Random
) -> None:
    config = settings(seed=seed, group_by=["g", "h"], near_duplicate_distance=1)
    try:
        division = split_images(images, config)
    except RepriseError as error:
        assert "would be empty" in error.problem or "no image has this key" in error.problem
        return
    assert set(division.split) | set(division.leaks) == {one.key for one in images}
    assert_groups_hold(images, division)
    assert all(division.split.get(one.key, "train") == "train" for one in images if one.synthetic)
    mixed = list(images)
    shuffler.shuffle(mixed)
    assert split_images(mixed, config) == division


def test_thousands_of_images_take_seconds() -> None:
    images = [image(i, boxes={"a": i % 3, "b": i % 7}) for i in range(4_000)]
    division = split_images(images, settings())
    assert shares(division)["train"] == pytest.approx(0.6, abs=0.001)


def test_the_settings_that_decide_the_division_decide_the_key() -> None:
    keys = {
        settings_key(settings(**more), [])
        for more in (
            {},
            {"seed": 1},
            {"train": 0.8, "val": 0.1, "test": 0.1},
            {"group_by": ["a", "b"]},
            {"near_duplicate_distance": 3},
        )
    }
    assert len(keys) == 5
    assert settings_key(settings(group_by=["b", "a"]), []) in keys
    assert settings_key(settings(duplicates="keep"), []) in keys


def test_under_source_images_keep_the_split_that_their_source_gives() -> None:
    given = ["train"] * 6 + ["val"] * 3 + ["test"] * 4 + [None] * 2
    images = [image(i, given_split=split) for i, split in enumerate(given)]
    made = image(99, key="synthetic/1", synthetic=True)
    division = split_images([*images, made], "source")
    assert [division.split[one.key] for one in images] == [split or "train" for split in given]
    assert division.split[made.key] == "train"
    assert division.notes == [
        "2 image(s) of which their source says no split count as train",
    ]


def test_a_split_that_no_source_gives_is_cut_from_train_in_whole_groups() -> None:
    """Twins are one bit apart; 15% of 100 train images are 15, 14 or 16 in whole pairs."""
    twins = [
        image(i, given_split="train", perceptual_hash=f"{int(far_hash(i // 2), 16) ^ (i % 2):016x}")
        for i in range(100)
    ]
    held_out = [image(1000 + i, given_split="test") for i in range(30)]
    division = split_images(twins + held_out, "source")
    counts = Counter(division.split[one.key] for one in twins)
    assert counts["val"] in (14, 16) and set(counts) == {"train", "val"}
    for one, other in zip(twins[::2], twins[1::2], strict=True):
        assert division.split[one.key] == division.split[other.key]
    assert {division.split[one.key] for one in held_out} == {"test"}
    assert division.notes == [
        f"no source gives val: 15% of train is cut off for it, {counts['val']} image(s) in whole "
        "groups"
    ]


def test_the_cut_is_stable_as_long_as_the_same_splits_are_given() -> None:
    images = [image(i, given_split="test" if i < 20 else None) for i in range(120)]
    first = split_images(images, "source")
    more = [image(1000 + i) for i in range(200)]
    second = split_images(images + more, "source", record(first))
    assert all(second.split[key] == split for key, split in first.split.items())
    with_val = [*images, image(5000, given_split="val")]
    assert settings_key("source", images + more) == settings_key("source", images)
    assert settings_key("source", with_val) != settings_key("source", images)


def test_what_the_source_says_now_outweighs_the_record() -> None:
    given = ["train", "val", "test"]
    images = [image(i, given_split=given[i % 3]) for i in range(30)]
    wrong = {one.encoded.file_sha256[:16]: "test" for one in images}
    division = split_images(images, "source", wrong)
    assert all(division.split[one.key] == one.given_split for one in images)


def test_under_source_without_any_split_everything_is_divided() -> None:
    division = split_images([image(i) for i in range(200)], "source")
    assert Counter(division.split.values()) == {"train": 140, "val": 30, "test": 30}
    assert len(division.notes) == 3


def test_under_source_a_train_that_is_empty_is_an_error() -> None:
    with pytest.raises(RepriseError, match="the train split would be empty") as caught:
        split_images([image(i, given_split="test") for i in range(5)], "source")
    assert "in place of the word source" in caught.value.fix


def test_a_section_says_when_it_overrules_the_sources() -> None:
    division = split_images([image(i, given_split="train") for i in range(50)], settings())
    assert set(division.split.values()) == {"train", "val", "test"}
    assert "data.split: source would follow it" in division.notes[0]


def data(split: object) -> DataConfig:
    sources = {"mine": {"url": "mine", "format": "coco"}}
    return DataConfig.model_validate({"sources": sources, "image_size": 64, "split": split})


def test_data_split_is_a_section_or_the_word_source() -> None:
    assert data("source").split == "source"
    assert data({"train": 0.7, "val": 0.15, "test": 0.15}).split == data({}).split


@pytest.mark.parametrize("wrong", ["sources", None, 3, ["source"]])
def test_anything_else_is_told_in_one_line(wrong: object) -> None:
    with pytest.raises(ValidationError) as caught:
        data(wrong)
    (error,) = caught.value.errors()
    assert error["loc"] == ("split",)
    assert "write a section (train, val, test, ...) or the word source" in error["msg"]


def test_a_mistake_inside_the_section_is_told_where_it_is() -> None:
    with pytest.raises(ValidationError) as caught:
        data({"seed": -1, "trian": 0.7})
    assert sorted(error["loc"] for error in caught.value.errors()) == [
        ("split", "seed"),
        ("split", "trian"),
    ]
