"""How well a model did on each image, and which images a person should look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reprise.dataset import Dataset
from reprise.scoring import Task, score, truth_of


@dataclass(frozen=True)
class Judged:
    """An image and what became of it at the threshold."""

    image_id: int
    right: int
    wrong: int
    missed: int

    @property
    def f1(self) -> float:
        """1 for an image on which nothing is to be found, and nothing was."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 1.0


def judge_images(
    dataset: Dataset, split: str, task: Task, kept: Sequence[dict[str, Any]]
) -> list[Judged]:
    """Every image of the split, in the order of the dataset.

    Args:
        dataset: The dataset.
        split: Of it.
        task: What was predicted.
        kept: The predictions that score at least the threshold.
    """
    truth = truth_of(dataset, split, task)
    items = truth["labels"] if task == "classify" else truth["annotations"]
    wanted = Counter(item["image_id"] for item in items if not item.get("iscrowd"))
    scores = score(task, truth, list(kept), 0.0)
    right = Counter(row["image_id"] for row in scores.matches if row["tp"])
    wrong = Counter(row["image_id"] for row in scores.matches if not row["tp"])
    ids = dataset.split(split)["image_id"].tolist()
    return [Judged(at, right[at], wrong[at], wanted[at] - right[at]) for at in ids]


def worst_first(judged: Sequence[Judged]) -> list[Judged]:
    """By F1; of equal ones the one with more mistakes comes first."""
    return sorted(judged, key=lambda item: (item.f1, -item.wrong - item.missed, item.image_id))


def extremes(judged: Sequence[Judged]) -> dict[str, Judged]:
    """The worst, the median and the best image; fewer where there are fewer than three."""
    ranked = worst_first(judged)
    places = {"the worst": 0, "the median": len(ranked) // 2, "the best": len(ranked) - 1}
    return {name: ranked[place] for name, place in list(places.items())[: len(ranked)]}
