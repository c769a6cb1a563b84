"""Every family, by `dvc repro`, on real photographs: it learns more than a blind answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from family_runs import FAMILY_RUNS, FamilyRun, follow


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c.quick else [pytest.mark.slow], id=c.name) for c in FAMILY_RUNS],
)
def test_losses_fall_and_the_trivial_answer_is_beaten(
    repository: Path, shared_datasets: Path, tmp_path: Path, case: FamilyRun
) -> None:
    found = follow(case, case.start(repository, shared_datasets, tmp_path / "clone"))
    assert found.losses[-1] < found.losses[0]
    floor = found.trivial if case.beats_trivial else 0.0
    assert found.value > floor + case.margin, found
