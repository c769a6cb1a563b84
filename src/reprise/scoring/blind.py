"""The blind answer: what one would say of a picture without looking at it.

A model that is no better has learned nothing. Of boxes and masks the answer is the same for
every image: the places where most boxes of train lie, as shares of the image. Of labels it is
how common each is in train. A model that is given the boxes as prompts is compared with the
boxes themselves, filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reprise.predictions import label_prediction, prediction
from reprise.scoring.tasks import Task

if TYPE_CHECKING:
    from reprise.dataset import Dataset

Floats = npt.NDArray[np.float64]

SAMPLED_BOXES = 1000  # of a class, evenly spaced over train: IoUs of all pairs are computed
BOXES_AN_IMAGE = 50
SAME_PLACE_IOU = 0.5


def blind_predictions(
    dataset: Dataset, truth: dict[str, Any], task: Task, prompted: bool = False
) -> list[dict[str, Any]]:
    """The blind answer for every image of a split.

    Args:
        dataset: Gives the train split, which is all that the answer is made of.
        truth: Ground truth of the split that is answered for, as ``truth_of`` gives it; of it
            the images' sizes are used, and with prompts the boxes.
        task: What is answered.
        prompted: Whether a model would be given the boxes.

    Returns:
        Rows of the prediction contract, in pixels of the upright originals.
    """
    if task == "classify":
        return _label_shares(dataset, truth)
    if prompted:
        sizes = {image["id"]: image for image in truth["images"]}
        return [
            _row(sizes[item["image_id"]], item["category_id"], item["bbox"], 1.0, task)
            for item in truth["annotations"]
            if not item["iscrowd"]
        ]
    places = common_places(dataset)
    return [
        _row(image, category_id, _in_pixels(image, place), score, task)
        for image in truth["images"]
        for category_id, place, score in places
    ]


def no_better_than_blind(split: str, metric: str, metrics: dict[str, Any]) -> str:
    """What a person is told of a model that has learned nothing, or "" of one that has.

    Args:
        split: That was scored.
        metric: By which a model is judged.
        metrics: Of the split: the model's, and below ``blind`` those of the blind answer.
    """
    blind = metrics.get("blind", {}).get(metric)
    if blind is None or metrics[metric] > blind:
        return ""
    return (
        f"The model has learned nothing that shows on {split}: its {metric} of "
        f"{metrics[metric]:.3f} is no better than {blind:.3f}, the score of an answer that looks "
        "at no image. The likeliest reasons, in this order: too few epochs or too low a "
        "training.learning_rate, above all from random weights; labels that do not lie on their "
        "objects (reprise show-batch draws what the network is given); objects that are too small "
        "at this data.image_size."
    )


def common_places(dataset: Dataset) -> list[tuple[int, Floats, float]]:
    """Where train's boxes lie most often.

    Returns:
        (category id, xywh as shares of the image's width and height, score), the best first;
        at most ``BOXES_AN_IMAGE``. The score is the mean number of train boxes an image that
        the place overlaps by ``SAME_PLACE_IOU`` or more, at most 1.
    """
    images = dataset.split("train")
    rows = dataset.annotations.merge(images, on="image_id", suffixes=("", "_stored"))
    rows = rows[(rows["iscrowd"] == 0) & (rows["w"] > 0) & (rows["h"] > 0)]
    width, height = rows["original_width"], rows["original_height"]
    shares = np.stack(
        [rows["x"] / width, rows["y"] / height, rows["w"] / width, rows["h"] / height], axis=1
    ).astype(np.float64)
    classes = rows["category_id"].to_numpy()
    places: list[tuple[int, Floats, float]] = []
    for category_id in sorted(set(classes.tolist())):
        boxes = shares[classes == category_id]
        sample = boxes[np.linspace(0, len(boxes) - 1, min(len(boxes), SAMPLED_BOXES)).astype(int)]
        same = _ious(sample) >= SAME_PLACE_IOU
        hits = same.mean(axis=1) * len(boxes) / len(images)
        free = np.ones(len(sample), dtype=bool)
        for index in np.argsort(-hits, kind="stable"):
            if free[index]:
                free &= ~same[index]
                places.append((category_id, sample[index], min(1.0, float(hits[index]))))
    places.sort(key=lambda place: (-place[2], place[0]))
    return places[:BOXES_AN_IMAGE]


def _ious(boxes: Floats) -> Floats:
    """IoU of every pair of xywh boxes, shape (n, n)."""
    start, end = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    sides = np.minimum(end[:, None], end[None]) - np.maximum(start[:, None], start[None])
    shared = sides.clip(min=0).prod(axis=2)
    areas = boxes[:, 2:].prod(axis=1)
    found: Floats = shared / (areas[:, None] + areas[None] - shared)
    return found


def _in_pixels(image: dict[str, Any], place: Floats) -> list[float]:
    pixels: list[float] = (place * np.tile([image["width"], image["height"]], 2)).tolist()
    return pixels


def _row(
    image: dict[str, Any], category_id: int, xywh: list[float], score: float, task: Task
) -> dict[str, Any]:
    """A prediction of a box; to segment, its mask is the whole box."""
    mask = None
    if task == "segment":
        from faster_coco_eval.core import mask as rle

        x, y, w, h = xywh
        outline = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        found = rle.frPyObjects(outline, image["height"], image["width"])[0]
        mask = {"size": [image["height"], image["width"]], "counts": found["counts"].decode()}
    return prediction(image["id"], category_id, xywh, score, mask)


def _label_shares(dataset: Dataset, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """Of every image each class, with the share of train's images that have it."""
    train = dataset.label_truth("train")
    images = max(1, len(train["images"]))
    counts = {category["id"]: 0 for category in train["categories"]}
    for row in train["labels"]:
        counts[row["category_id"]] += 1
    return [
        label_prediction(image["id"], category_id, count / images)
        for image in truth["images"]
        for category_id, count in counts.items()
    ]
