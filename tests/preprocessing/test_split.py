"""The split keeps groups together, classes in proportion, and is the same every time."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError

from reprise.errors import RepriseError
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.groups import connected, near_pairs
from reprise.preprocessing.split import Division, SplitImage, divide


def far_hash(index: int) -> str:
    """A hash that is far from every other index's."""
    return f"{random.Random(index).getrandbits(64):016x}"


def image(index: int, **more: object) -> SplitImage:
    fields = {"key": f"a/{index:05d}", "perceptual_hash": far_hash(index), **more}
    return SplitImage(**fields)  # type: ignore[arg-type]


def settings(**more: object) -> SplitConfig:
    return SplitConfig.model_validate({"train": 0.6, "val": 0.2, "test": 0.2, **more})


def shares(division: Division) -> dict[str, float]:
    counts = Counter(division.split.values())
    return {name: count / len(division.split) for name, count in counts.items()}


def test_shares_are_met() -> None:
    division = divide([image(i) for i in range(1000)], settings())
    assert shares(division) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.002)


def test_images_that_share_any_key_stay_together_also_through_a_chain() -> None:
    keys = [{"patient": "1", "device": "x"}, {"patient": "1", "device": "y"}, {"device": "y"}]
    chained = [image(i, keys=values) for i, values in enumerate(keys)]
    others = [image(i) for i in range(10, 40)]
    division = divide(chained + others, settings(group_by=["patient", "device"]))
    assert len({division.split[one.key] for one in chained}) == 1
    assert {division.group[one.key] for one in chained} == {"a/00000"}
    assert len({division.group[one.key] for one in others}) == 30


def test_near_duplicates_stay_together_up_to_the_distance() -> None:
    near, farther = f"{7:016x}", f"{0b11111:016x}"
    images = [image(0, perceptual_hash=f"{0:016x}"), image(1, perceptual_hash=near)]
    images += [image(2, perceptual_hash=farther)] + [image(i) for i in range(10, 30)]
    for distance, expected in ((None, 3), (2, 2), (3, 1), (1, 3)):
        division = divide(images, settings(near_duplicate_distance=distance))
        groups = {division.group[one.key] for one in images[:3]}
        assert len(groups) == expected, distance


def test_a_rare_class_reaches_every_split() -> None:
    images = [
        image(i, boxes={"common": 5, **({"rare": 1} if i % 100 == 0 else {})}) for i in range(1000)
    ]
    division = divide(images, settings())
    rare = Counter(division.split[one.key] for one in images if "rare" in one.boxes)
    assert rare == {"train": 6, "val": 2, "test": 2}


def test_classes_and_images_are_balanced_over_uneven_groups() -> None:
    rng = np.random.default_rng(0)
    images = []
    for group in range(60):
        kind = "abc"[group % 3]
        for _ in range(int(rng.integers(1, 12))):
            boxes = {kind: int(rng.integers(1, 9)), "all": 2}
            images.append(image(len(images), boxes=boxes, keys={"g": str(group)}))
    division = divide(images, settings(group_by=["g"]))
    assert shares(division) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.03)
    for kind in "abc":
        boxes: Counter[str] = Counter()
        for one in images:
            boxes[division.split[one.key]] += one.boxes.get(kind, 0)
        assert boxes["train"] / boxes.total() == pytest.approx(0.6, abs=0.06)
        assert boxes["test"] / boxes.total() == pytest.approx(0.2, abs=0.06)


def test_synthetic_images_join_train_and_are_not_counted() -> None:
    real = [image(i) for i in range(100)]
    made = [image(i, key=f"synthetic/{i}", synthetic=True) for i in range(1000, 1300)]
    division = divide(real + made, settings())
    assert {division.split[one.key] for one in made} == {"train"}
    counts = Counter(division.split[one.key] for one in real)
    assert counts == {"train": 60, "val": 20, "test": 20}


def test_a_synthetic_image_that_resembles_a_held_out_one_is_named() -> None:
    real = [image(i) for i in range(100)]
    made = [
        image(1000 + i, key=f"synthetic/{i}", perceptual_hash=far_hash(i), synthetic=True)
        for i in range(100)
    ]
    division = divide(real + made, settings())
    held_out = {one.key for one in real if division.split[one.key] != "train"}
    assert set(division.leaks.values()) == held_out
    assert not set(division.leaks) & set(division.split)


