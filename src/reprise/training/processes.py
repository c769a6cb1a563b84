"""Several training processes as one: torchrun starts them, torch.distributed joins them.

Every process holds the same weights and takes its share of each batch; process 0 alone
writes. With no torchrun around it a run is one process, and nothing here communicates.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from reprise.errors import RepriseError

# Names the file in which a started process leaves what a person can put right.
_REFUSAL = "REPRISE_REFUSAL"


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

    def weigh(self, counts: torch.Tensor, own: int, images: int) -> torch.Tensor:
        """Factors of loss parts that were divided by counts of this process's share.

        With them a mean over the images of all shares divides by the counts of the whole
        batch. Each division is by at least 1, as where nothing is counted.

        Args:
            counts: What each part was divided by here, float (k,).
            own: Images of this process's share.
            images: Of the batch.

        Returns:
            Float (k,), all 1 for one process.
        """
        if self.world == 1:
            return torch.ones_like(counts)
        counted = counts.detach().double() * float(own > 0)
        whole = counted.clone()
        dist.all_reduce(whole)
        factors = counted.clamp(min=1) / whole.clamp(min=1) * images / max(own, 1)
        return factors.to(counts.dtype)

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
    # Cluster launchers and notebooks export WORLD_SIZE too, without what else is needed.
    world = int(os.environ["WORLD_SIZE"]) if "LOCAL_WORLD_SIZE" in os.environ else 1
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


def in_processes(devices: int, threads: int, work: Callable[[], None]) -> None:
    """Do some work here, or in a process for each device where several are asked for.

    A process that dies is restarted with the others, three times, and they go on from the last
    checkpoint. What a person can put right is told once: processes that torchrun restarts all
    the same find that it has been said, and end.

    Args:
        devices: ``training.devices``.
        threads: ``training.threads``, of each process.
        work: What the script that was started does; torchrun starts the script again.

    Raises:
        RepriseError: As ``work``; torchrun was started with another number of processes, or
            a process died again and again.
        KeyboardInterrupt: It was stopped by hand.
    """
    world = os.environ.get("LOCAL_WORLD_SIZE")
    if world is None:
        if devices == 1:
            work()
        else:
            _start(devices, threads)
        return
    if int(world) != devices:
        raise RepriseError(
            f"torchrun started {world} processes on this machine, and training.devices is "
            f"{devices}.",
            f"start it with --nproc-per-node {devices}, or change training.devices.",
        )
    refusal = os.environ.get(_REFUSAL)
    if refusal is None:
        work()
    elif not Path(refusal).exists():
        _leave_refusal(Path(refusal), work)


def _start(devices: int, threads: int) -> None:
    """Start this script in several processes and wait for them."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    sys.stdout.flush()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    # One warning a process that a pass over the graph found nothing unused.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # What it says of a process that ended is said below, or by the process.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="reprise-") as folder:
        refusal = Path(folder, "refusal.json")
        os.environ[_REFUSAL] = str(refusal)
        options = ["--standalone", "--max-restarts", "3", "--nproc-per-node", str(devices)]
        # It would pass SIGINT on, and each process show where it was when it came.
        options += ["--signals-to-handle", "SIGTERM"]
        try:
            run.main([*options, *sys.argv])
        except SignalException:
            raise KeyboardInterrupt from None
        except ChildFailedError as error:
            _, first = error.get_first_failure()
            raise RepriseError(
                f"a process of the training died with status {first.exitcode}, after three "
                "restarts too.",
                "what it said is above; training.devices: 1 tells whether it needs several.",
            ) from None
        finally:
            del os.environ[_REFUSAL]
        if refusal.exists():
            raise RepriseError(*json.loads(refusal.read_text(encoding="utf-8")))


def _leave_refusal(path: Path, work: Callable[[], None]) -> None:
    """Work, and leave what a person can put right to the process that started this one."""
    try:
        work()
    except RepriseError as error:
        partial = path.with_name(f"{os.getpid()}.partial")
        partial.write_text(json.dumps([error.problem, error.fix]), encoding="utf-8")
        partial.replace(path)
        # The others may wait for this one: torchrun ends them all, and starts them once more,
        # to find the refusal.
        sys.exit(1)
