"""Rows that go to other loggers too."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reprise.errors import RepriseError
from reprise.runs.config import RunConfig
from reprise.training.callbacks import LogRows
from reprise.training.loggers import LoggedRun, Row, open_loggers
from reprise.training.train_state import TrainState

ROWS: list[Row] = [
    {"epoch": 1, "train/loss": 2.0, "learning_rate": 0.1},
    {"epoch": 2, "train/loss": 1.5, "learning_rate": 0.05},
]


def run(folder: Path) -> LoggedRun:
    return LoggedRun(
        folder / "reports",
        folder / "record",
        folder / "scratch",
        {"training": {"epochs": 2}},
        RunConfig(name="first try", description="why not", tags=["night", "baseline"]),
    )


def log(folder: Path, earlier: list[Row], rows: list[Row]) -> Path:
    """Rows of a run that has logged ``earlier`` before it was killed."""
    trainer: Any = SimpleNamespace(state=TrainState(history=earlier))
    callback = LogRows(open_loggers(["tensorboard"], run(folder)))
    callback.on_fit_start(trainer)
    for row in rows:
        callback.on_epoch_end(trainer, row)
    callback.on_fit_end(trainer)
    return folder


def test_tensorboard_reads_every_row_back(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log(tmp_path, [], ROWS[:1])
    events = EventAccumulator(str(log(tmp_path, ROWS[:1], ROWS[1:]) / "record")).Reload()
    found = [(item.step, item.value) for item in events.Scalars("train/loss")]
    assert found == [(1, 2.0), (2, 1.5)]
    texts = {
        tag: events.Tensors(tag)[0].tensor_proto.string_val for tag in events.Tags()["tensors"]
    }
    assert texts == {
        "run/name": [b"first try"],
        "run/description": [b"why not"],
        "run/tags": [b"night, baseline"],
    }


def test_a_resumed_run_writes_the_bytes_of_an_unbroken_one(tmp_path: Path) -> None:
    log(tmp_path / "broken", [], ROWS[:1])
    whole = log(tmp_path / "whole", [], ROWS) / "reports"
    broken = log(tmp_path / "broken", ROWS[:1], ROWS[1:]) / "reports"
    files = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
    assert len(files) >= 3
    for file in files:
        assert (broken / file).read_bytes() == (whole / file).read_bytes(), file


class Called:
    """Stands for a library that is not installed here: remembers its calls."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return lambda *values, **named: self.calls.update({name: named}) or self


def test_the_run_s_name_reaches_wandb_and_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb, mlflow = Called(), Called()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    open_loggers(["wandb", "mlflow"], run(tmp_path))
    told = wandb.calls["init"]
    assert (told["name"], told["notes"]) == ("first try", "why not")
    assert told["tags"] == ["night", "baseline"]
    told = mlflow.calls["start_run"]
    assert (told["run_name"], told["description"]) == ("first try", "why not")
    assert told["tags"] == {"night": "true", "baseline": "true"}


def test_a_logger_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(RepriseError, match="wandb needs the package wandb") as caught:
        open_loggers(["wandb"], run(tmp_path))
    assert "pip install wandb" in caught.value.fix
