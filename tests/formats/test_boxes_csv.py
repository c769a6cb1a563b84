"""CSV files of boxes: what the header says, versions with stamps, and the way back."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import boxes_csv
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.source_labels import read_source

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
TODAY, YESTERDAY = "240131120000", "240130235959"


def _images(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(folder / name)


def _read(folder: Path, text: str, name: str = "boxes.csv") -> SourceDataset:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return read_labels(boxes_csv, folder)


def _boxes(image: ImageRecord) -> list[tuple[str, tuple[float, ...]]]:
    return [(box.class_name, box.xywh) for box in image.boxes]


def test_corners_become_left_top_width_height(tmp_path: Path) -> None:
    _images(tmp_path, "images/a.png")
    dataset = _read(tmp_path, HEADER + "a.png,64,48,cat,1,2,11,22.5\na.png,64,48,dog,0,0,64,48\n")
    (image,) = dataset.images
    assert (image.name, image.path) == ("images/a.png", tmp_path / "images/a.png")
    assert (image.width, image.height, image.labelled, image.problem) == (64, 48, True, "")
    assert _boxes(image) == [("cat", (1, 2, 10, 20.5)), ("dog", (0, 0, 64, 48))]
    assert dataset.classes == ["cat", "dog"]
    assert dataset.lists_images


@pytest.mark.parametrize(
    ("header", "row", "size"),
    [
        ("image,label,x1,y1,x2,y2", "a.png,cat,1,2,11,22", None),
        ("Image_Path,Category,x_min,y_min,x_max,y_max", "a.png,cat,1,2,11,22", None),
        ("path,class_name,left,top,right,bottom", "a.png,cat,1,2,11,22", None),
        ("file_name,class,x,y,w,h,width,height", "a.png,cat,1,2,10,20,64,48", (64, 48)),
        ("filename,class,x,y,width,height", "a.png,cat,1,2,10,20", None),
        ("filename,class,left,top,width,height", "a.png,cat,1,2,10,20", None),
        (
            "filename,class,x,y,width,height,image_width,image_height",
            "a.png,cat,1,2,10,20,64,48",
            (64, 48),
        ),
        (
            "XMin, YMin, XMax, YMax, Label, Filename, Height, Width",
            "1,2,11,22,cat,a.png,48,64",
            (64, 48),
        ),
        ("filename;class;xmin;ymin;xmax;ymax", "a.png;cat;1,0;2;11;22,00", None),
        ("filename\tclass\txmin\tymin\txmax\tymax", "a.png\tcat\t1\t2\t11\t22", None),
        ("\ufefffilename,class,xmin,ymin,xmax,ymax", " a.png, cat, 1, 2, 11, 22", None),
    ],
)
def test_the_header_says_what_the_cells_are(
    tmp_path: Path, header: str, row: str, size: tuple[int, int] | None
) -> None:
    _images(tmp_path, "a.png")
    (image,) = _read(tmp_path, f"{header}\r\n\r\n{row}\r\n").images
    assert image.path is not None
    assert _boxes(image) == [("cat", (1, 2, 10, 20))]
    assert (image.width, image.height) == (size or (None, None))


@pytest.mark.parametrize("cells", [",0,0,0,0", "cat,0,0,0,0", ",,,,", ",0.0,0,0,0"])
def test_a_row_of_zeros_or_nothing_is_an_image_without_objects(tmp_path: Path, cells: str) -> None:
    _images(tmp_path, "a.png")
    (image,) = _read(tmp_path, f"{HEADER}a.png,64,48,{cells}\n").images
    assert (image.boxes, image.labelled, image.problem) == ([], True, "")


def test_a_class_without_coordinates_is_one_of_the_image(tmp_path: Path) -> None:
    _images(tmp_path, "a.png")
    (tmp_path / "boxes.csv").write_text(HEADER + "a.png,64,48,cat,,,,\n")
    dataset = read_source(tmp_path, "mine", "boxes_csv", ReadOptions())
    assert (dataset.images[0].labels, dataset.images[0].boxes) == (["cat"], [])
    assert "1 label(s) have a class and no place" in dataset.notes[0]


def test_what_is_no_number_is_left_to_the_box_rules(tmp_path: Path) -> None:
    (image,) = _read(tmp_path, HEADER + "a.png,,,cat,one,2,,4\n").images
    assert (image.path, image.width) == (None, None)
    assert math.isnan(image.boxes[0].xywh[0]) and math.isnan(image.boxes[0].xywh[2])
    assert image.boxes[0].xywh[1::2] == (2, 2)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a.png,64,48,cat,1,2,3", "boxes.csv, line 3: 7 cells where the header has 8"),
        ("a.png,64,48,big, dog,1,2,3,4", "9 cells where the header has 8"),
        ("a.png,64,48,,1,2,3,4", "line 3: a box without a class"),
        ("a.png,63,48,cat,1,2,3,4", "63 x 48 pixels, but 64 x 48 before"),
        ("a.png,64,tall,cat,1,2,3,4", "height 'tall' is not a positive number"),
        ("a.png,64,-1,cat,1,2,3,4", "height '-1' is not a positive number"),
        ("a.png,64,,cat,1,2,3,4", "the width or the height of the image is missing"),
    ],
)
def test_a_bad_row_is_a_problem_of_its_image_alone(tmp_path: Path, row: str, problem: str) -> None:
    _images(tmp_path, "a.png", "b.png")
    text = HEADER + f"a.png,64,48,cat,1,2,3,4\n{row}\nb.png,64,48,cat,1,2,3,4\n"
    first, second = _read(tmp_path, text).images
    assert problem in first.problem
    assert second.problem == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + '"a.png,64,48,cat,1,2,3,4\n', "boxes.csv, line 2: unexpected end of data"),
        (HEADER.replace("xmin", "é"), "no CSV file has columns for .* boxes.csv: filename"),
        (HEADER + " ,64,48,cat,1,2,3,4\n", "boxes.csv, line 2: the image name ' ' has nothing"),
        ("class,xmin,ymin,xmax,ymax,image\ncat,1\n", "line 2: the row ends before the image's"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(RepriseError, match=message):
        _read(tmp_path, content)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_bytes((HEADER + "ä.png,1,1,cat,1,2,3,4").encode("latin-1"))
    with pytest.raises(RepriseError, match=r"boxes\.csv is not UTF-8 text"):
        read_labels(boxes_csv, tmp_path)


def test_a_folder_without_box_lists_says_what_was_seen(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match=r"no \.csv file at all"):
        read_labels(boxes_csv, tmp_path)
    (tmp_path / "tags.csv").write_text("image,labels\n")
    with pytest.raises(RepriseError, match=r"tags\.csv: image, labels"):
        read_labels(boxes_csv, tmp_path)


def test_other_columns_group_images_if_the_rows_of_each_image_agree(tmp_path: Path) -> None:
    rows = ["a.png,cat,1,2,3,4,7,0.9,", "a.png,cat,2,3,4,5,7,0.8,", "b.png,cat,1,2,3,4,,0.7,x"]
    header = "filename,class,xmin,ymin,xmax,ymax,design_id,score,\n"
    dataset = _read(tmp_path, header + "\n".join(rows))
    assert [image.keys for image in dataset.images] == [{"design_id": "7"}, {}]
    assert dataset.notes == ["not for grouping, for boxes of one image differ in it: score"]


def test_the_split_is_in_a_column_the_lists_name_or_the_images_folder(tmp_path: Path) -> None:
    _images(tmp_path, *(f"{name}.png" for name in "abc"), "val/d.png", "val/e.png")
    header = HEADER.replace("filename", "split,filename")
    (tmp_path / "all.csv").write_text(
        header + "Training,a.png,,,cat,1,2,3,4\nfold 1,val/d.png,,,cat,1,2,3,4\n"
    )
    dataset = _read(tmp_path, HEADER + "b.png,,,cat,1,2,3,4\n", "lists/test.csv")
    found = {image.name: (image.split, image.labelled) for image in dataset.images}
    assert found == {
        "a.png": ("train", True),
        "b.png": ("test", True),
        "c.png": (None, False),
        "val/d.png": ("val", True),
        "val/e.png": ("val", False),
    }


def test_an_image_in_two_splits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(HEADER + "a.png,,,cat,1,2,3,4\nb.png,,,cat,1,2,3,4\n")
    with pytest.raises(RepriseError, match=r"1 image\(s\) are in more than one of test, train: a"):
        _read(tmp_path, HEADER + "a.png,,,cat,1,2,3,4\n", "test.csv")


def test_of_two_files_of_a_name_the_one_near_the_list_is_meant(tmp_path: Path) -> None:
    _images(tmp_path, "north/images/1.png", "south/images/1.png")
    dataset = _read(tmp_path, HEADER + "1.png,,,cat,1,2,3,4\n", "south/labels/boxes.csv")
    assert [image.labelled for image in dataset.images] == [False, True]
    (tmp_path / "south/labels/boxes.csv").unlink()
    images = _read(tmp_path, HEADER + "1.png,,,cat,1,2,3,4\n").images
    assert all("'1.png' fits several files: north/images/1.png, so" in i.problem for i in images)
    assert [image.name for image in images if image.boxes] == ["1.png"]


def test_a_name_cannot_reach_outside_the_source(tmp_path: Path) -> None:
    _images(tmp_path, "secret.png", "mine/a.png")
    text = HEADER + f"../secret.png,,,cat,1,2,3,4\n{tmp_path}/secret.png,,,cat,1,2,3,4\n"
    (tmp_path / "mine/boxes.csv").write_text(text)
    dataset = read_labels(boxes_csv, tmp_path / "mine")
    assert [image.path for image in dataset.images if image.labelled] == [None, None]


def _use_case(folder: Path, name: str = "pothole", **lists: tuple[str, ...]) -> None:
    """One list for each keyword, such as train_240131120000=("a.png",)."""
    for word, listed in lists.items():
        split, stamp = word.split("_")
        path = folder / name / "datasets" / f"{split}_{name}_{stamp}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + "".join(f"{file},,,{name},1,2,3,4\n" for file in listed))


def _splits(dataset: SourceDataset) -> dict[str, str | None]:
    return {image.name: image.split for image in dataset.images if image.labelled}


def test_the_latest_version_of_a_use_case_is_read_with_its_test_list(tmp_path: Path) -> None:
    _images(tmp_path, *(f"pothole/images/{name}.png" for name in "abcd"))
    _use_case(
        tmp_path,
        train_240131120000=("a.png", "b.png"),
        test_240131120000=("c.png",),
        train_240130235959=("a.png", "c.png", "gone.png"),
        test_240130235959=("d.png",),
    )
    dataset = read_labels(boxes_csv, tmp_path)
    assert _splits(dataset) == {
        "pothole/images/a.png": "train",
        "pothole/images/b.png": "train",
        "pothole/images/c.png": "test",
    }
    assert [image.name for image in dataset.images if not image.labelled] == [
        "pothole/images/d.png"
    ]
    assert dataset.notes == [
        f"version {TODAY} of use case pothole: train_pothole_{TODAY}.csv, test_pothole_{TODAY}.csv"
    ]


def test_a_named_version_is_read_where_the_source_is_the_use_case_itself(tmp_path: Path) -> None:
    _images(tmp_path, *(f"pothole/images/{name}.png" for name in "ab"))
    _use_case(tmp_path, train_240131120000=("a.png",), train_240130235959=("b.png",))
    dataset = read_labels(boxes_csv, tmp_path / "pothole", "mine", YESTERDAY)
    assert _splits(dataset) == {"images/b.png": "train"}
    assert dataset.notes == [
        f"version {YESTERDAY} of use case pothole: train_pothole_{YESTERDAY}.csv "
        "(there is no test list of this version)"
    ]


def test_a_version_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    _use_case(tmp_path, train_240131120000=("a.png",), test_240130235959=("b.png",))
    with pytest.raises(RepriseError, match=f"no version 240101000000; it has {YESTERDAY}, {TODAY}"):
        read_labels(boxes_csv, tmp_path, "mine", "240101000000")


def test_a_version_of_lists_without_stamps_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(HEADER)
    with pytest.raises(RepriseError, match=r"there is no version 240131120000"):
        read_labels(boxes_csv, tmp_path, "mine", TODAY)


def test_the_newest_train_list_counts_even_without_a_test_list(tmp_path: Path) -> None:
    _use_case(
        tmp_path,
        train_240130235959=("a.png",),
        test_240130235958=("b.png",),
        test_240131120000=("c.png",),
    )
    dataset = read_labels(boxes_csv, tmp_path)
    assert _splits(dataset) == {"a.png": "train"}
    assert "there is no test list of this version" in dataset.notes[0]
    assert dataset.notes[1] == f"newer, but without a train list: {TODAY}"


def test_train_and_test_of_a_version_that_share_images_are_refused(tmp_path: Path) -> None:
    names = tuple(f"{index}.png" for index in range(7))
    _use_case(tmp_path, train_240131120000=names, test_240131120000=names)
    with pytest.raises(RepriseError, match=r"7 image\(s\).*test, train: 0.png, 1.png.*, 4.png\.\n"):
        read_labels(boxes_csv, tmp_path)


def test_each_use_case_has_its_own_latest_version_and_its_own_images(tmp_path: Path) -> None:
    _images(tmp_path, "pothole/images/1.png", "crack/images/1.png", "crack/images/2.png")
    _use_case(tmp_path, train_240131120000=("1.png", "2.png"))
    _use_case(tmp_path, "crack", train_240130235959=("1.png", "2.png"))
    (tmp_path / "old.csv").write_text(HEADER + "crack/images/1.png,,,old,1,2,3,4\n")
    dataset = read_labels(boxes_csv, tmp_path)
    classes = {image.name: [box.class_name for box in image.boxes] for image in dataset.images}
    assert classes == {
        "crack/images/1.png": ["crack"],
        "crack/images/2.png": ["crack"],
        "pothole/2.png": ["pothole"],  # missing, and not the one of the other use case
        "pothole/images/1.png": ["pothole"],
    }
    assert [note.split(":")[0] for note in dataset.notes] == [
        f"version {YESTERDAY} of use case crack",
        f"version {TODAY} of use case pothole",
        "old.csv is of no version",
    ]


def test_detection_needs_columns_of_boxes(tmp_path: Path) -> None:
    def detected() -> str | None:
        return boxes_csv.detect(FileIndex(tmp_path, "mine"))

    assert detected() is None
    (tmp_path / "tags.csv").write_text("image,labels\na.png,cat;dog\n")
    (tmp_path / "columns.csv").write_text("image,class,cat,dog\na.png,1,0,1\n")
    (tmp_path / "via.csv").write_text(
        "#filename,file_size,file_attributes,region_count,region_id,"
        "region_shape_attributes,region_attributes\n"
    )
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)) * 300)
    (tmp_path / "empty.csv").write_text("")
    assert detected() is None
    (tmp_path / "x.csv").write_text(HEADER)
    assert detected() == "boxes in the columns of x.csv"
    _use_case(tmp_path, "zoo", train_240131120000=())
    assert detected() == f"boxes in the columns of zoo/datasets/train_zoo_{TODAY}.csv"


@settings(max_examples=150)
@given(
    cells=st.lists(
        st.lists(
            st.sampled_from(["a.png", "1", "0", "nan", "-inf", "1e400", '"', "cat", "", "٣", "\0"])
            | st.text(max_size=3),
            min_size=6,
            max_size=9,
        ),
        max_size=4,
    )
)
def test_any_content_is_read_or_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    text = HEADER + "".join(",".join(row) + "\n" for row in cells)
    (folder / "boxes.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_labels(boxes_csv, folder)
    except RepriseError as refusal:
        assert "source 'mine': boxes.csv" in refusal.problem


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    before = data.draw(datasets(folder / "from", splits=splits, unlabelled=not splits))
    (folder / "to").mkdir()
    boxes_csv.write(before, folder / "to")
    after = read_labels(boxes_csv, folder / "to")
    assert_same(before, after, outlines=False)
    assert [image.name for image in after.images] == [image.name for image in before.images]


# Whatever a file name on disk or a person can hold, but for spaces at the ends of a class.
_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0"), min_size=1, max_size=8
)


@settings(max_examples=50)
@given(name=_TEXT, class_name=_TEXT.map(str.strip).filter(bool), value=_TEXT.filter(str.strip))
def test_commas_quotes_and_line_breaks_in_names_survive(
    tmp_path_factory: pytest.TempPathFactory, name: str, class_name: str, value: str
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    (picture_file, *_) = images(folder / "from")
    image = ImageRecord(f"images/_{name}.png", picture_file.path, 64, 48, keys={"site": value})
    image.boxes, image.synthetic = [BoxRecord(class_name, (1.5, 2, 3, 1 / 3))], True
    (folder / "to").mkdir()
    boxes_csv.write(SourceDataset("mine", [image], [class_name]), folder / "to")
    (again,) = read_labels(boxes_csv, folder / "to").images
    assert (again.name, again.keys, again.synthetic) == (image.name, image.keys, True)
    assert again.path == folder / "to" / image.name
    assert again.boxes[0].class_name == class_name
    assert again.boxes[0].xywh == pytest.approx(image.boxes[0].xywh)


@pytest.mark.parametrize(("key", "class_name"), [("XMin", "cat"), ("split", "cat"), ("a", " cat")])
def test_names_that_would_be_read_as_something_else_are_refused(
    tmp_path: Path, key: str, class_name: str
) -> None:
    image = images(tmp_path / "from")[0]
    image.keys, image.boxes = {key: "1"}, [BoxRecord(class_name, (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match=r"boxes_csv cannot hold the (key|class)"):
        boxes_csv.write(SourceDataset("mine", [image], [class_name]), tmp_path / "to")


def test_labels_of_whole_images_are_refused(tmp_path: Path) -> None:
    image = images(tmp_path / "from")[0]
    image.labels = ["cat"]
    with pytest.raises(RepriseError, match="cannot hold labels of whole images"):
        boxes_csv.write(SourceDataset("mine", [image], ["cat"]), tmp_path / "to")


@pytest.mark.parametrize(
    ("rows", "box"),
    [
        ("images/a.png,5,4,12,10,cow\nimages/b.png,,,,,\n", (5, 4, 7, 6)),  # keras-retinanet
        ("images/b.png,,,,,\nimages/a.png,5,4,12,10,cow\n", (5, 4, 7, 6)),
        ("a.png,cow,5,4,12,10\nb.png,,,,,\n", (5, 4, 7, 6)),
        ("a.png,64,48,cow,5,4,12,10\nb.png,64,48,,,,,\n", (5, 4, 7, 6)),
        ("a.png,64,48,5,4,12,10,cow\nb.png,64,48,,,,,\n", (5, 4, 7, 6)),
        ("a.png;5;4,5;12;10,5;cow\nb.png;;;;;\n", (5, 4.5, 7, 6)),
        ("a.png\t5\t40\t7\t6\tcow\nb.png\t\t\t\t\t\n", (5, 40, 7, 6)),  # size, not corners
    ],
)
def test_a_table_without_a_header(tmp_path: Path, rows: str, box: tuple[float, ...]) -> None:
    _images(tmp_path, "images/a.png", "images/b.png")
    dataset = _read(tmp_path, rows)
    one, other = dataset.images
    assert (_boxes(one), _boxes(other)) == ([("cow", box)], [])
    assert other.labelled
    assert "boxes.csv has no header; its columns were taken as filename, " in dataset.notes[0]
    assert boxes_csv.detect(FileIndex(tmp_path, "mine")) is not None
    if "64" in rows:
        assert (one.width, one.height) == (64, 48)


def test_a_table_of_automl(tmp_path: Path) -> None:
    _images(tmp_path, "a.png", "b.png")
    rows = "TRAIN,gs://b/a.png,cow,0.25,0.5,,,0.5,1,,\nTEST,gs://b/b.png,,,,,,,,,\n"
    one, other = _read(tmp_path, rows).images
    assert (one.split, other.split) == ("train", "test")
    assert (_boxes(one), _boxes(other)) == ([("cow", (0.25, 0.5, 0.25, 0.5))], [])


@pytest.mark.parametrize("rows", ["a.png,1,2\n", "a.png,cat,dog,1,2,3,4\n", "a.png\n"])
def test_what_fits_no_rule_stays_unread(tmp_path: Path, rows: str) -> None:
    _images(tmp_path, "a.png")
    with pytest.raises(RepriseError, match="no CSV file has columns"):
        _read(tmp_path, rows)


@pytest.mark.parametrize(
    ("delimiter", "left"),
    [("\t", "1,5"), (";", "1,5"), (",", '"1,5"'), (",", "1.5"), ("\t", "0.001,5")],
)
def test_decimal_commas_with_any_delimiter(tmp_path: Path, delimiter: str, left: str) -> None:
    _images(tmp_path, "a.png")
    lines = [["filename", "class", "xmin", "ymin", "xmax", "ymax"]]
    lines.append(["a.png", "Riß", left, "2", "11", "22"])
    text = "\ufeff" + "\r\n".join(delimiter.join(cells) for cells in lines) + "\r\n"
    dataset = _read(tmp_path, text)
    assert _boxes(dataset.images[0]) == [("Riß", (1.5, 2, 9.5, 20))]
    told = ["commas in coordinates were taken for decimal points"] * ("," in left)
    assert dataset.notes == told


@pytest.mark.parametrize("cells", [",,,,", "nan,nan,NaN,null,NA", "cat,0,0,0,0", ",-1,-1,-1,-1"])
def test_a_row_without_a_box_says_that_there_is_none(tmp_path: Path, cells: str) -> None:
    _images(tmp_path, "a.png")
    (image,) = _read(tmp_path, f"filename,class,xmin,ymin,xmax,ymax\na.png,{cells}\n").images
    assert (image.boxes, image.labelled, image.problem) == ([], True, "")


def test_a_table_in_a_code_page_is_read_by_the_one_that_the_entry_names(tmp_path: Path) -> None:
    _images(tmp_path, "a.png")
    text = "filename,class,xmin,ymin,xmax,ymax\na.png,汽车,1,2,11,22\n"
    (tmp_path / "boxes.csv").write_bytes(text.encode("gb18030"))
    files = FileIndex(tmp_path, "mine", "gb18030")
    assert boxes_csv.read(files, ReadOptions()).classes == ["汽车"]
    with pytest.raises(RepriseError, match="not UTF-8 text") as caught:
        read_labels(boxes_csv, tmp_path)
    assert "data.sources.mine.encoding" in caught.value.fix
    with pytest.raises(RepriseError, match="nor is it ascii"):
        boxes_csv.read(FileIndex(tmp_path, "mine", "ascii"), ReadOptions())
