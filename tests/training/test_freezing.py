"""Holding the backbone still."""

from __future__ import annotations

import torch
from torch import nn

from models.settings import training
from reprise.training.optimizer import Frozen, build_optimizer


def network() -> nn.Sequential:
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    constant = nn.Conv2d(4, 4, 1)
    constant.requires_grad_(False)
    return nn.Sequential(backbone, constant, nn.Conv2d(4, 1, 1))


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model(torch.ones(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def moved(before: dict[str, torch.Tensor], model: nn.Module) -> set[str]:
    return {
        name.split(".")[0]
        for name, tensor in model.state_dict().items()
        if not torch.equal(tensor, before[name])
    }


def copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_weights_and_statistics_of_a_frozen_backbone_stay_as_they_are() -> None:
    torch.manual_seed(0)
    model = network()
    frozen = Frozen([model[0]], until=None)
    optimizer = build_optimizer(model, training(), frozen.never_trained())
    before = copy(model)
    model.train()
    frozen.apply(0)
    step(model, optimizer)
    assert moved(before, model) == {"2"}


def test_it_is_released_after_the_epochs_asked_for() -> None:
    torch.manual_seed(0)
    model = network()
    frozen = Frozen([model[0]], until=2)
    optimizer = build_optimizer(model, training(), frozen.never_trained())
    held = []
    for epoch in range(4):
        before = copy(model)
        model.train()
        frozen.apply(epoch)
        step(model, optimizer)
        held.append(moved(before, model))
    # The constant in between is no weight of the backbone and is never trained.
    assert held == [{"2"}, {"2"}, {"0", "2"}, {"0", "2"}]


def test_a_run_that_starts_in_the_middle_is_in_the_same_state() -> None:
    frozen = Frozen([network()[0]], until=2)
    assert [frozen.holds(epoch) for epoch in (0, 1, 2, 3)] == [True, True, False, False]
