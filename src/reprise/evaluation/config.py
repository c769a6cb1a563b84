"""The ``evaluation`` section of params.yaml."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from reprise.scoring.metrics import METRIC_NAMES
from reprise.section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class ThresholdAim(Section):
    """What the score threshold has to reach on val: one of the two."""

    precision: Share | None = None
    """The lowest threshold from which precision is this or more is taken: the most is found."""

    recall: Share | None = None
    """The highest threshold at which recall is this or more is taken: the least is wrong."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.precision is None) == (self.recall is None):
            raise ValueError("give either precision or recall")
        return self


class BootstrapConfig(Section):
    """Intervals that say how far the metrics would move with other images of the same kind."""

    resamples: Annotated[int, Field(ge=100, le=100_000)] | Literal[0] = 1000
    """Times that the groups of a split (its images, where it has too few groups) are drawn
    again; more make the intervals steadier, 0 makes none."""

    seed: int = Field(default=0, ge=0)
    """Of the draws."""


def _split_and_metric(name: str) -> str:
    known = [f"{split}.{metric}" for split in ("test", "val") for metric in METRIC_NAMES]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f": {', '.join(METRIC_NAMES)}"
        raise ValueError(f"Input should be test or val, a point and a metric{hint}")
    return name


class EvaluationConfig(Section):
    """How detections are judged."""

    score_threshold: Literal["auto"] | Share | ThresholdAim = "auto"
    """Score from which a detection counts for precision, recall and F1: auto takes the one with
    the best F1 on val, stored with the model; raise it for fewer false boxes (0 to 1); or a
    precision or a recall that it has to reach on val, such as {precision: 0.9}."""

    max_detections: Literal["auto"] | Annotated[int, Field(ge=100)] = "auto"
    """Most detections of one class in one image that are judged: auto takes COCO's 100, or more
    where an image has more objects of a class, and says so."""

    bootstrap: BootstrapConfig = Field(default_factory=BootstrapConfig)

    must_beat_blind: bool = False
    """true fails the run when the model is no better than the blind answer, which looks at no
    image; false says so, and goes on."""

    targets: dict[
        Annotated[str, AfterValidator(_split_and_metric)], Annotated[float, Field(ge=0, le=1)]
    ] = Field(default_factory=dict)
    """The least values of metrics, such as {test.mAP50: 0.6}; the report says which are met."""

    must_meet_targets: bool = False
    """true fails the run when a target is missed; false says so, and goes on."""

    error_examples: int = Field(default=200, ge=0, le=100_000)
    """Rows kept for each kind of error in errors.csv, worst first; errors are always all
    counted in error_counts.csv."""
