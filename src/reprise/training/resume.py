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

from reprise.distributed import Distributed
from reprise.errors import RepriseError
from reprise.models.starting_weights import starting_file
from reprise.models.storage import UNREADABLE
from reprise.sources.weights_config import WeightsConfig
from reprise.training.checkpoint import Checkpoints
from reprise.training.train_state import TrainState

# Of what a kept state holds; a state in another form is refused.
FORM = 1
BEST = {"value", "gain", "epoch", "threshold", "weights"}
PARTS = ("network", "average", "optimizer", "scaler")


@dataclass(frozen=True)
class RunFacts:
    """What a kept state says of its run.

    Attributes:
        fixed: What a run that goes on from it must share, by the names of parameters.
        judged: What val scores depend on beside the weights, by name; under another judge the
            best score so far says nothing.
    """

    fixed: dict[str, Any]
    judged: dict[str, Any]

    def with_state(self, state: dict[str, Any], whole: bool) -> dict[str, Any]:
        """What is kept of a run.

        Args:
            state: At the end of an epoch.
            whole: Whether that had all its batches; ``training.steps`` may cut the last short.
        """
        own = {"fixed": self.fixed, "judged": self.judged}
        return {"form": FORM, **own, "whole": whole, "state": state}


def open_state(
    config: WeightsConfig, folder: Path, facts: RunFacts, epochs: int
) -> tuple[dict[str, Any], str]:
    """The state in the weights stage's file, ready to go on from.

    Early stopping begins to wait anew, and under another judge the best weights are left.

    Args:
        config: ``training.resume``.
        folder: What the weights stage wrote.
        facts: Of this run.
        epochs: Of this run, those of the earlier one included.

    Returns:
        The state, and an account of what is taken up.

    Raises:
        RepriseError: The file holds no state, or that of another network or optimizer, or of an
            epoch that was cut short, or the epochs asked for are done.
    """
    content, progress = _read(starting_file(config, folder), config.url)
    fixed, judged, state = content["fixed"], content["judged"], content["state"]
    changed = [
        f"{name} was {fixed.get(name)}, and is {value}"
        for name, value in facts.fixed.items()
        if fixed.get(name) != value
    ]
    if changed:
        raise RepriseError(
            f"training.resume: {config.url} is of another run: {'; '.join(changed)}.",
            "set them as they were, or train anew: training.resume: null.",
        )
    done = progress.epoch
    if not content["whole"]:
        raise RepriseError(
            f"training.resume: training.steps cut epoch {done} of {config.url} short, and a run "
            "goes on from the end of an epoch alone.",
            "name the state of an earlier epoch (training.checkpoint_epochs keeps them), or train "
            "the first run for whole epochs.",
        )
    if epochs <= done:
        raise RepriseError(
            f"training.resume: the run of {config.url} has done {done} epochs, and this one has "
            f"{epochs} in all.",
            "raise training.epochs, or training.steps.",
        )
    account = f"goes on from {config.url}, which has done {done} epochs of {epochs}"
    progress.stopped, progress.waited = False, 0
    others = [name for name, value in facts.judged.items() if judged.get(name) != value]
    if others:
        account += f"; its best weights are left, for val is judged by another {', '.join(others)}"
        progress.best = {}
    return {**state, "progress": vars(progress)}, account


def _read(path: Path, url: str) -> tuple[dict[str, Any], TrainState]:
    """A kept state, its form checked, and where its run stood."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = content["state"]
        progress = TrainState(**state["progress"])
        sound = (
            content["form"] == FORM
            and isinstance(content["fixed"], dict)
            and isinstance(content["judged"], dict)
            and isinstance(content["whole"], bool)
            and all(isinstance(state["parts"][name], dict) for name in PARTS)
            and all(len(pair) == 2 for pair in state["random"])
            and len(state["random"]) > 0
            and progress.epoch == len(progress.history) > 0
            and progress.batch == 0
            # Nothing is best before the first validation.
            and (not progress.best or {*progress.best} >= BEST)
        )
    except UNREADABLE:
        # The library's own message advises to switch the protection off.
        sound = False
    if not sound:
        raise RepriseError(
            f"training.resume: {url} is not the state of a training, or it is damaged.",
            "name a copy of models/last.pt, which training.keep_state: true keeps; weights alone "
            "are named in model.weights.",
        )
    return content, progress


def resume(
    checkpoints: Checkpoints,
    parts: dict[str, Any],
    device: torch.device,
    distributed: Distributed,
    start: dict[str, Any] | None,
    steps_per_epoch: int,
) -> TrainState:
    """Put every part back to where the last checkpoint left it, or else another run's state.

    Args:
        checkpoints: Of this run.
        parts: Network, average, optimizer, scheduler and scaler.
        device: Where this process trains.
        distributed: This process among those of the run.
        start: What :func:`open_state` gave, if anything.
        steps_per_epoch: Of this run.

    Raises:
        RepriseError: The other run's state does not fit.
    """
    # The others may be on machines that do not see the file.
    state = distributed.broadcast(checkpoints.load() if distributed.is_main else None)
    if state is not None:
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
    elif start is not None:
        state = start
        _take_up(parts, start["parts"], start["progress"]["epoch"] * steps_per_epoch)
    else:
        return TrainState()
    # Restarted with more processes, a new one draws like the last of the old ones.
    cpu, cuda = state["random"][min(distributed.rank, len(state["random"]) - 1)]
    torch.set_rng_state(cpu)
    if device.type == "cuda" and cuda is not None:
        torch.cuda.set_rng_state(cuda, device)
    progress = TrainState(**state["progress"])
    if distributed.is_main:
        print(f"resumed: epoch {progress.epoch + 1}, after batch {progress.batch}")
    return progress


def _take_up(parts: dict[str, Any], kept: dict[str, Any], steps: int) -> None:
    """Put network, average, optimizer and scaler to a kept state, at this run's rates.

    Args:
        parts: Network, average, optimizer, scheduler and scaler of this run.
        kept: Their states in the earlier one.
        steps: Optimizer steps that this run would have done.

    Raises:
        RepriseError: They do not fit.
    """
    optimizer, scheduler = parts["optimizer"], parts["scheduler"]
    chosen = [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]
    try:
        for name in PARTS:
            # Without fp16 nothing is scaled, and with ema_decay 0 nothing averaged.
            if kept[name] or name not in ("average", "scaler"):
                parts[name].load_state_dict(kept[name])
    except UNREADABLE as error:
        told = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise RepriseError(
            f"training.resume: the state does not fit this run: {told}",
            "train with model and data.image_size as they were in the run that kept it.",
        ) from None
    rates = [
        base * factor(steps)
        for base, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    ]
    for group, own, rate in zip(optimizer.param_groups, chosen, rates, strict=True):
        group.update(own, lr=rate)
    scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": steps, "_last_lr": rates})
