"""Which samples make a batch: a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from reprise.distributed import SINGLE_PROCESS, Distributed


class EpochBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of ``(epoch, index)`` pairs, shuffled anew in each epoch.

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
        distributed: This process among those that share the batches.
    """

    def __init__(
        self, length: int, batch_size: int, seed: int, distributed: Distributed = SINGLE_PROCESS
    ) -> None:
        self.seed = seed
        self._length = length
        self._batch_size = batch_size
        self._rank, self._world_size = distributed.rank, distributed.world_size
        self.epoch = 0
        self.first_batch = 0
        self.last_batch = self.batches

    @property
    def batches(self) -> int:
        """Batches in a whole epoch."""
        return -(-self._length // self._batch_size)

    def sizes(self, first: int, last: int) -> list[int]:
        """Images of each batch from ``first`` to before ``last``, over all processes."""
        places = range(first, min(last, self.last_batch))
        return [min(self._batch_size, self._length - n * self._batch_size) for n in places]

    def share(self, batch: int) -> int:
        """Images of one batch that are this process's own."""
        (size,) = self.sizes(batch, batch + 1)
        return len(range(self._rank, size, self._world_size))

    def __len__(self) -> int:
        return self.last_batch - self.first_batch

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self._length)
        for batch in range(self.first_batch, self.last_batch):
            chosen = order[batch * self._batch_size : (batch + 1) * self._batch_size]
            own = chosen[self._rank :: self._world_size]
            yield [(self.epoch, int(index)) for index in (own if len(own) else chosen[:1])]
