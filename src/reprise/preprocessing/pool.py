"""The same function over many items on several cores: results in order, memory flat."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from reprise.errors import RepriseError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items that travel to a process together; enough to hide the way, few enough to stay small.
CHUNK = 8
# Chunks under way for each process, so that none waits for the parent.
AHEAD = 3
# What this process applies, when it is a worker: sent once, not with every chunk.
_work: list[Callable[[Any], Any]] = []


def map_ordered(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    engine: str = "local",
) -> Iterator[Result]:
    """Apply a function to items, yielding results in the order of the items.

    Args:
        function: Importable by name and picklable, as are items and results.
        items: Taken as they are needed.
        workers: Processes; under 2, a local engine uses this process alone.
        engine: ``local`` or ``ray``, as ``machine.engine``.

    Raises:
        RepriseError: A process was killed, which lack of memory and damaged files can do,
            or Ray is not installed.
    """
    if engine == "ray":
        yield from _on_ray(function, items, workers)
    elif workers < 2:
        yield from map(function, items)
    else:
        yield from _on_this_machine(function, items, workers)


def _on_this_machine(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    remaining = iter(items)
    waiting: deque[Future[list[Result]]] = deque()
    # Forking a process that runs threads can deadlock; a fork server has none.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("forkserver"), initializer=_prepare, initargs=(function,)
    ) as pool:
        try:
            while True:
                while len(waiting) < workers * AHEAD and (chunk := list(islice(remaining, CHUNK))):
                    waiting.append(pool.submit(_apply, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise RepriseError(
                "a worker process was killed while it read images.",
                "set machine.workers: 1 to see at which image, or free memory, and run again.",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _on_ray(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
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
        while ahead := list(islice(remaining, CHUNK * AHEAD * max(workers, 1) * 4)):
            chunks = [ahead[start : start + CHUNK] for start in range(0, len(ahead), CHUNK)]
            for results in run(joblib.delayed(_apply_to)(function, chunk) for chunk in chunks):
                yield from results


def _apply(chunk: list[Any]) -> list[Any]:
    return [_work[0](item) for item in chunk]


def _apply_to(function: Callable[[Item], Result], chunk: list[Item]) -> list[Result]:
    return [function(item) for item in chunk]


def _prepare(function: Callable[[Any], Any]) -> None:
    """One thread for each process, and an end with the parent even if that is killed."""
    import cv2

    cv2.setNumThreads(1)
    _work.append(function)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
