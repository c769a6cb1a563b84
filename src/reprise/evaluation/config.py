"""The ``evaluation`` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reprise.section import Section


class EvaluationConfig(Section):
    """How detections are judged."""

    score_threshold: Literal["auto"] | Annotated[float, Field(ge=0, le=1)] = "auto"
    """Score from which a detection counts for precision, recall and F1: auto takes the one with
    the best F1 on val, stored with the model; raise it for fewer false boxes (0 to 1)."""

    error_examples: int = Field(default=200, ge=0, le=100_000)
    """Rows kept for each kind of error in errors.csv, worst first; errors are always all
    counted in error_counts.csv."""
