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

from reprise.training.plan import Plan

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
    """The progress bar of each epoch, the line that stays when it ends, and more by choice.

    Args:
        plan: The length of the run.
        device: Whose memory is shown.
        level: ``machine.log``.
        speaks: Whether this process says anything at all.
    """

    def __init__(self, plan: Plan, device: torch.device, level: str, speaks: bool) -> None:
        self._epochs = plan.epochs
        self._device = device
        self._every = {"normal": 0, "verbose": 20, "debug": 1}[level] if speaks else 0
        self._speaks = speaks
        self._bar: tqdm[Any] | None = None
        self._epoch_times: list[float] = []
        self._start = time.perf_counter()
        self._norm: torch.Tensor | None = None

    def start(self, epoch: int, batch: int, batches: int) -> None:
        self._start = time.perf_counter()
        self._bar = tqdm(
            total=batches,
            initial=batch,
            desc=f"epoch {epoch + 1}/{self._epochs}",
            leave=False,
            disable=not (self._speaks and sys.stderr.isatty()),
        )

    def batch(self, losses: dict[str, float], weight: float) -> None:
        """One batch is done; ``weight`` makes its loss one per image."""
        assert self._bar is not None
        loss = sum(losses.values()) * weight
        self._bar.set_postfix_str(f"loss {loss:.3f}, {self._memory()}", refresh=False)
        self._bar.update()
        if self._every and self._bar.n % self._every == 0:
            parts = "  ".join(f"{name} {value * weight:.4f}" for name, value in losses.items())
            norm = "" if self._norm is None else f"  gradient {float(self._norm):.3f}"
            print(f"  batch {self._bar.n}/{self._bar.total}  {parts}{norm}", flush=True)

    def step(self, norm: torch.Tensor) -> None:
        """The gradient's length at an optimizer step, before clipping."""
        self._norm = norm

    def speed_row(self, row: Row, images: int, seconds: float) -> Row:
        """What depends on the machine: images/s, and on a GPU its peak memory in GiB."""
        found = {"epoch": row["epoch"], "images_per_second": images / max(seconds, 1e-9)}
        if self._device.type == "cuda":
            found["gpu_memory_gib"] = torch.cuda.max_memory_allocated(self._device) / 2**30
        return found

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
        if not self._speaks:
            return
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
