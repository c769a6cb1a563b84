"""Rows that go to other loggers too."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.training.loggers import Run, open_loggers

ROWS = [
    {"epoch": 1, "train/loss": 2.0, "learning_rate": 0.1},
    {"epoch": 2, "train/loss": 1.5, "learning_rate": 0.05},
]


def run(folder: Path) -> Run:
    return Run(folder / "reports", folder / "scratch", {"training": {"epochs": 2}})


def written(folder: Path) -> bytes:
    (path,) = (folder / "reports").iterdir()
    return path.read_bytes()


def test_tensorboard_reads_every_row_back(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (logger,) = open_loggers(["tensorboard"], run(tmp_path), [])
    for row in ROWS:
        logger.log(row)
    logger.close()
    events = EventAccumulator(str(tmp_path / "reports")).Reload()
    found = [(item.step, item.value) for item in events.Scalars("train/loss")]
    assert found == [(1, 2.0), (2, 1.5)]


def test_a_resumed_run_writes_the_bytes_of_an_unbroken_one(tmp_path: Path) -> None:
    (whole,) = open_loggers(["tensorboard"], run(tmp_path / "whole"), [])
    for row in ROWS:
        whole.log(row)
    whole.close()
    (broken,) = open_loggers(["tensorboard"], run(tmp_path / "broken"), [])
    broken.log(ROWS[0])
    (resumed,) = open_loggers(["tensorboard"], run(tmp_path / "broken"), ROWS[:1])
    resumed.log(ROWS[1])
    resumed.close()
    assert written(tmp_path / "broken") == written(tmp_path / "whole")


def test_a_logger_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(RepriseError, match="wandb needs the package wandb") as caught:
        open_loggers(["wandb"], run(tmp_path), [])
    assert "pip install wandb" in caught.value.fix
