"""What a report says of each task: the same page, in the words of boxes, masks or labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from reprise.scoring import Task, headline_metric, metrics_of
from reprise.scoring.blind import no_better_than_blind

PROMPTED = (
    "The ground-truth boxes were given to the model as prompts: it was told where every object "
    "is, and of which class, and had only to outline it. These numbers are not comparable with "
    "those of a detector, which has to find the objects itself."
)
# What each kind of error of a detector is.
ERROR_KINDS = {
    "missed": "an object that nothing found",
    "classification": "the right place, another class",
    "localisation": "the right class, an overlap of 0.1 to 0.5",
    "both": "another class, and an overlap below 0.5",
    "duplicate": "a second one on an object",
    "background": "on no object at all",
}
# What to try against each.
ERROR_ADVICE = {
    "missed": "Raise data.image_size where they are small; label more of the classes that are "
    "missed; train longer.",
    "classification": "Label more of the classes that are taken for each other, and check that "
    "their labels agree; try a larger model.variant.",
    "localisation": "Check that boxes are drawn tight and all in one way; raise data.image_size.",
    "both": "Look at the pictures of these: they are often parts of objects, or objects without a "
    "label.",
    "duplicate": "Lower model.nms_iou.",
    "background": "Look whether objects lack their labels there; add images without objects.",
}
_SHARES = (("precision", "precision"), ("recall", "recall"), ("F1", "f1"))
_BOX_APS = (("AP50", "AP50"), ("AP50:95", "AP"), ("AP75", "AP75"))


@dataclass(frozen=True)
class TaskText:
    """The words and the columns of one task.

    Attributes:
        task: The task.
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
        faultless: What the report says where there are none.
        blind: What the blind answer consists of.
    """

    task: Task
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
    blind: str

    @property
    def meanings(self) -> dict[str, tuple[str, str]]:
        """Metric -> its title and what it means, in the order shown."""
        shown = {
            name: metric.shown for name, metric in metrics_of(self.task).items() if metric.shown
        }
        return {
            name: (
                entry.title,
                entry.meaning.format(predicted=self.predicted, counted=self.counted),
            )
            for name, entry in sorted(shown.items(), key=lambda item: item[1].rank)
        }


_DETECT = TaskText(
    task="detect",
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
    blind="the same boxes for every image, where most of train's lie",
)
_SEGMENT = replace(
    _DETECT,
    task="segment",
    predicted="masks",
    rule="a mask is right when it overlaps the mask of an object of its class by 0.5 or more",
    overlap=", mask IoU 0.5",
    by_class=(("objects", "boxes"), ("masks shown", "detections")),
    class_shares=(*_BOX_APS, ("mean IoU", "mean_iou"), *_SHARES),
    confusion="Each row shows what became of the objects of one class: blue is right, red is "
    "wrong. The last column holds objects that were missed, the last row masks on nothing.",
    errors="the most confident wrong masks, the largest missed objects",
    faultless="every object was found and every mask is right",
    blind="the same boxes for every image, filled, where most of train's lie; or, with prompts, "
    "the prompts themselves",
)
_CLASSIFY = TaskText(
    task="classify",
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
    blind="each class of every image, as often as train has it",
)
_TEXTS = {text.task: text for text in (_DETECT, _SEGMENT, _CLASSIFY)}


def text_of(task: Task) -> TaskText:
    """The words of a task."""
    return _TEXTS[task]


def warnings(model: dict[str, Any], task: Task, split: str, metrics: dict[str, Any]) -> list[str]:
    """What a reader must know before the numbers.

    Args:
        model: ``model.json``.
        task: What the model predicts.
        split: That the headline numbers are of; empty when there are none.
        metrics: Those numbers.
    """
    verdict = no_better_than_blind(split, headline_metric(task, model), metrics) if split else ""
    return [*([PROMPTED] if model.get("prompted") else []), *([verdict] if verdict else [])]
