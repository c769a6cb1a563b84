"""Masks between annotation, network and prediction: held to pycocotools and to geometry."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as oracle

from reprise.errors import RepriseError
from reprise.masks.resize import decode_resized, paste_mask, resize_probabilities
from reprise.masks.rle import encode_mask

masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(masks)
def test_a_mask_is_encoded_as_pycocotools_encodes_it_and_comes_back(mask: np.ndarray) -> None:
    theirs = oracle.encode(np.asfortranarray(mask))
    assert encode_mask(mask) == {"size": list(mask.shape), "counts": theirs["counts"].decode()}
    again = decode_resized(json.dumps(encode_mask(mask)), mask.shape, mask.shape)
    assert again.dtype == np.uint8
    assert np.array_equal(again, mask)


@given(masks)
def test_uncompressed_run_lengths_are_read_too(mask: np.ndarray) -> None:
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, len(flat)]).tolist()
    counts = [0, *counts] if flat[0] else counts
    text = json.dumps({"size": list(mask.shape), "counts": counts})
    assert np.array_equal(decode_resized(text, mask.shape, mask.shape), mask)


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 20)), min_size=3, max_size=8),
    st.sampled_from([1, 2, 3]),
)
def test_a_polygon_is_filled_as_pycocotools_fills_it_at_any_scale(
    points: list[tuple[float, float]], scale: int
) -> None:
    polygon = np.array(points).ravel()
    size = (20 * scale, 30 * scale)
    expected = oracle.decode(oracle.frPyObjects([(polygon * scale).tolist()], *size))[..., 0]
    found = decode_resized(json.dumps([polygon.tolist()]), (20, 30), size)
    assert np.array_equal(found, expected)


def test_the_parts_of_an_object_are_one_mask() -> None:
    square = [0, 0, 4, 0, 4, 4, 0, 4]
    far = [value + 6 for value in square]
    assert decode_resized(json.dumps([square, far]), (10, 10), (10, 10)).sum() == 32


def test_run_lengths_are_resized_with_the_image() -> None:
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[10:20, 30:50] = 1
    found = decode_resized(json.dumps(encode_mask(mask)), (40, 60), (20, 30))
    assert np.array_equal(found, mask[::2, ::2])


@given(masks, st.integers(1, 12), st.integers(1, 12))
def test_run_lengths_at_another_size_are_the_nearest_pixels(
    mask: np.ndarray, height: int, width: int
) -> None:
    expected = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    found = decode_resized(json.dumps(encode_mask(mask)), mask.shape, (height, width))
    assert np.array_equal(found, expected)
    assert found.flags["C_CONTIGUOUS"]


def test_an_object_without_segmentation_has_an_empty_mask() -> None:
    assert decode_resized("[]", (10, 20), (5, 10)).tolist() == np.zeros((5, 10)).tolist()


@pytest.mark.parametrize("counts", [[5, 1000], "not packed ~~", [5]])
def test_run_lengths_that_make_no_mask_are_refused(counts: object) -> None:
    with pytest.raises(RepriseError, match="mask cannot be read"):
        decode_resized(json.dumps({"size": [4, 4], "counts": counts}), (4, 4), (4, 4))


boxes = st.tuples(st.floats(-5, 35), st.floats(-5, 25), st.floats(0.5, 30), st.floats(0.5, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes)
def test_a_full_prediction_fills_its_box_and_no_more(
    box: tuple[float, float, float, float],
) -> None:
    found = paste_mask(np.ones((28, 28), dtype=np.float32), box, (24, 32))
    x, y = np.meshgrid(np.arange(32) + 0.5, np.arange(24) + 0.5)
    # At the rim the value falls from 1 to 0 over one cell of the grid, half of it on each
    # side; interpolation knows 32 places between two cells.
    slack = [side / 28 / 32 + 1e-3 for side in (box[2] - box[0], box[3] - box[1])]
    inner = (
        (x > box[0] + slack[0]) & (x < box[2] - slack[0])
        & (y > box[1] + slack[1]) & (y < box[3] - slack[1])
    )  # fmt: skip
    outer = (
        (x >= box[0] - slack[0]) & (x <= box[2] + slack[0])
        & (y >= box[1] - slack[1]) & (y <= box[3] + slack[1])
    )  # fmt: skip
    corners = inner & (found == 0)
    # Where both axes fall off, a corner's cell loses its outer part.
    assert corners.sum() <= 4 * (1 + (box[2] - box[0]) / 28) * (1 + (box[3] - box[1]) / 28)
    assert not (found[~outer]).any()


def test_a_prediction_lands_where_its_box_is() -> None:
    left_half = np.zeros((28, 28), dtype=np.float32)
    left_half[:, :14] = 1
    found = paste_mask(left_half, (10, 4, 20, 8), (12, 30))
    expected = np.zeros((12, 30), dtype=np.uint8)
    expected[4:8, 10:15] = 1
    assert np.array_equal(found, expected)


def test_a_box_outside_the_image_has_an_empty_mask() -> None:
    assert not paste_mask(np.ones((28, 28)), (40.0, 2.0, 50.0, 8.0), (20, 30)).any()


@given(st.integers(0, 5), st.integers(0, 3))
@settings(max_examples=20)
def test_enlarged_probabilities_keep_their_place(row: int, column: int) -> None:
    probabilities = np.zeros((6, 4))
    probabilities[row, column] = 1
    found = resize_probabilities(probabilities, (60, 40))
    y, x = np.nonzero(found)
    assert abs(y.mean() + 0.5 - (row + 0.5) * 10) < 2.5
    assert abs(x.mean() + 0.5 - (column + 0.5) * 10) < 2.5