def test_another_seed_divides_otherwise() -> None:
    images = [image(i) for i in range(100)]
    assert divide(images, settings(seed=0)).split != divide(images, settings(seed=1)).split


def test_a_few_groups_still_fill_every_split() -> None:
    images = [image(i, keys={"g": "big" if i < 98 else str(i)}) for i in range(100)]
    division = divide(images, settings(group_by=["g"]))
    assert Counter(division.split.values()) == {"train": 98, "val": 1, "test": 1}


def test_an_empty_split_is_an_error_that_counts_the_groups() -> None:
    images = [image(i, keys={"g": str(i % 2)}) for i in range(100)]
    with pytest.raises(RepriseError, match=r"100 real image.* form only 2 group") as caught:
        divide(images, settings(group_by=["g"]))
    assert "data.split.group_by" in caught.value.fix


def test_a_share_of_zero_may_stay_empty() -> None:
    division = divide([image(i) for i in range(10)], settings(train=0.8, test=0))
    assert set(division.split.values()) == {"train", "val"}


def test_a_misspelt_grouping_key_is_an_error() -> None:
    with pytest.raises(RepriseError, match=r"names 'pateint', which no image has.*give: patient"):
        divide([image(0, keys={"patient": "1"})], settings(group_by=["pateint"]))


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"must sum to 1, not 1\.1"):
        settings(train=0.7)


@st.composite
def image_sets(draw: st.DrawFn) -> list[SplitImage]:
    count = draw(st.integers(30, 60))
    group = st.integers(0, 25).map(str)
    hashes = st.integers(0, 2**10 - 1).map(lambda low: f"{low << 20:016x}")
    return [
        image(
            index,
            perceptual_hash=draw(hashes) if draw(st.booleans()) else far_hash(index),
            boxes={name: draw(st.integers(0, 3)) for name in "ab"},
            keys={"g": draw(group)} if draw(st.booleans()) else {},
            synthetic=draw(st.integers(0, 4)) == 0,
        )
        for index in range(count)
    ]


@settings_of_hypothesis(max_examples=40, deadline=None)
@given(image_sets(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_promises_hold_for_any_images(
    images: list[SplitImage], seed: int, shuffler: random.Random
) -> None:
    config = settings(seed=seed, group_by=["g"], near_duplicate_distance=1)
    try:
        division = divide(images, config)
    except RepriseError as error:
        assert "would be empty" in error.problem or "which no image has" in error.problem
        return
    assert set(division.split) | set(division.leaks) == {one.key for one in images}
    splits_of: dict[str, set[str]] = {}
    for one in images:
        if one.synthetic:
            assert division.split.get(one.key, "train") == "train"
        else:
            splits_of.setdefault(division.group[one.key], set()).add(division.split[one.key])
    assert all(len(splits) == 1 for splits in splits_of.values())
    for one in images:
        for other in images:
            apart = int(one.perceptual_hash, 16) ^ int(other.perceptual_hash, 16)
            near = apart.bit_count() <= 1 or one.keys.get("g", 0) == other.keys.get("g", 1)
            if near and not (one.synthetic or other.synthetic):
                assert division.split[one.key] == division.split[other.key]
    mixed = list(images)
    shuffler.shuffle(mixed)
    assert divide(mixed, config) == division


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(0, 40))
def test_near_pairs_are_all_pairs_within_the_distance(values: list[int], distance: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    expected = {
        (i, j)
        for i, one in enumerate(values)
        for j, other in enumerate(values)
        if (one ^ other).bit_count() <= distance
    }
    assert set(near_pairs(hashes, hashes, distance)) == expected


def test_blocks_cover_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprise.preprocessing.groups.BLOCK", 7)
    hashes = np.array([0, 7 << 40, 1, (7 << 40) + 2**45, 2**63] * 3, dtype=np.uint64)
    roots = connected([{}] * 15, [], hashes, 1)
    assert roots == [0, 1, 0, 1, 0] * 3


def test_thousands_of_images_take_seconds() -> None:
    images = [image(i, boxes={"a": i % 3, "b": i % 7}) for i in range(4_000)]
    division = divide(images, settings())
    assert shares(division)["train"] == pytest.approx(0.6, abs=0.001)
