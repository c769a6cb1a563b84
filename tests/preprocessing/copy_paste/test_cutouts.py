"""Objects become pixels: polygons, run lengths and boxes, and copies of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import picture
from reprise.formats.records import BoxRecord
from reprise.masks import rle
from reprise.preprocessing.copy_paste.cutouts import Look, cut_out, region_of

SIZE = (64, 48)
SQUARE = [10.0, 12.0, 30.0, 12.0, 30.0, 32.0, 10.0, 32.0]


def run_lengths(mask: np.ndarray) -> dict[str, object]:
    height, width = mask.shape
    return rle.encode(mask, 0, 0, (height, width))


def test_a_polygon_on_pixel_borders_fills_exactly_those_pixels() -> None:
    region = region_of(BoxRecord("cat", (0, 0, 64, 48), segmentation=[SQUARE]), SIZE)
    assert (region.x, region.y, region.mask.shape) == (10, 12, (20, 20)) and region.mask.all()


def test_a_polygon_that_reaches_far_outside_is_cut_at_the_edge() -> None:
    for far in (1e3, 1e9, 1e300):
        half = [-far, -far, 32.0, -far, 32.0, far, -far, far]
        region = region_of(BoxRecord("cat", (0, 0, 64, 48), segmentation=[half]), SIZE)
        assert (region.x, region.y, region.mask.shape) == (0, 0, (48, 32)) and region.mask.all()


def test_polygon_rle_and_box_name_the_same_square() -> None:
    box = (10.0, 12.0, 20.0, 20.0)
    polygon = BoxRecord("cat", box, segmentation=[SQUARE])
    square = np.zeros((48, 64), dtype=bool)
    square[12:32, 10:30] = True
    mask = BoxRecord("cat", box, segmentation=run_lengths(square))
    for record, outlined in ((polygon, True), (mask, True), (BoxRecord("cat", box), False)):
        region = region_of(record, SIZE)
        assert (region.x, region.y, region.outlined) == (10, 12, outlined)
        assert region.mask.shape == (20, 20) and region.mask.all()
        halved = region_of(record, SIZE, (32, 24))
        assert (halved.x, halved.y, *halved.mask.shape) == (5, 6, 10, 10)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [10, 10], "counts": [100]},
        {"size": [48, 64], "counts": [5, 5]},
        {"size": [48, 64], "counts": "~"},
        [[1e300, 1e300, -1e300, 1e300, 5.0, 2e300]],
        [[10.2, 12.2, 10.3, 12.2, 10.3, 12.3]],
    ],
)
def test_an_outline_without_pixels_leaves_the_box(segmentation: object) -> None:
    region = region_of(BoxRecord("cat", (10, 12, 20, 20), 1.0, 0, segmentation), SIZE)  # type: ignore[arg-type]
    assert (region.x, region.y, region.mask.shape, region.outlined) == (10, 12, (20, 20), False)


@settings(max_examples=60)
@given(st.floats(0.3, 3), st.floats(-180, 180), st.booleans(), st.sampled_from([0.0, 2.0, 7.5]))
def test_a_cutout_is_its_mask_and_a_fading_margin(
    scale: float, angle: float, mirrored: bool, feather: float
) -> None:
    record = BoxRecord("cat", (10, 12, 20, 20), segmentation=[SQUARE])
    cutout = cut_out(picture(1), record, SIZE, Look(scale, angle, mirrored), feather)
    assert cutout is not None
    mask = np.zeros(cutout.alpha.shape, dtype=bool)
    region = cutout.region
    height, width = region.mask.shape
    mask[region.y : region.y + height, region.x : region.x + width] = region.mask
    assert region.mask[[0, -1]].any(axis=1).all() and region.mask[:, [0, -1]].any(axis=0).all()
    assert mask.sum() == pytest.approx((20 * scale) ** 2, rel=0.25)
    if feather == 0:
        assert ((cutout.alpha == 255) == mask).all() and mask.shape == region.mask.shape
    else:
        assert cutout.alpha[mask].max() >= 240
        assert cutout.alpha[mask].min() >= 48
        assert cutout.alpha[~mask].max(initial=0) < 192


def test_no_colour_comes_from_beyond_the_image() -> None:
    """A margin that reaches over the image's edge repeats it: a black rim would be a seam."""
    white = np.full((48, 64, 3), 255, dtype=np.uint8)
    record = BoxRecord("cat", (1, 1, 20, 20), segmentation=[[1, 1, 21, 1, 21, 21, 1, 21]])
    cutout = cut_out(white, record, SIZE, Look(1.4, 33), 6.0)
    assert cutout is not None
    assert cutout.pixels[cutout.alpha > 0].min() > 250


def test_what_only_has_a_box_stays_upright() -> None:
    record = BoxRecord("cat", (10, 12, 20, 10))
    cutout = cut_out(picture(1), record, SIZE, Look(1.0, 45), 0.0)
    assert cutout is not None
    assert cutout.region.mask.shape == (10, 20) and cutout.region.mask.all()
    assert (cutout.pixels == picture(1)[12:22, 10:30]).all()


def test_an_image_read_at_another_size_gives_the_same_object() -> None:
    record = BoxRecord("cat", (10, 12, 20, 20), segmentation=[SQUARE])
    half = cut_out(picture(1, 32, 24), record, SIZE, Look(2.0), 0.0)
    whole = cut_out(picture(1), record, SIZE, Look(1.0), 0.0)
    assert half is not None and whole is not None
    assert half.region.mask.shape == whole.region.mask.shape == (20, 20)


def test_an_object_that_shrinks_to_nothing_is_none() -> None:
    sliver = BoxRecord("cat", (10, 12, 1, 1))
    assert cut_out(picture(1), sliver, SIZE, Look(0.01), 2.0) is None
