"""Overlaps of boxes and of masks."""

from __future__ import annotations

import numpy as np
import pytest

from reprise.predictions import prediction
from reprise.scoring.overlaps import area, overlaps, with_masks
from scoring.scenes import coco, diamond, filled, masked


def test_overlap_of_boxes() -> None:
    truth = coco([(1, 1, [5, 0, 10, 10], False), (1, 1, [5, 0, 90, 90], True)])["annotations"]
    found = prediction(1, 1, [0, 0, 10, 10], 0.9)
    assert overlaps("bbox", [found], truth) == pytest.approx(np.array([[1 / 3, 0.5]]))
    assert overlaps("bbox", truth[:1], truth[:1])[0, 0] == 1


class TestMasks:
    def test_overlap_by_their_pixels(self) -> None:
        truth = coco([(1, 1, [0.0, 0.0, 80.0, 80.0], False)])
        truth["annotations"][0]["segmentation"] = diamond([0.0, 0.0, 80.0, 80.0])
        inside = masked(1, 1, [20.0, 20.0, 40.0, 40.0], 0.9)
        found = overlaps("segmentation", [inside], with_masks(truth)["annotations"])
        assert found[0, 0] == pytest.approx(area(inside) / 3200, rel=0.03)

    def test_of_nothing_are_an_empty_table(self) -> None:
        row = masked(1, 1, [0.0, 0.0, 9.0, 9.0], 0.9)
        assert overlaps("segmentation", [row], []).shape == (1, 0)
        assert overlaps("segmentation", [], [row]).shape == (0, 1)

    def test_that_are_filled_once_stay_as_they_are(self) -> None:
        truth = coco([(1, 1, [0.0, 0.0, 80.0, 80.0], False)])
        truth["annotations"][0]["segmentation"] = diamond([0.0, 0.0, 80.0, 80.0])
        once = with_masks(truth)
        assert with_masks(once) == once
        assert set(once["annotations"][0]["segmentation"]) == {"size", "counts"}

    def test_have_the_area_of_their_pixels(self) -> None:
        row = masked(1, 1, [10.0, 10.0, 50.0, 30.0], 0.9)
        assert area(row) == filled(row["bbox"]).sum()
        assert area({"bbox": row["bbox"]}) == 1500
