"""VIA entries: shapes as boxes and outlines, and what cannot be read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.strategies import read_labels
from formats.via_files import (
    RECT,
    TRIANGLE,
    Shape,
    classes_of,
    entry,
    export,
    region,
    write_csv,
)
from reprise.errors import RepriseError
from reprise.formats import via
from reprise.formats.geometry import ROUND_CORNERS
from reprise.formats.via.regions import shape_box


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        (RECT, (1, 2, 3, 4.5)),
        (TRIANGLE, (1, 2, 8, 6)),
        ({"name": "circle", "cx": 10, "cy": 20, "r": 5}, (5, 15, 10, 10)),
        ({"name": "ellipse", "cx": 10, "cy": 20, "rx": 5, "ry": 2}, (5, 18, 10, 4)),
        (
            {"name": "ellipse", "cx": 10, "cy": 20, "rx": 5, "ry": 2, "theta": math.pi / 2},
            (8, 15, 4, 10),
        ),
        ({"name": "point", "cx": 3, "cy": 4}, (3, 4, 0, 0)),
        ({"name": "polyline", "all_points_x": [3, 9], "all_points_y": [4, 1]}, (3, 4, 0, 0)),
    ],
)
def test_shapes_as_boxes(shape: Shape, box: tuple[float, ...]) -> None:
    found = shape_box(shape)
    assert found is not None
    assert found[0] == pytest.approx(box)


def test_a_circle_and_an_ellipse_have_outlines_that_fill_their_boxes() -> None:
    for shape in (
        {"name": "circle", "cx": 10, "cy": 20, "r": 5},
        {"name": "ellipse", "cx": 10, "cy": 20, "rx": 9, "ry": 2, "theta": 0.6},
    ):
        found = shape_box(shape)
        assert found is not None
        (x, y, w, h), (outline,) = found
        xs, ys = outline[0::2], outline[1::2]
        assert len(xs) == ROUND_CORNERS
        assert (min(xs), max(xs)) == pytest.approx((x, x + w), abs=0.05)
        assert (min(ys), max(ys)) == pytest.approx((y, y + h), abs=0.05)


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "rect", "x": "1", "y": None, "width": True},
        {"name": "circle", "cx": 1, "cy": 2},
        {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]},
        {"name": "polygon", "all_points_x": [1, "two", 3], "all_points_y": [1, 2, 3]},
        {"name": "polygon"},
        {"name": "polyline", "all_points_x": 7},
        {"name": "point"},
    ],
)
def test_what_is_no_number_is_left_to_the_box_rules(shape: Shape) -> None:
    found = shape_box(shape)
    assert found is not None
    assert any(math.isnan(value) for value in found[0])
    assert found[1] == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"regions": [region(RECT, kind="\ud800")]}, "regions[0]: no class in the attribute"),
        ({"regions": ["x"]}, "entry 'a.png-1': regions[0] is not an object"),
        ({"regions": 7}, "regions is not a list"),
        ({"file_attributes": []}, "file_attributes is not an object"),
    ],
)
def test_labels_that_cannot_be_read_are_a_problem_of_their_image_alone(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    good = entry("b.png", region(RECT, kind="cat"))
    export(tmp_path, entry("a.png") | change, good)
    first, second = read_labels(via, tmp_path).images
    assert problem in first.problem
    assert (second.problem, classes_of(second)) == ("", ["cat"])


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (["a.png", 1, {}, 1, 0, "{", {}], "line 2: region_shape_attributes is not JSON"),
        (["a.png", 1, {}, 1, 0, RECT, "[1]"], "line 2: region_attributes is not an object"),
        (["a.png", 1, {}, 1, 0, RECT], "line 2: 6 cells where the header has 7"),
    ],
)
def test_a_bad_row_of_a_csv_export_is_a_problem_of_its_image(
    tmp_path: Path, row: list[object], problem: str
) -> None:
    write_csv(tmp_path, row, ["b.png", 1, {}, 1, 0, RECT, {"kind": "cat"}])
    first, second = read_labels(via, tmp_path).images
    assert problem in first.problem
    assert (second.problem, classes_of(second)) == ("", ["cat"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"via\.json is not valid JSON"),
        ('{"_via_img_metadata": []}', r"via\.json, _via_img_metadata: it is not an object"),
        ('{"_via_img_metadata": {"a": {}}}', r"via\.json, entry 'a': it has no filename"),
        ('{"_via_img_metadata": {"a": {"filename": ""}}}', "the image name '' has nothing in it"),
        ('{"images": []}', r"no VIA file was found.*found via\.json"),
        ("[1]", "no VIA file was found"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "via.json").write_text(content)
    with pytest.raises(RepriseError, match=message):
        read_labels(via, tmp_path)


@pytest.mark.parametrize(
    ("drawn", "shape"),
    [
        (RECT, ""),
        ({"name": "point", "cx": 3, "cy": 4}, "point"),
        ({"name": "polyline", "all_points_x": [3, 9], "all_points_y": [4, 1]}, "polyline"),
    ],
)
def test_what_was_drawn_without_an_area_says_so(tmp_path: Path, drawn: Shape, shape: str) -> None:
    export(tmp_path, entry("a.png", region(drawn, kind="cat")))
    (box,) = read_labels(via, tmp_path).images[0].boxes
    assert box.shape == shape


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "x", "cx", "r", "kind", "0"]), inner, max_size=4)
    ),
    max_leaves=6,
)
_SHAPE = st.fixed_dictionaries(
    {"name": st.sampled_from(["rect", "circle", "ellipse", "polygon", "polyline", "point", "no"])},
    optional=dict.fromkeys(("x", "cx", "cy", "r", "rx", "theta", "all_points_x"), _ANY),
)


@settings(max_examples=100)
@given(shape=_SHAPE | _ANY, attributes=_ANY, about=_ANY, regions=_ANY)
def test_any_content_is_read_or_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, shape: Any, attributes: Any, about: Any, regions: Any
) -> None:
    folder = tmp_path_factory.mktemp("via")
    drawn = {"shape_attributes": shape, "region_attributes": attributes}
    entries = [entry("a.png", drawn) | {"file_attributes": about}, entry("b.png")]
    export(folder, *entries, entries[1] | {"regions": regions, "filename": "c.png", "size": about})
    write_csv(
        folder, ["d.png", "1", json.dumps(about), 1, 0, json.dumps(shape), json.dumps(attributes)]
    )
    try:
        dataset = read_labels(via, folder)
    except RepriseError as refusal:
        assert "do not show which attribute is the class" in refusal.problem
    else:
        assert [image.name for image in dataset.images] == ["a.png", "b.png", "c.png", "d.png"]
