"""Which weights are trained, by which optimizer and schedule, and their average."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from reprise.training.config import SchedulerConfig, TrainingConfig


def build_optimizer(
    network: torch.nn.Module, config: TrainingConfig, frozen: set[int] | None = None
) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD with Nesterov momentum; biases and norms are not decayed.

    A parameter of one dimension or none is a bias, or the scale or shift of a norm.

    Args:
        network: The network.
        config: The loop's parameters.
        frozen: ``id`` of weights that are never trained.
    """
    trainable = [
        p for p in network.parameters() if p.requires_grad and id(p) not in (frozen or set())
    ]
    groups = [
        {
            "params": [p for p in trainable if p.ndim > 1],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups,
            lr=config.learning_rate,
            momentum=config.momentum,
            nesterov=config.momentum > 0,
            fused=True,
        )
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.learning_rate, betas=(config.momentum, 0.999), fused=True)


def learning_rate_factor(
    step: int, steps_per_epoch: int, steps: int, config: SchedulerConfig
) -> float:
    """The learning rate at an optimizer step, as a fraction of the peak rate.

    Args:
        step: Counted from 0 over the whole run.
        steps_per_epoch: Optimizer steps in an epoch.
        steps: Optimizer steps of the run.
        config: Shape of the schedule. The cosine is that of Loshchilov and Hutter, SGDR
            (2017), without restarts.
    """
    warmup = config.warmup_epochs * steps_per_epoch
    rise = min(1.0, (step + 1) / warmup) if warmup > 0 else 1.0
    done = min(1.0, step / max(steps - 1, 1))
    low = config.final_fraction
    match config.type:
        case "cosine":
            shape = low + (1 - low) * (1 + math.cos(math.pi * done)) / 2
        case "linear":
            shape = 1 - (1 - low) * done
        case "step":
            shape = config.step_factor ** (step // steps_per_epoch // config.step_epochs)
        case "constant":
            shape = 1.0
    return rise * shape


def build_scheduler(
    optimizer: torch.optim.Optimizer, steps_per_epoch: int, steps: int, config: SchedulerConfig
) -> LambdaLR:
    """The schedule, stepped after each optimizer step."""
    return LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps_per_epoch, steps, config)
    )


class Latest:
    """Stands for averaged weights where none are wanted: ``module`` is the network itself.

    Copying it after each step would take its memory and time once more. Its state is the
    network's, which is kept apart.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.module = network

    def update_parameters(self, network: torch.nn.Module) -> None:
        """Nothing: they are the network's."""

    def state_dict(self) -> dict[str, Any]:
        """Empty."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing: the network has its own."""


def build_average(
    network: torch.nn.Module, decay: float, warmup_steps: int
) -> AveragedModel | Latest:
    """Exponential moving average of weights and buffers, with a decay that ramps up.

    At update n the decay is ``decay * (1 - exp(-n / warmup_steps))``: the average looks back
    over ``1 / (1 - decay)`` steps, which must stay well under n, or it is held back by its
    random start. ``decay`` 0 averages nothing.
    """
    if decay == 0:
        return Latest(network)

    @torch.no_grad()
    def average(averaged: Any, current: Any, updates: Any) -> None:
        if not averaged[0].is_floating_point():
            torch._foreach_copy_(averaged, current)
            return
        ramped = decay * (1 - math.exp(-(int(updates) + 1) / warmup_steps))
        torch._foreach_lerp_(averaged, current, 1 - ramped)

    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


class Frozen:
    """The backbone of a network, frozen until an epoch.

    Args:
        modules: What is held still: weights, and the running statistics of batch norms.
        until: The first epoch, from 0, in which all is trained; None for never.
    """

    def __init__(self, modules: list[torch.nn.Module], until: int | None) -> None:
        self._modules = modules
        self._until = until
        # Constants of the network were never trainable and stay so.
        self._weights = [p for module in modules for p in module.parameters() if p.requires_grad]

    def holds(self, epoch: int) -> bool:
        """Whether the modules are frozen in an epoch."""
        return bool(self._modules) and (self._until is None or epoch < self._until)

    def apply(self, epoch: int) -> bool:
        """Freeze or release for an epoch; after ``network.train()``, which wakes batch norms.

        Returns:
            Whether that changed which weights are trained.
        """
        frozen = self.holds(epoch)
        changed = any(weight.requires_grad == frozen for weight in self._weights)
        for weight in self._weights:
            weight.requires_grad_(not frozen)
        if frozen:
            for module in self._modules:
                module.eval()
        return changed

    def never_trained(self) -> set[int]:
        """``id`` of the weights that no step will change: an optimizer need not know them."""
        return {id(p) for p in self._weights} if self._modules and self._until is None else set()
