"""Checks of the dataset against what is trained, before there is work to lose."""

from __future__ import annotations

from collections import Counter

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.family import Family
from reprise.scoring import truth_of

SHOWN = 5  # names of classes in a message


def check_splits(data: Dataset) -> None:
    """Check that there are images to train on and to judge by.

    Raises:
        RepriseError: A split has none.
    """
    for split in ("train", "val"):
        if data.split(split).empty:
            raise RepriseError(
                f"the {split} split has no images.", f"raise data.split.{split} or add images."
            )


def check_labels(data: Dataset, family: Family, metric: str) -> list[str]:
    """Check that the labels can teach the task, and that val can tell good weights from bad.

    Args:
        data: The dataset.
        family: What is trained.
        metric: ``training.early_stopping.metric``, judged on val.

    Returns:
        What a person should know, in one line each.

    Raises:
        RepriseError: The train split has no box to learn, or val has nothing to find.
    """
    model = family.config.type
    train_images = data.split("train")["image_id"]
    if family.task != "classify" and not data.annotations["image_id"].isin(train_images).any():
        raise RepriseError(
            f"model.type: {model} learns boxes, and no image of the train split has one.",
            "label boxes, or set model.type: multilabel, which learns labels of whole images.",
        )
    truth = truth_of(data, "val", family.task)
    entries = truth["labels"] if family.task == "classify" else truth["annotations"]
    entries = [entry for entry in entries if not entry.get("iscrowd")]
    if not entries and metric != "loss":
        raise RepriseError(
            f"none of the {len(truth['images'])} images of the val split has an object or label, "
            f"so that training.early_stopping.metric: {metric} would be 0 whatever is learned.",
            "raise data.split.val, label some of its images, or set "
            "training.early_stopping.metric: loss.",
        )
    found = Counter(entry["category_id"] for entry in entries)
    unseen = [item["name"] for item in truth["categories"] if not found[item["id"]]]
    notes = []
    if unseen:
        names = ", ".join(unseen[:SHOWN]) + (", …" if len(unseen) > SHOWN else "")
        notes.append(
            f"val has none of {len(unseen)} of the {len(truth['categories'])} classes ({names}): "
            "nothing that is learned of them counts when the best weights are chosen"
        )
    objects = Counter() if family.task == "classify" else Counter(e["image_id"] for e in entries)
    fullest = max(objects.values(), default=0)
    if fullest > family.config.max_detections:
        notes.append(
            f"an image of val has {fullest} objects, more than model.max_detections: "
            f"{family.config.max_detections}: raise it, or some can never be found"
        )
    return notes
