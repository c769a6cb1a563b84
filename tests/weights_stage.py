"""The weights stage, for tests of what comes after it."""

from __future__ import annotations

from pathlib import Path

from reprise.sources.config import LimitsConfig
from reprise.weights.config import Weights
from reprise.weights.fetch import Folders, fetch_weights
from reprise.weights.published import Network


def bring_weights(family: str, entry: Weights, out: Path, variant: str = "nano") -> None:
    """What the stage writes for an entry of ``model.weights``; all but ``out`` lies beside it."""
    fetch_weights(
        Network.chosen(family, "auto", "auto", variant),
        entry,
        LimitsConfig(),
        Folders(out, out.parent, out.with_name("scratch"), out.with_name("weights.csv")),
    )
