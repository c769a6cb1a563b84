"""Supervisely's files are read as they are, one image at a time, and written back."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, read_labels
from reprise.errors import RepriseError
from reprise.formats import supervisely
from reprise.formats.file_index import FileIndex
from reprise.formats.records import NO_GEOMETRY, BoxRecord, ImageRecord, SourceDataset
from reprise.masks import rle


def put(folder: Path, *objects: Any, place: str = "ds", **content: Any) -> None:
    """One image, 64 x 48, and its label file."""
    for kind in ("img", "ann"):
        (folder / place / kind).mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(len(place))).save(folder / place / "img/a.png")
    whole = {"size": {"width": 64, "height": 48}, "tags": [], "objects": list(objects), **content}
    (folder / place / "ann/a.png.json").write_text(json.dumps(whole))


def thing(kind: str, *points: list[float], **more: Any) -> dict[str, Any]:
    return {
        "classTitle": "cat",
        "geometryType": kind,
        "points": {"exterior": list(points), "interior": []},
        **more,
    }


def test_shapes(tmp_path: Path) -> None:
    png = io.BytesIO()
    Image.fromarray(np.ones((5, 7), dtype=np.uint8) * 255).save(png, "PNG")
    data = base64.b64encode(zlib.compress(png.getvalue())).decode()
    bitmap = {
        "classTitle": "cat",
        "geometryType": "bitmap",
        "bitmap": {"data": data, "origin": [3, 4]},
    }
    put(
        tmp_path,
        thing("rectangle", [30, 20], [10, 5]),
        thing("polygon", [1, 2], [9, 2], [9, 12]),
        bitmap,
        thing("point", [3, 4]),
        thing("cuboid", [3, 4], [5, 6]),
        thing("rectangle"),
        tags=[{"name": "site", "value": "north"}, {"name": "night", "value": None}],
    )
    (image,) = read_labels(supervisely, tmp_path).images
    box, polygon, mask, point, unknown, nowhere = image.boxes
    assert (image.name, image.width, image.height) == ("ds/img/a.png", 64, 48)
    assert box.xywh == (10, 5, 20, 15)
    assert (polygon.xywh, polygon.segmentation) == ((1, 2, 8, 10), [[1, 2, 9, 2, 9, 12]])
    assert mask.xywh == (3, 4, 7, 5) and mask.area == 35
    assert rle.bounds(rle.decode(mask.segmentation)) == (3, 4, 7, 5)
    assert (point.shape, unknown.shape, nowhere.shape) == ("point", "cuboid", NO_GEOMETRY)
    assert image.keys == {"site": "north", "night": "yes"}


def test_namesakes_keep_to_their_folders_which_name_the_split(tmp_path: Path) -> None:
    for place in ("train", "val"):
        put(tmp_path, thing("rectangle", [1, 2], [3, 4]), place=place)
    images = read_labels(supervisely, tmp_path).images
    assert [(image.name, image.split) for image in images] == [
        ("train/img/a.png", "train"),
        ("val/img/a.png", "val"),
    ]
    assert supervisely.detect(FileIndex(tmp_path, "mine"))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (5, "object 1 of its label file is not an object"),
        (thing("polygon", [1, 2, 3]), "has no list of points"),
        ({"classTitle": " ", "points": {"exterior": []}}, "classTitle ' ' is not a text"),
        ({"classTitle": "cat", "bitmap": {"data": "!", "origin": [1, 2]}}, "is no PNG, deflated"),
        ({"classTitle": "cat", "bitmap": {"data": ""}}, "is a bitmap without a place"),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_image(
    tmp_path: Path, entry: Any, problem: str
) -> None:
    put(tmp_path, entry)
    (image,) = read_labels(supervisely, tmp_path).images
    assert problem in image.problem and image.boxes == []


def test_a_bitmap_does_not_unpack_without_end(tmp_path: Path) -> None:
    data = base64.b64encode(zlib.compress(b"\0" * 10**8)).decode()
    put(tmp_path, {"classTitle": "cat", "bitmap": {"data": data, "origin": [1, 2]}})
    assert "is no PNG" in read_labels(supervisely, tmp_path).images[0].problem


def test_a_source_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match="no Supervisely file was found"):
        read_labels(supervisely, tmp_path)


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pictures = tmp_path_factory.getbasetemp() / "pictures"
    dataset = data.draw(datasets(pictures, polygons=True, masks=True, unlabelled=True))
    if not any(image.labelled for image in dataset.images):
        return
    out = tmp_path_factory.mktemp("out")
    supervisely.write(dataset, out)
    assert_same(dataset, read_labels(supervisely, out), outlines=False)


def test_crowds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(1)).save(path)
    box = BoxRecord("cat", (1, 2, 3, 4), iscrowd=1)
    dataset = SourceDataset("mine", [ImageRecord("a.png", path, 64, 48, boxes=[box])], ["cat"])
    with pytest.raises(RepriseError, match="cannot hold crowds"):
        supervisely.write(dataset, tmp_path / "out")
