"""Several training processes as one: torchrun starts them, torch.distributed joins them.

Every process holds the same weights and takes its share of each batch; process 0 alone
writes. With no torchrun around it a run is one process, and nothing here communicates.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from reprise.errors import RepriseError


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        rank: From 0 over all machines.
        local_rank: From 0 on this machine; also its GPU.
        world: All processes.
    """

    rank: int = 0
    local_rank: int = 0
    world: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def total(self, values: dict[str, float]) -> dict[str, float]:
        """Each value summed over all processes; the keys are the same in all."""
        if self.world == 1:
            return values
        tensor = torch.tensor(list(values.values()), dtype=torch.float64)
        tensor = tensor.cuda() if dist.get_backend() == "nccl" else tensor
        dist.all_reduce(tensor)
        return dict(zip(values, tensor.tolist(), strict=True))

    def gather(self, value: Any) -> list[Any]:
        """The value of every process, in the order of their ranks."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found

    def of_first(self, value: Any) -> Any:
        """The value of process 0, in all of them."""
        if self.world == 1:
            return value
        shared = [value]
        dist.broadcast_object_list(shared)
        return shared[0]

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.world > 1:
            dist.barrier()

    def wrap(self, network: torch.nn.Module) -> torch.nn.Module:
        """The network with its gradients averaged over all processes."""
        if self.world == 1:
            return network
        # Some weights get no gradient from some batches: a mask head where nothing is found.
        return torch.nn.parallel.DistributedDataParallel(network, find_unused_parameters=True)


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """This process among those that torchrun has started; alone when it has started none."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    rank = int(os.environ["RANK"])
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=_fresh_store(), rank=rank, world_size=world)
    try:
        yield Processes(dist.get_rank(), int(os.environ["LOCAL_RANK"]), world)
    finally:
        dist.destroy_process_group()


def _fresh_store() -> dist.Store:
    """torchrun's store, without what an earlier start of these processes left in it.

    torchrun keeps one store over restarts, and there the addresses of dead processes would
    be read as those of living ones. Only on one machine does the number of restarts tell
    all processes which start this is; docs/training.md says what to export on several.
    """
    store, _, _ = next(dist.rendezvous("env://"))
    if os.environ.get("GROUP_WORLD_SIZE", "1") != "1":
        return store
    return dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)


def launch(devices: int, threads: int) -> None:
    """Replace this process by torchrun when several devices are asked for.

    Inside torchrun, also one that a person started on several machines, nothing happens but
    a check. A process that dies is restarted with the others from the last checkpoint.

    Args:
        devices: ``training.devices``.
        threads: ``training.threads``, of each process.

    Raises:
        RepriseError: torchrun was started with another number of processes.
    """
    world = os.environ.get("LOCAL_WORLD_SIZE")
    if world is not None:
        if int(world) != devices:
            raise RepriseError(
                f"torchrun started {world} processes on this machine, and training.devices is "
                f"{devices}.",
                f"start it with --nproc-per-node {devices}, or change training.devices.",
            )
        return
    if devices > 1:
        sys.stdout.flush()
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        # One warning a process that a pass over the graph found nothing unused.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        command = ["-m", "torch.distributed.run", "--standalone", "--max-restarts", "3"]
        command += ["--nproc-per-node", str(devices), *sys.argv]
        # A list of arguments, and no shell.
        os.execv(sys.executable, [sys.executable, *command])  # noqa: S606
