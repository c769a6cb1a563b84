"""Random ground truth with detections near it, as COCO dictionaries, for hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from reprise.predictions import prediction

SIDE = 200  # pixels of every image


def coco(boxes: list[tuple[int, int, list[float], bool]], images: int = 3) -> dict[str, Any]:
    """Ground truth from (image, class, xywh, crowd)."""
    return {
        "info": {},
        "images": [
            {"id": n, "width": SIDE, "height": SIDE, "file_name": f"{n}.png"}
            for n in range(1, images + 1)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate("abc", start=1)],
        "annotations": [
            {
                "id": index,
                "image_id": image,
                "category_id": category,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": int(crowd),
                "segmentation": [],
            }
            for index, (image, category, box, crowd) in enumerate(boxes, start=1)
        ],
    }


def rle(pixels: np.ndarray) -> dict[str, Any]:
    """Bool (height, width) as compressed RLE, counts as text."""
    found = coco_mask.encode(np.asfortranarray(pixels, dtype=np.uint8))
    return {"size": list(map(int, found["size"])), "counts": found["counts"].decode()}


def filled(xywh: list[float], side: int = SIDE) -> np.ndarray:
    """The pixels of an ellipse in a box, bool (side, side)."""
    x, y, w, h = xywh
    rows, columns = np.mgrid[:side, :side] + 0.5
    return ((columns - x - w / 2) / (w / 2)) ** 2 + ((rows - y - h / 2) / (h / 2)) ** 2 <= 1


def solid(xywh: list[float], side: int = SIDE) -> np.ndarray:
    """All pixels of a box, bool (side, side)."""
    x, y, w, h = (int(value) for value in xywh)
    pixels = np.zeros((side, side), dtype=bool)
    pixels[y : y + h, x : x + w] = True
    return pixels


def masked(image: int, category: int, xywh: list[float], score: float) -> dict[str, Any]:
    """A prediction with an elliptic mask in its box."""
    return prediction(image, category, xywh, score, rle(filled(xywh)))


def diamond(xywh: list[float]) -> list[list[float]]:
    """A COCO polygon that touches the middle of each side of a box."""
    x, y, w, h = xywh
    return [[x + w / 2, y, x + w, y + h / 2, x + w / 2, y + h, x, y + h / 2]]


side = st.integers(4, 120)
box = st.tuples(st.integers(0, 80), st.integers(0, 80), side, side).map(
    lambda xywh: [float(value) for value in xywh]
)
image_id, category_id = st.integers(1, 3), st.integers(1, 3)
objects = st.lists(
    st.tuples(image_id, category_id, box, st.sampled_from([False, False, False, True])),
    min_size=1,
    max_size=12,
)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Objects with crowd regions among them, and detections many of which lie near them."""
    boxes = draw(objects)
    return coco(boxes), [prediction(*row) for row in _near(draw, boxes)]


@st.composite
def mask_scenes(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same with masks: polygons, RLE of both kinds, and predicted ones as RLE."""
    boxes = draw(objects)
    truth = coco(boxes)
    for item in truth["annotations"]:
        pixels = filled(item["bbox"])
        kinds = ["polygon", "rle", "counts"] if not item["iscrowd"] else ["rle", "counts"]
        kind = draw(st.sampled_from(kinds))
        item["segmentation"] = {
            "polygon": diamond(item["bbox"]),
            "rle": rle(pixels),
            "counts": {"size": [SIDE, SIDE], "counts": _run_lengths(pixels)},
        }[kind]
        item["area"] = float(pixels.sum())
    return truth, [masked(*row) for row in _near(draw, boxes)]


def _near(draw: st.DrawFn, boxes: list[Any]) -> list[tuple[int, int, list[float], float]]:
    rows = []
    for place in draw(st.lists(st.integers(0, len(boxes) - 1), max_size=25)):
        image, category, near, _ = boxes[place]
        moved = [value + draw(st.integers(-3, 3)) for value in near]
        moved[2:] = [max(value, 1.0) for value in moved[2:]]
        category = draw(st.sampled_from([category, category, category % 3 + 1]))
        score = draw(st.integers(0, 20)) / 20  # few values, so that ties are common
        rows.append((image, category, moved, score))
    return rows


def _run_lengths(pixels: np.ndarray) -> list[int]:
    flat = np.concatenate([[False], pixels.ravel(order="F")])
    changes = np.flatnonzero(np.diff(flat)).tolist()
    return np.diff([0, *changes, pixels.size]).tolist()
