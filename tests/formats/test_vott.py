"""VoTT's exports are read whole, and written back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, read_labels
from reprise.errors import RepriseError
from reprise.formats import vott
from reprise.formats.file_index import FileIndex
from reprise.formats.records import NO_GEOMETRY

BOX = {"left": 1, "top": 2, "width": 30, "height": 20}


def asset(*regions: Any, **more: Any) -> dict[str, Any]:
    size = {"width": 64, "height": 48}
    return {
        "asset": {"name": "a.png", "path": "file:/me/a.png", "size": size, "state": 2, **more},
        "regions": list(regions),
    }


def put(folder: Path, *assets: Any, name: str = "pets-export.json") -> None:
    Image.fromarray(picture(1)).save(folder / "a.png")
    content = {"tags": [{"name": "dog"}], "assets": {str(n): a for n, a in enumerate(assets)}}
    (folder / name).write_text(json.dumps(content))


def test_regions(tmp_path: Path) -> None:
    points = [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 9, "y": 12}]
    put(
        tmp_path,
        asset(
            {"type": "RECTANGLE", "tags": ["cat", "dog"], "boundingBox": BOX, "points": []},
            {"type": "POLYGON", "tags": ["cat"], "points": points},
            {"type": "POINT", "tags": ["cat"], "points": points[:1], "boundingBox": BOX},
            {"tags": ["cat"]},
        ),
    )
    dataset = read_labels(vott, tmp_path)
    (image,) = dataset.images
    assert (image.name, image.width, image.height) == ("a.png", 64, 48)
    assert [(box.class_name, box.xywh) for box in image.boxes[:3]] == [
        ("cat", (1, 2, 30, 20)),
        ("dog", (1, 2, 30, 20)),
        ("cat", (1, 2, 8, 10)),
    ]
    assert image.boxes[2].segmentation == [[1, 2, 9, 2, 9, 12]]
    assert [box.shape for box in image.boxes[3:]] == ["point", NO_GEOMETRY]
    assert dataset.classes == ["dog", "cat"]
    assert "assets and regions in" in str(vott.detect(FileIndex(tmp_path, "mine")))


def test_a_file_of_one_asset_and_one_that_nobody_has_seen(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "pets-export.json").unlink()
    (tmp_path / "1234-asset.json").write_text(json.dumps(asset(state=0)))
    (image,) = read_labels(vott, tmp_path).images
    assert not image.labelled


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (asset({"tags": "cat"}), "regions[0] has no list of tags"),
        (asset({"tags": [7], "boundingBox": BOX}), "regions[0]: a tag 7 is not a text"),
        (asset(size={"width": -1}), "width -1 is not a positive number"),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_image(
    tmp_path: Path, entry: Any, problem: str
) -> None:
    put(tmp_path, entry)
    assert problem in read_labels(vott, tmp_path).images[0].problem


def test_an_asset_without_a_name_has_a_row_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, asset(), {"asset": {}, "regions": []})
    images = {image.name: image for image in read_labels(vott, tmp_path).images}
    assert "it names no image" in images["pets-export.json#assets[1]"].problem


def test_a_source_without_any_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(RepriseError, match="no VoTT file was found"):
        read_labels(vott, tmp_path)


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pictures = tmp_path_factory.getbasetemp() / "pictures"
    dataset = data.draw(datasets(pictures, polygons=True, unlabelled=True))
    out = tmp_path_factory.mktemp("out")
    vott.write(dataset, out)
    assert_same(dataset, read_labels(vott, out))
