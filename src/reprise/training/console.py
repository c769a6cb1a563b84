"""What a person sees of a run."""

from __future__ import annotations

import sys
import time
from typing import Any, Literal

from tqdm import tqdm

from reprise.training.loggers import Row
from reprise.training.loop import Callback, Trainer
from reprise.training.runtime import peak_gib

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
                f"{state.validations_since_best} validations"
            )
        print(trainer.loader.bottleneck.advice())


def _memory(trainer: Trainer) -> str:
    unit = "GiB GPU" if trainer.device.type == "cuda" else "GiB"
    return f"{peak_gib(trainer.device):.2f} {unit}"
