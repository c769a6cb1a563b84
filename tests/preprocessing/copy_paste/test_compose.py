"""Copy-paste makes new train images of train images, with labels that are true."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import read_labels
from reprise.errors import RepriseError
from reprise.formats import coco
from reprise.formats.records import BoxRecord
from reprise.masks import rle
from reprise.preprocessing.copy_paste.compose import (
    DONORS,
    PastePool,
    Read,
    TrainImage,
    compose,
)
from reprise.preprocessing.copy_paste.cutouts import region_of
from reprise.preprocessing.copy_paste.scene import Scene
from reprise.synthesis.config import CopyPasteConfig

WIDTH, HEIGHT = 160, 120
seeds = st.integers(0, 10_000)


def diamond(x: float, y: float, w: float, h: float) -> list[list[float]]:
    return [[x + w / 2, y, x + w, y + h / 2, x + w / 2, y + h, x, y + h / 2]]


def image(name: str, *objects: BoxRecord, source: str = "mine", scale: int = 1) -> TrainImage:
    return TrainImage(source, name, Path(name), WIDTH * scale, HEIGHT * scale, objects)


def masked(x: float, y: float, w: float, h: float, name: str = "cat") -> BoxRecord:
    return BoxRecord(name, (x, y, w, h), w * h / 2, segmentation=diamond(x, y, w, h))


def boxed(x: float, y: float, w: float, h: float, name: str = "dog") -> BoxRecord:
    return BoxRecord(name, (x, y, w, h), w * h)


def read(item: TrainImage) -> np.ndarray:
    """Blue and green alone, another picture for each name."""
    pixels = picture(sum(item.key.encode()), item.width, item.height).copy()
    pixels[:, :, 0] = 0
    return pixels


def read_red(item: TrainImage) -> np.ndarray:
    """As :func:`read`, but what ``red.png`` shows is wholly red."""
    pixels = read(item)
    if item.name == "red.png":
        pixels[:] = (255, 0, 0)
    return pixels


TRAIN = (
    image("a.png", masked(20, 20, 40, 30), masked(90, 60, 30, 40)),
    image("b.png", boxed(30, 30, 30, 20), masked(100, 20, 24, 24, "bird")),
    image("c.png", boxed(15, 70, 20, 30)),
    image("d.png"),
    image("a.png", masked(40, 40, 50, 50, "bird"), source="yours"),
)


def composed(
    index: int,
    seed: int,
    train: Sequence[TrainImage] = TRAIN,
    config: CopyPasteConfig | None = None,
    reader: Read = read,
) -> Scene | None:
    config = config or CopyPasteConfig()
    return compose(PastePool(train, config).recipe(index, seed), config, reader)


def made(seed: int, train: tuple[TrainImage, ...] = TRAIN, **config: Any) -> Scene | None:
    return composed(0, seed, train, CopyPasteConfig(**config))


def same(one: Scene | None, other: Scene | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool((one.pixels == other.pixels).all()) and one.labels() == other.labels()


# --- chance -----------------------------------------------------------------------------------


def test_seed_and_index_alone_decide() -> None:
    first = composed(3, 1)
    assert first is not None
    assert same(first, composed(3, 1, TRAIN[::-1]))
    for index, seed in ((4, 1), (3, 2)):
        assert not same(first, composed(index, seed))


def test_a_recipe_is_carried_out_in_another_process_with_few_images() -> None:
    config = CopyPasteConfig(objects=[40, 40])
    many = tuple(image(f"{n:03}.png", masked(20, 20, 40, 30)) for n in range(200))
    recipe = PastePool(many, config).recipe(5, seed=0)
    assert len(recipe.picks) == 40
    assert len({donor.key for donor, _ in recipe.picks}) == DONORS
    travelled = pickle.loads(pickle.dumps(recipe))
    assert same(
        compose(travelled, config, read),
        composed(5, 0, many, config),
    )


def test_classes_can_be_drawn_equally_often() -> None:
    common = tuple(image(f"{n}.png", masked(20, 20, 40, 30)) for n in range(19))
    train = (*common, image("rare.png", masked(20, 20, 40, 30, "bird")))
    share = {}
    for choose_by in ("objects", "classes"):
        pool = PastePool(train, CopyPasteConfig(choose_by=choose_by, objects=[1, 1]))
        picks = [pool.recipe(index, 0).picks[0] for index in range(400)]
        names = Counter(donor.objects[place].class_name for donor, place in picks)
        share[choose_by] = names["bird"] / 400
    assert share["objects"] < 0.1 and 0.4 < share["classes"] < 0.6


# --- what is used -----------------------------------------------------------------------------


@settings(max_examples=25)
@given(seeds)
def test_only_given_images_are_read_each_once(seed: int) -> None:
    asked = []

    def noting(item: TrainImage) -> np.ndarray:
        asked.append(item.key)
        return read(item)

    composed(0, seed, reader=noting)
    assert set(asked) <= {item.key for item in TRAIN}
    assert len(asked) == len(set(asked))


def test_backgrounds_can_be_images_without_objects_alone() -> None:
    pool = PastePool(TRAIN, CopyPasteConfig(backgrounds="empty"))
    names = {pool.recipe(index, 0).background.name for index in range(50)}
    assert names == {"d.png"}


@pytest.mark.parametrize(
    "unfit",
    [
        BoxRecord("cat", (20, 20, 40, 40), iscrowd=1),
        masked(20, 20, 40, 7),
        masked(0, 20, 40, 40),
        masked(120, 20, 40, 40),
        boxed(20, 80, 40, 40),
    ],
    ids=["a crowd", "too small", "cut off at the left", "at the right", "at the bottom"],
)
def test_an_object_that_is_unfit_is_never_cut_out(unfit: BoxRecord) -> None:
    train = (image("a.png", unfit, masked(70, 50, 20, 20, "fit")),)
    pool = PastePool(train, CopyPasteConfig())
    picks = [pick for index in range(20) for pick in pool.recipe(index, 0).picks]
    assert {place for _, place in picks} == {1}
    with pytest.raises(RepriseError, match=r"of the 1 object\(s\) on 1 train image\(s\) none"):
        PastePool((image("a.png", unfit),), CopyPasteConfig())


def test_a_box_that_holds_another_object_is_not_cut_out_without_it() -> None:
    screen = image("a.png", boxed(10, 10, 100, 100, "dialog"), boxed(30, 30, 40, 20, "button"))
    pool = PastePool((screen,), CopyPasteConfig())
    picks = [pick for index in range(20) for pick in pool.recipe(index, 0).picks]
    assert {place for _, place in picks} == {1}


def test_nothing_to_paste_is_said_with_what_to_do() -> None:
    with pytest.raises(RepriseError, match="nothing to paste") as caught:
        made(0, train=(image("d.png"),))
    assert "leave copy_paste out of synthetic.generator" in caught.value.fix
    with pytest.raises(RepriseError, match="every train image shows an object"):
        made(0, train=TRAIN[:2], backgrounds="empty")


def test_an_image_on_which_nothing_finds_a_place_is_not_made() -> None:
    full = image("a.png", BoxRecord("cat", (0, 0, 160, 120), iscrowd=1), masked(20, 20, 30, 30))
    assert made(0, train=(full,)) is None


# --- true labels ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(seeds, st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([70, 1280]))
def test_boxes_are_tight_around_masks_and_inside_the_image(
    seed: int, max_occlusion: float, max_side: int
) -> None:
    result = made(seed, max_occlusion=max_occlusion, max_side=max_side, min_object=3)
    if result is None:
        return
    height, width = result.pixels.shape[:2]
    assert result.pixels.dtype == np.uint8 and max(width, height) <= max_side
    for label in result.labels():
        x, y, w, h = label.xywh
        assert x >= 0 and y >= 0 and w > 0 and h > 0
        assert x + w <= width + 1e-9 and y + h <= height + 1e-9
        if isinstance(label.segmentation, dict):
            mask = rle.decode(label.segmentation)
            assert mask.shape == (height, width)
            assert rle.bounds(mask) == (x, y, w, h) and mask.sum() == label.area


@settings(max_examples=40)
@given(seeds, st.floats(0, 1))
def test_no_more_of_an_object_is_covered_than_allowed(seed: int, max_occlusion: float) -> None:
    """Red is what was pasted: the images themselves hold none."""
    config = CopyPasteConfig(
        max_occlusion=max_occlusion, feather=0, brightness=0, objects=[8, 8], scale=[0.2, 1.0]
    )
    below = image("b.png", masked(20, 20, 60, 60), boxed(90, 30, 50, 60))
    donor = image("red.png", masked(30, 30, 60, 50, "car"))
    recipe = replace(PastePool((donor,), config).recipe(seed, 0), background=below)
    result = compose(recipe, config, read_red)
    if result is None:
        return
    red = result.pixels[:, :, 0] > 0
    assert red.any()
    for record in below.objects:
        region = region_of(record, (WIDTH, HEIGHT))
        height, width = region.mask.shape
        hidden = red[region.y : region.y + height, region.x : region.x + width] & region.mask
        assert hidden.sum() <= max_occlusion * region.mask.sum()
    visible = [label for label in result.labels() if label.class_name == "car"]
    masks = [rle.decode(label.segmentation) for label in visible]  # type: ignore[arg-type]
    assert (np.any(masks, axis=0) == red).all(), "the masks are what can be seen"
    assert sum(mask.sum() for mask in masks) == red.sum(), "no pixel belongs to two"


def test_nothing_is_covered_when_nothing_may_be() -> None:
    for seed in range(10):
        result = made(seed, max_occlusion=0)
        if result is None:
            continue
        shown = np.zeros((HEIGHT, WIDTH), dtype=int)
        for label in result.labels():
            region = region_of(label, (WIDTH, HEIGHT))
            height, width = region.mask.shape
            shown[region.y : region.y + height, region.x : region.x + width] += region.mask
        assert shown.max() == 1


def test_polygons_and_run_lengths_of_one_shape_give_one_image() -> None:
    def as_runs(record: BoxRecord) -> BoxRecord:
        if not record.segmentation:
            return record
        region = region_of(record, (WIDTH, HEIGHT))
        runs = rle.encode(region.mask, region.x, region.y, (HEIGHT, WIDTH))
        return BoxRecord(record.class_name, record.xywh, record.area, 0, runs)

    train = tuple(replace(item, objects=tuple(map(as_runs, item.objects))) for item in TRAIN)
    for seed in range(5):
        polygons, runs = made(seed), made(seed, train=train)
        assert (polygons is None) == (runs is None)
        if polygons is not None and runs is not None:
            assert (polygons.pixels == runs.pixels).all()


def test_an_object_keeps_its_share_of_the_image() -> None:
    """Whatever the sizes of the two images and of what is read: training resizes all."""
    config = CopyPasteConfig(
        scale=[1, 1], rotation=0, objects=[1, 1], backgrounds="empty", max_side=320
    )
    donor = image("a.png", masked(160, 160, 160, 120), scale=4)
    shares = []
    for background in (image("d.png"), image("d.png", scale=4)):
        pool = PastePool((donor, background), config)
        for shrink in (1, 2):
            result = compose(
                pool.recipe(0, 0),
                config,
                lambda item, by=shrink: read(item)[::by, ::by],  # type: ignore[misc]
            )
            assert result is not None
            shares.append(result.labels()[0].xywh[2] / result.pixels.shape[1])
    assert shares == pytest.approx([0.25] * 4, abs=0.02)


def test_real_nuclei_and_their_polygons(shared_datasets: Path) -> None:
    records = read_labels(coco, shared_datasets / "nuclei_dsb2018", "nuclei").images
    train = [
        TrainImage("nuclei", r.name, r.path, r.width, r.height, tuple(r.boxes))
        for r in records
        if r.path and r.width and r.height and r.boxes
    ]

    def read_file(item: TrainImage) -> np.ndarray:
        with Image.open(item.path) as opened:
            return np.array(opened.convert("RGB"))

    result = composed(0, 0, train, reader=read_file)
    assert result is not None
    pasted = [label for label in result.labels() if isinstance(label.segmentation, dict)]
    assert pasted
    for label in pasted:
        assert rle.bounds(rle.decode(label.segmentation)) == label.xywh  # type: ignore[arg-type]
