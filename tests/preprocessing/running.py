"""Short ways to run the stage in tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.machine import MachineConfig
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.preprocess import Folders, preprocess
from reprise.synthesis.config import SyntheticConfig


def machine(workers: int = 0, **more: Any) -> MachineConfig:
    """A machine section; without workers, this process does all."""
    return MachineConfig(workers=workers, checkpoint_minutes=10.0, **more)


def run_stage(
    data: DataConfig,
    raw: Mapping[str, Path],
    processed: Path,
    workers: int = 0,
    synthetic: SyntheticConfig | None = None,
    drawn: Path | None = None,
    **folders: Path | None,
) -> None:
    """Preprocess some sources, and the generated images in ``drawn``."""
    preprocess(
        data=data,
        machine=machine(workers),
        synthetic=synthetic,
        folders=Folders(raw=raw, processed=processed, synthetic=drawn, **folders),
    )
