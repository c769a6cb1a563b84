"""Folds keep groups together, and nothing that is held out chooses anything."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.errors import RepriseError
from reprise.label_errors.folds import assign_folds, fold_images

pytest.importorskip("cleanlab", reason="pip install -e .[label-errors]")


@st.composite
def grouped_images(draw: st.DrawFn) -> tuple[dict[int, str], int]:
    """Image id -> group, of at least as many groups as folds, none of which holds nearly all."""
    folds = draw(st.integers(2, 5))
    sizes = draw(st.lists(st.integers(1, 6), min_size=max(folds, 3), max_size=20))
    names = [f"g{place}" for place, size in enumerate(sizes) for _ in range(size)]
    ids = draw(st.permutations(range(1, len(names) + 1)))
    return dict(zip(ids, names, strict=True)), folds


@settings(deadline=None)
@given(grouped_images())
def test_each_image_is_held_out_once_with_its_group(made: tuple[dict[int, str], int]) -> None:
    groups, folds = made
    place = assign_folds(groups, folds)
    assert place.keys() == groups.keys()
    assert set(place.values()) == set(range(folds))
    folds_of: dict[str, set[int]] = {}
    for image_id, fold in place.items():
        folds_of.setdefault(groups[image_id], set()).add(fold)
    assert all(len(found) == 1 for found in folds_of.values())
    assert assign_folds(dict(reversed(groups.items())), folds) == place


@settings(deadline=None)
@given(grouped_images(), st.integers(0, 3))
def test_no_group_is_both_learned_from_and_judged(
    made: tuple[dict[int, str], int], seed: int
) -> None:
    groups, folds = made
    images = table(groups)
    place = assign_folds(groups, folds)
    for number in range(folds):
        held = [key for key, fold in place.items() if fold == number]
        if len(groups) - len(held) < 2:
            continue
        fold = fold_images(images, held, list(groups), set(groups), seed)
        split = fold.images.set_index("image_id")["split"]
        assert set(split[split == "test"].index) == set(held)
        outside = fold.images[fold.images["split"] != "test"]
        assert not set(outside["group"]) & {groups[key] for key in held}
        by_group = outside.groupby("group")["split"].nunique()
        assert (split == "val").any() and (split == "train").any()
        assert fold.last_weights or (by_group == 1).all()


def table(groups: dict[int, str], **columns: object) -> pd.DataFrame:
    values = {"split": "train", "synthetic": False, **columns}
    frame = pd.DataFrame({"image_id": sorted(groups)})
    frame["group"] = [groups[key] for key in frame["image_id"]]
    return frame.assign(**values)


def test_sizes_are_even() -> None:
    groups = {n: f"g{n % 7}" for n in range(70)}
    counts = pd.Series(assign_folds(groups, 3)).value_counts()
    assert counts.max() - counts.min() <= 10


def test_fewer_groups_than_folds() -> None:
    with pytest.raises(RepriseError, match=r"2 group\(s\) of images, and 3 folds asked") as caught:
        assign_folds({1: "a", 2: "a", 3: "b"}, 3)
    assert "--folds 2, or data.split.group_by" in caught.value.fix


def test_one_group_that_holds_nearly_everything() -> None:
    groups = dict.fromkeys(range(95), "big") | {200 + n: f"g{n}" for n in range(5)}
    with pytest.raises(RepriseError, match="the group 'big' holds 95 of the 100 images"):
        assign_folds(groups, 3)


def test_val_images_that_are_not_judged_choose_the_epoch() -> None:
    images = table({n: f"g{n}" for n in range(1, 11)}, split=["train"] * 6 + ["val"] * 3 + ["test"])
    fold = fold_images(images, [1, 2], range(1, 7), set(range(1, 11)), 0)
    split = fold.images.set_index("image_id")["split"].to_dict()
    assert {key for key, value in split.items() if value == "val"} == {7, 8, 9}
    assert 10 not in split  # of test, and not judged: it never trains
    assert not fold.last_weights


def test_synthetic_images_only_train() -> None:
    synthetic = [False] * 8 + [True] * 4
    images = table({n: f"g{n}" for n in range(1, 13)}, synthetic=synthetic)
    fold = fold_images(images, [1, 2, 3], range(1, 9), set(range(1, 13)), 0)
    made = fold.images[fold.images["synthetic"]]
    assert len(made) == 4
    assert set(made["split"]) == {"train"}


def test_with_few_groups_the_last_weights_are_used() -> None:
    images = table({n: f"g{n % 3}" for n in range(1, 13)})
    held = [n for n in range(1, 13) if n % 3 == 0]
    fold = fold_images(images, held, range(1, 13), {5}, 0)
    assert fold.last_weights
    assert fold.images[fold.images["split"] == "val"]["image_id"].tolist() == [5]


def test_too_few_images_to_learn_from() -> None:
    with pytest.raises(RepriseError, match="only 1 image is left to learn from"):
        fold_images(table({1: "a", 2: "b"}), [1], [1, 2], {1, 2}, 0)
