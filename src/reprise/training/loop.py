"""The training loop, once for all families. Read :func:`fit` from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.family import Family, to_device
from reprise.models.inference import run_split
from reprise.params import MachineConfig
from reprise.predictions import best_threshold, curve, score_detections
from reprise.training.checkpoint import Checkpoints
from reprise.training.config import TrainingConfig, ValidationConfig
from reprise.training.optimizer import build_average, build_optimizer, build_scheduler
from reprise.training.order import EpochBatches
from reprise.training.tracking import Console, Row, log_row, open_live

Autocast = Callable[[], AbstractContextManager[Any]]


@dataclass
class Progress:
    """Where a run stands; with the states of its parts, all that a checkpoint holds."""

    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    sums: dict[str, float] = field(default_factory=dict)
    """Loss parts of this epoch, summed over its images."""
    rate: float = 0.0
    """Learning rate of the latest optimizer step."""
    history: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    """``value``, ``epoch``, ``threshold``, ``scores`` and ``weights`` of the best validation."""
    waited: int = 0
    """Validations since the best one."""
    stopped: bool = False


def fit(
    family: Family,
    dataset: Dataset,
    samples: Any,
    config: TrainingConfig,
    validation: ValidationConfig,
    machine: MachineConfig,
    device: torch.device,
    checkpoints: Checkpoints,
    reports: Path,
    speed_reports: Path,
) -> Progress:
    """Train until the last epoch, or until early stopping says enough.

    Args:
        family: Network, samples and loss.
        dataset: Gives the val split.
        samples: The training samples, indexed by (epoch, index).
        config: The loop's parameters.
        validation: How often to validate, and what to log.
        machine: Loader processes and checkpoint interval.
        device: Where to train.
        checkpoints: Where the state is kept between crashes.
        reports: DVCLive's folder, an out: nothing in it depends on the machine's speed.
        speed_reports: A second DVCLive folder, outside the outs, for images/s and memory.

    Returns:
        The final progress; ``best["weights"]`` holds the chosen fp32 weights.

    Raises:
        RepriseError: The loss is not finite, or a checkpoint cannot be written.
    """
    # The layout that convolutions are fastest in, on CPUs and GPUs alike.
    network = family.network.to(device).to(memory_format=torch.channels_last)
    order = EpochBatches(len(samples), config.batch_size, config.seed)
    group = config.gradient_accumulation_steps
    optimizer = build_optimizer(network, config)
    scheduler = build_scheduler(
        optimizer, math.ceil(order.batches / group), config.epochs, config.scheduler
    )
    average = build_average(network, config.ema_decay, config.ema_warmup_steps)
    autocast, scaler = precision(config.mixed_precision, device)
    parts = {
        "network": network,
        "average": average,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "scaler": scaler,
    }
    progress = _resume(checkpoints, parts, device)
    loader = _loader(family, samples, order, config.seed, machine.workers, device)
    console = Console(config.epochs, order.batches, device)
    live = open_live(reports, progress.history)
    speed = open_live(speed_reports, [])

    while progress.epoch < config.epochs and not progress.stopped:
        network.train()
        family.start_epoch(progress.epoch, config.epochs)
        order.epoch, order.first_batch = progress.epoch, progress.batch
        console.start(progress.epoch, progress.batch)
        started = saved = time.perf_counter()
        images = 0
        for batch in loader:
            batch = to_device(batch, device)
            with autocast():
                losses = family.loss(network, batch)
                loss = torch.stack(list(losses.values())).sum()
            values = _finite({name: value.detach() for name, value in losses.items()}, progress)
            # Of a group that the epoch's end cuts short, only what is there is averaged.
            first = progress.batch - progress.batch % group
            members = min(group, order.batches - first)
            scaler.scale(loss if family.reduction == "sum" else loss / members).backward()
            count = len(batch["images"])
            images += count
            weight = 1 if family.reduction == "sum" else count
            for name, value in values.items():
                progress.sums[name] = progress.sums.get(name, 0.0) + value * weight
            progress.batch += 1
            console.batch(sum(values.values()) * weight / count)
            if progress.batch < first + members:
                continue
            scaler.unscale_(optimizer)
            if config.gradient_clip:
                torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            average.update_parameters(network)
            progress.rate = float(scheduler.get_last_lr()[0])
            scheduler.step()
            if time.perf_counter() - saved > machine.checkpoint_minutes * 60:
                checkpoints.save(_state(progress, parts, device))
                saved = time.perf_counter()
        seconds = time.perf_counter() - started

        row: Row = {"epoch": progress.epoch + 1}
        for name, value in progress.sums.items():
            row[f"train/{name}"] = value / len(samples)
        row["train/loss"] = sum(progress.sums.values()) / len(samples)
        row["learning_rate"] = progress.rate
        last = progress.epoch + 1 == config.epochs
        if last or (progress.epoch + 1) % validation.frequency == 0:
            row |= _validate(
                family, average.module, dataset, config, validation, device, autocast, progress
            )
        progress.history.append(row)
        log_row(live, row)
        log_row(speed, {"epoch": row["epoch"], "images_per_second": images / max(seconds, 1e-9)})
        console.end(row, images, seconds, config.early_stopping.metric)
        progress.epoch, progress.batch, progress.sums = progress.epoch + 1, 0, {}
        checkpoints.save(_state(progress, parts, device))
    if progress.stopped:
        print(
            f"stopped early: no better {config.early_stopping.metric} in "
            f"{progress.waited} validations"
        )
    live.end()
    speed.end()
    return progress


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


def _loader(
    family: Family, samples: Any, order: EpochBatches, seed: int, workers: int, device: torch.device
) -> DataLoader[Any]:
    return DataLoader(
        samples,
        batch_sampler=order,
        collate_fn=family.collate,
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


def _finite(losses: dict[str, torch.Tensor], progress: Progress) -> dict[str, float]:
    """The loss parts as numbers, all of them finite."""
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    _refuse_infinite(values, f"in epoch {progress.epoch + 1}, batch {progress.batch + 1}")
    return values


def _refuse_infinite(losses: dict[str, float], where: str) -> None:
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise RepriseError(
            f"the {' and '.join(bad)} loss became {losses[bad[0]]} {where}.",
            "lower training.learning_rate (by 10 is a good first try), lengthen "
            "training.scheduler.warmup_epochs, or set training.mixed_precision: none.",
        )


def _validate(
    family: Family,
    network: torch.nn.Module,
    dataset: Dataset,
    config: TrainingConfig,
    validation: ValidationConfig,
    device: torch.device,
    autocast: Autocast,
    progress: Progress,
) -> Row:
    """Score the averaged weights on val; keep them when they are the best so far."""
    network.eval()
    losses, rows = run_split(family, network, dataset, "val", config.batch_size, device, autocast)
    scores = score_detections(dataset.ground_truth("val"), rows)
    threshold = best_threshold(scores)
    known = {**scores.metrics, "f1": curve(scores).at(threshold)["f1"]}
    known["loss"] = sum(losses.values())
    _refuse_infinite(losses, f"on val after epoch {progress.epoch + 1}")
    stopping = config.early_stopping
    value = known.get(stopping.metric, 0.0)
    gain = -value if stopping.metric == "loss" else value
    best = progress.best.get("gain", -math.inf)
    if gain > best + (stopping.min_delta if progress.best else 0.0):
        progress.waited = 0
        progress.best = {
            "gain": gain,
            "value": value,
            "epoch": progress.epoch + 1,
            "threshold": threshold,
            "weights": {
                name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()
            },
        }
    else:
        progress.waited += 1
        progress.stopped = stopping.enabled and progress.waited >= stopping.patience
    row = {f"val/{name}": known.get(name, 0.0) for name in validation.metrics}
    row |= {f"val/{name}_loss": value for name, value in losses.items()}
    row["val/loss"] = known["loss"]
    row[f"val/{stopping.metric}"] = value
    return row


def _state(progress: Progress, parts: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {
        "progress": vars(progress).copy(),
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "cpu_random": torch.get_rng_state(),
        "cuda_random": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def _resume(checkpoints: Checkpoints, parts: dict[str, Any], device: torch.device) -> Progress:
    """Put every part back to where the last checkpoint left it."""
    state = checkpoints.load()
    if state is None:
        return Progress()
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    torch.set_rng_state(state["cpu_random"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda_random"], device)
    progress = Progress(**state["progress"])
    print(f"resumed: epoch {progress.epoch + 1}, after batch {progress.batch}")
    return progress
