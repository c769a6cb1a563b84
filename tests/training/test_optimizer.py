"""Learning-rate schedule, parameter groups and averaged weights."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.settings import training
from reprise import params
from reprise.training.config import SchedulerConfig
from reprise.training.optimizer import (
    build_average,
    build_optimizer,
    learning_rate_factor,
)


def scheduler(**changes: object) -> SchedulerConfig:
    values = training().scheduler.model_dump() | {"warmup_epochs": 0} | changes
    return SchedulerConfig.model_validate(values)


def factors(config: SchedulerConfig, steps: int = 10, epochs: int = 6) -> list[float]:
    return [
        learning_rate_factor(step, steps, steps * epochs, config) for step in range(steps * epochs)
    ]


@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_decay_goes_from_the_peak_to_the_final_fraction(kind: str) -> None:
    found = factors(scheduler(type=kind, final_fraction=0.05))
    assert found[0] == pytest.approx(1)
    assert found[-1] == pytest.approx(0.05)
    assert found == sorted(found, reverse=True)


def test_step_decreases_every_so_many_epochs() -> None:
    found = factors(scheduler(type="step", step_epochs=2, step_factor=0.1))
    assert [found[0], found[19], found[20], found[40]] == pytest.approx([1, 1, 0.1, 0.01])


def test_warm_up_rises_from_one_step_to_the_peak() -> None:
    found = factors(scheduler(type="constant", warmup_epochs=2))
    assert found[0] == pytest.approx(1 / 20)
    assert found[19:] == pytest.approx([1.0] * 41)


@given(
    st.sampled_from(["cosine", "linear", "step", "constant"]),
    st.floats(0, 3),
    st.integers(1, 50),
    st.integers(3, 20),
)
def test_the_rate_is_always_positive_and_never_above_the_peak(
    kind: str, warmup: float, steps: int, epochs: int
) -> None:
    found = factors(scheduler(type=kind, warmup_epochs=warmup), steps, epochs)
    assert all(0 < value <= 1 for value in found)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_biases_and_norms_are_not_decayed(name: str) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = build_optimizer(network, training(optimizer=name, weight_decay=0.1))
    decayed, free = optimizer.param_groups
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 3, 3, 3)]
    assert len(free["params"]) == 3
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)


def test_averaged_weights_follow_the_formula() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    average = build_average(network, decay=0.9, warmup_steps=5)
    expected = None
    for update in range(6):
        with torch.no_grad():
            network.weight.fill_(float(update))
        average.update_parameters(network)
        if expected is None:
            expected = float(update)
        else:
            decay = 0.9 * (1 - math.exp(-(update + 1) / 5))
            expected = decay * expected + (1 - decay) * update
    assert float(average.module.weight.detach()) == pytest.approx(expected)


def test_without_decay_the_average_is_the_network() -> None:
    network = torch.nn.BatchNorm1d(2)
    average = build_average(network, decay=0, warmup_steps=1)
    for _ in range(3):
        network(torch.randn(4, 2))
        average.update_parameters(network)
    assert torch.equal(average.module.running_mean, network.running_mean)
    assert average.module.num_batches_tracked == 3


@pytest.mark.parametrize("steps", [100, 300, 1000, 3000, 10000])
def test_the_published_average_forgets_its_random_start(repository: Path, steps: int) -> None:
    """A decay that rises too early freezes the average: training goes on, its score does not."""
    published = params.load(repository / "params.yaml").training
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(network.weight)
    average = build_average(network, published.ema_decay, published.ema_warmup_steps)
    average.update_parameters(network)
    torch.nn.init.zeros_(network.weight)
    for _ in range(steps):
        average.update_parameters(network)
    assert float(average.module.weight.detach()) < 0.15
