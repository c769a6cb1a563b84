"""Rows that go to other loggers too."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reprise.errors import RepriseError
from reprise.training.callbacks import LogRows
from reprise.training.loggers import LoggedRun, Row, open_loggers
from reprise.training.train_state import TrainState

ROWS: list[Row] = [
    {"epoch": 1, "train/loss": 2.0, "learning_rate": 0.1},
    {"epoch": 2, "train/loss": 1.5, "learning_rate": 0.05},
]


def run(folder: Path) -> LoggedRun:
    return LoggedRun(folder / "reports", folder / "scratch", {"training": {"epochs": 2}})


def log(folder: Path, earlier: list[Row], rows: list[Row]) -> Path:
    """Rows of a run that has logged ``earlier`` before it was killed."""
    trainer: Any = SimpleNamespace(state=TrainState(history=earlier))
    callback = LogRows(open_loggers(["tensorboard"], run(folder)))
    callback.on_fit_start(trainer)
    for row in rows:
        callback.on_epoch_end(trainer, row)
    callback.on_fit_end(trainer)
    return folder / "reports"


def test_tensorboard_reads_every_row_back(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(log(tmp_path, [], ROWS))).Reload()
    found = [(item.step, item.value) for item in events.Scalars("train/loss")]
    assert found == [(1, 2.0), (2, 1.5)]


def test_a_resumed_run_writes_the_bytes_of_an_unbroken_one(tmp_path: Path) -> None:
    log(tmp_path / "broken", [], ROWS[:1])
    whole, broken = log(tmp_path / "whole", [], ROWS), log(tmp_path / "broken", ROWS[:1], ROWS[1:])
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    assert len(files) > 3
    for file in files:
        assert (broken / file).read_bytes() == (whole / file).read_bytes(), file


def test_a_logger_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(RepriseError, match="wandb needs the package wandb") as caught:
        open_loggers(["wandb"], run(tmp_path))
    assert "pip install wandb" in caught.value.fix
