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

    max_detections: Literal["auto"] | Annotated[int, Field(ge=100)] = "auto"
    """Most detections of one class in one image that are judged: auto takes COCO's 100, or more
    where an image has more objects of a class, and says so."""

    must_beat_blind: bool = False
    """true fails the run when the model is no better than the blind answer, which looks at no
    image; false says so, and goes on."""

    error_examples: int = Field(default=200, ge=0, le=100_000)
    """Rows kept for each kind of error in errors.csv, worst first; errors are always all
    counted in error_counts.csv."""
