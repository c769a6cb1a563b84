"""Rows of the prediction contract as the types of supervision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from supervision import Classifications, CompactMask, Detections

Row = dict[str, Any]


def detections(
    rows: Sequence[Row], class_names: Sequence[str], size: tuple[int, int]
) -> Detections:
    """Boxes, and masks if the rows have them.

    Args:
        rows: Of one image.
        class_names: Of the model.
        size: (height, width) of the upright original.

    Returns:
        ``xyxy`` float32 (n, 4) in pixels of the upright original, ``confidence`` float32 (n,),
        ``class_id`` int (n,) from 0, ``data["class_name"]``, and ``mask``, a CompactMask (n,
        height, width), whose ``to_dense()`` is a bool array; in the order of the rows.
    """
    xywh = np.array([row["bbox"] for row in rows], dtype=np.float32).reshape(-1, 4)
    corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    classes = np.array([row["category_id"] - 1 for row in rows], dtype=int)
    mask = None
    if rows and all("segmentation" in row for row in rows):
        mask = CompactMask.from_coco_rle([row["segmentation"] for row in rows], corners, size)
    return Detections(
        xyxy=corners,
        mask=mask,
        confidence=np.array([row["score"] for row in rows], dtype=np.float32),
        class_id=classes,
        data={"class_name": np.array([class_names[index] for index in classes], dtype=str)},
    )


def classifications(rows: Sequence[Row]) -> Classifications:
    """Classes of a whole image: ``class_id`` int (n,) from 0 and ``confidence`` float32 (n,)."""
    return Classifications(
        class_id=np.array([row["category_id"] - 1 for row in rows], dtype=int),
        confidence=np.array([row["score"] for row in rows], dtype=np.float32),
    )
