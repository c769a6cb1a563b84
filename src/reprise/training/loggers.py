"""Where the rows of a run are logged: one small class each, and one line in LOGGERS.

DVCLive is always on; the others are chosen by ``training.loggers`` and import their library only
then.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.runs.config import RunConfig

Row = dict[str, float]
"""What is logged of an epoch: ``epoch``, from 1, and values by name."""


@dataclass(frozen=True)
class LoggedRun:
    """What a logger may know of a run.

    Attributes:
        reports: DVCLive's folder, an out: only what is the same on every machine, and nothing
            of the ``run`` section, which the stage does not depend on.
        record: The folder of this run below ``logs/``, outside the outs.
        scratch: A folder outside the outs, for what loggers keep of all runs.
        parameters: The effective parameters.
        named: The ``run`` section, with the name that the run goes by.
    """

    reports: Path
    record: Path
    scratch: Path
    parameters: dict[str, Any]
    named: RunConfig


class Logger(ABC):
    """Takes one row an epoch; a resumed run logs the earlier epochs again."""

    @abstractmethod
    def __init__(self, run: LoggedRun) -> None:
        """Open it."""

    @abstractmethod
    def log(self, row: Row) -> None:
        """One epoch; ``row["epoch"]`` is the step."""

    @abstractmethod
    def close(self) -> None:
        """The run has ended."""


class DVCLive(Logger):
    """DVCLive's files in ``reports``, and nothing beside them."""

    def __init__(self, run: LoggedRun) -> None:
        from dvclive.live import Live

        # Its own resume trusts whatever lies in the folder.
        self._live: Any = Live(str(run.reports), save_dvc_exp=False, dvcyaml=None, report=None)
        # A local run is not sent anywhere.
        setattr(self._live, "post_data_to_studio", lambda *_, **__: None)  # noqa: B010

    def log(self, row: Row) -> None:
        self._live.step = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self._live.log_metric(name, value, plot=True)
        self._live.make_summary()

    def describe(self, parameters: dict[str, Any]) -> None:
        """Write parameters into the folder's ``params.yaml``."""
        self._live.log_params(parameters)

    def close(self) -> None:
        self._live.end()


class TensorBoard(Logger):
    """Event files for ``tensorboard --logdir logs``, where each run goes by its folder's name.

    tensorboard's own writer puts the host's name into them.
    """

    def __init__(self, run: LoggedRun) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.text.summary_v2 import text_pb
        from tensorboard.summary.writer.record_writer import RecordWriter

        run.record.mkdir(parents=True, exist_ok=True)
        self._file = (run.record / "events.out.tfevents.reprise").open("wb")
        self._records = RecordWriter(self._file)
        self._write(Event(file_version="brain.Event:2"))
        for name, value in run.named.model_dump().items():
            text = ", ".join(value) if isinstance(value, list) else value
            self._write(Event(wall_time=time.time(), summary=text_pb(f"run/{name}", text)))

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString(deterministic=True))
        self._records.flush()

    def log(self, row: Row) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in row.items()
            if name != "epoch"
        ]
        step = int(row["epoch"])
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> None:
        self._records.close()


class WandB(Logger):
    """Weights & Biases; WANDB_MODE, WANDB_PROJECT and WANDB_API_KEY mean what they mean there.

    Without WANDB_API_KEY the run stays on this machine.
    """

    def __init__(self, run: LoggedRun) -> None:
        import wandb

        run.scratch.mkdir(parents=True, exist_ok=True)
        mode = os.environ.get("WANDB_MODE") or (
            "online" if os.environ.get("WANDB_API_KEY") else "offline"
        )
        self._run = wandb.init(
            dir=run.scratch,
            config=run.parameters,
            mode=mode,
            name=run.named.name,
            notes=run.named.description,
            tags=run.named.tags,
        )

    def log(self, row: Row) -> None:
        self._run.log({k: v for k, v in row.items() if k != "epoch"}, step=int(row["epoch"]))

    def close(self) -> None:
        self._run.finish()


class MlFlow(Logger):
    """MLflow, at MLFLOW_TRACKING_URI or in one file for all runs of this repository."""

    def __init__(self, run: LoggedRun) -> None:
        import mlflow

        run.scratch.mkdir(parents=True, exist_ok=True)
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            mlflow.set_tracking_uri(f"sqlite:///{(run.scratch / 'mlflow.db').resolve()}")
        self._mlflow = mlflow
        mlflow.start_run(
            run_name=run.named.name,
            description=run.named.description,
            tags=dict.fromkeys(run.named.tags, "true"),
        )
        for section, values in run.parameters.items():
            pairs = values.items() if isinstance(values, dict) else [("value", values)]
            mlflow.log_params({f"{section}.{key}": str(value)[:500] for key, value in pairs})

    def log(self, row: Row) -> None:
        # MLflow allows slashes in names, and the rest of ours as they are.
        values = {k: v for k, v in row.items() if k != "epoch"}
        self._mlflow.log_metrics(values, step=int(row["epoch"]))

    def close(self) -> None:
        self._mlflow.end_run()


LOGGERS: dict[str, type[Logger]] = {"tensorboard": TensorBoard, "wandb": WandB, "mlflow": MlFlow}


def open_loggers(names: Sequence[str], run: LoggedRun) -> list[Logger]:
    """DVCLive and the chosen loggers.

    Raises:
        RepriseError: The library of one is not installed.
    """
    opened: list[Logger] = [DVCLive(run)]
    for name in names:
        try:
            opened.append(LOGGERS[name](replace(run, scratch=run.scratch / name)))
        except ModuleNotFoundError as error:
            raise RepriseError(
                f"training.loggers: {name} needs the package {error.name}.",
                f"install it (pip install {name}), or take {name} out of training.loggers.",
            ) from None
    return opened
