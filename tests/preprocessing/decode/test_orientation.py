"""Boxes and outlines follow their pixels from the stored frame to the upright one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from reprise.preprocessing.decode.orientation import (
    orient_box,
    orient_pixels,
    orient_polygon,
    orient_size,
    valid_orientation,
)

ORIENTATIONS = st.integers(1, 8)


def pillows(pixels: np.ndarray, orientation: int) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


@st.composite
def rectangles(draw: st.DrawFn) -> tuple[int, int, tuple[int, int, int, int]]:
    width, height = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return width, height, (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@given(rectangles(), ORIENTATIONS)
def test_a_box_ends_where_pillow_moves_its_pixels(
    placed: tuple[int, int, tuple[int, int, int, int]], orientation: int
) -> None:
    width, height, (x, y, w, h) = placed
    stored = np.zeros((height, width), np.uint8)
    stored[y : y + h, x : x + w] = 255
    upright = pillows(stored, orientation)
    rows, columns = np.nonzero(upright)
    left, top = columns.min(), rows.min()
    seen = (left, top, columns.max() + 1 - left, rows.max() + 1 - top)
    assert orient_box((x, y, w, h), width, height, orientation) == seen
    assert orient_size(width, height, orientation) == upright.shape[::-1]


@given(rectangles(), ORIENTATIONS)
def test_an_outlines_bounds_are_its_boxs(
    placed: tuple[int, int, tuple[int, int, int, int]], orientation: int
) -> None:
    width, height, (x, y, w, h) = placed
    corners = [x, y, x + w, y, x + w, y + h, x, y + h]
    moved = orient_polygon(corners, width, height, orientation)
    across, down = moved[0::2], moved[1::2]
    bounds = (min(across), min(down), max(across) - min(across), max(down) - min(down))
    assert bounds == orient_box((x, y, w, h), width, height, orientation)


@given(rectangles(), ORIENTATIONS)
def test_the_inverse_orientation_brings_a_box_back(
    placed: tuple[int, int, tuple[int, int, int, int]], orientation: int
) -> None:
    width, height, box = placed
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    moved = orient_box(box, width, height, orientation)
    assert orient_box(moved, *orient_size(width, height, orientation), inverse) == box


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_pixels_turn_as_pillow_turns_them(orientation: int, shape: tuple[int, ...]) -> None:
    stored = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    upright = orient_pixels(stored, orientation)
    np.testing.assert_array_equal(upright, pillows(stored, orientation))
    assert upright.flags.c_contiguous


def test_fractions_have_a_frame_of_one_by_one() -> None:
    assert orient_box((0.25, 0.5, 0.25, 0.125), 1, 1, 6) == (0.375, 0.25, 0.125, 0.25)


def test_what_is_not_a_number_stays_so() -> None:
    x, y, w, h = orient_box((math.nan, 1.0, 2.0, 3.0), 10, 20, 3)
    assert math.isnan(x) and (y, w, h) == (16.0, 2.0, 3.0)


@pytest.mark.parametrize("value", [None, 0, 9, -1, "6", b"\x06", (6,), [6], math.nan])
def test_any_other_value_of_the_tag_means_upright(value: object) -> None:
    assert valid_orientation(value) == 1
