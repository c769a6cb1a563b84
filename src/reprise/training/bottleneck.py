"""What a run waited for: the loader or the network, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset as Samples

LOAD_SECONDS = "load_seconds"


class Timed(Samples[Any]):
    """Samples that come with the seconds that making them took."""

    def __init__(self, samples: Any) -> None:
        self._samples = samples

    def __getitem__(self, place: Any) -> tuple[Any, float]:
        import time

        started = time.perf_counter()
        sample = self._samples[place]
        return sample, time.perf_counter() - started


class TimedCollate:
    """A family's ``collate``, with the seconds of its samples kept in the batch."""

    def __init__(self, collate: Any) -> None:
        self._collate = collate

    def __call__(self, samples: list[tuple[Any, float]]) -> dict[str, Any]:
        batch = self._collate([sample for sample, _ in samples])
        return batch | {LOAD_SECONDS: sum(seconds for _, seconds in samples)}


@dataclass
class Bottleneck:
    """Seconds spent in making samples and in training on them.

    Attributes:
        workers: Loader processes; 0 loads in the training process.
        images: Seen so far.
        load: Seconds of making samples, summed over the workers.
        compute: Seconds from a batch's arrival to the end of its step.
        wait: Seconds in which the training process waited for a batch.
    """

    workers: int
    images: int = 0
    load: float = 0.0
    compute: float = 0.0
    wait: float = 0.0

    def line(self) -> str:
        """Both rates in images a second, which of them bounds the run, and the advice."""
        if not self.images or self.load <= 0 or self.compute <= 0:
            return "bottleneck: nothing measured"
        loader = self.images * max(self.workers, 1) / self.load
        network = self.images / self.compute
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
