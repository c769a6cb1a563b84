"""What happens beside the steps of a run: validation, learning rate, logs, checkpoints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from reprise.dataset import Dataset
from reprise.models.inference import Inference, run_split
from reprise.scoring import compute_metrics, score, truth_of
from reprise.training.checkpoint import Checkpoints
from reprise.training.config import EarlyStoppingConfig, ValidationConfig
from reprise.training.loggers import DVCLive, LoggedRun, Logger, Row
from reprise.training.loop import Callback, Trainer, check_finite
from reprise.training.resume import RunSignature
from reprise.training.runtime import peak_gib
from reprise.training.train_state import BestCheckpoint


class LearningRate(Callback):
    """Moves the learning rate after each optimizer step, and logs it."""

    def on_step_end(self, trainer: Trainer, losses: dict[str, float]) -> None:  # noqa: ARG002
        trainer.state.learning_rate = float(trainer.scheduler.get_last_lr()[0])
        trainer.scheduler.step()

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        row["learning_rate"] = trainer.state.learning_rate


class Validation(Callback):
    """Scores the averaged weights on val, keeps the best of them, and stops the run early.

    Args:
        dataset: Gives the val split.
        config: How often, and what is logged.
    """

    def __init__(self, dataset: Dataset, config: ValidationConfig) -> None:
        self._dataset = dataset
        self._config = config

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        state, family = trainer.state, trainer.family
        if state.epoch % self._config.frequency and state.epoch < trainer.plan.epochs:
            return
        network = trainer.average.module
        network.eval()
        inference = Inference(
            trainer.config.batch_size, trainer.device, trainer.autocast, trainer.distributed
        )
        losses, rows = run_split(family, network, self._dataset, "val", inference)
        check_finite(losses, f"on val after epoch {state.epoch}")
        scores = score(family.task, truth_of(self._dataset, "val", family.task), rows)
        stopping = trainer.config.early_stopping
        values = compute_metrics(scores, {*self._config.metrics, stopping.metric})
        values["loss"] = sum(losses.values())
        # A val split without any object has no score.
        value = values.get(stopping.metric, 0.0)
        if is_better(value, state.best, stopping):
            weights = {name: t.detach().cpu().clone() for name, t in network.state_dict().items()}
            state.best = BestCheckpoint(state.epoch, value, scores.threshold, weights)
            state.validations_since_best = 0
        else:
            state.validations_since_best += 1
            state.stopped = stopping.enabled and state.validations_since_best >= stopping.patience
        row |= {f"val/{name}": values.get(name, 0.0) for name in self._config.metrics}
        row |= {f"val/{name}_loss": value for name, value in losses.items()}
        row["val/loss"] = values["loss"]
        row[f"val/{stopping.metric}"] = value


def is_better(value: float, best: BestCheckpoint | None, stopping: EarlyStoppingConfig) -> bool:
    """Whether a validation beats the best so far; of losses the lower is better."""
    if best is None:
        return True
    gain = best.value - value if stopping.metric == "loss" else value - best.value
    return gain > stopping.min_delta


class LogRows(Callback):
    """Hands each epoch's row to the loggers; a resumed run logs the earlier ones again."""

    def __init__(self, loggers: list[Logger]) -> None:
        self._loggers = loggers

    def on_fit_start(self, trainer: Trainer) -> None:
        for logger in self._loggers:
            for row in trainer.state.history:
                logger.log(row)

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:  # noqa: ARG002
        for logger in self._loggers:
            logger.log(row)

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002
        for logger in self._loggers:
            logger.close()


class LogSpeed(Callback):
    """Images a second and GPU memory, which differ from machine to machine, in a DVCLive folder
    outside the outs."""

    def __init__(self, folder: Path) -> None:
        self._logger = DVCLive(LoggedRun(folder, folder, {}))

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        speed = {"epoch": row["epoch"], "images_per_second": trainer.images_per_second}
        if trainer.device.type == "cuda":
            speed["gpu_memory_gib"] = peak_gib(trainer.device)
        self._logger.log(speed)

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002
        self._logger.close()


class Checkpointing(Callback):
    """Saves the state for a crash, and keeps what ``checkpoint_epochs`` and ``keep_state`` want.

    Args:
        checkpoints: Where.
        signature: Of this run, for the states that it keeps.
        minutes: Most training time between two checkpoints.
    """

    def __init__(self, checkpoints: Checkpoints, signature: RunSignature, minutes: float) -> None:
        self._checkpoints = checkpoints
        self._signature = signature
        self._seconds = minutes * 60
        self._saved = 0.0

    def on_epoch_start(self, trainer: Trainer) -> None:  # noqa: ARG002
        self._saved = time.perf_counter()

    def on_step_end(self, trainer: Trainer, losses: dict[str, float]) -> None:  # noqa: ARG002
        # Several processes would have to agree on the time.
        due = time.perf_counter() - self._saved > self._seconds
        if due and trainer.distributed.world_size == 1:
            self._checkpoints.save(trainer.state_dict())
            self._saved = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:  # noqa: ARG002
        config, epoch = trainer.config, trainer.state.epoch
        state = trainer.state_dict()
        if not trainer.distributed.is_main:
            return
        if config.checkpoint_epochs and epoch % config.checkpoint_epochs == 0:
            name = f"epoch-{epoch:04d}"
            self._checkpoints.keep_weights(name, trainer.average.module.state_dict())
            if config.keep_state:
                self._keep_state(name, trainer, state)
        self._checkpoints.save(state)

    def on_fit_end(self, trainer: Trainer) -> None:
        if trainer.config.keep_state:
            state = trainer.state_dict()
            if trainer.distributed.is_main:
                self._keep_state("last", trainer, state)

    def _keep_state(self, name: str, trainer: Trainer, state: dict[str, Any]) -> None:
        complete = trainer.plan.is_whole(trainer.state.epoch - 1)
        self._checkpoints.keep_state(name, self._signature.kept_state(state, complete))
