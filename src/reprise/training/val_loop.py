"""Validation while training: the loss and scores of val, and the choice of the best weights."""

from __future__ import annotations

import math
from typing import Any

import torch

from reprise.dataset import Dataset
from reprise.distributed import Distributed
from reprise.errors import RepriseError
from reprise.models.family import Family
from reprise.models.inference import run_split
from reprise.scoring import compute_metrics, score, truth_of
from reprise.training.config import EarlyStoppingConfig, TrainingConfig, ValidationConfig
from reprise.training.console import Row
from reprise.training.train_state import TrainState


def validate(
    family: Family,
    network: torch.nn.Module,
    dataset: Dataset,
    config: TrainingConfig,
    validation: ValidationConfig,
    device: torch.device,
    autocast: Any,
    progress: TrainState,
    distributed: Distributed,
) -> Row:
    """Score the averaged weights on val; keep them when they are the best so far.

    Raises:
        RepriseError: The loss is not finite.
    """
    network.eval()
    losses, rows = run_split(
        family, network, dataset, "val", config.batch_size, device, autocast, distributed
    )
    refuse_infinite(losses, f"on val after epoch {progress.epoch + 1}")
    scores = score(family.task, truth_of(dataset, "val", family.task), rows)
    metric = config.early_stopping.metric
    known = compute_metrics(scores, {*validation.metrics, metric})
    known["loss"] = sum(losses.values())
    _judge(progress, config.early_stopping, known.get(metric, 0.0), scores.threshold, network)
    row = {f"val/{name}": known.get(name, 0.0) for name in validation.metrics}
    row |= {f"val/{name}_loss": value for name, value in losses.items()}
    row["val/loss"] = known["loss"]
    row[f"val/{metric}"] = known.get(metric, 0.0)
    return row


def _judge(
    progress: TrainState,
    stopping: EarlyStoppingConfig,
    value: float,
    threshold: float,
    network: torch.nn.Module,
) -> None:
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
        return
    progress.waited += 1
    progress.stopped = stopping.enabled and progress.waited >= stopping.patience


def refuse_infinite(losses: dict[str, float], where: str, saved: str = "") -> None:
    """Stop a run whose loss is not a number.

    Raises:
        RepriseError: Names the parts of the loss, and what to change.
    """
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        raise RepriseError(
            f"the {' and '.join(bad)} loss became {losses[bad[0]]} {where}.{saved}",
            "lower training.learning_rate (by 10 is a good first try), lengthen "
            "training.scheduler.warmup_epochs; on a GPU, training.mixed_precision: none helps too.",
        )
