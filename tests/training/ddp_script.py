"""One training in as many processes as torchrun starts, for the tests to compare."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from models.settings import augmentation, folders, machine, model, training, validation  # noqa: E402
from reprise.training.checkpoint import Checkpoints  # noqa: E402
from reprise.training.config import TrainSettings  # noqa: E402
from reprise.training.train import train  # noqa: E402


def die_once_after_a_checkpoint() -> None:
    """As a machine that fails: only the first time that torchrun starts the processes."""
    real = Checkpoints.save

    def save(self: Checkpoints, state: dict[str, Any]) -> None:
        real(self, state)
        os._exit(9)

    if os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0":
        Checkpoints.save = save  # type: ignore[method-assign]


def hold_batch_norms() -> None:
    """Only GPUs synchronise them: each process would normalise by its own share of a batch."""

    def train(norm: torch.nn.Module, mode: bool = True) -> torch.nn.Module:
        del mode
        return torch.nn.Module.train(norm, False)

    torch.nn.BatchNorm2d.train = train  # type: ignore[assignment]


def draw_the_first() -> None:
    """Anchors and proposals are drawn by chance: of each image alike, here, in any process."""

    def in_order(count: int, device: torch.device | None = None) -> torch.Tensor:
        return torch.arange(count, device=device)

    torch.randperm = in_order  # type: ignore[assignment]


def main() -> None:
    dataset, folder, changes = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    if changes.pop("die", False):
        die_once_after_a_checkpoint()
    if changes.pop("steady", False):
        hold_batch_norms()
        draw_the_first()
    settings = TrainSettings(
        model(**changes["model"]),
        training(**changes["training"]),
        validation(**changes["validation"]),
        augmentation(**changes["augmentation"]),
        64,
    )
    train(settings, machine(), folders(dataset, folder))


if __name__ == "__main__":
    main()
