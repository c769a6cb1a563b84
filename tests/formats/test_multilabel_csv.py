"""One row is one image; its labels are tags or a column of 0 and 1 for each class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import multilabel_csv
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions, SourceDataset


def _pictures(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(folder / name)


def _table(folder: Path, text: str, name: str = "labels.csv") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def _labels(folder: Path) -> dict[str, list[str]]:
    dataset = read_labels(multilabel_csv, folder)
    assert [image.problem for image in dataset.images] == [""] * len(dataset.images)
    return {image.name: image.labels for image in dataset.images if image.labelled}


@pytest.mark.parametrize(
    "text",
    [
        "image,labels\na.png,cat;big dog\nb.png,\nc.png,cat\n",
        "image,tags\na.png,cat|big dog|cat\nb.png,\nc.png,cat\n",
        'Image,Classes\na.png,"cat, big dog"\nb.png,\nc.png,cat\n',
        "image;labels\na.png;cat,big dog\nb.png;\nc.png;cat\n",
        "image,label\na.png,cat;big dog\nb.png,\nc.png,cat\n",
        "\ufeffimage,cat,big dog\r\na.png,1,1\r\nb.png,0,0\r\nc.png,1,0\r\n",
        "big dog\tfilename\tcat\n1.0\ta.png\t1\n0\tb.png\t0.0\n0\tc.png\t1\n",
    ],
)
def test_every_way_to_write_the_same_labels(tmp_path: Path, text: str) -> None:
    _pictures(tmp_path, "a.png", "b.png", "c.png")
    _table(tmp_path, text)
    found = {name: set(labels) for name, labels in _labels(tmp_path).items()}
    assert found == {"a.png": {"cat", "big dog"}, "b.png": set(), "c.png": {"cat"}}
    assert set(read_labels(multilabel_csv, tmp_path).classes) == {"cat", "big dog"}
    assert multilabel_csv.detect(FileIndex(tmp_path, "mine")) is not None


def test_columns_of_true_and_false_are_classes(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "filename,age,cat,dog\na.png,40,True,FALSE\nb.png,41,no,Yes\n")
    assert _labels(tmp_path) == {"a.png": ["cat"], "b.png": ["dog"]}
    assert read_labels(multilabel_csv, tmp_path).notes == [
        "labels.csv: 2 columns are classes: cat, dog; other columns: age"
    ]


def test_columns_that_are_mostly_blank_are_classes(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png", "c.png", "d.png")
    _table(tmp_path, "path,note,cat,dog\na,old,1.0,\nb,,,\nc,,,nan\nd,new,0.0,1.0\n")
    assert _labels(tmp_path) == {"a.png": ["cat"], "b.png": [], "c.png": [], "d.png": ["dog"]}


@pytest.mark.parametrize(
    ("uncertain", "labels"), [("negative", []), ("positive", ["cat"]), ("drop", [])]
)
def test_uncertain_labels_count_as_the_entry_says(
    tmp_path: Path, uncertain: str, labels: list[str]
) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "image,cat,dog\na.png,1,0\nb.png,-1.0,\n")
    dataset = multilabel_csv.read(FileIndex(tmp_path, "mine"), ReadOptions(uncertain=uncertain))
    first, second = dataset.images
    assert (first.labels, second.labels) == (["cat"], labels)
    assert bool(second.problem) == (uncertain == "drop")
    assert f"data.sources.mine.uncertain is {uncertain}" in dataset.notes[-1]


def test_minus_one_is_no_where_nothing_else_says_it(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "image_id,Smiling,Young\na.png,1,-1\nb.png,-1,1\n")
    assert _labels(tmp_path) == {"a.png": ["Smiling"], "b.png": ["Young"]}
    assert "-1 was taken for no" in read_labels(multilabel_csv, tmp_path).notes[1]


def test_commas_belong_to_the_name_of_a_single_label(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png", "c.png")
    _table(tmp_path, 'image,label\na.png,"tench, Tinca tinca"\nb.png,goldfish\nc.png,goldfish\n')
    found = _labels(tmp_path)
    assert found == {"a.png": ["tench, Tinca tinca"], "b.png": ["goldfish"], "c.png": ["goldfish"]}
    assert (
        "commas in the column label belong to the names"
        in read_labels(multilabel_csv, tmp_path).notes[0]
    )


def test_crosses_in_a_table_of_excel_say_yes(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "sep=;\nimage;cat;dog\na.png;x;\n;;\nb.png;;X\n")
    assert _labels(tmp_path) == {"a.png": ["cat"], "b.png": ["dog"]}


def test_commas_separate_tags_that_recur(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png", "c.png")
    _table(tmp_path, 'image,label\na.png,"cat, dog"\nb.png,dog\nc.png,"bird,cat"\n')
    assert _labels(tmp_path) == {
        "a.png": ["cat", "dog"],
        "b.png": ["dog"],
        "c.png": ["bird", "cat"],
    }


def test_a_label_that_the_list_of_classes_names_is_never_split(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    (tmp_path / "classes.txt").write_text("tench, Tinca tinca\ngoldfish\n")
    _table(tmp_path, 'image,tags\na.png,"tench, Tinca tinca"\nb.png,"goldfish,tench"\n')
    assert _labels(tmp_path) == {"a.png": ["tench, Tinca tinca"], "b.png": ["goldfish", "tench"]}


def test_a_table_of_names_and_labels_needs_no_header(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "a.png,cat\nb.png,dog\n")
    assert _labels(tmp_path) == {"a.png": ["cat"], "b.png": ["dog"]}
    assert read_labels(multilabel_csv, tmp_path).notes == [
        "labels.csv has no header; its columns were taken as filename, label"
    ]


def test_spaces_separate_tags_but_belong_to_a_single_label(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png")
    _table(tmp_path, "image,tags\na.png,clear primary  road\n")
    assert _labels(tmp_path) == {"a.png": ["clear", "primary", "road"]}
    _table(tmp_path, "image,label\na.png,traffic light\n")
    assert _labels(tmp_path) == {"a.png": ["traffic light"]}


def test_a_name_may_lack_its_ending(tmp_path: Path) -> None:
    _pictures(tmp_path, "images/train_0.jpg", "images/v1.2.png")
    _table(tmp_path, "image_name,tags\ntrain_0,cat\nv1.2,dog\n")
    assert _labels(tmp_path) == {"images/train_0.jpg": ["cat"], "images/v1.2.png": ["dog"]}


def test_the_image_of_a_row_may_be_missing_and_an_image_may_have_no_row(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "image,labels\na.png,cat\nlost.png,dog\n")
    dataset = read_labels(multilabel_csv, tmp_path)
    assert [(i.name, i.path is not None, i.labelled) for i in dataset.images] == [
        ("a.png", True, True),
        ("b.png", True, False),
        ("lost.png", False, True),
    ]
    assert dataset.lists_images


def test_classes_in_the_order_of_classes_txt_then_of_columns_then_by_name(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    _table(tmp_path, "image,cat,ant\na.png,0,1\n", "one.csv")
    _table(tmp_path, "image,labels\nb.png,dog;bee\n", "two.csv")
    assert read_labels(multilabel_csv, tmp_path).classes == ["cat", "ant", "bee", "dog"]
    _table(tmp_path, "yak\ndog\n", "classes.txt")
    assert read_labels(multilabel_csv, tmp_path).classes == [
        "yak",
        "dog",
        "cat",
        "ant",
        "bee",
    ]


def test_a_class_may_be_called_label(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png")
    _table(tmp_path, "image,Button,Label\na.png,0,1\n")
    assert _labels(tmp_path) == {"a.png": ["Label"]}
    _table(tmp_path, "image,label,fold\na.png,1,7\n")
    assert _labels(tmp_path) == {"a.png": ["1"]}


def test_other_columns_are_keys_a_split_or_say_that_an_image_was_made(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png")
    rows = "a.png,cat,Validation,yes,north,0\nb.png,dog,,0,,1\n"
    _table(tmp_path, "image,labels,split,synthetic,site,night\n" + rows)
    one, two = read_labels(multilabel_csv, tmp_path).images
    assert (one.split, one.synthetic, one.keys) == ("val", True, {"site": "north", "night": "0"})
    assert (two.split, two.synthetic, two.keys) == (None, False, {"night": "1"})


def test_folders_and_lists_name_splits_too(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "test/b.png")
    _table(tmp_path, "image,labels\na.png,cat\n", "train.csv")
    _table(tmp_path, "image,labels\nb.png,cat\n", "rest.csv")
    splits = [image.split for image in read_labels(multilabel_csv, tmp_path).images]
    assert splits == ["train", "test"]


def test_files_that_agree_are_merged_and_those_that_contradict_refused(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png", "c.png")
    _table(tmp_path, "image,labels\na.png,cat;dog\nb.png,\n", "one.csv")
    _table(tmp_path, "image,cat,dog\na.png,1,1\nc.png,0,1\n", "two.csv")
    assert _labels(tmp_path) == {"a.png": ["cat", "dog"], "b.png": [], "c.png": ["dog"]}
    notes = read_labels(multilabel_csv, tmp_path).notes
    assert notes == [
        "two.csv: 2 columns are classes: cat, dog; other columns: none",
        "1 image(s) are in several of one.csv, two.csv, with the same labels",
    ]
    _table(tmp_path, "image,cat,dog\nc.png,0,1\na.png,1,0\n", "two.csv")
    with pytest.raises(RepriseError) as caught:
        read_labels(multilabel_csv, tmp_path)
    assert caught.value.problem == (
        "source 'mine': two.csv, line 3 gives the image a.png the labels cat, but one.csv, "
        "line 2 gives it cat, dog."
    )


def test_a_cell_that_says_neither_yes_nor_no_is_a_problem_of_its_image(tmp_path: Path) -> None:
    _pictures(tmp_path, "a.png", "b.png", "c.png")
    _table(tmp_path, "image,cat,dog\na.png,1,0\nb.png,2,1\nc.png,0,\n")
    found = {image.name: image for image in read_labels(multilabel_csv, tmp_path).images}
    assert (found["a.png"].labels, found["a.png"].problem) == (["cat"], "")
    assert found["b.png"].problem == (
        "labels.csv, line 3: the column cat holds '2', neither yes nor no (1 or 0)"
    )
    assert (found["c.png"].labels, found["c.png"].problem) == ([], "")  # blank says no
    assert found["b.png"].labels == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,labels\na.png,cat,dog\n", r"line 2: 3 cells where the header has 2"),
        ("image,labels\na.png,cat\n,dog\n", r"line 3: the image name '' has nothing in it"),
        ("image,labels\na.png,cat\na.png,dog\n", r"line 3 gives the image a\.png the labels dog"),
        ('image,labels\na.png,"cat\n', r"labels\.csv, line"),
    ],
)
def test_every_mistake_is_located(tmp_path: Path, text: str, message: str) -> None:
    _pictures(tmp_path, "a.png")
    _table(tmp_path, text)
    with pytest.raises(RepriseError, match=message):
        read_labels(multilabel_csv, tmp_path)


OTHERS = {
    "boxes": "image,label,xmin,ymin,xmax,ymax\na.png,cat,1,2,3,4\n",
    "regions": "filename,region_count,region_id,region_shape_attributes\na.png,1,0,{}\n",
    "groups": "image,design\na.png,1\n",
    "no image": "name,labels\na.png,cat\n",
    "nothing": "",
    "a header of two lines": '"image\n","cat\ndog","a\x0bb"\n1,1\n',
    "numbers": "image,cat,dog\na.png,0.3,0.7\n",
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_tables_are_neither_claimed_nor_read(tmp_path: Path, other: str) -> None:
    _pictures(tmp_path, "a.png")
    _table(tmp_path, OTHERS[other])
    assert multilabel_csv.detect(FileIndex(tmp_path, "mine")) is None
    with pytest.raises(RepriseError, match=r"no CSV file has a column for the image and labels"):
        read_labels(multilabel_csv, tmp_path)
    _table(tmp_path, "image,labels\na.png,cat\n", "tags.csv")
    assert _labels(tmp_path) == {"a.png": ["cat"]}


def test_the_tags_of_the_sketches_in_both_forms(shared_datasets: Path) -> None:
    dataset = read_labels(multilabel_csv, shared_datasets / "gui_sketch2code", "sketches")
    labelled = [image for image in dataset.images if image.labelled]
    assert len(labelled) == 80
    assert Counter(label for image in labelled for label in image.labels) == {
        "Label": 71,
        "Heading": 65,
        "TextBox": 45,
        "Button": 44,
        "Image": 29,
        "Paragraph": 24,
        "RadioButton": 23,
        "CheckBox": 19,
        "ComboBox": 16,
        "Link": 8,
    }
    assert "80 image(s) are in several of derived_multilabel.csv" in dataset.notes[1]


def test_the_tags_of_the_roads_whose_masks_no_row_names(shared_datasets: Path) -> None:
    dataset = read_labels(multilabel_csv, shared_datasets / "road_cracks_potholes", "roads")
    labelled = [image for image in dataset.images if image.labelled]
    assert Counter(tuple(image.labels) for image in labelled) == {
        ("crack",): 6,
        ("crack", "pothole"): 14,
        ("pothole",): 17,
    }
    assert len(dataset.images) - len(labelled) == 111


@pytest.mark.parametrize("key", ["labels", "Filename", "split", " site", "", "xmin"])
def test_a_key_that_would_be_read_as_something_else_is_refused(tmp_path: Path, key: str) -> None:
    (record, *_) = images(tmp_path / "from")
    record.keys = {key: "1"} | ({"ymin": "", "xmax": "", "ymax": ""} if key == "xmin" else {})
    with pytest.raises(RepriseError, match="multilabel_csv cannot hold the key"):
        multilabel_csv.write(SourceDataset("mine", [record], []), tmp_path / "to")


def test_a_semicolon_in_a_class_and_boxes_are_refused(tmp_path: Path) -> None:
    (record, *_) = images(tmp_path / "from")
    with pytest.raises(RepriseError, match="cannot hold the class 'a;b'"):
        multilabel_csv.write(SourceDataset("mine", [record], ["a;b"]), tmp_path / "to")
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match="cannot hold boxes"):
        multilabel_csv.write(SourceDataset("mine", [record], ["cat"]), tmp_path / "to")


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans(), keys=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool, keys: bool
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    drawn = datasets(
        folder / "from", boxes=False, labels=True, splits=splits, keys=keys, unlabelled=not splits
    )
    before = data.draw(drawn)
    for image in before.images:
        image.keys = {key: value for key, value in image.keys.items() if value}
    (folder / "to").mkdir()
    multilabel_csv.write(before, folder / "to")
    after = read_labels(multilabel_csv, folder / "to")
    assert_same(before, after, keys=True)
    assert [image.name for image in after.images] == [image.name for image in before.images]
    assert after.classes == before.classes


# Whatever one line of classes.txt and a cell of tags can hold.
_NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=";"), min_size=1
) | st.sampled_from(["a,b", "a|b", "big dog", '"', "0", "1", "'", "=1+1"])


@settings(max_examples=60)
@given(labels=st.lists(_NAMES, unique=True, max_size=3), value=_NAMES)
def test_names_with_separators_and_quotes_survive(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], value: str
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    (picture_file, *_) = images(folder / "from")
    image = ImageRecord('a "b", c.png', picture_file.path, 64, 48, keys={"site": value})
    image.labels, image.synthetic = labels, True
    (folder / "to").mkdir()
    multilabel_csv.write(SourceDataset("mine", [image], []), folder / "to")
    after = read_labels(multilabel_csv, folder / "to")
    (again,) = after.images
    assert (again.name, again.labels) == (image.name, labels)
    assert (again.keys, again.synthetic) == ({"site": value}, True)
    assert after.classes == labels


@settings(max_examples=100)
@given(
    cells=st.lists(
        st.lists(
            st.sampled_from(["a.png", "image", "labels", "0", "1", '"', "", ";", "\0"])
            | st.text(max_size=3),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_any_content_is_read_or_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    text = "\n".join(",".join(row) for row in cells)
    (folder / "labels.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    multilabel_csv.detect(FileIndex(folder, "mine"))
    try:
        read_labels(multilabel_csv, folder)
    except RepriseError as refusal:
        assert "source 'mine'" in refusal.problem
