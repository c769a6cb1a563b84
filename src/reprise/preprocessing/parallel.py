"""The same function over many items on several cores: results in order, memory flat."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import forkserver, get_context, parent_process
from typing import Any, Generic, TypeVar

from reprise.errors import RepriseError
from reprise.preprocessing.allocator import keep_freed_memory

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items that travel to a process together: enough to hide the way, so few that at the end no
# process waits long for another.
CHUNK = 2
# Chunks under way for each process, so that none waits for the parent.
AHEAD = 12
# Items taken ahead of the result that is due, those whose result is known included.
LOOK_AHEAD = 512
_RAY_CHUNK, _RAY_AHEAD = 8, 3
_END = object()
_PRELOADED = ["reprise.preprocessing.preloaded"]
# What this process applies, when it is a worker: sent once, not with every chunk.
_work: list[Callable[[Any], Any]] = []


def start_workers() -> None:
    """Start the fork server, which imports what workers need while this process goes on.

    Workers then share the memory of it. Without this call they import it themselves.
    """
    get_context("forkserver").set_forkserver_preload(_PRELOADED)
    threads = os.environ.get("OPENBLAS_NUM_THREADS")
    # NumPy would start threads, and a process that forks must have none.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        forkserver.ensure_running()
    finally:
        if threads is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        else:
            os.environ["OPENBLAS_NUM_THREADS"] = threads


def stop_workers() -> None:
    """End the fork server and give back its memory; the next pool starts another."""
    # There is no public way. Where this one goes, it ends with the process.
    stop = getattr(getattr(forkserver, "_forkserver", None), "_stop", None)
    if stop is not None:
        stop()


@dataclass(frozen=True, slots=True)
class Known(Generic[Result]):
    """Stands among the items where the result is there already."""

    result: Result


def map_ordered(
    function: Callable[[Item], Result],
    items: Iterable[Item | Known[Result]],
    workers: int,
    engine: str = "local",
) -> Iterator[Result]:
    """Apply a function to items, yielding results in the order of the items.

    Args:
        function: Importable by name and picklable, as are items and results.
        items: Taken as they are needed. A local engine passes a :class:`Known` by; where all
            are known, it starts no process.
        workers: Processes; under 2, a local engine uses this process alone.
        engine: ``local`` or ``ray``, as ``machine.engine``.

    Raises:
        RepriseError: A process was killed, which lack of memory and damaged files can do,
            or Ray is not installed.
    """
    if engine == "ray":
        yield from _on_ray(function, items, workers)
    elif workers < 2:
        keep_freed_memory()
        for item in items:
            yield item.result if isinstance(item, Known) else function(item)
    else:
        yield from _on_this_machine(function, items, workers)


def _on_this_machine(
    function: Callable[[Any], Result], items: Iterable[Any], workers: int
) -> Iterator[Result]:
    # Forking a process that runs threads can deadlock; a fork server has none.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("forkserver"), initializer=_prepare, initargs=(function,)
    ) as pool:
        try:
            yield from _in_order(pool, iter(items), workers * AHEAD * CHUNK)
        except BrokenProcessPool:
            raise RepriseError(
                "a worker process was killed while it read images.",
                "set machine.workers: 1 to see at which image, or free memory, and run again.",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Chunk:
    """Items that travel together."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._future: Future[list[Any]] | None = None

    def submit(self, pool: ProcessPoolExecutor) -> Future[list[Any]]:
        """Send them, unless that is done."""
        if self._future is None:
            self._future = pool.submit(_apply, self.items)
        return self._future

    @property
    def is_open(self) -> bool:
        """Whether another item can join."""
        return self._future is None and len(self.items) < CHUNK


def _in_order(pool: ProcessPoolExecutor, items: Iterator[Any], most: int) -> Iterator[Any]:
    """Results as they come due, with at most so many items under way."""
    waiting: deque[Known[Any] | tuple[_Chunk, int]] = deque()
    chunk = _Chunk()
    under_way = 0
    while True:
        while len(waiting) < LOOK_AHEAD and under_way < most:
            item = next(items, _END)
            if item is _END:
                break
            if isinstance(item, Known):
                waiting.append(item)
                continue
            if not chunk.is_open:
                chunk = _Chunk()
            chunk.items.append(item)
            waiting.append((chunk, len(chunk.items) - 1))
            under_way += 1
            if len(chunk.items) == CHUNK:
                chunk.submit(pool)
        if not waiting:
            return
        first = waiting.popleft()
        if isinstance(first, Known):
            yield first.result
        else:
            yield first[0].submit(pool).result()[first[1]]
            under_way -= 1


def _on_ray(
    function: Callable[[Any], Result], items: Iterable[Any], workers: int
) -> Iterator[Result]:
    """On the cluster that RAY_ADDRESS names, or on one started here; files lie in a folder
    that all its machines see under the same path."""
    try:
        import joblib
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise RepriseError(
            f"machine.engine: ray is asked for, and {error.name} is not installed.",
            "pip install joblib ray, or set machine.engine: local.",
        ) from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, logging_level=logging.WARNING)
    register_ray()
    remaining = iter(items)
    with joblib.parallel_config(backend="ray", n_jobs=max(workers, 1)):
        run = joblib.Parallel()
        # In rounds, because joblib goes on dispatching while nobody takes the results.
        while ahead := list(islice(remaining, _RAY_CHUNK * _RAY_AHEAD * max(workers, 1) * 4)):
            starts = range(0, len(ahead), _RAY_CHUNK)
            chunks = [ahead[start : start + _RAY_CHUNK] for start in starts]
            for results in run(joblib.delayed(_apply_to)(function, chunk) for chunk in chunks):
                yield from results


def _apply(chunk: list[Any]) -> list[Any]:
    return [_work[0](item) for item in chunk]


def _apply_to(function: Callable[[Item], Result], chunk: list[Item]) -> list[Result]:
    return [function(item) for item in chunk]


def _prepare(function: Callable[[Any], Any]) -> None:
    """One thread for each process, and an end with the parent."""
    import cv2

    cv2.setNumThreads(1)
    keep_freed_memory()
    _work.append(function)
    end_with_parent()


def end_with_parent() -> None:
    """Let this process, which another one started, end with that one even if it is killed."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
