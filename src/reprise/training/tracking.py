"""What a person sees of a run: DVCLive's files, a progress bar and one line an epoch."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

if TYPE_CHECKING:
    from dvclive import Live

Row = dict[str, float]


def open_live(folder: Path, history: list[Row]) -> Live:
    """A DVCLive logger that only writes its own folder, with earlier epochs replayed.

    DVCLive's own resume trusts whatever lies in the folder; the history in the checkpoint
    is what really happened.
    """
    from dvclive import Live

    live = Live(str(folder), save_dvc_exp=False, dvcyaml=None, report=None)
    # A local run is not sent anywhere.
    setattr(live, "post_data_to_studio", lambda *_, **__: None)  # noqa: B010
    for row in history:
        log_row(live, row)
    return live


def log_row(live: Live, row: Row) -> None:
    """One epoch; ``row["epoch"]`` is the step."""
    live.step = int(row["epoch"])
    for name, value in row.items():
        if name != "epoch":
            live.log_metric(name, value, plot=True)
    live.make_summary()


class Console:
    """The progress bar of each epoch and the line that stays when it ends."""

    def __init__(self, epochs: int, batches: int, device: torch.device) -> None:
        self._epochs = epochs
        self._batches = batches
        self._device = device
        self._bar: tqdm[Any] | None = None
        self._epoch_times: list[float] = []
        self._start = time.perf_counter()

    def start(self, epoch: int, batch: int) -> None:
        self._start = time.perf_counter()
        self._bar = tqdm(
            total=self._batches,
            initial=batch,
            desc=f"epoch {epoch + 1}/{self._epochs}",
            leave=False,
            disable=not sys.stderr.isatty(),
        )

    def batch(self, loss: float) -> None:
        assert self._bar is not None
        self._bar.set_postfix_str(f"loss {loss:.3f}, {self._memory()}", refresh=False)
        self._bar.update()

    def end(self, row: Row, images: int, seconds: float, metric: str) -> None:
        """Print the epoch's line.

        Args:
            row: What was logged.
            images: Images trained on in this process's part of the epoch.
            seconds: The time they took, validation left out.
            metric: The metric that chooses the best weights.
        """
        assert self._bar is not None
        self._bar.close()
        self._epoch_times.append(time.perf_counter() - self._start)
        mean = sum(self._epoch_times) / len(self._epoch_times)
        left = mean * (self._epochs - int(row["epoch"]))
        shown = row.get(f"val/{metric}")
        score = f"val {metric} {shown:.4f}  " if shown is not None else ""
        print(
            f"epoch {int(row['epoch'])}/{self._epochs}  loss {row['train/loss']:.4f}  {score}"
            f"{images / max(seconds, 1e-9):.1f} images/s  {self._memory()}  "
            f"{left / 60:.1f} min left",
            flush=True,
        )

    def _memory(self) -> str:
        if self._device.type == "cuda":
            return f"{torch.cuda.max_memory_allocated(self._device) / 2**30:.2f} GiB GPU"
        # Linux counts ru_maxrss in KiB, macOS in bytes.
        unit = 2**20 if os.uname().sysname == "Linux" else 2**30
        return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.2f} GiB"
