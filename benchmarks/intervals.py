"""How often a 95% interval holds the truth: a simulated detector on many small test sets.

    python benchmarks/intervals.py [--draws 500] [--images 100] [--groups 0] [--resamples 400]

The truth is the metric over a very large set. With ``--groups`` the images of a group are alike,
and whole groups are drawn: it shows below how many groups intervals become too narrow.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from reprise.evaluation.bootstrap import bootstrapped, interval
from reprise.predictions import Predictions
from reprise.scoring import metrics_of, score
from reprise.scoring.scores import Scores

METRICS = ("mAP", "mAP50", "precision", "recall", "f1")
CLASSES = 2
THRESHOLD = 0.5
TRUTH_IMAGES = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--groups", type=int, default=0, help="0: each image is one of its own")
    parser.add_argument("--resamples", type=int, default=400)
    arguments = parser.parse_args()
    spread = 1.0 if arguments.groups else 0.0
    truth = _values(simulated(np.random.default_rng(10**6), TRUTH_IMAGES, spread=spread))
    held = dict.fromkeys(METRICS, 0)
    for draw in range(arguments.draws):
        groups = np.arange(arguments.images) % (arguments.groups or arguments.images)
        scores = simulated(
            np.random.default_rng(draw), arguments.images, groups=groups, spread=spread
        )
        (drawn,) = bootstrapped([scores], groups, arguments.resamples, draw)
        for name in METRICS:
            value = float(metrics_of("detect")[name].compute(scores.weighted)[0])
            bounds = interval(drawn.metrics[name], value)
            held[name] += bounds is not None and bounds[0] <= truth[name] <= bounds[1]
    print(
        f"{arguments.draws} draws of {arguments.images} images, {arguments.groups or 'no'} groups"
    )
    for name in METRICS:
        print(f"  {name:10s} {truth[name]:.4f}  held by {held[name] / arguments.draws:.1%}")


def _values(scores: Scores) -> Mapping[str, float]:
    return {name: float(metrics_of("detect")[name].compute(scores.weighted)[0]) for name in METRICS}


def simulated(
    rng: np.random.Generator,
    images: int,
    skill: float = 0.75,
    groups: np.ndarray | None = None,
    spread: float = 0.0,
) -> Scores:
    """A detector that finds each object with a chance, and some that are not there.

    Args:
        rng: Of the images and of the detector.
        images: How many.
        skill: The chance of a middling image.
        groups: Of each image; a group's images are equally hard.
        spread: How much harder one group is than another, as a share of the odds' logarithm.
    """
    truth, hardness = scene(rng, images, groups, spread)
    return score("detect", truth, detected(rng, truth, hardness, skill), THRESHOLD)


def scene(
    rng: np.random.Generator, images: int, groups: np.ndarray | None = None, spread: float = 0.0
) -> tuple[dict[str, Any], np.ndarray]:
    """Ground truth of one to six objects an image, and how hard each image is."""
    groups = np.arange(images) if groups is None else groups
    hardness = rng.normal(0, spread, int(groups.max()) + 1)[groups] + rng.normal(0, 0.5, images)
    where = np.repeat(np.arange(images), rng.integers(1, 7, images))
    size = rng.uniform(20, 120, (len(where), 2))
    boxes = np.hstack([rng.uniform(0, 500, (len(where), 2)), size])
    category = rng.integers(1, CLASSES + 1, len(where))
    return {
        "images": [{"id": n + 1, "width": 640, "height": 640} for n in range(images)],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, CLASSES + 1)],
        "annotations": [
            {
                "id": n + 1,
                "image_id": int(where[n]) + 1,
                "category_id": int(category[n]),
                "bbox": boxes[n].tolist(),
                "area": float(size[n].prod()),
                "iscrowd": 0,
                "segmentation": [],
            }
            for n in range(len(where))
        ],
    }, hardness


def detected(
    rng: np.random.Generator, truth: dict[str, Any], hardness: np.ndarray, skill: float
) -> Predictions:
    """What the detector says of a scene: objects found with noise, and false boxes."""
    items = truth["annotations"]
    image = np.array([item["image_id"] for item in items])
    boxes = np.array([item["bbox"] for item in items])
    category = np.array([item["category_id"] for item in items])
    # Drawn for every object, found or not: another skill with the same draws is a like detector.
    luck, noise, score = (
        rng.random(len(items)),
        rng.normal(0, 0.07, (len(items), 4)),
        rng.beta(4, 2, len(items)),
    )
    odds = np.log(skill / (1 - skill)) - hardness[image - 1]
    found = luck < 1 / (1 + np.exp(-odds))
    boxes = (boxes + noise * np.tile(boxes[:, 2:], 2))[found]
    false = np.repeat(np.arange(len(hardness)), rng.poisson(np.exp(0.3 * hardness)))
    size = rng.uniform(20, 120, (len(false), 2))
    strays = np.hstack([rng.uniform(0, 500, (len(false), 2)), size])
    return Predictions(
        np.concatenate([image[found], false + 1]),
        np.concatenate([category[found], rng.integers(1, CLASSES + 1, len(false))]),
        np.concatenate([score[found], rng.beta(2, 4, len(false))]),
        np.vstack([boxes, strays]),
    )


if __name__ == "__main__":
    main()
