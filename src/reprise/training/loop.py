"""The training loop, once for all families: read :class:`Trainer` from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from reprise.errors import RepriseError
from reprise.models.family import Batch, Family, to_device
from reprise.models.loss import mean_losses, without_weight
from reprise.training.config import TrainSettings
from reprise.training.loader import BatchLoader, EpochBatchSampler
from reprise.training.loggers import Row
from reprise.training.optimizer import Frozen, build_average, build_optimizer, build_scheduler
from reprise.training.plan import Plan
from reprise.training.runtime import Runtime, precision
from reprise.training.train_state import TrainState


class Callback:
    """What else happens in a run. Each hook is called of one callback after the other."""

    def on_fit_start(self, trainer: Trainer) -> None:
        """Before the first epoch; of a resumed run ``trainer.state`` holds the earlier ones."""

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Before the first step of an epoch, or of what a resumed run has left of it."""

    def on_step_end(self, trainer: Trainer, losses: dict[str, float]) -> None:
        """After an optimizer step; ``losses`` are this process's share of the loss parts."""

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """After an epoch, of which ``row`` is logged; ``trainer.state`` stands at the next."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """After the last epoch."""


class Trainer:
    """One training run.

    Args:
        family: Gives the network and its loss.
        samples: The training samples, indexed by (epoch, index).
        plan: The length of the run.
        settings: The parameters.
        runtime: Where it runs.

    Attributes:
        state: Where the run stands.
        average: Its ``module`` has the weights that are validated and kept.
        gradient_norm: Of the latest step, before clipping; None without clipping.
        images_per_second: Of the latest epoch, over all processes.
    """

    def __init__(
        self, family: Family, samples: Any, plan: Plan, settings: TrainSettings, runtime: Runtime
    ) -> None:
        config = settings.training
        self.family, self.plan, self.config, self.runtime = family, plan, config, runtime
        self.device, self.distributed = runtime.device, runtime.distributed
        self.state = TrainState()
        self.network = family.network.to(self.device)
        if config.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        backbone = family.backbone() if settings.model.freeze == "backbone" else []
        self.frozen = Frozen(backbone, config.unfreeze_after or None)
        self.optimizer = build_optimizer(self.network, config, self.frozen.never_trained())
        self.scheduler = build_scheduler(
            self.optimizer, plan.steps_per_epoch, plan.steps, config.scheduler
        )
        self.average = build_average(self.network, config.ema_decay, config.ema_warmup_steps)
        self.autocast, self.scaler = precision(config.mixed_precision, self.device)
        self.sampler = EpochBatchSampler(
            plan.images, config.batch_size, config.seed, self.distributed
        )
        self.loader = BatchLoader(samples, family.collate, self.sampler, runtime)
        self.wrapped: torch.nn.Module | None = None
        self.gradient_norm: torch.Tensor | None = None
        self.images_per_second = 0.0

    def fit(self, callbacks: Sequence[Callback]) -> None:
        """Train until the last step, or until early stopping ends the run.

        Raises:
            RepriseError: The loss is not finite, or what a callback raises.
        """
        for callback in callbacks:
            callback.on_fit_start(self)
        while self.state.epoch < self.plan.epochs and not self.state.stopped:
            self.prepare_epoch()
            for callback in callbacks:
                callback.on_epoch_start(self)
            self.run_epoch(callbacks)
            row = self.epoch_row()
            self.state.finish_epoch(row)
            for callback in callbacks:
                callback.on_epoch_end(self, row)
        for callback in callbacks:
            callback.on_fit_end(self)

    def prepare_epoch(self) -> None:
        """Set everything that looks at the epoch, also when a resumed run starts in it."""
        epoch = self.state.epoch
        self.network.train()
        if self.frozen.apply(epoch) or self.wrapped is None:
            # Which weights are trained is settled when a network is wrapped.
            network: Any = torch.compile(self.network) if self.config.compile else self.network
            self.wrapped = self.distributed.wrap(network)
        self.family.start_epoch(epoch, self.plan.epochs)
        self.sampler.epoch = epoch
        self.sampler.first_batch = self.state.batch
        self.sampler.last_batch = self.plan.batches_in(epoch)

    def run_epoch(self, callbacks: Sequence[Callback]) -> None:
        """All steps of an epoch, or those that a resumed run has left of it."""
        started, images = time.perf_counter(), self.state.images
        batches = iter(self.loader)
        while self.state.batch < self.sampler.last_batch:
            losses = self.run_step(batches)
            for callback in callbacks:
                callback.on_step_end(self, losses)
        next(batches, None)  # the loader's workers see the end of the epoch
        seconds = max(time.perf_counter() - started, 1e-9)
        self.images_per_second = (self.state.images - images) / seconds

    def run_step(self, batches: Iterator[Batch]) -> dict[str, float]:
        """One optimizer step over as many batches as are accumulated.

        Each loss part is divided once, by its count over all processes. The batches of a step are
        weighed by their images: of a part that counts images, that is the mean over the step. What
        another part counts, such as YOLO's assigned scores, is known only after the forward pass;
        to keep the graphs of all batches until then would cost the memory that accumulation saves.
        """
        assert self.wrapped is not None
        state, sampler = self.state, self.sampler
        sizes = sampler.sizes(state.batch, state.batch + self.plan.group)
        step_images = sum(sizes)
        losses: dict[str, float] = {}
        for number, size in enumerate(sizes, start=1):
            batch = to_device(next(batches), self.device)
            # The gradients of all processes are averaged once, in the last backward pass.
            is_last = number == len(sizes)
            with nullcontext() if is_last else self.distributed.no_sync(self.wrapped):
                with self.autocast():
                    parts = self.family.loss(self.wrapped, batch)
                if not sampler.share(state.batch):
                    parts = without_weight(parts)
                means = mean_losses(parts, self.distributed.all_sum)
                values = self._check_finite(means, batch)
                loss = torch.stack(list(means.values())).sum() * (size / step_images)
                loss = loss * self.family.loss_scale(step_images) * self.distributed.world_size
                torch.autograd.backward(self.scaler.scale(loss))
            for name, value in values.items():
                state.loss_sums[name] = state.loss_sums.get(name, 0.0) + value * size
                losses[name] = losses.get(name, 0.0) + value * size / step_images
            state.batch += 1
            state.images += size
        self.scaler.unscale_(self.optimizer)
        if self.config.gradient_clip:
            self.gradient_norm = torch.nn.utils.clip_grad_norm_(
                self.network.parameters(), self.config.gradient_clip
            )
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update_parameters(self.network)
        return losses

    def epoch_row(self) -> Row:
        """What is logged of the epoch: loss parts as means over its images."""
        state = self.state
        own = torch.tensor(list(state.loss_sums.values()), dtype=torch.float64, device=self.device)
        sums = dict(zip(state.loss_sums, self.distributed.all_sum(own).tolist(), strict=True))
        row: Row = {"epoch": state.epoch + 1}
        row |= {f"train/{name}": value / state.images for name, value in sums.items()}
        row["train/loss"] = sum(sums.values()) / state.images
        return row

    def _check_finite(self, losses: dict[str, torch.Tensor], batch: Batch) -> dict[str, float]:
        """The loss parts as numbers; of a failed step the batch is kept for replay."""
        numbers = torch.stack([value.detach() for value in losses.values()]).tolist()
        values = dict(zip(losses, numbers, strict=True))
        where = f"in epoch {self.state.epoch + 1}, batch {self.state.batch + 1}"
        try:
            check_finite(values, where)
        except RepriseError as error:
            path = self.runtime.scratch / "failed-batch.pt"
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(batch, path)
            kept = f" The batch is kept in {path}: torch.load(path, weights_only=True) reads it."
            raise RepriseError(error.problem + kept, error.fix) from None
        return values

    def modules(self) -> dict[str, Any]:
        """Everything with a state of its own, by the name that it has in a checkpoint."""
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "scaler": self.scaler,
        }

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint holds; every process must come here."""
        cuda = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        return {
            "train_state": self.state.state_dict(),
            "modules": {name: module.state_dict() for name, module in self.modules().items()},
            "random": self.distributed.all_gather((torch.get_rng_state(), cuda)),
        }


def check_finite(losses: dict[str, float], where: str) -> None:
    """Stop a run whose loss is not a number.

    Raises:
        RepriseError: Names the parts of the loss, and what to change.
    """
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise RepriseError(
            f"the {' and '.join(bad)} loss became {losses[bad[0]]} {where}.",
            "lower training.learning_rate (by 10 is a good first try), lengthen "
            "training.scheduler.warmup_epochs; on a GPU, training.mixed_precision: none helps too.",
        )
