"""Overlaps of boxes and of masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from reprise.scoring.matching import area, box_ious, mask_overlaps, with_masks
from scoring.scenes import box, coco, diamond, filled, masked


class TestBoxes:
    def test_half_covered_boxes(self) -> None:
        ious = box_ious([[0, 0, 10, 10]], [[5, 0, 10, 10], [0, 0, 10, 10]], [False, False])
        assert ious == pytest.approx(np.array([[1 / 3, 1.0]]))

    def test_overlap_with_a_crowd_region_is_the_share_of_the_detection(self) -> None:
        ious = box_ious([[0, 0, 10, 10]], [[5, 0, 100, 100]], [True])
        assert ious == pytest.approx(np.array([[0.5]]))

    @given(box, box)
    def test_is_symmetric_and_at_most_one(self, one: list[float], other: list[float]) -> None:
        there = box_ious([one], [other], [False])[0, 0]
        assert 0 <= there <= 1
        assert there == pytest.approx(box_ious([other], [one], [False])[0, 0])


class TestMasks:
    def test_overlap_by_their_pixels(self) -> None:
        truth = coco([(1, 1, [0.0, 0.0, 80.0, 80.0], False)])
        truth["annotations"][0]["segmentation"] = diamond([0.0, 0.0, 80.0, 80.0])
        inside = masked(1, 1, [20.0, 20.0, 40.0, 40.0], 0.9)
        found = mask_overlaps([inside], with_masks(truth)["annotations"])
        assert found[0, 0] == pytest.approx(area(inside) / 3200, rel=0.03)

    def test_of_nothing_are_an_empty_table(self) -> None:
        row = masked(1, 1, [0.0, 0.0, 9.0, 9.0], 0.9)
        assert mask_overlaps([row], []).shape == (1, 0)
        assert mask_overlaps([], [row]).shape == (0, 1)

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
