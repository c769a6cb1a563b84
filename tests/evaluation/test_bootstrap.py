"""The bootstrap: drawn again, and never matched again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.evaluation.bootstrap import MIN_GROUPS, drawn_again, interval, units_of
from reprise.predictions import label_prediction
from reprise.scoring import Task, score
from reprise.scoring.metrics import compute_metrics, metrics_of
from reprise.scoring.weighted import Weighted
from scoring.scenes import mask_scenes, scenes

COUNTS = st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any)


def repeated(
    truth: dict[str, Any], rows: list[dict[str, Any]], counts: list[int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The dataset in which image n occurs as often as asked, each time under an id of its own."""
    labelled = "labels" if "labels" in truth else "annotations"
    drawn: dict[str, Any] = truth | {"images": [], labelled: []}
    found = []
    for image, count in zip(truth["images"], counts, strict=True):
        for copy in range(count):
            new = image["id"] * 10 + copy
            drawn["images"].append(image | {"id": new})
            for item in truth[labelled]:
                if item["image_id"] == image["id"]:
                    number = len(drawn[labelled]) + 1
                    drawn[labelled].append(item | {"id": number, "image_id": new})
            found += [row | {"image_id": new} for row in rows if row["image_id"] == image["id"]]
    return drawn, found


def untied(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """No two of one image with one score: whose copies come first would be a matter of order."""
    return [row | {"score": row["score"] + place / 1e6} for place, row in enumerate(rows)]


def check(task: Task, truth: dict[str, Any], rows: list[dict[str, Any]], counts: list[int]) -> None:
    """Every metric of images that count so often is that of the dataset made of them."""
    scores = score(task, truth, rows, threshold=0.5, max_detections=100)
    expected = compute_metrics(score(task, *repeated(truth, rows, counts), 0.5, 100))
    weighted = Weighted(scores, np.array([[1, 1, 1], counts], dtype=np.int32))
    for name, metric in metrics_of(task).items():
        value = metric.compute(weighted)[1]
        if name in expected:
            assert value == pytest.approx(expected[name], abs=1e-12), name
        elif any(scores.truth_counts.values()) and expected:
            assert np.isnan(value), name


class TestDrawnAgainEqualsRecomputing:
    @given(scenes(), COUNTS)
    @settings(max_examples=40)
    def test_for_boxes(self, scene: Any, counts: list[int]) -> None:
        truth, rows = scene
        check("detect", truth, untied(rows), counts)

    @given(mask_scenes(), COUNTS)
    @settings(max_examples=15)
    def test_for_masks(self, scene: Any, counts: list[int]) -> None:
        truth, rows = scene
        check("segment", truth, untied(rows), counts)

    @given(st.integers(0, 10**6), COUNTS)
    @settings(max_examples=40)
    def test_for_labels(self, seed: int, counts: list[int]) -> None:
        rng = np.random.default_rng(seed)
        pairs = [(image, category) for image in (1, 2, 3) for category in (1, 2)]
        truth = {
            "images": [{"id": n} for n in (1, 2, 3)],
            "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
            "labels": [{"image_id": i, "category_id": c} for i, c in pairs if rng.random() < 0.6],
        }
        rows = [label_prediction(*pair, rng.integers(0, 5) / 4) for pair in pairs]
        check("classify", truth, rows, counts)


def drawn(units: np.ndarray, seed: int) -> np.ndarray:
    return np.concatenate(list(drawn_again(units, 50, seed)))


class TestUnits:
    def test_are_the_groups_where_there_are_enough(self) -> None:
        groups = [f"page {n // 2}" for n in range(2 * MIN_GROUPS)]
        units, warning = units_of(groups)
        assert (units == np.arange(2 * MIN_GROUPS) // 2).sum() >= 2  # whatever their order
        assert len(set(zip(units.tolist(), groups, strict=True))) == MIN_GROUPS
        assert warning == ""

    @pytest.mark.parametrize(("kinds", "told"), [(1, "all of one group"), (4, "of 4 groups")])
    def test_are_the_images_where_there_are_too_few(self, kinds: int, told: str) -> None:
        units, warning = units_of([f"page {n % kinds}" for n in range(40)])
        assert units.tolist() == list(range(40))
        assert told in warning and f"fewer than {MIN_GROUPS}" in warning

    def test_too_few_images_are_told_too(self) -> None:
        assert "it has 5 images" in units_of(list("abcde"))[1]

    def test_of_a_large_split_are_drawn_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = drawn(np.arange(30), seed=1)
        monkeypatch.setattr("reprise.evaluation.bootstrap.NUMBERS_AT_ONCE", 100)
        assert len(next(drawn_again(np.arange(30), 50, 1))) == 3
        assert (drawn(np.arange(30), seed=1) == whole).all()

    def test_groups_are_drawn_whole_and_the_same_each_time(self) -> None:
        units = np.arange(60) // 3
        weights = drawn(units, seed=1)
        assert (weights[:, ::3] == weights[:, 1::3]).all()
        assert (weights[:, ::3].sum(axis=1) == 20).all()
        assert (weights == drawn(units, seed=1)).all()
        assert (weights != drawn(units, seed=2)).any()


class TestInterval:
    def test_is_the_middle_of_what_was_drawn(self) -> None:
        assert interval(np.arange(1001) / 1000, 0.5) == pytest.approx((0.025, 0.975))

    def test_makes_up_for_a_bias_of_the_draws(self) -> None:
        # Most draws lie above the value itself: as it may lie above the truth.
        low, high = interval(np.random.default_rng(0).normal(0.5, 1, 100_000), 0.0) or (0, 0)
        assert (low, high) == pytest.approx((-1.96 - 0.5, 1.96 - 0.5), abs=0.05)

    def test_leaves_out_draws_without_the_number(self) -> None:
        assert interval(np.array([np.nan, 0.5, 0.5]), 0.5) == (0.5, 0.5)
        assert interval(np.array([np.nan, np.nan, 0.5]), 0.5) is None
