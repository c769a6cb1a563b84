"""This process among those that torchrun started, and what they tell each other.

Every process holds the same weights and takes its share of each batch; process 0 alone
writes. With no torchrun around it a run is one process, and nothing here communicates.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True)
class Distributed:
    """This process among those of the run.

    Attributes:
        rank: From 0 over all machines.
        local_rank: From 0 on this machine; also its GPU.
        world_size: All processes.
    """

    rank: int = 0
    local_rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def all_sum(self, values: torch.Tensor) -> torch.Tensor:
        """Values (k,), alike in all processes, summed over them."""
        if self.world_size == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total

    def all_gather(self, value: T) -> list[T]:
        """The value of every process, in the order of their ranks."""
        if self.world_size == 1:
            return [value]
        found = [value] * self.world_size
        dist.all_gather_object(found, value)
        return found

    def broadcast(self, value: T) -> T:
        """The value of process 0, in all of them."""
        if self.world_size == 1:
            return value
        shared = [value]
        dist.broadcast_object_list(shared)
        return shared[0]

    def barrier(self) -> None:
        """Return when all processes have come here."""
        if self.world_size > 1:
            dist.barrier()

    def wrap(self, network: torch.nn.Module) -> torch.nn.Module:
        """The network with its gradients averaged over all processes."""
        if self.world_size == 1:
            return network
        # Some weights get no gradient from some batches: a mask head where nothing is found.
        return DistributedDataParallel(network, find_unused_parameters=True)

    def no_sync(self, network: torch.nn.Module) -> AbstractContextManager[None]:
        """Around forward and backward passes whose gradients are only added up, not averaged."""
        if isinstance(network, DistributedDataParallel):
            return network.no_sync()
        return nullcontext()


SINGLE_PROCESS = Distributed()


@contextmanager
def init_distributed(device: torch.device) -> Iterator[Distributed]:
    """This process among those that torchrun has started; alone when it has started none."""
    # Cluster launchers and notebooks export WORLD_SIZE too, without what else is needed.
    world = int(os.environ["WORLD_SIZE"]) if "LOCAL_WORLD_SIZE" in os.environ else 1
    if world == 1:
        yield SINGLE_PROCESS
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    rank = int(os.environ["RANK"])
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=_fresh_store(), rank=rank, world_size=world)
    try:
        yield Distributed(dist.get_rank(), int(os.environ["LOCAL_RANK"]), world)
    finally:
        dist.destroy_process_group()


def _fresh_store() -> Store:
    """torchrun's store, without what an earlier start of these processes left in it.

    torchrun keeps one store over restarts, and there the addresses of dead processes would
    be read as those of living ones. Only on one machine does the number of restarts tell
    all processes which start this is; docs/training.md says what to export on several.
    """
    store: Store
    store, _, _ = next(rendezvous("env://"))
    if os.environ.get("GROUP_WORLD_SIZE", "1") != "1":
        return store
    return PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
