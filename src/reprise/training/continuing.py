"""Going on with more epochs from the whole state that an earlier run kept.

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
from reprise.models.config import WeightsConfig
from reprise.models.starting_weights import starting_file
from reprise.models.storage import UNREADABLE


@dataclass(frozen=True)
class RunFacts:
    """What a kept state says of its run.

    Attributes:
        fixed: Parameters, by name, that a run that goes on from it must share.
        judged: What val scores depend on beside the weights; under another judge the best
            score so far says nothing.
    """

    fixed: dict[str, Any]
    judged: dict[str, Any]

    def with_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """What is kept: the state, and of which run it is."""
        return {"fixed": self.fixed, "judged": self.judged, "state": state}


def open_state(
    config: WeightsConfig, folder: Path, facts: RunFacts, epochs: int
) -> tuple[dict[str, Any], str]:
    """The state in the weights stage's file, ready to go on from.

    Early stopping begins to wait anew, and under another judge the best weights are left.

    Args:
        config: The entry of ``model.weights``.
        folder: What the weights stage wrote.
        facts: Of this run.
        epochs: Of this run, those of the earlier one included.

    Returns:
        The state, and an account of what is taken up.

    Raises:
        RepriseError: The file holds no state, or that of another network or optimizer, or the
            epochs asked for are done.
    """
    path = starting_file(config, folder)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        state, fixed, judged = content["state"], dict(content["fixed"]), content["judged"]
        progress = dict(state["progress"])
        done, best = int(progress["epoch"]), dict(progress["best"])
    except UNREADABLE:
        # The library's own message advises to switch the protection off.
        raise RepriseError(
            f"training.resume: {config.url} is not the state of a training, or it is damaged.",
            "name a copy of models/last.pt, which training.keep_state: true keeps; to start from "
            "weights alone set training.resume: false.",
        ) from None
    others = [
        f"{name} was {fixed.get(name)}, and is {value}"
        for name, value in facts.fixed.items()
        if fixed.get(name) != value
    ]
    if others:
        raise RepriseError(
            f"training.resume: {config.url} is of another run: {'; '.join(others)}.",
            "set them as they were, or start from weights alone: training.resume: false.",
        )
    if epochs <= done:
        raise RepriseError(
            f"training.resume: the run of {config.url} has done {done} epochs, and this one has "
            f"{epochs} in all.",
            "raise training.epochs, or training.steps.",
        )
    account = f"goes on from {config.url}, which has done {done} epochs of {epochs}"
    if judged != facts.judged:
        account += "; its best weights are left: val, the metric or the image size has changed"
        best = {}
    progress |= {"best": best, "stopped": False, "waited": 0}
    return {**state, "progress": progress}, account


def take_up(parts: dict[str, Any], kept: dict[str, Any], steps: int) -> None:
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
        for name in ("network", "average", "optimizer"):
            parts[name].load_state_dict(kept[name])
        if kept["scaler"]:
            parts["scaler"].load_state_dict(kept["scaler"])
    except UNREADABLE as error:
        raise RepriseError(
            f"training.resume: the state does not fit this run: {str(error).splitlines()[0]}",
            "choose model and training.optimizer as they were in the run that kept it.",
        ) from None
    rates = [
        base * factor(steps)
        for base, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    ]
    for group, own, rate in zip(optimizer.param_groups, chosen, rates, strict=True):
        group.update(own, lr=rate)
    scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": steps, "_last_lr": rates})
