"""Inputs as people's tools write them, and what each must give.

The inputs are built by ``../shared/cases/make.py``, which is no part of this repository, and
whose README says what is right. ``python benchmarks/tool_labels.py`` prints the table;
``tests/formats/test_label_cases.py`` holds the readers to it. Every right value is also a
small test of the reader that it is about, which needs nothing from outside.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from reprise.commands.check import as_folder
from reprise.errors import RepriseError
from reprise.formats.records import ReadOptions, SourceDataset
from reprise.formats.source_labels import read_source
from reprise.preprocessing.decode.decoder import BadImageError, read_image
from reprise.preprocessing.labels.clean_labels import CleanedLabels, clean_labels
from reprise.sources.config import LimitsConfig

# Of cases whose numbers are written with few digits, in pixels.
NEAR = 0.02


@dataclass
class Reading:
    """What came of one case.

    Attributes:
        dataset: As its format's reader gave it; None when it was refused.
        images: Labels after the rules, in pixels, of every image that stays.
        dropped: Why the others do not, by name.
        message: The refusal, empty when there was none.
    """

    dataset: SourceDataset | None = None
    images: dict[str, CleanedLabels] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    message: str = ""

    @property
    def notes(self) -> str:
        """All notes of the source."""
        return "; ".join(self.dataset.notes) if self.dataset else ""

    def boxes(self) -> set[tuple[tuple[str, str, bool], ...]]:
        """The boxes of the images, each once: class, place, whether it has an outline."""
        return {
            tuple((b.class_name, place(b.xywh), b.segmentation != "[]") for b in image.boxes)
            for image in self.images.values()
        }

    def describe(self) -> str:
        """What a reader of the table wants to know."""
        if self.dataset is None:
            return f"refused: {' '.join(self.message.split())[:160]}"
        parts = [f"{len(self.images)} images"]
        counts = Counter(box.class_name for i in self.images.values() for box in i.boxes)
        parts += [f"{name} {count}" for name, count in counts.items()]
        first = next(iter(self.images.values()), None)
        for box in first.boxes[:3] if first else ():
            outlined = " outlined" if box.segmentation != "[]" else ""
            parts.append(f"{box.class_name} {place(box.xywh)}{outlined}")
        if self.dropped:
            name, why = next(iter(self.dropped.items()))
            parts.append(f"{len(self.dropped)} dropped ({name}: {why[:60]})")
        return "; ".join(parts)


def place(xywh: Sequence[float]) -> str:
    """A box in pixels, with two digits at most."""
    return " ".join(f"{round(value, 2) + 0:g}" for value in xywh)


def build(make: Path, folder: Path, names: Sequence[str]) -> None:
    """Build some cases, or all of them."""
    subprocess.run(
        [sys.executable, str(make), str(folder), *names], check=True, capture_output=True
    )


def read_case(folder: Path) -> Reading:
    """Read one case as ``reprise check`` and preprocessing do; no image is decoded."""
    zipped = folder / "data.zip"
    try:
        path = zipped if zipped.is_file() else folder / "src"
        with as_folder(path, LimitsConfig()) as (inside, told):
            dataset = read_source(inside, "mine", "auto", ReadOptions())
            dataset.notes.extend(told)
            reading = Reading(dataset)
            _clean(reading)
            return reading
    except RepriseError as error:
        return Reading(message=f"{error.problem} {error.fix}")


def _clean(reading: Reading) -> None:
    assert reading.dataset is not None
    for record in reading.dataset.images:
        if record.problem or record.path is None or not record.labelled:
            reading.dropped[record.name] = record.problem or (
                "not labelled" if record.path else "missing"
            )
            continue
        with Image.open(record.path) as image:
            size = image.size
        try:
            cleaned = clean_labels(record, *size, 1)
        except BadImageError as bad:
            reading.dropped[record.name] = bad.detail
            continue
        if cleaned.lost:
            reading.dropped[record.name] = "; ".join(detail for _, detail in cleaned.notes)
        else:
            reading.images[record.name] = cleaned


Judge = Callable[[Reading], bool]


def same_boxes(images: int, *boxes: str, told: str = "") -> Judge:
    """Every image has exactly these boxes, each ``class: x y w h`` or with ``outlined`` behind.

    Args:
        images: How many images stay; none may be dropped.
        boxes: In the order of the labels.
        told: A word that a note must have.
    """

    def judge(reading: Reading) -> bool:
        wanted = []
        for text in boxes:
            name, _, where = text.partition(": ")
            wanted.append((name, where.removesuffix(" outlined"), where.endswith(" outlined")))
        found = reading.boxes()
        return (
            len(reading.images) == images
            and not reading.dropped
            and len(found) == 1
            and _near(next(iter(found)), tuple(wanted))
            and told.lower() in reading.notes.lower()
        )

    return judge


def _near(
    found: tuple[tuple[str, str, bool], ...], wanted: tuple[tuple[str, str, bool], ...]
) -> bool:
    return len(found) == len(wanted) and all(
        one[0] == other[0]
        and one[2] == other[2]
        and all(
            abs(float(a) - float(b)) <= NEAR
            for a, b in zip(one[1].split(), other[1].split(), strict=True)
        )
        for one, other in zip(found, wanted, strict=True)
    )


def split_counts(**counts: int) -> Judge:
    """So many images in each split that the source gives."""

    def judge(reading: Reading) -> bool:
        images = reading.dataset.images if reading.dataset else []
        return Counter(image.split for image in images) == Counter(counts)

    return judge


def both(*judges: Judge) -> Judge:
    """All of these."""
    return lambda reading: all(judge(reading) for judge in judges)


def whole_image_labels(**counts: int) -> Judge:
    """So many images of each label; underscores stand for spaces."""

    def judge(reading: Reading) -> bool:
        images = reading.dataset.images if reading.dataset else []
        found = Counter(name.replace(" ", "_") for image in images for name in image.labels)
        return found == Counter(counts)

    return judge


def refused(*words: str) -> Judge:
    """Not read, with all of these words in the message."""
    return lambda reading: all(word in reading.message for word in words)


def told(*words: str) -> Judge:
    """All of these words are in the notes."""
    return lambda reading: all(word in reading.notes for word in words)


def objects(images: int, *names: str, near: Sequence[float] = (), within: float = 1.0) -> Judge:
    """So many images have one object of each of these classes, the first one near a box."""

    def judge(reading: Reading) -> bool:
        found = [image.boxes for image in reading.images.values()]
        places = [boxes[0].xywh for boxes in found if boxes]
        off = np.abs(np.array(places) - np.array(near)).max() if places and len(near) else 0.0
        classes = [tuple(box.class_name for box in boxes) for boxes in found]
        return classes == [names] * images and not reading.dropped and off <= within

    return judge


def pictures(judge_one: Callable[[np.ndarray], bool]) -> Judge:
    """Every picture, as decoded, is judged so: uint8, shape (height, width, 3)."""

    def judge(reading: Reading) -> bool:
        images = reading.dataset.images if reading.dataset else []
        paths = [image.path for image in images if image.path]
        return bool(paths) and all(judge_one(read_image(path, 10**6).pixels) for path in paths)

    return judge


@dataclass(frozen=True)
class LabelCase:
    """One input.

    Attributes:
        name: Of its folder.
        right: What it must give, in words.
        judge: Whether a reading is that.
    """

    name: str
    right: str
    judge: Judge


DOG = "dog: 80 48 40 64"
LABEL_CASES = (
    LabelCase(
        "case01_cvat_coco_rotation",
        "polygon of the turned rectangle, box 90 30 20 100, a note",
        same_boxes(20, "ship: 90 30 20 100 outlined", told="rotat"),
    ),
    LabelCase(
        "case02_cvat_voc_rotation",
        "polygon of the turned rectangle, box 90 30 20 100, a note",
        same_boxes(20, "ship: 90 30 20 100 outlined", told="rotat"),
    ),
    LabelCase(
        "case03_xanylabeling_rotation",
        "polygon from the corners, box around it",
        same_boxes(20, "nut: 40 20 84 50 outlined", "nut: 130 100 50 50"),
    ),
    LabelCase(
        "case04_track_conf_id",
        "two boxes an image; extra columns told",
        same_boxes(20, "person: 30 48 40 64", "car: 120 56 60 48", told="column"),
    ),
    LabelCase(
        "case05_pose_2d_no_kpt_shape",
        "box 60 32 80 96 (0.5 0.5 0.4 0.6), told",
        same_boxes(20, "hand: 60 32 80 96", told="keypoint"),
    ),
    LabelCase("case06_savetxt", "dog and cat on each", same_boxes(20, DOG, "cat: 30 32 20 32")),
    LabelCase("case07_darknet_voc", "20 boxes", same_boxes(20, DOG)),
    LabelCase("case07b_capital_folders", "20 boxes", same_boxes(20, DOG)),
    LabelCase(
        "case07c_images_and_labels_split_inside",
        "20 boxes in train and val",
        both(same_boxes(20, DOG), split_counts(train=10, val=10)),
    ),
    LabelCase(
        "case08_coco_no_bbox",
        "boxes from the polygons",
        same_boxes(20, "cell: 50 40 70 60 outlined", "cell: 130 110 50 40 outlined"),
    ),
    LabelCase(
        "case09_labelstudio_paths",
        "matched by the tail of the path, told",
        same_boxes(20, "button: 50 40 70 60", told="20"),
    ),
    LabelCase(
        "case09c_csv_absolute",
        "matched by the tail of the path, told",
        same_boxes(20, "cat: 50 40 70 60", told="20"),
    ),
    LabelCase(
        "case10_extension_case",
        "matched, told",
        same_boxes(20, "button: 50 40 70 60", told="20"),
    ),
    LabelCase("case11_nfd", "matched, told", same_boxes(20, "Riß: 50 40 70 60", told="20")),
    LabelCase(
        "case12_min_is_white_16",
        "8 and 16 bits the same picture, the patch dark",
        both(
            same_boxes(40, "implant: 80 60 40 40"),
            pictures(lambda pixels: int(pixels[60:100, 80:120].max()) < 10),
        ),
    ),
    LabelCase("case13_voc_gb2312", "class 汽车, 20 boxes", same_boxes(20, "汽车: 50 70 100 20")),
    LabelCase(
        "case14_chexpert",
        "eight classes; 1 yes, 0 and blank no, -1 by a stated rule",
        both(
            whole_image_labels(
                No_Finding=9,
                Enlarged_Cardiomediastinum=5,
                Cardiomegaly=8,
                Lung_Opacity=23,
                Edema=9,
                Pleural_Effusion=6,
                Fracture=10,
                Support_Devices=30,
            ),
            told("-1"),
        ),
    ),
    LabelCase(
        "case15_grey_edges_mask",
        "one object an image, its box within 1 px; a note",
        both(objects(20, "class_1", near=(50, 40, 90.25, 85.25)), told("soft edges")),
    ),
    LabelCase(
        "case15b_isic_names", "one object an image", objects(20, "class_1", near=(50, 40, 91, 86))
    ),
    LabelCase(
        "case15c_one_soft_mask",
        "one object an image",
        both(objects(20, "class_1"), told("soft edges")),
    ),
    LabelCase(
        "case16_zip_gbk",
        "names decoded, the guess told",
        both(same_boxes(20, "划痕: 50 40 70 60"), told("gb18030", "缺陷_00.jpg", "encoding")),
    ),
    LabelCase(
        "case16b_zip_sjis_backslash",
        "names decoded, the guess told",
        both(same_boxes(20, "キズ: 80 48 40 64"), told("cp932", "表面_00.jpg", "encoding")),
    ),
    LabelCase(
        "case17_deflate64",
        "a message that names the method and the remedy (its content is no Deflate64)",
        refused("Deflate64", "zip it again"),
    ),
    LabelCase(
        "case18_roboflow_masks",
        "car and road on each",
        both(
            objects(22, "car", "road", near=(20, 20, 70, 60), within=0),
            split_counts(train=14, val=4, test=4),
        ),
    ),
    LabelCase(
        "case19_rolabelimg",
        "polygon, box around it: 90 40 20 80",
        same_boxes(20, "ship: 90 40 20 80 outlined", "ship: 10 10 30 20", told="rotat"),
    ),
    LabelCase(
        "case20_float_nodata",
        "nodata black, the rest over the whole range",
        both(
            same_boxes(20, "house: 80 60 40 40"),
            pictures(lambda pixels: not pixels[:, :10].any() and int(np.ptp(pixels[:, 10:])) > 250),
        ),
    ),
    LabelCase(
        "case22_coco_keypoints_too",
        "boxes of instances, each once",
        same_boxes(20, "person: 50 40 70.2 60 outlined", "dog: 130 110 50 40 outlined"),
    ),
    LabelCase(
        "case23_labelbox_voc_polygon",
        "polygon, box 20 30 60 60",
        same_boxes(20, "head: 20 30 60 60 outlined"),
    ),
    LabelCase(
        "case25_tab_decimal_comma",
        "50.5 40.25 to 120.75 100.5",
        same_boxes(20, "Riss: 50.5 40.25 70.25 60.25"),
    ),
    LabelCase(
        "case26_retinanet_headerless",
        "15 boxes, 5 images without",
        lambda reading: (
            reading.boxes() == {(("cow", "50 40 70 60", False),), ()}
            and [len(image.boxes) for image in reading.images.values()] == [0, 1, 1, 1] * 5
            and not reading.dropped
        ),
    ),
    LabelCase(
        "case27_class_folder_words",
        "three classes",
        both(
            whole_image_labels(train_station=8, test_tube=8, bus_stop=8),
        ),
    ),
    LabelCase(
        "case27b_words_in_split_folders",
        "three classes, three splits",
        both(
            whole_image_labels(bullet_train=18, test_tube=18, bus_stop=18),
            split_counts(train=18, val=18, test=18),
        ),
    ),
    LabelCase(
        "case28_voc_trainval",
        "trainval is train: 14, test 6",
        both(same_boxes(20, "cat: 50 70 100 20"), split_counts(train=14, test=6)),
    ),
    LabelCase(
        "case29_yolo_list_dirs",
        "21 boxes; train 14, val 7",
        both(same_boxes(21, "hole: 80 48 40 64"), split_counts(train=14, val=7)),
    ),
    LabelCase(
        "case30_cityscapes_names",
        "classes 7 and 26",
        both(
            objects(17, "class_7", "class_26", near=(20, 20, 70, 60), within=0),
            split_counts(train=12, val=5),
        ),
    ),
    LabelCase(
        "case31_one_hot_true_false",
        "labels",
        whole_image_labels(cat=9, dog=9, bird=10),
    ),
    LabelCase(
        "case32_imagenet_comma_label",
        "one class with a comma",
        whole_image_labels(goldfish=10, **{"tench,_Tinca_tinca": 10}),
    ),
    LabelCase("case33_all_iscrowd", "20 crowds", same_boxes(20, "cell: 50 40 70 60 outlined")),
    LabelCase(
        "case34_rgb16_12bit",
        "contrast kept",
        both(
            same_boxes(20, "a: 80 48 40 64"),
            pictures(lambda pixels: int(pixels.max()) > 170),
        ),
    ),
    LabelCase(
        "case35_csv_normalised",
        "read as normalised, told",
        same_boxes(20, "cat: 50 40 70 80", told="fraction"),
    ),
    LabelCase(
        "case36_yolo_pixels",
        "read as pixels, told",
        same_boxes(20, "a: 80 48 40 64", told="pixel"),
    ),
    LabelCase("case37_symlinks", "20 boxes", same_boxes(20, "a: 80 48 40 64")),
    LabelCase(
        "case38_coco_normalised",
        "read as normalised, told",
        same_boxes(20, "cell: 50 40 80 80", told="fraction"),
    ),
)
