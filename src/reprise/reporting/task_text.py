"""What a report says of each task: the same page, in the words of boxes, masks or labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reprise.scoring import Task

PROMPTED = (
    "The ground-truth boxes were given to the model as prompts: it was told where every object "
    "is, and of which class, and had only to outline it. These numbers are not comparable with "
    "those of a detector, which has to find the objects itself."
)
_F1 = ("F1", "balance of precision and recall at the chosen threshold")
_SHARES = (("precision", "precision"), ("recall", "recall"), ("F1", "f1"))
_BOX_APS = (("AP50", "AP50"), ("AP50:95", "AP"), ("AP75", "AP75"))


@dataclass(frozen=True)
class TaskText:
    """The words and the columns of one task.

    Attributes:
        meanings: Metric -> its name and what it means, in the order shown.
        counted: What there is to find, as a plural.
        total: The key of its number in the metrics and the breakdown.
        predicted: What the model gives, as a plural.
        rule: When one of those is right.
        overlap: What the curves' titles add about it.
        by_class: Header and key of the counts of the class table.
        class_shares: Header and key of its shares, each in [0, 1].
        parts: Heading of the breakdown.
        by_part: Header and key of its shares.
        nothing: Name of the class that is none, in the confusion table.
        confusion: How to read the chart of it.
        errors: How the pictures of errors were chosen.
        faultless: LabelVerdict where there are none.
    """

    meanings: dict[str, tuple[str, str]]
    counted: str
    total: str
    predicted: str
    rule: str
    overlap: str
    by_class: tuple[tuple[str, str], ...]
    class_shares: tuple[tuple[str, str], ...]
    parts: str
    by_part: tuple[tuple[str, str], ...]
    nothing: str
    confusion: str
    errors: str
    faultless: str

    @property
    def by_split(self) -> tuple[tuple[str, str], ...]:
        """Header and key of the shares of each split."""
        return tuple((label, key) for key, (label, _) in self.meanings.items())


_DETECT = TaskText(
    meanings={
        "mAP50": ("mAP50", "average precision over classes, at an overlap of 0.5 or more"),
        "mAP": ("mAP50:95", "the same over overlaps from 0.5 to 0.95: rewards tight boxes"),
        "precision": ("Precision", "share of the boxes shown that are right"),
        "recall": ("Recall", "share of the objects that are found"),
        "f1": _F1,
    },
    counted="objects",
    total="boxes",
    predicted="boxes",
    rule="a box is right when it overlaps an object of its class by 0.5 or more",
    overlap=", IoU 0.5",
    by_class=(("objects", "boxes"), ("boxes shown", "detections")),
    class_shares=(*_BOX_APS, *_SHARES),
    parts="By object size and source",
    by_part=(("mAP50:95", "mAP"), *_SHARES[:2]),
    nothing="background",
    confusion="Each row shows what became of the objects of one class: blue is right, red is "
    "wrong. The last column holds objects that were missed, the last row boxes on nothing.",
    errors="the most confident wrong boxes, the largest missed objects",
    faultless="every object was found and every box is right",
)
_SEGMENT = TaskText(
    meanings={
        "mAP50": ("mAP50", "average precision over classes, at a mask overlap of 0.5 or more"),
        "mAP": ("mAP50:95", "the same over overlaps from 0.5 to 0.95: rewards exact outlines"),
        "mean_iou": ("Mean IoU", "overlap of each object with the best mask of its class"),
        "precision": ("Precision", "share of the masks shown that are right"),
        "recall": ("Recall", "share of the objects that are found"),
        "f1": _F1,
        "box_mAP50": ("Box mAP50", "mAP50 of the boxes alone, whatever their masks"),
        "box_mAP": ("Box mAP50:95", "mAP50:95 of the boxes alone"),
    },
    counted="objects",
    total="boxes",
    predicted="masks",
    rule="a mask is right when it overlaps the mask of an object of its class by 0.5 or more",
    overlap=", mask IoU 0.5",
    by_class=(("objects", "boxes"), ("masks shown", "detections")),
    class_shares=(*_BOX_APS, ("mean IoU", "mean_iou"), *_SHARES),
    parts="By object size and source",
    by_part=(("mAP50:95", "mAP"), *_SHARES[:2]),
    nothing="background",
    confusion="Each row shows what became of the objects of one class: blue is right, red is "
    "wrong. The last column holds objects that were missed, the last row masks on nothing.",
    errors="the most confident wrong masks, the largest missed objects",
    faultless="every object was found and every mask is right",
)
_CLASSIFY = TaskText(
    meanings={
        "mAP": ("mAP", "average precision over classes, whatever the threshold"),
        "exact_match": ("Exact match", "share of images with every class right"),
        "accuracy": ("Accuracy", "share of right answers, one for each image and class"),
        "precision": ("Precision", "share of the labels given that are right"),
        "recall": ("Recall", "share of the labels that are given"),
        "f1": _F1,
        "macro_f1": ("Macro F1", "mean over classes: a rare one counts as much as a common one"),
    },
    counted="labels",
    total="labels",
    predicted="labels",
    rule="an image can have several of them, and each is judged by itself",
    overlap="",
    by_class=(("images", "images"), ("predicted", "predicted")),
    class_shares=(("AP", "AP"), ("accuracy", "accuracy"), *_SHARES),
    parts="By source",
    by_part=(("mAP", "mAP"), ("exact match", "exact_match"), *_SHARES[:2]),
    nothing="(none)",
    confusion="Each row shows what became of the images of one class: blue is right, red is "
    "wrong. One class stands for another where an image has just one missed and one false "
    "label; other missed labels are in the last column, other false ones in the last row.",
    errors="the surest false labels, the missed ones that scored lowest",
    faultless="every label was given and none is false",
)
_TEXTS: dict[Task, TaskText] = {
    "detect": _DETECT,
    "segment": _SEGMENT,
    "classify": _CLASSIFY,
}


def text_of(task: Task) -> TaskText:
    """The words of a task."""
    return _TEXTS[task]


def warnings(model: dict[str, Any]) -> list[str]:
    """What a reader must know before the numbers."""
    return [PROMPTED] if model.get("prompted") else []
