"""Sample images with ground truth beside predictions, and close-ups of errors, as SVG.

The pixels are embedded once for each image; boxes, masks and labels are drawn over them as vector
shapes, which stay sharp at any zoom and say more on hover.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.dataset import Dataset
from reprise.predictions import read_predictions
from reprise.reporting.facets import Facets, error_facets
from reprise.reporting.inputs import ReportInputs
from reprise.reporting.mask_paths import outline
from reprise.scoring import Task, score, truth_of
from reprise.scoring.overlaps import grouped

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_SIDE = 560  # pixels of the longer side of a sample
CROP_SIDE = 300
WEBP_QUALITY = 72


@dataclass(frozen=True)
class Mark:
    """An object to draw.

    Attributes:
        box: xywh in pixels of the picture shown.
        path: Outlines of its mask in the same pixels, as an SVG path; empty for a box alone.
        text: Label; empty to draw none.
        wrong: A mistake: drawn dashed, with a red label.
        title: What a pointer resting on the box reads.
    """

    box: tuple[float, float, float, float]
    colour: str
    text: str
    wrong: bool
    title: str
    path: str = ""


@dataclass(frozen=True)
class Picture:
    """An image as a data URI with its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Sample:
    """One image, ground truth and predictions.

    Attributes:
        facets: What the page filters by: facet -> its values.
    """

    key: str
    name: str
    picture: Picture
    truth: list[Mark]
    predicted: list[Mark]
    facets: Facets


@dataclass(frozen=True)
class CloseUp:
    """A close-up of one error and the sentence below it.

    Attributes:
        facets: What the page filters by: facet -> its values.
    """

    kind: str
    picture: Picture
    marks: list[Mark]
    caption: str
    name: str
    facets: Facets


def samples(inputs: ReportInputs, colours: Mapping[str, str], chosen: pd.DataFrame) -> list[Sample]:
    """Some images of the split with their objects and predictions.

    Args:
        inputs: The report's inputs.
        colours: Class -> colour.
        chosen: Rows of the images table.
    """
    if chosen.empty:
        return []
    truth = truth_of(inputs.dataset, inputs.split, inputs.task)
    # Enlarged if need be: labels are sized for a picture of this side.
    return matched_samples(
        inputs.dataset,
        inputs.task,
        truth,
        inputs.shown_predictions,
        chosen,
        colours,
        partial(embed, side=SAMPLE_SIDE),
    )


def matched_samples(
    dataset: Dataset,
    task: Task,
    truth: dict[str, Any],
    kept: list[dict[str, Any]],
    chosen: Any,
    colours: Mapping[str, str],
    picture_of: Callable[[np.ndarray], Picture],
) -> list[Sample]:
    """Some images with their objects and predictions, marked as found, missed or wrong.

    Args:
        dataset: Gives the pixels.
        task: What was predicted.
        truth: Ground truth of the split, as ``truth_of`` gives it.
        kept: Predictions of at least these images.
        chosen: Rows of the images table.
        colours: Class -> colour.
        picture_of: Makes a picture, of any size, of uint8 RGB pixels (height, width, 3).
    """
    ids = set(chosen["image_id"].tolist())
    truth = truth | {
        "annotations": [a for a in truth["annotations"] if a["image_id"] in ids],
        "images": [i for i in truth["images"] if i["id"] in ids],
    }
    kept = [entry for entry in kept if entry["image_id"] in ids]
    scores = score(task, truth, kept)
    # Without any box in these images the scorer has no matches: all detections are false.
    matches = scores.matches or [entry | {"tp": False, "gt_id": None} for entry in kept]
    samples = []
    for row in chosen.itertuples(index=False):
        picture = picture_of(dataset.pixels(row.shard, row.offset, row.length))
        samples.append(_sample(row, picture, task, truth, matches, colours))
    return samples


def spread(inputs: ReportInputs, count: int) -> pd.DataFrame:
    """Rows of the images table at even distances through the split that is shown."""
    rows = inputs.dataset.split(inputs.split)
    places = np.linspace(0, len(rows) - 1, min(count, len(rows)))
    return rows.iloc[sorted({int(place) for place in places})]


def _sample(
    row: Any,
    picture: Picture,
    task: Task,
    truth: dict[str, Any],
    matches: Sequence[dict[str, Any]],
    colours: Mapping[str, str],
) -> Sample:
    names = {item["id"]: item["name"] for item in truth["categories"]}
    scale = (picture.width / row.original_width, picture.height / row.original_height)
    whole = (0, 0, row.original_width, row.original_height)

    def mark(item: dict[str, Any], wrong: bool, text: str, title: str) -> Mark:
        name = names[item["category_id"]]
        path = outline(item["segmentation"], whole, scale) if task == "segment" else ""
        box = scaled_box(item["bbox"], scale)
        return Mark(box, colours[name], text.format(name), wrong, title.format(name), path)

    objects = [a for a in truth["annotations"] if a["image_id"] == row.image_id]
    found = [m for m in matches if m["image_id"] == row.image_id]
    hit = {m["gt_id"] for m in found if m["tp"]}
    marked = [
        mark(item, True, "missed: {}", "{}, missed")
        if item["id"] not in hit and not item["iscrowd"]
        else mark(item, False, "{}", "{}, found")
        for item in objects
    ]
    predicted = [
        mark(item, False, f"{{}} {item['score']:.2f}", f"{{}} {item['score']:.3f}, right")
        if item["tp"]
        else mark(item, True, f"✕ {{}} {item['score']:.2f}", f"{{}} {item['score']:.3f}, wrong")
        for item in found
    ]
    facets = {
        "class": sorted({names[item["category_id"]] for item in (*objects, *found)}),
        "source": [row.source],
    }
    return Sample(
        f"image-{row.image_id}", f"{row.source}/{row.name}", picture, marked, predicted, facets
    )


