"""What a run waited for."""

from __future__ import annotations

import pytest

from reprise.training.loader import Bottleneck, TimedBatches


@pytest.mark.parametrize(
    ("load", "compute", "expected"),
    [
        # 2 workers make 100 images in 10 s each; the network takes 5 s or 40 s for them.
        (20.0, 5.0, "loader-bound (loader 10 images/s, network 20 images/s)"),
        (20.0, 40.0, "compute-bound (loader 10 images/s, network 2 images/s)"),
    ],
)
def test_the_slower_side_is_named_with_both_rates(
    load: float, compute: float, expected: str
) -> None:
    spent = Bottleneck(workers=2, images=100, load_seconds=load, compute_seconds=compute)
    assert spent.advice().startswith(expected)


def test_a_batch_carries_the_seconds_of_its_samples() -> None:
    batches = TimedBatches([10, 20, 30], lambda items: {"items": items})
    batch, seconds = batches.__getitems__([0, 2])
    assert batch["items"] == [10, 30]
    assert seconds >= 0
