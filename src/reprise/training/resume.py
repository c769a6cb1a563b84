"""Taking a run up again: from its own checkpoint, or from the state that another run kept.

A checkpoint belongs to one run and goes with it; a state that ``training.keep_state`` keeps is
an out like the weights. The run that goes on from it may have another length, other rates, data
and augmentation; network and optimizer are those of the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reprise.errors import RepriseError
from reprise.models.starting_weights import starting_file
from reprise.models.storage import UNREADABLE
from reprise.training.checkpoint import Checkpoints
from reprise.training.loop import Trainer
from reprise.training.train_state import TrainState
from reprise.weights.config import WeightsConfig

# Of what a kept state holds; a state in another format is refused.
FORMAT = 2
# The scheduler is always this run's own.
MODULES = ("network", "average", "optimizer", "scaler")


@dataclass(frozen=True)
class RunSignature:
    """What a kept state says of its run, by the names of parameters.

    Attributes:
        network: What a run that goes on from it must share.
        validation: What val scores depend on beside the weights; if that differs, the best
            score so far cannot be compared.
    """

    network: dict[str, Any]
    validation: dict[str, Any]

    def kept_state(self, state: dict[str, Any], complete: bool) -> dict[str, Any]:
        """What is kept of a run.

        Args:
            state: At the end of an epoch.
            complete: Whether that had all its batches; ``training.steps`` may cut the last short.
        """
        own = {"network": self.network, "validation": self.validation}
        return {"format": FORMAT, **own, "complete": complete, "state": state}


def open_state(
    config: WeightsConfig, folder: Path, signature: RunSignature, epochs: int
) -> tuple[dict[str, Any], str]:
    """The state in the weights stage's file, ready to go on from.

    Early stopping begins to count anew. Where val scores depend on something else than they did,
    the best weights are dropped.

    Args:
        config: ``training.resume``.
        folder: What the weights stage wrote.
        signature: Of this run.
        epochs: Of this run, those of the earlier one included.

    Returns:
        The state, and a line that says what is taken up.

    Raises:
        RepriseError: The file holds no state, or that of another network or optimizer, or of an
            epoch that was cut short, or this run has no more epochs.
    """
    content, state = _read(starting_file(config, folder), config.url)
    _check_fits(content, signature, config.url)
    if not content["complete"]:
        raise RepriseError(
            f"training.resume: training.steps cut epoch {state.epoch} of {config.url} short, and a "
            "run goes on from the end of an epoch alone.",
            "name the state of an earlier epoch (training.checkpoint_epochs keeps them), or train "
            "the first run for whole epochs.",
        )
    if epochs <= state.epoch:
        raise RepriseError(
            f"training.resume: the run of {config.url} has done {state.epoch} epochs, and this one "
            f"has {epochs} in all.",
            "raise training.epochs, or training.steps.",
        )
    message = f"goes on from {config.url}, which has done {state.epoch} epochs of {epochs}"
    state.stopped = False
    earlier = content["validation"]
    others = [name for name, value in signature.validation.items() if earlier.get(name) != value]
    if others:
        message += (
            f"; its best weights are dropped: val scores depend on another {', '.join(others)}"
        )
        state.best = None
    return {**content["state"], "train_state": state.state_dict()}, message


def _check_fits(content: dict[str, Any], signature: RunSignature, url: str) -> None:
    network = content["network"]
    changed = [
        f"{name} was {network.get(name)}, and is {value}"
        for name, value in signature.network.items()
        if network.get(name) != value
    ]
    if changed:
        raise RepriseError(
            f"training.resume: {url} is of another run: {'; '.join(changed)}.",
            "set them as they were, or train anew: training.resume: null.",
        )


def _read(path: Path, url: str) -> tuple[dict[str, Any], TrainState]:
    """A kept state, its form checked, and where its run stood."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = content["state"]
        train_state = TrainState.from_state_dict(state["train_state"])
        valid = (
            content["format"] == FORMAT
            and isinstance(content["network"], dict)
            and isinstance(content["validation"], dict)
            and isinstance(content["complete"], bool)
            and all(isinstance(state["modules"][name], dict) for name in MODULES)
            and all(len(pair) == 2 for pair in state["random"])
            and len(state["random"]) > 0
            and train_state.epoch == len(train_state.history) > 0
            and train_state.batch == 0
        )
    except UNREADABLE:
        # The library's own message advises to switch the protection off.
        valid = False
    if not valid:
        raise RepriseError(
            f"training.resume: {url} is not the state of a training, or it is damaged.",
            "name a copy of models/last.pt, which training.keep_state: true keeps; weights alone "
            "are named in model.weights.",
        )
    return content, train_state


def restore(trainer: Trainer, checkpoints: Checkpoints, start: dict[str, Any] | None) -> None:
    """Put a run back to where its last checkpoint left it, or else to another run's state.

    Args:
        trainer: Of this run.
        checkpoints: Of this run.
        start: What :func:`open_state` gave, if anything.

    Raises:
        RepriseError: The other run's state does not fit.
    """
    distributed = trainer.distributed
    # The others may be on machines that do not see the file.
    state = distributed.broadcast(checkpoints.load() if distributed.is_main else None)
    if state is not None:
        for name, module in trainer.modules().items():
            module.load_state_dict(state["modules"][name])
    elif start is not None:
        state = start
        _load_at_own_rates(trainer, start)
    else:
        return
    # Restarted with more processes, a new one draws like the last of the old ones.
    cpu, cuda = state["random"][min(distributed.rank, len(state["random"]) - 1)]
    torch.set_rng_state(cpu)
    if trainer.device.type == "cuda" and cuda is not None:
        torch.cuda.set_rng_state(cuda, trainer.device)
    trainer.state = TrainState.from_state_dict(state["train_state"])
    if distributed.is_main:
        print(f"resumed: epoch {trainer.state.epoch + 1}, after batch {trainer.state.batch}")


def _load_at_own_rates(trainer: Trainer, start: dict[str, Any]) -> None:
    """Load network, average, optimizer and scaler of another run; learning rate, decay and
    momentum are those of this one."""
    optimizer, scheduler = trainer.optimizer, trainer.scheduler
    own = [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]
    kept, modules = start["modules"], trainer.modules()
    try:
        for name in MODULES:
            # Without fp16 nothing is scaled, and with ema_decay 0 nothing averaged.
            if kept[name] or name not in ("average", "scaler"):
                modules[name].load_state_dict(kept[name])
    except UNREADABLE as error:
        reason = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise RepriseError(
            f"training.resume: the state does not fit this run: {reason}",
            "train with model and data.image_size as they were in the run that kept it.",
        ) from None
    steps = start["train_state"]["epoch"] * trainer.plan.steps_per_epoch
    rates = [
        base * factor(steps)
        for base, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    ]
    for group, values, rate in zip(optimizer.param_groups, own, rates, strict=True):
        group.update(values, lr=rate)
    scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": steps, "_last_lr": rates})
