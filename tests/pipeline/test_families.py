"""Every family, by `dvc repro`, on real photographs: it learns more than a blind answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from family_runs import FAMILY_RUNS, FamilyRun, follow
from pipeline.killing import kill_in_epoch_two

FIRST_OF_EACH = {case.family: case for case in reversed(FAMILY_RUNS)}


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c.quick else [pytest.mark.slow], id=c.name) for c in FAMILY_RUNS],
)
def test_losses_fall_and_the_trivial_answer_is_beaten(
    repository: Path, shared_datasets: Path, tmp_path: Path, case: FamilyRun
) -> None:
    if case.missing:
        pytest.skip(case.missing)
    found = follow(case, case.start(repository, shared_datasets, tmp_path / "clone"))
    assert found.losses[-1] < found.losses[0]
    assert found.value > found.trivial + case.margin, found


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FIRST_OF_EACH))
def test_two_clones_agree_though_one_was_killed_and_had_more_workers(
    repository: Path, shared_datasets: Path, tmp_path: Path, family: str
) -> None:
    if missing := FIRST_OF_EACH[family].missing:
        pytest.skip(missing)
    clones = [
        FIRST_OF_EACH[family].start(repository, shared_datasets, tmp_path / name)
        for name in ("whole", "killed")
    ]
    for clone, workers in zip(clones, (0, 2), strict=True):
        clone.set(**{"training.epochs": 2, "machine.workers": workers})
    clones[0].dvc("repro")
    kill_in_epoch_two(clones[1], tmp_path / "log")
    assert "resumed: epoch 2" in clones[1].dvc("repro").stdout
    assert clones[0].read("dvc.lock") == clones[1].read("dvc.lock")
