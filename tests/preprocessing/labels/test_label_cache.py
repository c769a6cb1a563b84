"""Labels that have not changed are not read again, and whatever befalls them costs only time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import tiny_coco, write_labels
from formats import strategies
from formats.strategies import images
from preprocessing.cache_helpers import counted, settle_at_once
from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.formats.registry import FORMATS, READ_OPENS_IMAGES
from reprise.formats.source_labels import format_module
from reprise.masks.rle import encode_mask
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.labels import read_labels as module
from reprise.preprocessing.labels.label_cache import LabelCache
from reprise.preprocessing.labels.read_labels import read_labels, read_records, write_records

ENTRY = {"url": "mine", "format": "coco"}


class Place:
    """A source, and runs over it that share what is kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "mine"
        self.folder = root / "kept"
        self.labels = tiny_coco(self.source, 5, ("cat", "dog"))

    def run(self, limit: int = 10**6, names: tuple[str, ...] = ("mine",), **entry: Any) -> Any:
        """The records, classes and notes of the sources."""
        fields = {"sources": {name: {**ENTRY, **entry} for name in names}, "image_size": 64}
        config = DataConfig.model_validate(fields)
        raw = dict.fromkeys(names, self.source)
        cache = LabelCache(self.folder, limit)
        found = read_labels(config, raw, None, self.root / "spool", cache=cache)
        return [
            (list(one.records()), one.count, one.classes, one.notes, one.unlisted) for one in found
        ]

    def entries(self) -> list[Path]:
        """The files of the cached labels."""
        return sorted(self.folder.rglob("*.val"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    settle_at_once(monkeypatch)
    return Place(tmp_path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often labels are really read."""
    return counted(monkeypatch, module, "read_source")


def test_unchanged_labels_are_read_once(place: Place, read: list[int]) -> None:
    assert place.run() == place.run() == place.run()
    assert len(read) == 1


def other_labels(place: Place) -> None:
    place.labels["annotations"].pop()
    write_labels(place.source, place.labels)


def another_image(place: Place) -> None:
    images(place.source / "images")


def an_image_less(place: Place) -> None:
    (place.source / "images" / "0000.png").unlink()


def a_table_of_groups(place: Place) -> None:
    (place.source / "groups.csv").write_text("image,site\nimages/0000.png,north\n")


@pytest.mark.parametrize("change", [other_labels, another_image, an_image_less, a_table_of_groups])
def test_any_other_file_has_them_read_again(
    place: Place, read: list[int], change: Callable[[Place], None]
) -> None:
    before = place.run()
    change(place)
    assert place.run() != before
    assert len(read) == 2


@pytest.mark.parametrize(
    "entry", [{"unlabelled": "drop"}, {"format": "auto"}, {"version": "250101000000"}]
)
def test_another_way_of_reading_has_them_read_again(
    place: Place, read: list[int], entry: dict[str, str]
) -> None:
    place.run()
    place.run(**entry)
    assert len(read) == 2


def test_other_code_has_them_read_again(
    place: Place, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.run()
    monkeypatch.setattr("reprise.preprocessing.labels.label_cache._LIBRARIES", ("numpy",))
    place.run()
    assert len(read) == 2


def test_other_pixels_matter_only_where_a_format_looks_at_them(
    place: Place, read: list[int]
) -> None:
    place.run()
    (place.source / "images" / "0000.png").write_bytes(b"other")
    place.run()
    assert len(read) == 1
    place.run(format="auto")
    (place.source / "images" / "0000.png").write_bytes(b"and another")
    place.run(format="auto")
    assert len(read) == 3


def test_what_changed_a_moment_ago_is_not_kept(
    place: Place, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprise.preprocessing.store.file_state._SETTLED_NS", 10**12)
    assert place.run() == place.run()
    assert len(read) == 2


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1", b"\xff"])
def test_damage_costs_only_time(place: Place, read: list[int], damage: bytes) -> None:
    before = place.run()
    [entry] = place.entries()
    entry.write_bytes(damage)
    assert place.run() == before
    assert len(read) == 2
    assert place.run() == before
    assert len(read) == 2


def test_a_folder_that_cannot_be_made_costs_only_time(place: Place, read: list[int]) -> None:
    place.folder.write_text("in the way")
    assert place.run() == place.run()
    assert len(read) == 2


def test_large_labels_are_not_kept(place: Place, read: list[int]) -> None:
    assert place.run(limit=100) == place.run(limit=100)
    assert len(read) == 2
    assert place.entries() == []


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_formats_look_into_images_only_where_they_say_so(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "written"
    write_labelled(name, images(tmp_path / "pictures"), folder)
    before = strategies.read_labels(format_module(name), folder)
    assert any(image.boxes or image.labels for image in before.images) == (name != "images")
    write_records(before.images, tmp_path / "records")
    assert repr(list(read_records(tmp_path / "records"))) == repr(before.images)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no picture at all")
    after = strategies.read_labels(format_module(name), folder)
    assert (repr(after) == repr(before)) == (name not in READ_OPENS_IMAGES)


def write_labelled(name: str, records: list[ImageRecord], folder: Path) -> None:
    """Write images with an object that fills each, or whatever labels the format can hold."""
    for boxes, labels in ((True, []), (False, ["cat"]), (False, [])):
        folder.mkdir()
        for record in records:
            record.split = "train"
            record.boxes = [filling(record)] if boxes else []
            record.labels = list(labels)
        classes = ["cat"] if boxes or labels else []
        try:
            return format_module(name).write(SourceDataset("mine", records, classes), folder)
        except RepriseError:
            shutil.rmtree(folder)
    raise AssertionError(f"{name} writes no dataset")


def filling(image: ImageRecord) -> BoxRecord:
    """An object that fills the image."""
    assert image.width is not None and image.height is not None
    mask = np.ones((image.height, image.width), dtype=np.uint8)
    xywh = (0.0, 0.0, float(image.width), float(image.height))
    return BoxRecord("cat", xywh, float(mask.sum()), segmentation=encode_mask(mask))


def test_many_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    box = BoxRecord("猫", (0.1, float("inf"), 2**70, 4), 0.5, 1, {"counts": [1, 2]}, "line")
    odd = ImageRecord(
        "ä \ud800.png", tmp_path / "ä.png", 3, None, {"site": "\n"}, True, [box], ["a", "b"], "val",
        True, False, "why",
    )  # fmt: skip
    records = [odd, *(ImageRecord(str(number), None) for number in range(600))]
    write_records(records, tmp_path / "file")
    assert list(read_records(tmp_path / "file")) == records
