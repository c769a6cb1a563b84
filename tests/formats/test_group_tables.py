"""Grouping values come from tables beside the labels, whatever the format of these is."""

from __future__ import annotations

from pathlib import Path

import pytest

from formats.strategies import read_labels
from reprise.errors import RepriseError
from reprise.formats import customvision
from reprise.formats.file_index import FileIndex
from reprise.formats.records import ImageRecord
from reprise.formats.source_labels import add_group_keys


def _records(folder: Path, *names: str) -> list[ImageRecord]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [ImageRecord(name, folder / name) for name in names]


def test_columns_of_a_table_of_groups_become_keys(tmp_path: Path) -> None:
    images = _records(tmp_path, "images/a.png", "images/b.png", "images/c.png")
    (tmp_path / "Groups.csv").write_text("design;Image;site\n1;a.png;north\n;images/b.png;south\n")
    notes = add_group_keys(images, FileIndex(tmp_path, "mine"))
    assert [image.keys for image in images] == [
        {"design": "1", "site": "north"},
        {"site": "south"},
        {},
    ]
    assert notes == ["Groups.csv gives design, site of 2 image(s)"]


def test_what_the_labels_say_stays(tmp_path: Path) -> None:
    (image,) = _records(tmp_path, "a.png")
    image.keys = {"site": "north"}
    (tmp_path / "group.csv").write_text("filename,site,day\na.png,south,1\ngone.png,east,2\n")
    add_group_keys([image], FileIndex(tmp_path, "mine"))
    assert image.keys == {"site": "north", "day": "1"}


def test_a_missing_image_has_its_keys_too(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("filename,site\ngone.png,east\n")
    image = ImageRecord("gone.png", None)
    add_group_keys([image], FileIndex(tmp_path, "mine"))
    assert image.keys == {"site": "east"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("designs.csv", "image,design\na.png,1\n"),
        ("group/designs.csv", "image,design\na.png,1\n"),
        ("groups.csv", "group,meaning\n1,north\n"),
        ("groups.csv", "image\na.png\n"),
        ("groups.csv", "image,class,xmin,ymin,xmax,ymax,site\na.png,cat,1,2,3,4,north\n"),
    ],
)
def test_other_tables_are_left_alone(tmp_path: Path, name: str, text: str) -> None:
    (image,) = _records(tmp_path, "a.png")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert add_group_keys([image], FileIndex(tmp_path, "mine")) == []
    assert image.keys == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.png,1,2\n", "groups.csv, line 2: 3 cells where the header has 2"),
        ("x/a.png,1\na.png,2\n", "groups.csv, line 3: 'a.png' fits several files: x/a.png, y/a"),
        ("x/a.png,1\nx/a.png,2\n", "groups.csv, line 3: other values for 'x/a.png' than before"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    images = _records(tmp_path, "x/a.png", "y/a.png")
    (tmp_path / "groups.csv").write_text("image,site\n" + rows)
    with pytest.raises(RepriseError, match=f"source 'mine': {message}"):
        add_group_keys(images, FileIndex(tmp_path, "mine"))


def test_the_designs_of_the_sketches(shared_datasets: Path) -> None:
    folder = shared_datasets / "gui_sketch2code"
    dataset = read_labels(customvision, folder, "sketches")
    notes = add_group_keys(dataset.images, FileIndex(folder, "sketches"))
    assert notes == ["derived_design_groups.csv gives design_id of 80 image(s)"]
    assert len({image.keys["design_id"] for image in dataset.images}) == 18
