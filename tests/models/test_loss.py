"""Losses as sums and counts."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from reprise.models.loss import LossPart, mean_losses, without_weight


def part(mean: float, count: int, name: str = "box") -> LossPart:
    return LossPart.of_mean(name, torch.tensor(mean), count)


@given(st.floats(0, 100, width=32), st.integers(0, 10_000))
def test_a_mean_comes_back_to_the_last_bit_and_so_does_its_gradient(
    mean: float, count: int
) -> None:
    value = torch.tensor(mean, requires_grad=True)
    found = mean_losses([LossPart.of_mean("box", value, count)])["box"]
    found.backward()
    assert found.float() == value
    assert value.grad == 1


def test_shares_of_a_batch_add_up_to_the_whole() -> None:
    shares = [part(2.0, 3), part(6.0, 1)]

    def over_all(counts: torch.Tensor) -> torch.Tensor:
        return torch.full_like(counts, 4)

    total = sum(float(mean_losses([share], over_all)["box"]) for share in shares)
    assert total == (2.0 * 3 + 6.0 * 1) / 4


def test_parts_of_one_name_are_added_up() -> None:
    found = mean_losses([part(2.0, 3), part(5.0, 7), part(1.0, 1, "cls")])
    assert {name: float(value) for name, value in found.items()} == {"box": 7.0, "cls": 1.0}


def test_what_counts_nothing_is_divided_by_one_and_a_share_can_be_none() -> None:
    assert float(mean_losses([part(0.5, 0)])["box"]) == 0.5
    (none,) = without_weight([part(0.5, 3)])
    assert float(none.sum) == float(none.count) == 0
