"""Images without labels are background, and only if somebody says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import images as background
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, SourceDataset


def test_every_image_is_listed_and_none_is_labelled(tmp_path: Path) -> None:
    names = [image.name for image in images(tmp_path)]
    (tmp_path / "labels.json").write_text("{}")
    dataset = read_labels(background, tmp_path)
    assert [image.name for image in dataset.images] == names
    assert not any(image.labelled for image in dataset.images)
    assert not dataset.lists_images  # so that `unlabelled: auto` keeps them
    assert dataset.classes == []


def test_folders_name_the_split(tmp_path: Path) -> None:
    for place in ("train", "Validation/south", "elsewhere"):
        images(tmp_path / place)
    splits = {i.name.split("/")[0]: i.split for i in read_labels(background, tmp_path).images}
    assert splits == {"train": "train", "Validation": "val", "elsewhere": None}


def test_it_is_never_found_out_but_chosen_by_name(tmp_path: Path) -> None:
    images(tmp_path)
    found: object = background.detect(FileIndex(tmp_path, "mine"))  # type: ignore[func-returns-value]
    assert found is None


def test_a_source_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(RepriseError, match=r"source 'mine': no image was found among 1 file"):
        read_labels(background, tmp_path)


def test_labels_are_refused_rather_than_lost(tmp_path: Path) -> None:
    (record, *_) = images(tmp_path)
    dataset = SourceDataset("mine", [record], ["cat"])
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match="cannot hold boxes"):
        background.write(dataset, tmp_path / "to")
    record.boxes, record.labels = [], ["cat"]
    with pytest.raises(RepriseError, match="cannot hold labels of whole images"):
        background.write(dataset, tmp_path / "to")


@settings(max_examples=10)
@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("images")
    before = data.draw(datasets(folder / "from", boxes=False, splits=False))
    for image in before.images:
        image.labelled = False
    background.write(before, folder / "to")
    after = read_labels(background, folder / "to")
    assert_same(before, after)
    assert [image.name for image in after.images] == [image.name for image in before.images]
