"""The training loop, once for all families. Read :func:`fit` from top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from reprise.dataset import Dataset
from reprise.distributed import Distributed
from reprise.errors import RepriseError
from reprise.machine import MachineConfig
from reprise.models.family import Family, to_device
from reprise.training.bottleneck import LOAD_SECONDS, Bottleneck, Timed, TimedCollate
from reprise.training.checkpoint import Checkpoints
from reprise.training.compiling import compiled
from reprise.training.config import TrainingConfig, ValidationConfig
from reprise.training.console import Console, Row, log_row, open_live
from reprise.training.freezing import Frozen
from reprise.training.loggers import Run, open_loggers
from reprise.training.optimizer import build_average, build_optimizer, build_scheduler
from reprise.training.plan import Plan
from reprise.training.resume import RunFacts, resume
from reprise.training.sampler import EpochBatchSampler
from reprise.training.train_state import TrainState, state_of
from reprise.training.val_loop import refuse_infinite, validate

Autocast = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Places:
    """Where a run writes.

    Attributes:
        reports: DVCLive's folder, an out: nothing in it depends on the machine's speed.
        speed: A second DVCLive folder, outside the outs, for images/s and memory.
        scratch: For the batch of a failed step, outside the outs.
        loggers: Outside the outs too, one folder for all runs: it outlives this one.
    """

    reports: Path
    speed: Path
    scratch: Path
    loggers: Path


def fit(
    family: Family,
    dataset: Dataset,
    samples: Any,
    plan: Plan,
    config: TrainingConfig,
    validation: ValidationConfig,
    machine: MachineConfig,
    parameters: dict[str, Any],
    device: torch.device,
    distributed: Distributed,
    checkpoints: Checkpoints,
    places: Places,
    facts: RunFacts,
    start: dict[str, Any] | None = None,
) -> tuple[TrainState, dict[str, torch.Tensor]]:
    """Train until the last step, or until early stopping says enough.

    Args:
        family: Network, samples and loss.
        dataset: Gives the val split.
        samples: The training samples, indexed by (epoch, index).
        plan: The length of the run.
        config: The loop's parameters.
        validation: How often to validate, and what to log.
        machine: Loader processes and checkpoint interval.
        parameters: All effective parameters, for loggers.
        device: Where this process trains.
        distributed: This process among those of the run.
        checkpoints: Where the state is kept between crashes.
        places: Where to write.
        facts: Of this run, for the states that it keeps.
        start: The state of an earlier run to go on from.

    Returns:
        The final progress, whose ``best["weights"]`` holds the chosen fp32 weights, and the
        weights of the last step.

    Raises:
        RepriseError: The loss is not finite, or a checkpoint cannot be written.
    """
    network = family.network.to(device)
    if config.channels_last:
        network = network.to(memory_format=torch.channels_last)
    freeze = parameters["model"]["freeze"] == "backbone"
    frozen = Frozen(family.backbone() if freeze else [], config.unfreeze_after or None)
    order = EpochBatchSampler(
        plan.images, config.batch_size, config.seed, distributed.rank, distributed.world_size
    )
    optimizer = build_optimizer(network, config, frozen.never_trained())
    scheduler = build_scheduler(optimizer, plan.steps_per_epoch, plan.steps, config.scheduler)
    average = build_average(network, config.ema_decay, config.ema_warmup_steps)
    autocast, scaler = precision(config.mixed_precision, device)
    parts = {
        "network": network,
        "average": average,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "scaler": scaler,
    }
    progress = resume(checkpoints, parts, device, distributed, start, plan.steps_per_epoch)
    loader = batch_loader(family, samples, order, config.seed, machine.workers, device)
    spent = Bottleneck(machine.workers)
    console = Console(plan, device, machine.log, distributed.is_main)
    live = speed = None
    loggers = []
    if distributed.is_main:
        live, speed = open_live(places.reports, progress.history), open_live(places.speed, [])
        loggers = open_loggers(
            config.loggers, Run(places.reports, places.loggers, parameters), progress.history
        )
    runner, frozen_now = None, None

    while progress.epoch < plan.epochs and not progress.stopped:
        network.train()
        frozen.apply(progress.epoch)
        if runner is None or frozen.holds(progress.epoch) != frozen_now:
            # What is trained is settled when a network is wrapped.
            frozen_now = frozen.holds(progress.epoch)
            runner = distributed.wrap(compiled(network) if config.compile else network)
        family.start_epoch(progress.epoch, plan.epochs)
        order.epoch, order.first_batch = progress.epoch, progress.batch
        order.last_batch = plan.batches_in(progress.epoch)
        console.start(progress.epoch, progress.batch, order.last_batch)
        started = saved = time.perf_counter()
        seen = progress.images
        for batch in _timed(loader, spent):
            batch = to_device(batch, device)
            own, size = order.share(progress.batch), order.size(progress.batch)
            with autocast():
                weigh = partial(distributed.weigh, own=own, images=size)
                losses = family.loss(runner, batch, weigh)
                loss = torch.stack(list(losses.values())).sum()
            values = _finite(losses, batch, progress, places.scratch)
            # Of a group that the epoch's end cuts short, only what is there is averaged.
            first = progress.batch - progress.batch % plan.group
            members = min(plan.group, order.last_batch - first)
            # Wrapping averages gradients over the processes, whatever their shares.
            if family.reduction == "sum":
                factor = distributed.world_size * float(own > 0)
            else:
                factor = distributed.world_size * own / size / members
            scaler.scale(loss * factor if factor != 1 else loss).backward()
            weight = float(own > 0) if family.reduction == "sum" else own
            for name, value in values.items():
                progress.sums[name] = progress.sums.get(name, 0.0) + value * weight
            progress.batch += 1
            progress.images += size
            spent.images += own
            console.batch(values, weight / max(own, 1))
            if progress.batch < first + members:
                continue
            scaler.unscale_(optimizer)
            if config.gradient_clip:
                norm = torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
                console.step(norm)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            average.update_parameters(network)
            progress.rate = float(scheduler.get_last_lr()[0])
            scheduler.step()
            # Several processes would have to agree on the time.
            due = time.perf_counter() - saved > machine.checkpoint_minutes * 60
            if due and distributed.world_size == 1:
                checkpoints.save(state_of(progress, parts, device, distributed))
                saved = time.perf_counter()
        seconds = time.perf_counter() - started

        sums = distributed.all_sum(progress.sums)
        row: Row = {"epoch": progress.epoch + 1}
        for name, value in sums.items():
            row[f"train/{name}"] = value / progress.images
        row["train/loss"] = sum(sums.values()) / progress.images
        row["learning_rate"] = progress.rate
        last = progress.epoch + 1 == plan.epochs
        if last or (progress.epoch + 1) % validation.frequency == 0:
            row |= validate(
                family, average.module, dataset, config, validation, device, autocast, progress,
                distributed,
            )  # fmt: skip
        progress.history.append(row)
        if live and speed:
            log_row(live, row)
            log_row(speed, console.speed_row(row, progress.images - seen, seconds))
            for logger in loggers:
                logger.log(row)
        console.end(row, progress.images - seen, seconds, config.early_stopping.metric)
        progress.begin(progress.epoch + 1)
        state = state_of(progress, parts, device, distributed)
        whole = plan.whole(progress.epoch - 1)
        if distributed.is_main:
            if config.checkpoint_epochs and progress.epoch % config.checkpoint_epochs == 0:
                name = f"epoch-{progress.epoch:04d}"
                checkpoints.keep_weights(name, average.module.state_dict())
                if config.keep_state:
                    checkpoints.keep_state(name, facts.with_state(state, whole))
            checkpoints.save(state)
    if config.keep_state:
        state = state_of(progress, parts, device, distributed)
        whole = plan.whole(progress.epoch - 1)
        if distributed.is_main:
            checkpoints.keep_state("last", facts.with_state(state, whole))
    if live and speed:
        if progress.stopped:
            print(
                f"stopped early: no better {config.early_stopping.metric} in "
                f"{progress.waited} validations"
            )
        print(spent.line())
        for logger in loggers:
            logger.close()
        live.end()
        speed.end()
    return progress, average.module.state_dict()


def precision(name: str, device: torch.device) -> tuple[Autocast, torch.amp.GradScaler]:
    """The autocast context and gradient scaler of ``training.mixed_precision``.

    Raises:
        RepriseError: The device cannot do it.
    """
    cuda = device.type == "cuda"
    if name == "auto":
        name = "bf16" if cuda and torch.cuda.is_bf16_supported() else "none"
    if name == "fp16" and not cuda:
        raise RepriseError(
            "training.mixed_precision: fp16 needs a GPU, and training runs on the CPU.",
            "set it to auto or bf16.",
        )
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name, torch.float32)
    autocast = partial(torch.autocast, device.type, dtype=dtype, enabled=name != "none")
    return autocast, torch.amp.GradScaler(device.type, enabled=name == "fp16")


def batch_loader(
    family: Family,
    samples: Any,
    order: EpochBatchSampler,
    seed: int,
    workers: int,
    device: torch.device,
) -> DataLoader[Any]:
    """The batches of an epoch after another, made by worker processes that live on."""
    return DataLoader(
        Timed(samples),
        batch_sampler=order,
        collate_fn=TimedCollate(family.collate),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
        worker_init_fn=_single_threaded,
        # Its own generator: drawing from the global one would make dropout depend on how
        # often a run was resumed.
        generator=torch.Generator().manual_seed(seed),
    )


def _single_threaded(_: int) -> None:
    # The workers are the parallelism; OpenCV's own threads would fight over the cores.
    import cv2

    cv2.setNumThreads(0)


def _timed(loader: DataLoader[Any], spent: Bottleneck) -> Iterator[dict[str, Any]]:
    """The loader's batches, with the time they took and the time their step took noted."""
    asked = time.perf_counter()
    for batch in loader:
        came = time.perf_counter()
        spent.wait += came - asked
        spent.load += batch.pop(LOAD_SECONDS)
        yield batch
        asked = time.perf_counter()
        spent.compute += asked - came


def _finite(
    losses: dict[str, torch.Tensor], batch: dict[str, Any], progress: TrainState, scratch: Path
) -> dict[str, float]:
    """The loss parts as numbers, all of them finite; else the batch is kept for replay."""
    parts = torch.stack([value.detach() for value in losses.values()])
    values = dict(zip(losses, parts.tolist(), strict=True))
    saved = ""
    if not bool(torch.isfinite(parts).all()):
        scratch.mkdir(parents=True, exist_ok=True)
        path = scratch / "failed-batch.pt"
        torch.save(batch, path)
        saved = f" The batch is kept in {path}: torch.load(path, weights_only=True) reads it."
    refuse_infinite(values, f"in epoch {progress.epoch + 1}, batch {progress.batch + 1}", saved)
    return values
