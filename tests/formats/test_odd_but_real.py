"""Labels with slips and habits that people report of tools and trainers: read as they are meant,
or refused with what helps; never read as something else.

Every source has twelve pictures of 200 x 160 pixels, which show one cat at BOX.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import picture
from reprise.errors import RepriseError
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.source_labels import read_source

COUNT = 12
SIZE = (200, 160)
BOX = (50.0, 40.0, 70.0, 60.0)
RIM = [50, 40, 120, 40, 120, 100, 50, 100]
CORNERS = "50,40,120,100"
YOLO_LINE = "0 0.425 0.4375 0.35 0.375\n"  # BOX
XML_BOX = "<bndbox><xmin>50</xmin><ymin>40</ymin><xmax>120</xmax><ymax>100</ymax></bndbox>"


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def pictures(folder: Path, name: str = "images/f{:02d}.png", size: tuple[int, int] = SIZE) -> None:
    first = folder / name.format(0)
    first.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(0, *size)).save(first)
    for number in range(1, COUNT):
        shutil.copy(first, folder / name.format(number))


def coco(
    folder: Path,
    *annotations: dict[str, Any],
    name: str = "images/f{:02d}.png",
    sized: bool = True,
    image_id: Callable[[int], object] = int,
    encoding: str = "utf-8",
    cat: str = "cat",
) -> None:
    """A COCO file with the same annotations for each picture."""
    size = {"width": SIZE[0], "height": SIZE[1]} if sized else {}
    content = {
        "images": [{"id": image_id(n), "file_name": name.format(n), **size} for n in range(COUNT)],
        "annotations": [
            {"image_id": n, "category_id": 1, **entry}
            for n in range(COUNT)
            for entry in annotations
        ],
        "categories": [{"id": 1, "name": cat}],
    }
    write(folder / "labels.json", json.dumps(content, ensure_ascii=False), encoding)


def yolo(folder: Path, lines: str, yaml: str = "names: [cat, dog]\n") -> None:
    for number in range(COUNT):
        write(folder / f"labels/f{number:02d}.txt", lines)
    write(folder / "data.yaml", yaml)


def voc(
    folder: Path, inside: str, declared: str = "", encoding: str = "utf-8", cat: str = "cat"
) -> None:
    for number in range(COUNT):
        text = (
            f"{declared}<annotation><filename>f{number:02d}.png</filename><object>"
            f"<name>{cat}</name>{inside}</object></annotation>"
        )
        write(folder / f"Annotations/f{number:02d}.xml", text, encoding)


def labelme(folder: Path, encoding: str, cat: str) -> None:
    for number in range(COUNT):
        shape = {"label": cat, "points": [[50, 40], [120, 100]], "shape_type": "rectangle"}
        content = {"shapes": [shape], "imagePath": f"f{number:02d}.png", "imageData": None}
        write(
            folder / f"images/f{number:02d}.json", json.dumps(content, ensure_ascii=False), encoding
        )


def table(folder: Path, header: str, *rows: str, end: str = "\n") -> None:
    """A CSV file; ``{}`` in a row stands for the number of the picture."""
    lines = [header, *(row.format(n) for n in range(COUNT) for row in rows)]
    write(folder / "labels.csv", end.join(lines) + end)


def masks(folder: Path, pixels: np.ndarray, name: str = "masks/f{:02d}.png") -> None:
    for number in range(COUNT):
        path = folder / name.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def read(folder: Path, encoding: str | None = None) -> SourceDataset:
    return read_source(folder, "mine", "auto", ReadOptions(encoding=encoding))


def labelled(dataset: SourceDataset) -> list[ImageRecord]:
    found = [image for image in dataset.images if image.labelled and image.path]
    assert len(found) == COUNT
    assert [image.problem for image in found] == [""] * COUNT
    return found


def assert_one_cat(dataset: SourceDataset, cat: str = "cat", boxes: Sequence[Any] = (BOX,)) -> None:
    for image in labelled(dataset):
        scale = np.array([*SIZE, *SIZE]) if image.normalised else 1
        assert [box.class_name for box in image.boxes] == [cat] * len(boxes)
        found = np.array([box.xywh for box in image.boxes]) * scale
        np.testing.assert_allclose(found, boxes, atol=1e-4)


def refusal(folder: Path) -> str:
    with pytest.raises(RepriseError) as caught:
        read(folder)
    return f"{caught.value.problem} {caught.value.fix}"


class TestGeometry:
    def test_two_corners_are_no_centre_and_size_though_few_leave_their_images(
        self, tmp_path: Path
    ) -> None:
        pictures(tmp_path)
        yolo(tmp_path, "0 0.1 0.1 0.25 0.3\n0 0.3 0.2 0.5 0.45\n0 0.7 0.6 0.95 0.9\n")
        assert "They would fit as left, top, right, bottom" in refusal(tmp_path)

    @pytest.mark.parametrize("sized", [True, False])
    def test_nor_are_they_left_top_and_size(self, tmp_path: Path, sized: bool) -> None:
        pictures(tmp_path)
        coco(tmp_path, {"bbox": [120, 20, 150, 48]}, {"bbox": [20, 30, 60, 70]}, sized=sized)
        assert "They would fit as left, top, right, bottom" in refusal(tmp_path)

    def test_large_objects_are_what_they_seem(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        coco(tmp_path, {"bbox": [5, 5, 190, 150]})
        assert_one_cat(read(tmp_path), boxes=[(5, 5, 190, 150)])

    def test_boxes_that_end_at_100_may_be_percent(self, tmp_path: Path) -> None:
        pictures(tmp_path, size=(800, 600))
        table(tmp_path, "filename,class,xmin,ymin,xmax,ymax", "f{:02d}.png,cat,70,55,98,97")
        assert "no box goes beyond 98" in "".join(read(tmp_path).notes)

    def test_fractions_among_pixels_are_refused(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        coco(tmp_path, {"bbox": [50, 40, 70, 60]}, {"bbox": [0.25, 0.25, 0.4, 0.5]})
        assert "12 of 24 boxes lie between 0 and 1, as fractions" in refusal(tmp_path)

    def test_degrees_are_no_radians(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        place = "<cx>100</cx><cy>80</cy><w>80</w><h>20</h>"
        voc(tmp_path, f"<robndbox>{place}<angle>90.0</angle></robndbox>")
        assert all("too much for the radians" in image.problem for image in read(tmp_path).images)

    @pytest.mark.parametrize("yaml", ["names: [cat, dog]\n", "names: [cat, dog]\ntask: segment\n"])
    @pytest.mark.parametrize("more", ["", "0 0.2 0.2 0.6 0.2 0.4 0.5 0.7\n"])
    def test_a_confidence_behind_outlines(self, tmp_path: Path, more: str, yaml: str) -> None:
        pictures(tmp_path)
        yolo(tmp_path, f"0 0.2 0.2 0.4 0.1 0.6 0.2 0.6 0.5 0.3 0.5 0.91\n{more}", yaml)
        dataset = read(tmp_path)
        assert "a number behind the outline, a confidence: left out" in "".join(dataset.notes)
        outline = [[0.2, 0.2, 0.4, 0.1, 0.6, 0.2, 0.6, 0.5, 0.3, 0.5]]
        assert all(image.boxes[0].segmentation == outline for image in labelled(dataset))

    @pytest.mark.parametrize("outline", [RIM, [[[50, 40], [120, 40], [120, 100], [50, 100]]]])
    def test_an_outline_as_a_flat_list_or_in_pairs(self, tmp_path: Path, outline: Any) -> None:
        pictures(tmp_path)
        coco(tmp_path, {"bbox": [], "segmentation": outline})
        dataset = read(tmp_path)
        assert_one_cat(dataset)
        assert labelled(dataset)[0].boxes[0].segmentation == [RIM]

    def test_several_boxes_in_one_object_are_as_many(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        voc(tmp_path, XML_BOX + XML_BOX.replace("40", "30"))
        assert_one_cat(read(tmp_path), boxes=[BOX, (50, 30, 70, 70)])

    def test_numbers_and_ids_that_are_text(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        coco(tmp_path, {"bbox": ["50", "40", "70.0", "60"]}, image_id=str)
        assert_one_cat(read(tmp_path))

    def test_decimal_commas_outside_tables(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        voc(tmp_path, XML_BOX.replace("120", "120,0"))
        assert_one_cat(read(tmp_path))


class TestClassNumbers:
    def test_numbers_from_1_beside_names_from_0_are_asked_about(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        yolo(tmp_path, YOLO_LINE.replace("0", "1", 1) + YOLO_LINE.replace("0", "2", 1))
        assert "its class numbers go from 1 to 2" in refusal(tmp_path)

    def test_category_ids_from_0_beside_categories_from_1_are(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        coco(tmp_path, {"bbox": list(BOX), "category_id": 0})
        assert "their category ids go from 0 to 0" in refusal(tmp_path)


class TestNames:
    @pytest.mark.parametrize(
        "written",
        [
            "images/my%20photo%20{:02d}.png",
            "https://bucket.example/set/my%20photo%20{:02d}.png?Expires=36&Signature=a%2Fb",
            "http://localhost:8080/data/local-files/?d=images%2Fmy%20photo%20{:02d}.png",
            "/data/local-files/?d=images/my photo {:02d}.png",
        ],
    )
    def test_web_addresses(self, tmp_path: Path, written: str) -> None:
        pictures(tmp_path, "images/my photo {:02d}.png")
        coco(tmp_path, {"bbox": list(BOX)}, name=written)
        dataset = read(tmp_path)
        assert_one_cat(dataset)
        assert f"{COUNT} image name(s) were matched" in "".join(dataset.notes)

    def test_label_files_that_are_named_like_addresses(self, tmp_path: Path) -> None:
        pictures(tmp_path, "images/my photo {:02d}.png")
        for number in range(COUNT):
            write(tmp_path / f"labels/my%20photo%20{number:02d}.txt", YOLO_LINE)
        write(tmp_path / "classes.txt", "cat\n")
        assert_one_cat(read(tmp_path))

    def test_a_label_file_that_names_another_picture_than_its_own_is_told(
        self, tmp_path: Path
    ) -> None:
        pictures(tmp_path)
        voc(tmp_path, XML_BOX)
        for number in range(COUNT):
            path = tmp_path / f"Annotations/f{number:02d}.xml"
            other = f"f{(number + 1) % COUNT:02d}.png"
            path.write_text(path.read_text().replace(f"f{number:02d}.png", other))
        assert "12 label file(s) are called as one picture and name another" in "".join(
            read(tmp_path).notes
        )


class TestMasks:
    OBJECT = np.pad(np.ones((60, 70), np.uint8), ((40, 60), (50, 80)))

    @pytest.mark.parametrize(
        ("pixels", "name"),
        [
            (OBJECT.astype(np.uint16) * 65_535, "masks/f{:02d}.png"),
            (OBJECT.astype(np.float32), "masks/f{:02d}.tif"),
            (np.dstack([np.full((160, 200, 3), 255, np.uint8), OBJECT * 255]), "masks/f{:02d}.png"),
            (OBJECT * 255, "masks/f{:02d}.png.png"),
            (OBJECT * 255, "imagesannot/f{:02d}.png"),
        ],
        ids=["16 bits", "floats", "alpha", "two endings", "annot"],
    )
    def test_an_object_is_found(self, tmp_path: Path, pixels: np.ndarray, name: str) -> None:
        pictures(tmp_path, "photos/f{:02d}.png" if "annot" not in name else "images/f{:02d}.png")
        if "annot" in name:
            (tmp_path / "images").rename(tmp_path / "train")
            name = name.replace("images", "train")
        else:
            (tmp_path / "photos").rename(tmp_path / "images")
        masks(tmp_path, pixels, name)
        assert_one_cat(read(tmp_path), "class_1")

    def test_colours_of_camvid(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        masks(tmp_path, self.OBJECT[..., None] * np.array([64, 0, 128], np.uint8))
        write(tmp_path / "label_colors.txt", "64 0 128\tcat\n0 0 0\tVoid\n")
        assert_one_cat(read(tmp_path))

    def test_the_folders_of_labelme2voc(self, tmp_path: Path) -> None:
        pictures(tmp_path, "JPEGImages/f{:02d}.png")
        pictures(tmp_path, "SegmentationClassVisualization/f{:02d}.png")
        masks(tmp_path, self.OBJECT, "SegmentationClassPNG/f{:02d}.png")
        write(tmp_path / "class_names.txt", "_background_\ncat\n")
        assert_one_cat(read(tmp_path))


class TestTables:
    @pytest.mark.parametrize(
        "cell", ["\"['cat', 'dog']\"", '"[""cat"", ""dog""]"', "['cat' 'dog']"]
    )
    def test_lists_as_programs_write_them(self, tmp_path: Path, cell: str) -> None:
        pictures(tmp_path)
        table(tmp_path, "filename,labels", f"f{{:02d}}.png,{cell}")
        assert {tuple(image.labels) for image in labelled(read(tmp_path))} == {("cat", "dog")}

    def test_a_row_for_each_label(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        table(tmp_path, "filename,label", "f{:02d}.png,cat", "f{:02d}.png,dog")
        dataset = read(tmp_path)
        assert {tuple(image.labels) for image in labelled(dataset)} == {("cat", "dog")}
        assert "the rows of an image are all its labels" in "".join(dataset.notes)

    @pytest.mark.parametrize(
        ("header", "row"),
        [
            ("filename,class,xmin,ymin,xmax,ymax", f"f{{:02d}}.png,cat,{CORNERS},"),
            ("image_id,class_name,x_min,y_min,x_max,y_max", f"f{{:02d}},cat,{CORNERS}"),
            ("ImageID,LabelName,XMin,XMax,YMin,YMax", "f{:02d},cat,0.25,0.6,0.25,0.625"),
        ],
        ids=["a comma behind", "image_id", "Open Images"],
    )
    def test_boxes(self, tmp_path: Path, header: str, row: str) -> None:
        pictures(tmp_path)
        table(tmp_path, header, row)
        assert_one_cat(read(tmp_path))


class TestEncodings:
    @pytest.mark.parametrize(
        "make",
        [
            lambda folder: labelme(folder, "gb18030", "划痕"),
            lambda folder: coco(folder, {"bbox": list(BOX)}, encoding="gb18030", cat="划痕"),
            lambda folder: voc(folder, XML_BOX, encoding="gb18030", cat="划痕"),
            lambda folder: voc(
                folder, XML_BOX, '<?xml version="1.0" encoding="utf-8"?>', "gb18030", "划痕"
            ),
        ],
        ids=["labelme", "coco", "voc", "voc that says utf-8"],
    )
    def test_a_code_page_is_named_or_asked_for(
        self, tmp_path: Path, make: Callable[[Path], None]
    ) -> None:
        pictures(tmp_path)
        make(tmp_path)
        assert_one_cat(read(tmp_path, "gb18030"), "划痕")
        try:
            told = read(tmp_path).images[0].problem
        except RepriseError as error:
            told = error.problem
        assert "name its code page: encoding in the source's entry" in told

    def test_names_of_classes_in_a_code_page(self, tmp_path: Path) -> None:
        pictures(tmp_path)
        yolo(tmp_path, YOLO_LINE)
        write(tmp_path / "data.yaml", "names: [划痕]\n", "gb18030")
        assert_one_cat(read(tmp_path, "gb18030"), "划痕")
        assert "encoding: gb18030, say" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", '[{"original_width": 9, "from_name": "label"}]', "Label Studio's own JSON"),
        ("a.json", '{"view": {}, "metadata": {}, "x": {"fid_list": []}}', "a project of VIA 3"),
        ("a.json", '[{"Labeled Data": "", "Label": {}}]', "Labelbox's former JSON export"),
        ("a.json", '[{"file_name": "", "bbox_mode": 1}]', "Detectron2's dataset dicts"),
        ("a.json", '[{"annotations": [{"coordinates": {}}]}]', "CreateML"),
        ("a.json", '[{"image_id": 1, "category_id": 1, "bbox": [], "score": 1}]', "COCO results"),
        ("a.xml", "<annotations><version>1.1</version></annotations>", "CVAT for images"),
        ("labelTxt/f00.txt", "gsd:0.1\n1 2 3 4 5 6 7 8 ship 0\n", "DOTA"),
        (
            "label_2/f00.txt",
            "Car 0.00 0 -1.57 50 40 120 100 1.65 1.67 3.64 -0.65 1.71 46.7 -1.59\n",
            "KITTI",
        ),
        ("gt/gt.txt", "1,1,912,484,97,109,0,7,1\n", "MOT"),
        ("f00_json/label_names.txt", "_background_\ncat\n", "json_to_dataset"),
    ],
)
def test_files_of_tools_that_are_not_read_are_named(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    pictures(tmp_path)
    write(tmp_path / name, text)
    message = refusal(tmp_path)
    assert f"{name} is not read: it is of" in message and told in message


def test_folders_named_after_classes_beside_other_files_are_offered(tmp_path: Path) -> None:
    for name in ("cat/f{:02d}.png", "dog/f{:02d}.png"):
        pictures(tmp_path, name)
    write(tmp_path / "class_indices.json", '{"cat": 0, "dog": 1}')
    assert "multilabel_folders: it can be read so: 24 label(s)" in refusal(tmp_path)


def test_folders_of_one_image_each_are_no_classes(tmp_path: Path) -> None:
    for number in range(3):
        for name in ("img", "label"):
            path = tmp_path / f"f{number}_json" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(picture(number)).save(path)
    assert "no known format was found" in refusal(tmp_path)
