"""How long a run is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import training
from reprise.errors import RepriseError
from reprise.training.plan import check_unfreeze, plan_run

numbers = st.integers(1, 60)


def test_epochs_give_the_steps() -> None:
    length = plan_run(training(epochs=3, batch_size=4, gradient_accumulation_steps=2), images=13)
    # 4 batches an epoch, two and two.
    assert (length.batches, length.steps_per_epoch, length.epochs, length.steps) == (4, 2, 3, 6)


def test_steps_take_the_place_of_epochs_and_cut_the_last_one_short() -> None:
    length = plan_run(training(epochs=99, steps=5, batch_size=4), images=12)
    assert (length.epochs, length.steps) == (2, 5)
    assert [length.batches_in(epoch) for epoch in range(2)] == [3, 2]


@given(images=numbers, batch_size=numbers, group=st.integers(1, 5), steps=numbers)
def test_exactly_the_steps_asked_for_are_made(
    images: int, batch_size: int, group: int, steps: int
) -> None:
    config = training(
        batch_size=batch_size, gradient_accumulation_steps=group, steps=steps,
        scheduler={"warmup_epochs": 0},
    )  # fmt: skip
    length = plan_run(config, images)
    made = sum(-(-length.batches_in(epoch) // group) for epoch in range(length.epochs))
    assert made == steps


def test_a_warmup_is_no_longer_than_the_run_in_steps() -> None:
    config = training(epochs=1, batch_size=4, steps=6, scheduler={"warmup_epochs": 2})
    assert plan_run(config, images=12).steps == 6
    with pytest.raises(RepriseError, match="are 6 steps here, and the run has 5"):
        plan_run(config.model_copy(update={"steps": 5}), images=12)


def test_a_release_that_never_comes_is_refused() -> None:
    check_unfreeze(unfreeze_after=0, freezes=False, epochs=1)
    check_unfreeze(unfreeze_after=2, freezes=True, epochs=3)
    with pytest.raises(RepriseError, match="nothing is frozen"):
        check_unfreeze(unfreeze_after=2, freezes=False, epochs=3)
    with pytest.raises(RepriseError, match="never reached in 3 epoch"):
        check_unfreeze(unfreeze_after=3, freezes=True, epochs=3)
