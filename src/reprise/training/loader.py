"""Batches, drawn by seed and epoch, made by processes; and whether a run waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as Samples

from reprise.distributed import SINGLE_PROCESS, Distributed
from reprise.models.family import Batch
from reprise.training.runtime import Runtime


class BatchLoader:
    """The batches of one epoch after another; its worker processes live on.

    Args:
        samples: Indexed by (epoch, index).
        collate: Samples to a batch.
        sampler: Which samples make a batch.
        runtime: Number of workers and device.

    Attributes:
        bottleneck: What was measured so far.
    """

    def __init__(
        self,
        samples: Any,
        collate: Callable[[list[Any]], Batch],
        sampler: EpochBatchSampler,
        runtime: Runtime,
    ) -> None:
        workers = runtime.workers
        self.bottleneck = Bottleneck(workers)
        self._loader: DataLoader[Any] = DataLoader(
            TimedBatches(samples, collate),
            batch_sampler=sampler,
            collate_fn=_as_it_is,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=runtime.device.type == "cuda",
            worker_init_fn=_single_threaded,
            # Its own generator: drawing from the global one would make dropout depend on how
            # often a run was resumed.
            generator=torch.Generator().manual_seed(sampler.seed),
        )

    def __iter__(self) -> Iterator[Batch]:
        for batch, seconds in self._loader:
            started = time.perf_counter()
            yield batch
            self.bottleneck.images += len(batch["images"])
            self.bottleneck.load_seconds += seconds
            self.bottleneck.compute_seconds += time.perf_counter() - started


@dataclass
class Bottleneck:
    """Seconds spent in making samples and in training on them.

    Attributes:
        workers: Loader processes; 0 loads in the training process.
        images: Seen so far.
        load_seconds: Of making samples, summed over the workers.
        compute_seconds: From a batch's arrival to the end of its step.
    """

    workers: int
    images: int = 0
    load_seconds: float = 0.0
    compute_seconds: float = 0.0

    def advice(self) -> str:
        """Both rates in images a second, which of them bounds the run, and what helps."""
        if not self.images or self.load_seconds <= 0 or self.compute_seconds <= 0:
            return "bottleneck: nothing measured"
        loader = self.images * max(self.workers, 1) / self.load_seconds
        network = self.images / self.compute_seconds
        rates = f"loader {loader:.0f} images/s, network {network:.0f} images/s"
        if loader >= network:
            return (
                f"compute-bound ({rates}): a larger batch, bf16 or training.compile on a GPU, or "
                "a smaller data.image_size or model.variant would make it faster."
            )
        return (
            f"loader-bound ({rates}): raise machine.workers (now {self.workers}), set "
            "training.cache: ram, or drop costly augmentation."
        )


class TimedBatches(Samples[Any]):
    """Batches, with the seconds that making their samples took."""

    def __init__(self, samples: Any, collate: Callable[[list[Any]], Batch]) -> None:
        self._samples, self._collate = samples, collate

    def __getitems__(self, places: list[Any]) -> tuple[Batch, float]:
        started = time.perf_counter()
        samples = [self._samples[place] for place in places]
        seconds = time.perf_counter() - started
        return self._collate(samples), seconds


def _as_it_is(batch: Any) -> Any:
    return batch


def _single_threaded(_: int) -> None:
    # The workers are the parallelism; OpenCV's own threads would fight over the cores.
    import cv2

    cv2.setNumThreads(0)


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
