"""What happens beside the steps of a run: validation, learning rate, console, logs, checkpoints."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any, Literal

from tqdm import tqdm

from reprise.dataset import Dataset
from reprise.models.inference import Inference, run_split
from reprise.runs.record import RunRecord
from reprise.scoring import blind_predictions, compute_metrics, score, truth_of
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
        self._blind: float | None = None

    def on_fit_start(self, trainer: Trainer) -> None:
        """Find what the early-stopping metric is worth without looking at an image."""
        family, metric = trainer.family, trainer.config.early_stopping.metric
        truth = truth_of(self._dataset, "val", family.task)
        rows = blind_predictions(self._dataset, truth, family.task, family.prompted)
        self._blind = compute_metrics(score(family.task, truth, rows), [metric]).get(metric)

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
        elif stopping.enabled and state.best and self._has_started(state.best.value):
            state.stopped = state.epochs_since_best >= stopping.patience
        row |= {f"val/{name}": values.get(name, 0.0) for name in self._config.metrics}
        row |= {f"val/{name}_loss": value for name, value in losses.items()}
        row["val/loss"] = values["loss"]
        row[f"val/{stopping.metric}"] = value

    def _has_started(self, best: float) -> bool:
        """Whether the model has been better than the blind answer; of a loss there is none."""
        return self._blind is None or best > self._blind


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


class RecordRun(Callback):
    """Keeps the run's record outside the outs: time, speed and memory of each epoch, which are
    others on each machine and each time.

    Args:
        record: The run's.
        run: What the loggers know of it.
    """

    def __init__(self, record: RunRecord, run: LoggedRun) -> None:
        self._record = record
        self._live = DVCLive(replace(run, reports=record.folder / "dvclive"))
        self._live.describe({"run": run.named.model_dump()})
        self._started = 0.0

    def on_fit_start(self, trainer: Trainer) -> None:
        self._record.begin(trainer.state.history)

    def on_epoch_start(self, trainer: Trainer) -> None:  # noqa: ARG002
        self._started = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        measured = {
            "seconds": time.perf_counter() - self._started,
            "images_per_second": trainer.images_per_second,
            "peak_memory_gib": peak_gib(trainer.device),
        }
        measured = {name: round(value, 4) for name, value in measured.items()}
        self._record.add(row, measured)
        self._live.log({"epoch": row["epoch"], **measured})

    def on_fit_end(self, trainer: Trainer) -> None:  # noqa: ARG002
        self._live.close()


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


BATCHES_A_LINE = {"normal": 0, "verbose": 20, "debug": 1}


class Console(Callback):
    """The progress bar of each epoch, the line that stays when it ends, and more by choice.

    Args:
        level: ``machine.log``.
    """

    def __init__(self, level: Literal["normal", "verbose", "debug"]) -> None:
        self._every = BATCHES_A_LINE[level]
        self._bar: tqdm[Any] = tqdm(disable=True)
        self._started = 0.0
        self._epoch_seconds: list[float] = []

    def on_epoch_start(self, trainer: Trainer) -> None:
        self._started = time.perf_counter()
        state, plan = trainer.state, trainer.plan
        self._bar = tqdm(
            total=plan.batches_in(state.epoch),
            initial=state.batch,
            desc=f"epoch {state.epoch + 1}/{plan.epochs}",
            leave=False,
            disable=not sys.stderr.isatty(),
        )

    def on_step_end(self, trainer: Trainer, losses: dict[str, float]) -> None:
        # This process's share stands for those of the others.
        losses = {name: loss * trainer.distributed.world_size for name, loss in losses.items()}
        done, total = trainer.state.batch, trainer.plan.batches_in(trainer.state.epoch)
        self._bar.set_postfix_str(
            f"loss {sum(losses.values()):.3f}, {_memory(trainer)}", refresh=False
        )
        self._bar.update(done - self._bar.n)
        if self._every and (done % self._every < trainer.plan.group):
            parts = "  ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
            norm = trainer.gradient_norm
            length = "" if norm is None else f"  gradient {float(norm):.3f}"
            print(f"  batch {done}/{total}  {parts}{length}", flush=True)

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        self._bar.close()
        self._epoch_seconds.append(time.perf_counter() - self._started)
        epoch, epochs = trainer.state.epoch, trainer.plan.epochs
        mean = sum(self._epoch_seconds) / len(self._epoch_seconds)
        metric = trainer.config.early_stopping.metric
        shown = row.get(f"val/{metric}")
        score = f"val {metric} {shown:.4f}  " if shown is not None else ""
        print(
            f"epoch {epoch}/{epochs}  loss {row['train/loss']:.4f}  {score}"
            f"{trainer.images_per_second:.1f} images/s  {_memory(trainer)}  "
            f"{mean * (epochs - epoch) / 60:.1f} min left",
            flush=True,
        )

    def on_fit_end(self, trainer: Trainer) -> None:
        state = trainer.state
        if state.stopped:
            print(
                f"stopped early: no better {trainer.config.early_stopping.metric} in "
                f"{state.epochs_since_best} epochs"
            )
        print(trainer.loader.bottleneck.advice())


def _memory(trainer: Trainer) -> str:
    unit = "GiB GPU" if trainer.device.type == "cuda" else "GiB"
    return f"{peak_gib(trainer.device):.2f} {unit}"
