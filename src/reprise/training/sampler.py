"""The order in which training samples are seen: a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of ``(epoch, index)`` pairs, each epoch in its own order.

    Set :attr:`epoch`, :attr:`first_batch` and :attr:`last_batch` before iterating: a resumed
    epoch goes on with the batch it would have come to. Every image is seen once an epoch, so
    the last batch may be short.

    Of several processes each gets its share of every batch, so that the batches, and with
    them the result, do not depend on their number. A process that has no share of a short
    batch gets an image of it that :meth:`share` counts as none.

    Args:
        length: Images.
        batch_size: Images of a batch, over all processes.
        seed: Of the order.
        rank: This process, from 0.
        world: Distributed.
    """

    def __init__(
        self, length: int, batch_size: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        self._length = length
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._world = world
        self.epoch = 0
        self.first_batch = 0
        self.last_batch = self.batches

    @property
    def batches(self) -> int:
        """Batches in a whole epoch."""
        return -(-self._length // self._batch_size)

    def size(self, batch: int) -> int:
        """Images of one batch, over all processes."""
        return min(self._batch_size, self._length - batch * self._batch_size)

    def share(self, batch: int) -> int:
        """Images of one batch that are this process's own."""
        return len(range(self._rank, self.size(batch), self._world))

    def __len__(self) -> int:
        return self.last_batch - self.first_batch

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = np.random.default_rng([self._seed, self.epoch]).permutation(self._length)
        for batch in range(self.first_batch, self.last_batch):
            chosen = order[batch * self._batch_size : (batch + 1) * self._batch_size]
            own = chosen[self._rank :: self._world]
            yield [(self.epoch, int(index)) for index in (own if len(own) else chosen[:1])]
