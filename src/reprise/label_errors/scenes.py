"""The objects of an image beside what a network finds there, and what may be said of which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reprise.predictions import Floats
from reprise.scoring import Task, score
from reprise.scoring.overlaps import MATCH_IOU, OVERLAPS, grouped

# A prediction speaks of an object from this overlap on, as for TIDE's localisation errors.
SPEAKS_IOU = 0.1
# With less of any object it is of none: in crowds the boxes of neighbours overlap a little.
BESIDE_IOU = 0.3


@dataclass(frozen=True, eq=False)
class Scene:
    """The objects of one image, and the predictions that the network would show.

    Attributes:
        image_id: Of the images table.
        objects: Annotations, no crowd among them.
        rows: Predictions scoring at least the threshold, with ``gt_id`` of the object that each
            found, or None.
        iou: Float64 in [0, 1], shape (objects, rows).
    """

    image_id: int
    objects: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    iou: Floats

    def speaking_of(self, place: int) -> list[int]:
        """Places of the predictions that may speak of an object: none that found another one."""
        key = self.objects[place]["id"]
        return [
            at
            for at, row in enumerate(self.rows)
            if row["gt_id"] in (None, key) and self.iou[place, at] >= SPEAKS_IOU
        ]

    def beside_all(self) -> list[int]:
        """Places of the predictions that may be of an object without a label.

        Each is of no labelled object, of none of its class that nothing else found, and of none
        that a better one of them is of already.
        """
        found = {row["gt_id"] for row in self.rows}
        lost = [place for place, item in enumerate(self.objects) if item["id"] not in found]
        free: list[int] = []
        for at in sorted(range(len(self.rows)), key=lambda at: -self.rows[at]["score"]):
            row = self.rows[at]
            near = any(
                self.iou[place, at] >= SPEAKS_IOU
                and self.objects[place]["category_id"] == row["category_id"]
                for place in lost
            )
            if row["gt_id"] is None and not near and self.iou[:, at].max(initial=0) < BESIDE_IOU:
                free.append(at)
        if not free:
            return []
        between = OVERLAPS["detect"](
            [self.rows[at] for at in free], [{**self.rows[at], "iscrowd": 0} for at in free]
        )
        first: list[int] = []
        for place in range(len(free)):
            if all(between[place, other] < MATCH_IOU for other in first):
                first.append(place)
        return [free[place] for place in first]


def scenes_of(truth: dict[str, Any], rows: list[dict[str, Any]], task: Task) -> list[Scene]:
    """The images of the ground truth, with the predictions from the best F1 on."""
    matched = score(task, truth, rows)
    shown = grouped(matched.above_threshold, "image_id")
    objects = grouped(truth["annotations"], "image_id")
    scenes = []
    for image in truth["images"]:
        here = [item for item in objects.get(image["id"], []) if not item["iscrowd"]]
        said = shown.get(image["id"], [])
        scenes.append(Scene(image["id"], here, said, OVERLAPS[task](said, here).T))
    return scenes
