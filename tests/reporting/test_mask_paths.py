"""Masks as SVG paths: drawn again, a path covers the mask that it came from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.reporting.mask_paths import outline
from scoring.scenes import filled, rle, solid


def painted(path: str, width: int, height: int) -> np.ndarray:
    """The pixels of a path, by the even-odd rule."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    for part in path.split("M")[1:]:
        points = [[float(v) for v in pair.split(",")] for pair in part.rstrip("Z").split(" ")]
        layer = np.zeros_like(pixels)
        # OpenCV counts from the centre of a pixel, SVG from its corner.
        cv2.fillPoly(layer, [np.round(np.array(points) - 0.5).astype(np.int32)], 1)
        pixels ^= layer
    return pixels.astype(bool)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("scale", [1.0, 0.5, 2.8])
def test_a_path_covers_its_mask_at_any_scale(scale: float) -> None:
    pixels = filled([30.0, 60.0, 120.0, 70.0])
    path = outline(rle(pixels), (0, 0, 200, 200), (scale, scale))
    side = round(200 * scale)
    wanted = cv2.resize(pixels.astype(np.float32), (side, side)) >= 0.5
    assert iou(painted(path, side, side), wanted) > 0.95


def test_holes_and_parts_stay() -> None:
    pixels = solid([20.0, 20.0, 100.0, 100.0]) & ~solid([50.0, 50.0, 30.0, 30.0])
    pixels |= solid([150.0, 150.0, 30.0, 30.0])
    path = outline(rle(pixels), (0, 0, 200, 200), (1.0, 1.0))
    assert path.count("M") == 3
    assert iou(painted(path, 200, 200), pixels) > 0.95


def test_a_window_shows_its_part_alone() -> None:
    pixels = solid([20.0, 20.0, 100.0, 100.0])
    path = outline(rle(pixels), (100, 100, 50, 50), (4.0, 4.0))
    assert iou(painted(path, 200, 200), solid([0.0, 0.0, 80.0, 80.0])) > 0.95
    assert outline(rle(pixels), (150, 150, 50, 50), (4.0, 4.0)) == ""


def test_an_empty_mask_has_no_path() -> None:
    assert outline(rle(np.zeros((9, 9), dtype=bool)), (0, 0, 9, 9), (1.0, 1.0)) == ""


@given(st.integers(0, 2**16), st.floats(0.05, 6), st.floats(0.05, 6))
@settings(max_examples=30)
def test_any_mask_gives_a_path_inside_the_picture(seed: int, across: float, down: float) -> None:
    pixels = np.random.default_rng(seed).random((20, 30)) > 0.7
    path = outline(rle(pixels), (0, 0, 30, 20), (across, down))
    for pair in path.replace("M", " ").replace("Z", " ").split():
        x, y = (float(value) for value in pair.split(","))
        assert -1 <= x <= 30 * across + 1
        assert -1 <= y <= 20 * down + 1
