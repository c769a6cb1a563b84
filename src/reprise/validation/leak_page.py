"""``leaks.html``: the pictures that meet across splits, side by side."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from reprise.dataset import Dataset
from reprise.validation.leaks import LeakReport
from reprise.validation.row_tables import printable

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 24
CONFLICTS = 200
PICTURED_CONFLICTS = 24
SIDE = 260  # pixels of the longer side of a thumbnail
JPEG_QUALITY = 80


def leak_context(dataset: Dataset, findings: LeakReport) -> dict[str, Any]:
    """What the template of the page shows.

    Args:
        dataset: The dataset, for the pixels.
        findings: What :func:`reprise.validation.leaks.find_leaks` returned.
    """
    images = findings.images
    place = {key: row for row, key in enumerate(images["source"] + "/" + images["name"])}
    conflicts = [dict(row) for row in findings.conflicts[:CONFLICTS]]
    for row in conflicts[:PICTURED_CONFLICTS]:
        # Of two images with the same pixels either may be the one that was kept.
        kept = place.get(row["key"], place.get(row["detail"].rpartition("same pixels as ")[2]))
        if kept is not None:
            row["picture"] = thumbnail(dataset, images.iloc[kept])
    return {
        "findings": findings,
        "pairs": [
            {
                "leak": leak,
                "sides": [_side(dataset, images.iloc[leak[key]]) for key in ("one", "other")],
            }
            for leak in findings.leaks[:PAIRS].to_dict("records")
        ],
        "conflicts": conflicts,
    }


def _side(dataset: Dataset, image: pd.Series) -> dict[str, Any]:
    return {
        "name": printable(f"{image['source']}/{image['name']}"),
        "split": image["split"],
        "size": f"{image['original_width']} x {image['original_height']}",
        "picture": thumbnail(dataset, image),
    }


def thumbnail(dataset: Dataset, image: pd.Series) -> str:
    """A stored image as the data URI of a small JPEG; empty when it does not decode."""
    if isinstance(image["problem"], str):
        return ""
    pixels = dataset.pixels(image["shard"], int(image["offset"]), int(image["length"]))
    height, width = pixels.shape[:2]
    factor = SIDE / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    upside = np.ascontiguousarray(pixels[..., ::-1])  # OpenCV stores BGR
    _, data = cv2.imencode(".jpg", upside, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
