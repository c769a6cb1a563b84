"""The order in which training samples are seen: a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """Batches of ``(epoch, index)`` pairs, each epoch in its own order.

    Set :attr:`epoch` and :attr:`first_batch` before iterating: a resumed epoch goes on
    with the batch it would have come to. The last batch may be short; nothing is dropped.
    """

    def __init__(self, length: int, batch_size: int, seed: int) -> None:
        self._length = length
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0
        self.first_batch = 0

    @property
    def batches(self) -> int:
        """Batches in a whole epoch."""
        return -(-self._length // self._batch_size)

    def __len__(self) -> int:
        return self.batches - self.first_batch

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = np.random.default_rng([self._seed, self.epoch]).permutation(self._length)
        for batch in range(self.first_batch, self.batches):
            chosen = order[batch * self._batch_size : (batch + 1) * self._batch_size]
            yield [(self.epoch, int(index)) for index in chosen]
