"""The ``census`` section of params.yaml."""

from __future__ import annotations

from typing import Literal

from reprise.section import Section


class CensusConfig(Section):
    """What is counted."""

    by: Literal["split", "source"] = "split"
    """Images are counted by this."""