def close_ups(inputs: ReportInputs, colours: Mapping[str, str], count: int) -> list[CloseUp]:
    """The worst errors, taken in turn from each kind."""
    shown = in_turn(inputs.tables["errors"], count)
    images = inputs.dataset.images.set_index("image_id")
    masks = _masks(inputs, shown)
    return [
        _close_up(inputs, images.loc[int(row["image_id"])], row, colours, mask)
        for row, mask in zip(shown, masks, strict=True)
    ]


def in_turn(errors: Sequence[dict[str, str]], count: int) -> list[dict[str, str]]:
    """The first errors of each kind, as many of one as of another, listed by kind."""
    by_kind = grouped(errors, "kind")
    turns = [row for turn in zip_longest(*by_kind.values()) for row in turn if row]
    order = list(by_kind)
    return sorted(turns[:count], key=lambda row: order.index(row["kind"]))


def _masks(inputs: ReportInputs, rows: Sequence[dict[str, str]]) -> list[dict[str, Any] | None]:
    """The mask of the object or detection that each error is about, found by its box."""
    if inputs.task != "segment" or not rows:
        return [None] * len(rows)
    truth = truth_of(inputs.dataset, inputs.split, inputs.task)
    names = {item["id"]: item["name"] for item in truth["categories"]}
    objects = grouped(truth["annotations"], "image_id")
    found = grouped(read_predictions(inputs.predictions), "image_id")
    masks = []
    for row in rows:
        near = (objects if row["kind"] == "missed" else found).get(int(row["image_id"]), [])
        boxes = {
            (names[item["category_id"]], *(round(value, 5) for value in item["bbox"])): item
            for item in near
        }
        box = (round(float(row[key]), 5) for key in "xywh")
        masks.append(boxes.get((row["class"], *box), {}).get("segmentation"))
    return masks


def _close_up(
    inputs: ReportInputs,
    image: Any,
    row: Mapping[str, str],
    colours: Mapping[str, str],
    mask: dict[str, Any] | None,
) -> CloseUp:
    pixels = inputs.dataset.pixels(image["shard"], int(image["offset"]), int(image["length"]))
    stored = (
        image["width"] / image["original_width"],
        image["height"] / image["original_height"],
    )
    original = [float(row[key]) for key in "xywh"]
    box = scaled_box(original, stored)
    left, top, right, bottom = window_around(box, int(image["width"]), int(image["height"]))
    picture = embed(pixels[top:bottom, left:right], CROP_SIDE)
    scale = (picture.width / (right - left), picture.height / (bottom - top))
    shifted = scaled_box((box[0] - left, box[1] - top, box[2], box[3]), scale)
    window = (
        left / stored[0],
        top / stored[1],
        (right - left) / stored[0],
        (bottom - top) / stored[1],
    )
    path = outline(mask, window, (scale[0] * stored[0], scale[1] * stored[1])) if mask else ""
    mark = Mark(shifted, colours[row["class"]], "", row["kind"] != "missed", row["kind"], path)
    return CloseUp(
        row["kind"], picture, [mark], _sentence(row), row["image"], error_facets(row, inputs.names)
    )


def _sentence(row: Mapping[str, str]) -> str:
    name, score = row["class"], row["score"]
    if row["kind"] == "missed":
        later = f"; a threshold of {float(score):.2f} would show it" if score else ""
        return f"{name} not found{later}"
    said = f"{name} {float(score):.2f}"
    overlap = f"IoU {float(row['iou']):.2f}"
    return {
        "classification": f"said {said}, is {row['actual']}",
        "localisation": f"{said}, only {overlap} with a {row['actual']}",
        "both": f"said {said}, and is neither in the place nor of the class of the {row['actual']} "
        "there",
        "duplicate": f"{said}, already found ({overlap})",
    }.get(row["kind"], f"{said}, no such object there")


def window_around(
    box: Sequence[float], width: int, height: int, margin: float = 0.6, least: int = 110
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a 4:3 view around a box, kept inside the image."""
    x, y, w, h = box
    wide = max(w * (1 + 2 * margin), h * (1 + 2 * margin) * 4 / 3, least)
    wide = min(wide, width, height * 4 / 3)
    high = wide * 3 / 4
    left = min(max(x + w / 2 - wide / 2, 0), width - wide)
    top = min(max(y + h / 2 - high / 2, 0), height - high)
    return int(left), int(top), max(int(left + wide), 1), max(int(top + high), 1)


def embed(pixels: np.ndarray, side: int) -> Picture:
    """uint8 RGB pixels, shape (height, width, 3), as WebP whose longest side is ``side``."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    ratio = side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/webp;base64,{data}", image.width, image.height)


def scaled_box(
    box: Sequence[float], scale: tuple[float, float]
) -> tuple[float, float, float, float]:
    """A box xywh, with so many pixels of the new picture per pixel of the old, across and down."""
    x, y, w, h = box
    return (x * scale[0], y * scale[1], w * scale[0], h * scale[1])
