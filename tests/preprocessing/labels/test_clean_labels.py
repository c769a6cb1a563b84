"""Labels are brought to the pixels of the upright image, whatever they were made on."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from reprise.formats.records import BoxRecord, ImageRecord
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.labels.clean_labels import clean_labels
from reprise.preprocessing.rules import Rule

NOWHERE = Path("a.png")


def record(*boxes: BoxRecord, **changes: object) -> ImageRecord:
    return ImageRecord("a.png", NOWHERE, boxes=list(boxes), **changes)  # type: ignore[arg-type]


def test_fractions_become_pixels() -> None:
    box = BoxRecord("cat", (0.25, 0.5, 0.5, 0.25), segmentation=[[0.25, 0.5, 0.75, 0.5, 0.5, 0.75]])
    done = clean_labels(record(box, normalised=True), 200, 100, 1)
    assert done.notes == []
    assert done.boxes[0].xywh == (50, 50, 100, 25)
    assert json.loads(done.boxes[0].segmentation) == [[50, 50, 150, 50, 100, 75]]


def test_the_stated_size_of_fractions_is_not_compared() -> None:
    box = BoxRecord("cat", (0.25, 0.5, 0.5, 0.25))
    done = clean_labels(record(box, normalised=True, width=640, height=640), 200, 100, 1)
    assert done.boxes[0].xywh == (50, 50, 100, 25) and done.notes == []


def test_labels_of_another_scale_are_scaled_and_told() -> None:
    box = BoxRecord("cat", (1, 2, 3, 4), area=6)
    done = clean_labels(record(box, width=100, height=50), 200, 100, 1)
    assert done.boxes[0].xywh == (2, 4, 6, 8) and done.boxes[0].area == 24
    assert [rule for rule, _ in done.notes] == [Rule.IMAGE_SIZE_RESCALED]


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(BadImageError, match="labels for 100 x 100, image is 200 x 100"):
        clean_labels(record(BoxRecord("cat", (1, 2, 3, 4)), width=100, height=100), 200, 100, 1)


@given(
    orientation=st.sampled_from([5, 6, 7, 8]),
    x=st.integers(0, 20),
    y=st.integers(0, 10),
    w=st.integers(1, 20),
    h=st.integers(1, 10),
)
def test_labels_made_before_exif_turned_the_image_are_turned_with_it(
    orientation: int, x: int, y: int, w: int, h: int
) -> None:
    stored = np.zeros((30, 50), dtype=np.uint8)
    stored[y : y + h, x : x + w] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(stored)
    image.info["exif"] = exif.tobytes()
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert upright.shape == (50, 30)
    rows, columns = np.nonzero(upright)
    seen = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    corners = [x, y, x + w, y, x + w, y + h, x, y + h]
    box = BoxRecord("cat", (x, y, w, h), segmentation=[corners])
    done = clean_labels(record(box, width=50, height=30), 30, 50, orientation)
    assert done.boxes[0].xywh == seen
    outline = np.array(json.loads(done.boxes[0].segmentation)[0]).reshape(-1, 2)
    assert (*outline.min(axis=0), *np.ptp(outline, axis=0)) == seen
    assert [rule for rule, _ in done.notes] == [Rule.IMAGE_LABELS_TURNED]


def test_labels_of_the_upright_size_stay_as_they_are() -> None:
    done = clean_labels(record(BoxRecord("cat", (1, 2, 3, 4)), width=30, height=50), 30, 50, 6)
    assert done.boxes[0].xywh == (1, 2, 3, 4) and done.notes == []


GRID = {"size": [50, 100], "counts": [0, 10, 4990]}


def test_run_lengths_stay_as_they_are() -> None:
    box = BoxRecord("cat", (0, 0, 1, 10), segmentation=GRID)
    done = clean_labels(record(box), 100, 50, orientation=1)
    assert json.loads(done.boxes[0].segmentation) == GRID
    assert not done.notes


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"counts": [0, 10]}, "do not fill a mask of 50 x 100"),
        ({"counts": [0, 10**40]}, "neither a text nor a list of whole numbers"),
        ({"counts": "\ud800"}, "no packed run lengths"),
        ({"counts": None}, "neither a text nor a list"),
        ({"size": [50]}, "not [height, width]"),
        ({"size": [100, 50]}, "its mask is of [100, 50], the image of [50, 100]"),
    ],
)
def test_run_lengths_that_are_no_mask_of_the_image_are_left_out_and_told(
    changed: dict[str, object], reason: str
) -> None:
    box = BoxRecord("cat", (0, 0, 1, 10), segmentation=GRID | changed)
    done = clean_labels(record(box), 100, 50, orientation=1)
    assert [kept.segmentation for kept in done.boxes] == ["[]"]
    ((rule, detail),) = done.notes
    assert rule is Rule.BOX_OUTLINE_UNUSABLE
    assert reason in detail


def test_run_lengths_cannot_be_scaled() -> None:
    box = BoxRecord("cat", (0, 0, 1, 10), segmentation=GRID)
    done = clean_labels(record(box, width=100, height=50), 200, 100, orientation=1)
    assert [rule for rule, _ in done.notes] == [
        Rule.IMAGE_SIZE_RESCALED,
        Rule.BOX_OUTLINE_UNUSABLE,
    ]


TRIANGLE = [1.0, 1.0, 5.0, 1.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("written", "kept", "told"),
    [
        ([TRIANGLE], [TRIANGLE], ""),
        ([TRIANGLE, [1.0, 2.0]], [TRIANGLE], "1 of 2 polygons broken"),
        ([[*TRIANGLE, math.nan, 1.0]], [], "1 of 1 polygons broken"),
        ([[math.inf, *TRIANGLE[1:]], [*TRIANGLE, 3.0]], [], "2 of 2 polygons broken"),
        # As exporters write it for a box that has no outline.
        ([[]], [], ""),
        ([], [], ""),
    ],
)
def test_polygons_that_are_none_are_left_out_and_told(
    written: list[list[float]], kept: list[list[float]], told: str
) -> None:
    box = BoxRecord("cat", (0, 0, 10, 10), segmentation=written)
    done = clean_labels(record(box), 100, 50, orientation=1)
    assert [json.loads(kept.segmentation) for kept in done.boxes] == [kept]
    assert done.notes == ([(Rule.BOX_OUTLINE_UNUSABLE, f"box 0 (cat): {told}")] if told else [])
