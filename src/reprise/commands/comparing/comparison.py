"""Whether one run is better than another: a paired bootstrap over the images of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reprise.commands.comparing.runs import Pair
from reprise.evaluation.bootstrap import Numbers, bootstrapped, interval, units_of
from reprise.predictions import Floats, Ints
from reprise.scoring.scores import Scores

BETTER, WORSE, ALIKE = "better", "worse", "not distinguishable"
CHANGED_IMAGES = 10


@dataclass(frozen=True)
class Difference:
    """One number of both runs.

    Attributes:
        first: Of A.
        second: Of B.
        difference: B less A.
        low: Of the difference's 95% interval.
        high: Likewise.
        verdict: Of B against A: better or worse where the interval leaves out 0.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class ChangedImage:
    """An image of which the runs say different things: its false and missed objects in each."""

    image: str
    first: int
    second: int


@dataclass(frozen=True)
class Comparison:
    """What `reprise compare` says.

    Attributes:
        metrics: Metric -> both runs' numbers.
        classes: Class -> the same of its average precision.
        class_metric: Which average precision that is.
        changed: The images with the most errors gained or lost from A to B.
        warning: Why images were drawn and not groups, or "".
        images: How many both were scored on.
    """

    metrics: dict[str, Difference]
    classes: dict[str, Difference]
    class_metric: str
    changed: list[ChangedImage]
    warning: str
    images: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def compare(pair: Pair, headline: str, resamples: int, seed: int) -> Comparison:
    """Draw the images of both runs again, each time the same ones for both.

    Args:
        pair: Both runs on their common images.
        headline: The metric that says whether a model is any good.
        resamples: How many times.
        seed: Of the draws.
    """
    units, warning = units_of(pair.groups)
    both = (pair.first, pair.second)
    now = [Numbers.of(scores.weighted) for scores in both]
    drawn = bootstrapped(both, units, resamples, seed)
    metrics = {
        name: _difference(*(numbers.metrics[name] for numbers in (*now, *drawn)))
        for name in now[0].metrics
    }
    at_half = headline == "mAP50"
    classes = {
        name: _difference(*(_precision(numbers, place, at_half) for numbers in (*now, *drawn)))
        for place, name in enumerate(pair.first.class_names.values())
    }
    return Comparison(
        {name: value for name, value in metrics.items() if value},
        {name: value for name, value in classes.items() if value},
        "AP50" if at_half else "AP",
        _changed(pair),
        warning,
        len(pair.names),
    )


def _precision(numbers: Numbers, place: int, at_half: bool) -> Floats:
    found = numbers.precision[:, place]
    return found[:, 0] if at_half else found.mean(axis=1)


def _difference(
    first: Floats, second: Floats, drawn_first: Floats, drawn_second: Floats
) -> Difference | None:
    """Of the runs as they are, shape (1,), and drawn again; None where there is no number."""
    apart = float(second[0] - first[0])
    bounds = interval(drawn_second - drawn_first, apart)
    if bounds is None or np.isnan(apart):
        return None
    low, high = bounds
    verdict = BETTER if low > 0 else WORSE if high < 0 else ALIKE
    return Difference(float(first[0]), float(second[0]), apart, low, high, verdict)


def _errors(scores: Scores) -> Ints:
    """False and missed objects, or wrong labels, of each image at the threshold."""
    if scores.task == "classify":
        wrong: Ints = scores.wrong_by_image.sum(axis=1)
        return wrong
    counts, objects = scores.counts_by_image, scores.matched.objects_by_image(0)
    errors: Ints = (counts["shown"] + objects - 2 * counts["right"]).sum(axis=1)
    return errors


def _changed(pair: Pair) -> list[ChangedImage]:
    first, second = _errors(pair.first), _errors(pair.second)
    order = np.argsort(-np.abs(second - first), kind="stable")[:CHANGED_IMAGES]
    return [
        ChangedImage(pair.names[place], int(first[place]), int(second[place]))
        for place in order
        if first[place] != second[place]
    ]
