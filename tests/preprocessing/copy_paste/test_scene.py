"""A scene keeps its labels true while cutouts are laid on it."""

from __future__ import annotations

import numpy as np
import pytest

from reprise.formats.records import BoxRecord
from reprise.masks import rle
from reprise.preprocessing.copy_paste.cutouts import Cutout, Look, cut_out
from reprise.preprocessing.copy_paste.scene import Scene
from reprise.synthesis.config import CopyPasteConfig

SIZE = (100, 80)
RED = (255, 0, 0)


def outline(x: int, y: int, w: int, h: int) -> list[list[float]]:
    return [[float(v) for v in (x, y, x + w, y, x + w, y + h, x, y + h)]]


def masked(x: int, y: int, w: int, h: int, **more: int) -> BoxRecord:
    return BoxRecord("cat", (x, y, w, h), w * h, segmentation=outline(x, y, w, h), **more)


def boxed(x: int, y: int, w: int, h: int, **more: int) -> BoxRecord:
    return BoxRecord("dog", (x, y, w, h), w * h, **more)


def patch(w: int, h: int, feather: float = 0.0) -> Cutout:
    """A red rectangle with an outline."""
    pixels = np.full((80, 100, 3), RED, dtype=np.uint8)
    record = BoxRecord("car", (10, 10, w, h), segmentation=outline(10, 10, w, h))
    cutout = cut_out(pixels, record, SIZE, Look(), feather)
    assert cutout is not None
    return cutout


def scene(*objects: BoxRecord, size: tuple[int, int] = SIZE, **config: float) -> Scene:
    pixels = np.full((80, 100, 3), 90, dtype=np.uint8)
    return Scene(pixels, objects, size, CopyPasteConfig(match_tone=0, **config))


def test_a_pasted_object_is_labelled_where_it_lies() -> None:
    place = scene()
    assert place.paste(patch(20, 10), 30, 40)
    (label,) = place.labels()
    assert (label.class_name, label.xywh, label.area) == ("car", (30, 40, 20, 10), 200)
    assert isinstance(label.segmentation, dict)
    red = (place.pixels == RED).all(axis=2)
    assert (rle.decode(label.segmentation) == red).all()


def test_of_a_covered_object_the_visible_pixels_are_labelled() -> None:
    place = scene(masked(10, 10, 40, 20), max_occlusion=0.3)
    assert place.paste(patch(10, 30), 42, 5)
    label, pasted = place.labels()
    assert (label.xywh, label.area) == ((10, 10, 32, 20), 640)
    assert isinstance(label.segmentation, dict) and isinstance(pasted.segmentation, dict)
    assert not (rle.decode(label.segmentation) & rle.decode(pasted.segmentation)).any()


def test_labels_that_nothing_covers_stay_as_they_are() -> None:
    before = [masked(10, 10, 40, 20), boxed(60, 10, 20, 20), boxed(0, 50, 9, 9, iscrowd=1)]
    place = scene(*before)
    assert place.paste(patch(20, 10), 30, 60)
    assert place.labels()[:3] == before


def test_a_box_without_a_mask_stays_while_it_is_covered_a_little() -> None:
    place = scene(boxed(10, 10, 40, 20), max_occlusion=0.25)
    assert place.paste(patch(10, 20), 40, 10)
    assert place.labels()[0] == boxed(10, 10, 40, 20)


@pytest.mark.parametrize("below", [masked(10, 10, 40, 20), boxed(10, 10, 40, 20)])
def test_what_would_cover_too_much_in_all_is_refused(below: BoxRecord) -> None:
    place = scene(below, max_occlusion=0.25)
    assert not place.paste(patch(11, 20), 39, 10)
    assert (place.pixels == 90).all() and place.labels() == [below]
    assert place.paste(patch(8, 20), 42, 10)
    assert not place.paste(patch(8, 20), 10, 10)


def test_a_pasted_object_is_protected_like_any_other() -> None:
    place = scene(max_occlusion=0.25)
    assert place.paste(patch(20, 20), 30, 30)
    assert not place.paste(patch(20, 20), 35, 35)


def test_a_crowd_region_is_never_covered() -> None:
    place = scene(boxed(10, 10, 40, 20, iscrowd=1), max_occlusion=1.0)
    assert not place.paste(patch(5, 5), 46, 26)
    assert place.paste(patch(5, 5), 50, 30)


@pytest.mark.parametrize("below", [masked(30, 30, 8, 8), boxed(30, 30, 8, 8)])
def test_what_is_covered_wholly_disappears(below: BoxRecord) -> None:
    place = scene(below, max_occlusion=1.0)
    assert place.paste(patch(20, 20), 25, 25)
    assert [label.class_name for label in place.labels()] == ["car"]


def test_labels_follow_a_background_that_was_resized() -> None:
    mask = np.zeros((160, 200), dtype=bool)
    mask[20:60, 20:100] = True
    runs = rle.encode(mask, 0, 0, (160, 200))
    place = scene(
        masked(20, 20, 80, 40),
        BoxRecord("cat", (20, 20, 80, 40), 3200, segmentation=runs),
        boxed(120, 20, 40, 40),
        size=(200, 160),
    )
    polygon, run_lengths, box = place.labels()
    assert polygon == masked(10, 10, 40, 20)
    assert run_lengths.xywh == (10, 10, 40, 20) and run_lengths.area == 800
    assert isinstance(run_lengths.segmentation, dict)
    assert rle.decode(run_lengths.segmentation)[10:30, 10:50].sum() == 800
    assert box == boxed(60, 10, 20, 20)


def test_a_feather_fades_and_stays_near_the_object() -> None:
    place = scene()
    assert place.paste(patch(20, 20, feather=4.0), 40, 40)
    changed = (place.pixels != 90).any(axis=2)
    far = np.ones_like(changed)
    far[33:67, 33:67] = False
    assert not changed[far].any() and changed[38, 50]
    row = place.pixels[50, 30:50, 0].astype(int)
    assert (np.diff(row) >= 0).all() and len(set(row)) > 4


def test_a_cutout_takes_on_the_tone_of_its_new_place() -> None:
    pixels = np.full((80, 100, 3), 110, dtype=np.uint8)
    pixels[10:30, 10:30] = (200, 10, 20)
    record = BoxRecord("car", (10, 10, 20, 20), segmentation=outline(10, 10, 20, 20))
    cutout = cut_out(pixels, record, SIZE, Look(), 2.0)
    assert cutout is not None
    for most, expected in ((0, 200), (5, 195), (255, 180)):
        background = np.full((80, 100, 3), 90, dtype=np.uint8)
        place = Scene(background, [], SIZE, CopyPasteConfig(match_tone=most))
        assert place.paste(cutout, 40, 40)
        assert place.pixels[50, 50, 0] == expected


def test_brightness_changes_the_object_alone() -> None:
    pixels = np.full((80, 100, 3), 100, dtype=np.uint8)
    record = BoxRecord("car", (10, 10, 20, 20), segmentation=outline(10, 10, 20, 20))
    place = scene()
    for brightness, x in ((1.5, 10), (0.5, 60)):
        cutout = cut_out(pixels, record, SIZE, Look(brightness=brightness), 0.0)
        assert cutout is not None and place.paste(cutout, x, 40)
        assert (place.pixels[40:60, x : x + 20] == round(100 * brightness)).all()
    assert (place.pixels[:40] == 90).all()
