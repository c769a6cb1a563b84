"""Targets of metrics: met or missed, with the figure, and a run that fails on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evaluation.running import TEST_BOXES, VAL_BOXES, Run
from reprise.errors import RepriseError
from reprise.evaluation.config import EvaluationConfig
from reprise.predictions import prediction

FOUND = [prediction(*box, 0.9) for box in TEST_BOXES[:2]]  # recall 2 of 3


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_are_met_or_missed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = run(FOUND, targets={"test.recall": 0.7, "test.precision": 1.0}).metrics
    assert metrics["test"]["targets"] == {"recall": 0.7, "precision": 1.0}
    assert metrics["test"]["targets_met"] == {"recall": False, "precision": True}
    assert "targets" not in metrics["val"]
    told = capsys.readouterr().out
    assert "WARNING: test.recall is 0.66667, which misses its target of 0.7" in told
    assert "\ntest.precision is 1, which meets its target of 1.0" in told


def test_a_missed_one_fails_the_run_with_the_figure(run: Run) -> None:
    with pytest.raises(
        RepriseError, match=r"test\.recall is 0\.66667, .* target of 0\.7"
    ) as caught:
        run(FOUND, targets={"test.recall": 0.7, "test.f1": 0.1}, must_meet_targets=True)
    assert "f1" not in caught.value.problem
    assert "evaluation.must_meet_targets: false" in caught.value.fix
    # The numbers are there to look at.
    assert run.metrics["test"]["recall"] == 0.66667


def test_met_ones_fail_nothing(run: Run) -> None:
    run(FOUND, targets={"test.recall": 0.66}, must_meet_targets=True)


def test_a_metric_without_a_value_misses_its_target(run: Run) -> None:
    objects = list(TEST_BOXES)  # none in val
    metrics = run(FOUND, boxes=objects, targets={"val.mAP50": 0.1}).metrics
    assert metrics["val"]["targets_met"] == {"mAP50": False}
    with pytest.raises(RepriseError, match=r"val\.mAP50 has no value, which misses"):
        run(FOUND, targets={"val.mAP50": 0.1}, must_meet_targets=True)


def test_without_any_score_a_target_still_fails(run: Run) -> None:
    with pytest.raises(RepriseError, match=r"test\.mAP50 has no value"):
        run([], boxes=[], targets={"test.mAP50": 0.1}, must_meet_targets=True)


def test_a_metric_of_another_task_is_refused_before_anything_is_written(run: Run) -> None:
    with pytest.raises(RepriseError, match=r"test\.exact_match is not measured .* to detect"):
        run(FOUND, [prediction(*box, 0.9) for box in VAL_BOXES], targets={"test.exact_match": 0.5})
    assert not run.out.exists()


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ({"test.map50": 0.5}, "did you mean 'test.mAP50'"),
        ({"mAP50": 0.5}, "did you mean"),
        ({"train.mAP50": 0.5}, "test or val, a point and a metric"),
        ({"test.mAP50": 50}, "less than or equal to 1"),
    ],
)
def test_a_target_of_nothing_is_refused(targets: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EvaluationConfig(targets=targets)
