"""``label_errors.html``: a picture of each of the first suspects, as labelled and as suggested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.dataset import Dataset
from reprise.label_errors.suspects import NOT_THERE, OVERLOOKED, SWAPPED, Ranking, Suspect
from reprise.reporting.mask_paths import outline
from reprise.reporting.object_samples import (
    CROP_SIDE,
    Mark,
    Picture,
    embed,
    scaled_box,
    window_around,
)
from reprise.reporting.palette import class_colours
from reprise.reporting.rendering import render
from reprise.scoring import Task
from reprise.scoring.overlaps import grouped

OWN_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Shown:
    """A suspect as the page shows it.

    Attributes:
        rank: From 1.
        suspect: What it is.
        sentence: What is the matter.
        image: Source and name of the image, and its split.
        picture: The part of the image around it, or all of it for a label.
        labelled: Objects as labelled.
        suggested: What the network found.
    """

    rank: int
    suspect: Suspect
    sentence: str
    image: str
    picture: Picture
    labelled: list[Mark]
    suggested: list[Mark]


@dataclass(frozen=True)
class PageInputs:
    """What the page is about.

    Attributes:
        data: The dataset as labelled.
        truth: Ground truth of the judged images, masks as RLE.
        task: What was predicted.
        rows: Out-of-fold predictions worth drawing.
        ranking: The suspects.
        cross_validation: As :func:`reprise.label_errors.cross_validation.cross_validate`.
    """

    data: Dataset
    truth: dict[str, Any]
    task: Task
    rows: list[dict[str, Any]]
    ranking: Ranking
    cross_validation: dict[str, Any]


def write_page(path: Path, inputs: PageInputs, top: int) -> None:
    """Write the page, one file that loads nothing else.

    Args:
        path: The file.
        inputs: What it is about.
        top: How many suspects have a picture.
    """
    together = inputs.cross_validation["out_of_fold"]
    context = {
        "shown": shown_suspects(inputs, top),
        "total": len(inputs.ranking.suspects),
        "kinds": Counter(suspect.kind for suspect in inputs.ranking.suspects).most_common(),
        "colours": class_colours(inputs.data.class_names),
        "task": inputs.task,
        "images": together["images"],
        "folds": len(inputs.cross_validation["folds"]),
        "metrics": [
            (name, together["metrics"][name], pair, inputs.cross_validation["mean"].get(name))
            for name, pair in together["intervals"].items()
            if name in together["metrics"]
        ],
    }
    path.write_text(render("label_errors.html.j2", context, OWN_TEMPLATES), encoding="utf-8")


def shown_suspects(inputs: PageInputs, top: int) -> list[Shown]:
    """The first suspects with their pictures."""
    images = inputs.data.images.set_index("image_id", drop=False)
    objects = grouped(inputs.truth.get("annotations", ()), "image_id")
    found = grouped(inputs.rows, "image_id")
    names = {category.category_id: category.name for category in inputs.data.categories}
    shown = []
    for rank, suspect in enumerate(inputs.ranking.suspects[:top], start=1):
        image: Any = images.loc[suspect.image_id]
        pixels = inputs.data.pixels(image["shard"], int(image["offset"]), int(image["length"]))
        window = _window(suspect, image)
        left, top_, right, bottom = window
        picture = embed(pixels[top_:bottom, left:right], CROP_SIDE)
        view = View(image, window, picture, names, inputs.task)
        near, said = objects.get(suspect.image_id, []), found.get(suspect.image_id, [])
        named = f"{image['source']}/{image['name']} ({image['split']})"
        labelled, suggested = ([], []) if inputs.task == "classify" else view.marks(
            suspect, near, said
        )  # fmt: skip
        shown.append(
            Shown(rank, suspect, sentence(suspect, names), named, picture, labelled, suggested)
        )
    return shown


def sentence(suspect: Suspect, names: dict[int, str]) -> str:
    """What is the matter with a label, for a person."""
    given, better = names.get(suspect.labelled or 0, ""), names.get(suspect.suggested or 0, "")
    said = f"{suspect.prediction['score']:.2f}" if suspect.prediction else "0"
    if suspect.kind == OVERLOOKED:
        return f"{better} not labelled ({said})"
    if suspect.kind == NOT_THERE:
        return f"labelled {given}, which scores {said} alone"
    if suspect.kind == SWAPPED:
        return f"labelled {given}, looks like {better} ({said})"
    return f"{given} found elsewhere or at another size ({said})"


def _window(suspect: Suspect, image: Any) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in stored pixels: around both boxes, or the whole image."""
    boxes = [box for box in (suspect.box, suspect.suggested_box) if box is not None]
    if not boxes:
        return 0, 0, int(image["width"]), int(image["height"])
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) for axis in (0, 1))
    stored = scaled_box((left, top, right - left, bottom - top), _stored_scale(image))
    return window_around(stored, int(image["width"]), int(image["height"]))


def _stored_scale(image: Any) -> tuple[float, float]:
    return (
        float(image["width"] / image["original_width"]),
        float(image["height"] / image["original_height"]),
    )


class View:
    """A part of an image, and what of its objects shows there.

    Args:
        image: Row of the images table.
        window: Left, top, right, bottom of the part, in stored pixels.
        picture: Of the part.
        names: Category id -> class name.
        task: Masks are drawn to segment, boxes to detect.
    """

    def __init__(
        self, image: Any, window: tuple[int, int, int, int], picture: Picture,
        names: dict[int, str], task: Task,
    ) -> None:  # fmt: skip
        left, top, right, bottom = window
        across, down = _stored_scale(image)
        self._task, self._names = task, names
        self._colours = class_colours(list(names.values()))
        # xywh of the part, in pixels of the original, and pixels of the picture per pixel of it.
        self._part = (left / across, top / down, (right - left) / across, (bottom - top) / down)
        self._scale = (picture.width / self._part[2], picture.height / self._part[3])

    def marks(
        self, suspect: Suspect, objects: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]
    ) -> tuple[list[Mark], list[Mark]]:
        """The objects as labelled, and as found; the one in question dashed and named."""
        labelled = [
            self._mark(item, item["id"] == suspect.annotation_id, "")
            for item in objects
            if self._shows(item["bbox"])
        ]
        others = [row for row in rows if row != suspect.prediction and self._shows(row["bbox"])]
        suggested = [self._mark(row, False, f" {row['score']:.2f}") for row in others]
        if suspect.prediction is not None:
            row = suspect.prediction
            suggested.append(self._mark(row, True, f" {row['score']:.2f}"))
        return labelled, suggested

    def _shows(self, box: Sequence[float]) -> bool:
        return all(
            box[axis] < self._part[axis] + self._part[axis + 2]
            and box[axis] + box[axis + 2] > self._part[axis]
            for axis in (0, 1)
        )

    def _mark(self, item: dict[str, Any], suspect: bool, score: str) -> Mark:
        x, y, w, h = item["bbox"]
        box = scaled_box((x - self._part[0], y - self._part[1], w, h), self._scale)
        name = self._names[item["category_id"]]
        masked = self._task == "segment" and isinstance(item.get("segmentation"), dict)
        path = outline(item["segmentation"], self._part, self._scale) if masked else ""
        text = name + score
        return Mark(box, self._colours[name], text if suspect else "", suspect, text, path)
