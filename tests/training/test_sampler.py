"""The order of samples: every image once an epoch, and resumable at any batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reprise.distributed import Distributed
from reprise.training.loader import EpochBatchSampler


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 5), st.integers(0, 99))
def test_each_epoch_shows_every_image_once(
    length: int, batch_size: int, epoch: int, seed: int
) -> None:
    order = EpochBatchSampler(length, batch_size, seed)
    order.epoch = epoch
    batches = list(order)
    assert len(batches) == len(order) == order.batches
    assert sorted(index for batch in batches for _, index in batch) == list(range(length))
    assert {e for batch in batches for e, _ in batch} == {epoch}


@given(st.integers(2, 60), st.integers(1, 9), st.data())
def test_a_resumed_epoch_goes_on_where_it_stood(
    length: int, batch_size: int, data: st.DataObject
) -> None:
    whole = list(EpochBatchSampler(length, batch_size, seed=1))
    order = EpochBatchSampler(length, batch_size, seed=1)
    order.first_batch = data.draw(st.integers(0, order.batches))
    assert list(order) == whole[order.first_batch :]


def test_epochs_differ() -> None:
    order = EpochBatchSampler(40, 4, seed=0)
    first = list(order)
    order.epoch = 1
    assert [[i for _, i in b] for b in first] != [[i for _, i in b] for b in order]


@given(length=st.integers(1, 40), batch_size=st.integers(1, 9), world=st.integers(1, 4))
def test_several_processes_share_the_batches_of_one(
    length: int, batch_size: int, world: int
) -> None:
    whole = EpochBatchSampler(length, batch_size, seed=1)
    parts = [
        EpochBatchSampler(length, batch_size, 1, Distributed(rank, rank, world))
        for rank in range(world)
    ]
    shared = [list(part) for part in parts]
    for number, batch in enumerate(whole):
        own = [
            place
            for part, batches in zip(parts, shared, strict=True)
            for place in batches[number][: part.share(number)]
        ]
        assert sorted(own) == sorted(batch)
        # None is left without a batch, or the others would wait for it.
        assert all(batches[number] for batches in shared)
