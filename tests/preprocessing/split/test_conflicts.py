"""Once divided, an image stays where it is, whatever comes later."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from preprocessing.split.splitting import (
    assert_groups_hold,
    image,
    image_sets,
    record,
    settings,
    shares,
)
from reprise.errors import RepriseError
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.split.split_images import split_images


def test_an_image_that_was_in_test_stays_there_whatever_else_comes() -> None:
    images = [image(i) for i in range(50)]
    first = split_images(images, settings())
    more = [image(i, boxes={"new": 9}) for i in range(50, 400)]
    second = split_images(images + more, settings(), record(first))
    assert all(second.split[key] == split for key, split in first.split.items())
    assert shares(second) == pytest.approx({"train": 0.6, "val": 0.2, "test": 0.2}, abs=0.005)
    assert second.notes == ["50 image(s) keep their split of data/splits.csv, 350 are new"]


def test_without_the_record_images_may_move() -> None:
    """Why the record is kept: the dealing alone starts anew with every image that is added."""
    images = [image(i) for i in range(50)]
    first = split_images(images, settings())
    second = split_images(images + [image(i) for i in range(50, 400)], settings())
    assert any(second.split[key] != split for key, split in first.split.items())


def test_a_renamed_image_stays_where_it_was() -> None:
    images = [image(i) for i in range(50)]
    first = split_images(images, settings())
    renamed = [replace(one, source="b", name=f"moved/{one.name}") for one in images]
    second = split_images(renamed, settings(), record(first))
    assert [second.split[one.key] for one in renamed] == [first.split[one.key] for one in images]


def test_new_images_join_the_split_of_their_group() -> None:
    images = [image(i, keys={"patient": str(i)}) for i in range(20)]
    first = split_images(images, settings(group_by=["patient"]))
    more = [image(100 + i, keys={"patient": str(i)}) for i in range(20)]
    second = split_images(images + more, settings(group_by=["patient"]), record(first))
    for old, new in zip(images, more, strict=True):
        assert second.split[new.key] == second.split[old.key] == first.split[old.key]


def test_new_groups_fill_what_is_lacking_over_all_images() -> None:
    """80 images are in train: of 20 more, none joins it until val and test have their share."""
    images = [image(i) for i in range(80)]
    known = {one.encoded.file_sha256[:16]: "train" for one in images}
    division = split_images(images + [image(i) for i in range(80, 100)], settings(), known)
    assert Counter(division.split.values()) == {"train": 80, "val": 10, "test": 10}


def bridged() -> tuple[list[ProcessedImage], dict[str, str], ProcessedImage]:
    """Images of two patients in two splits, and a new image of both."""
    images = [image(i, keys={"left": str(i), "right": f"{i}r"}) for i in range(20)]
    known = record(split_images(images, settings(group_by=["left", "right"])))
    train = next(one for one in images if known[one.encoded.file_sha256[:16]] == "train")
    test = next(one for one in images if known[one.encoded.file_sha256[:16]] == "test")
    keys = {"left": train.keys["left"], "right": test.keys["right"]}
    return images, known, image(99, key="a/new", keys=keys)


def test_a_new_image_that_would_tie_two_splits_together_is_left_out() -> None:
    images, known, bridge = bridged()
    division = split_images([*images, bridge], settings(group_by=["left", "right"]), known)
    assert bridge.key not in division.split and bridge.key not in division.group
    assert bridge.encoded.file_sha256 not in division.assignments
    (why,) = division.conflicts.values()
    assert why.startswith("would tie together a/000")
    assert "(train)" in why and "(test)" in why
    assert "1 new image(s) are left out, which would tie splits together" in division.notes


def test_only_the_image_that_closes_the_bridge_is_left_out() -> None:
    """A new one like a train image and a newer one like it and like a test image."""
    images = [image(i) for i in range(20)]
    first = split_images(images, settings())
    train, test = (
        next(one for one in images if first.split[one.key] == split) for split in ("train", "test")
    )
    keys = [{"g": train.key}, {"g": train.key, "h": "1"}, {"h": "1", "i": "1"}, {"i": "1"}]
    new = [image(90 + i, key=f"a/new{i}", keys=values) for i, values in enumerate(keys)]
    tied = [
        replace(one, keys={"g": train.key} if one is train else {"i": "1"})
        if one in (train, test)
        else one
        for one in images
    ]
    division = split_images(tied + new, settings(group_by=["g", "h", "i"]), record(first))
    assert set(division.conflicts) == {"a/new2"}
    assert division.split["a/new0"] == division.split["a/new1"] == "train"
    assert division.split["a/new3"] == "test"
    assert (
        division.conflicts["a/new2"] == f"would tie together {test.key} (test) and a/new1 (train)"
    )


def test_two_divided_images_that_now_belong_together_are_named() -> None:
    images, known, _ = bridged()
    changed = [replace(one, keys={"left": "same", "right": "r"}) for one in images]
    with pytest.raises(
        RepriseError, match=r"but now they belong together: both have left 'same'"
    ) as e:
        split_images(changed, settings(group_by=["left", "right"]), known)
    assert "a/00000" in e.value.problem
    assert "delete data/splits.csv to split all images anew" in e.value.fix


def test_an_image_that_went_is_forgotten() -> None:
    images = [image(i) for i in range(50)]
    first = split_images(images, settings())
    second = split_images(images[:40], settings(), record(first))
    assert set(second.assignments) == {one.encoded.file_sha256 for one in images[:40]}


def test_an_image_takes_the_place_of_its_removed_copy() -> None:
    """Another file of the same pixels came, earlier by name, and is the one that is kept."""
    images = [image(i) for i in range(50)]
    first = split_images(images, settings())
    taking = [
        image(1000 + i, digest=f"{i:064x}", duplicates=(one.encoded.file_sha256,))
        for i, one in enumerate(images)
    ]
    second = split_images(taking, settings(), record(first))
    assert [second.split[one.key] for one in taking] == [first.split[one.key] for one in images]
    assert set(second.assignments) == {one.encoded.file_sha256 for one in taking}


@settings_of_hypothesis(max_examples=25)
@given(image_sets(), st.data(), st.randoms(use_true_random=False))
def test_adding_any_images_to_any_division_moves_none(
    images: list[ProcessedImage], data: st.DataObject, shuffler: random.Random
) -> None:
    config = settings(group_by=["g", "h"], near_duplicate_distance=1)
    splits = st.sampled_from(["train", "val", "test"])
    earlier: dict[str, str] = {}
    present: list[ProcessedImage] = []
    for part in range(3):
        present += images[part::3]
        try:
            division = split_images(present, config, earlier)
        except RepriseError as error:
            assert "would be empty" in error.problem or "no image has this key" in error.problem
            return
        for one in present:
            if one.encoded.file_sha256[:16] in earlier:
                assert division.split[one.key] == earlier[one.encoded.file_sha256[:16]]
        real = {one.key for one in present if not one.synthetic}
        assert set(division.conflicts) == real - set(division.split)
        assert_groups_hold([one for one in present if one.key in division.split], division)
        again = list(present)
        shuffler.shuffle(again)
        assert split_images(again, config, earlier) == division
        # A run that is repeated with its own outcome, as after a crash between two files,
        # ends the same.
        repeated = split_images(present, config, record(division))
        assert replace(repeated, notes=[]) == replace(division, notes=[])
        earlier = record(division)
        if part == 0:
            # Groups may have come to be where they are under another mixture of images.
            sizes = Counter(division.group.values())
            for one in present:
                if one.encoded.file_sha256[:16] in earlier and sizes[division.group[one.key]] == 1:
                    earlier[one.encoded.file_sha256[:16]] = data.draw(splits)
