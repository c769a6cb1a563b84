"""Run lengths are those of pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as oracle

from reprise.masks import rle


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    seed, share = draw(st.integers(0, 999)), draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    return np.random.default_rng(seed).random((height, width)) < share


@given(mask=masks())
def test_encoding_and_decoding_agree_with_pycocotools(mask: np.ndarray) -> None:
    size = mask.shape
    encoded = rle.encode(mask, 0, 0, size)
    packed = oracle.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert oracle.frPyObjects(encoded, *size)["counts"] == packed["counts"]
    assert (rle.decode(encoded) == mask).all()
    text = {"size": list(size), "counts": packed["counts"].decode()}
    assert (rle.decode(text) == mask).all()
    if mask.any():
        assert list(rle.bounds(mask)) == oracle.toBbox(packed).tolist()


@given(mask=masks(), left=st.integers(-12, 12), top=st.integers(-12, 12))
def test_a_mask_is_laid_on_an_image_and_cut_at_its_edges(
    mask: np.ndarray, left: int, top: int
) -> None:
    expected = np.zeros((7, 5), dtype=bool)
    for row, column in np.argwhere(mask):
        if 0 <= row + top < 7 and 0 <= column + left < 5:
            expected[row + top, column + left] = True
    laid = rle.decode(rle.encode(mask, left, top, (7, 5)))
    assert (laid == expected).all()


def test_long_runs_are_unpacked() -> None:
    mask = np.zeros((3000, 2000), dtype=np.uint8)
    mask[17:2500, 300:1900] = 1
    mask[5, 7] = 1
    packed = oracle.encode(np.asfortranarray(mask))
    decoded = rle.decode({"size": [3000, 2000], "counts": packed["counts"].decode()})
    assert (decoded == mask).all()


@pytest.mark.parametrize("counts", ["", "P", "\x7f\x80", "é", [1], [5, -1], [2, 3]])
def test_run_lengths_that_do_not_fill_the_mask_are_refused(counts: object) -> None:
    with pytest.raises(ValueError, match="run lengths"):
        rle.decode({"size": [2, 2], "counts": counts})


def test_a_mask_without_pixels_has_no_bounds() -> None:
    assert rle.bounds(np.zeros((3, 4), dtype=bool)) == (0, 0, 0, 0)


@given(mask=masks())
def test_packed_run_lengths_and_area_are_those_of_pycocotools(mask: np.ndarray) -> None:
    packed = rle.encode_mask(mask)
    expected = oracle.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert packed["counts"] == expected["counts"].decode()
    assert packed["size"] == expected["size"]
    plain = rle.encode(mask)
    assert rle.pack(plain) == packed
    for segmentation in (packed, plain):
        assert rle.area(segmentation) == oracle.area(expected)


@given(
    counts=st.lists(st.integers(-1, 2**40), max_size=5) | st.text(max_size=8),
    size=st.lists(st.integers(-1, 2**40), max_size=3),
)
def test_hostile_run_lengths_are_refused_before_memory_is_taken(
    counts: object, size: list[int]
) -> None:
    try:
        assert rle.decode({"size": size, "counts": counts}, 1000).size <= 1000
    except ValueError:
        return


def test_a_mask_larger_than_allowed_is_not_decoded() -> None:
    huge = {"size": [2**16, 2**16], "counts": [2**31 - 1, 2**31 - 1, 2]}
    assert rle.area(huge) == 2**31 - 1
    with pytest.raises(ValueError, match="more than 100 pixels"):
        rle.decode(huge, 100)


@pytest.mark.parametrize(
    "segmentation",
    [
        {},
        {"size": [2, 2]},
        {"size": [2, 2.0], "counts": [4]},
        {"size": "22", "counts": [4]},
        {"size": [2, True], "counts": [2]},
        {"size": [2, 2], "counts": [4.0]},
        {"size": [2**31, 1], "counts": [2**31]},
        {"size": [2**30, 2**30], "counts": "0"},
        {"size": [2, 2], "counts": "ooooooooooo0"},
    ],
)
def test_what_is_no_run_lengths_is_said_to_be_none(segmentation: dict[str, object]) -> None:
    for use in (rle.decode, rle.area):
        with pytest.raises(ValueError, match="run lengths"):
            use(segmentation)
