"""The ``machine`` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reprise.section import Section


class MachineConfig(Section):
    """How this machine does the work; no stage depends on it, for no result does."""

    workers: Annotated[int, Field(ge=0, le=1024)]
    """Processes that draw, decode and load images; 0 loads them in the main process."""
    engine: Literal["local", "ray"] = "local"
    """Where images are decoded: local processes, or Ray, on the cluster that RAY_ADDRESS names
    (files then lie in a folder that all its machines see)."""
    memo_gb: Annotated[float, Field(ge=0)] = 20.0
    """Most disk space in GB (10^9 bytes) for finished images that the next run need not decode
    again; and a twentieth of it for each source's labels. 0 keeps none."""
    log: Literal["normal", "verbose", "debug"] = "normal"
    """verbose prints a line every 20 batches; debug one a step, its loss by part and gradient."""
    checkpoint_minutes: Annotated[float, Field(gt=0)]
    """Most training time that a crash can cost; a checkpoint also follows each epoch."""
