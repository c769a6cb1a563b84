"""Bootstrap intervals of a split's metrics: matched once, its images drawn again."""

from __future__ import annotations

from dataclasses import dataclass, field

from reprise.dataset import Dataset
from reprise.evaluation.bootstrap import Numbers, bootstrapped, interval, units_of
from reprise.evaluation.config import BootstrapConfig
from reprise.scoring.scores import Scores

Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """95% intervals of one split.

    Attributes:
        metrics: Of each headline metric, those that the report shows.
        per_class: Class name -> of its average precision.
        warning: Why images were drawn and not groups, or "".
    """

    metrics: dict[str, Interval] = field(default_factory=dict)
    per_class: dict[str, Interval] = field(default_factory=dict)
    warning: str = ""


def groups_of(data: Dataset, scores: Scores) -> list[str]:
    """The group of each image of a split, by rising id."""
    groups = data.images.set_index("image_id")["group"]
    found: list[str] = groups.loc[scores.matched.image_ids.tolist()].tolist()
    return found


def intervals(scores: Scores, groups: list[str], config: BootstrapConfig) -> Intervals:
    """Draw the groups of a split again, and see how far its numbers move.

    Args:
        scores: Of the split.
        groups: Of each image, by rising id.
        config: How often, and the seed.
    """
    if not config.resamples or not any(scores.truth_counts.values()):
        return Intervals()
    units, warning = units_of(groups)
    (drawn,) = bootstrapped([scores], units, config.resamples, config.seed)
    now = Numbers.of(scores.weighted)
    found = {
        name: interval(values, float(now.metrics[name][0]))
        for name, values in drawn.metrics.items()
    }
    precision, precision_now = drawn.precision.mean(axis=2), now.precision[0].mean(axis=1)
    names = list(scores.class_names.values())
    classes = {
        name: interval(precision[:, place], float(precision_now[place]))
        for place, name in enumerate(names)
    }
    return Intervals(
        {name: value for name, value in found.items() if value},
        {name: value for name, value in classes.items() if value and scores.per_class.get(name)},
        warning,
    )
