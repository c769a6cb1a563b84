"""The real datasets beside the project: the entry each needs, and what its card says of it.

The numbers are those of each dataset's SOURCE.md. They are checked by
``tests/preprocessing/test_real_datasets.py``, and whole runs over them print the table of
``docs/datasets.md`` (``python benchmarks/datasets.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Small sets, and sets of few classes in some split: the gate only has to see that it is one.
SMALL_SET: dict[str, Any] = {
    "model.weights": {},
    "synthetic.generator": "none",
    "data.split.group_by": [],
    "expectations.min_images": {"train": 1, "val": 1, "test": 1},
    "expectations.min_boxes_per_class": {"train": 0, "val": 0, "test": 0},
    "expectations.max_class_imbalance": 10_000,
    "expectations.max_size_shift": 100,
    "expectations.max_background": 1.0,
}


@dataclass(frozen=True)
class RealDataset:
    """One dataset and what is known of it.

    Attributes:
        folder: Below ``../shared/datasets``.
        entry: What its entry in ``data.sources`` says beside the url.
        images: Images that its card counts.
        boxes: Boxes of each class that its card counts, for detection.
        labels: Images of each label that its card counts, for labels of whole images.
        rejected: Rows of the ledger by rule that its flaws must give.
        params: Further parameters by dotted name.
        with_source: Another dataset that it is mixed with, where it cannot stand alone.
        ends_with: The message with which the run must end, for a set that cannot be trained.
    """

    folder: str
    entry: dict[str, Any] = field(default_factory=dict)
    images: int = 0
    boxes: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    with_source: str = ""
    ends_with: str = ""

    @property
    def name(self) -> str:
        """Folder and format, to tell two readings of one folder apart."""
        return f"{self.folder} as {self.entry.get('format', 'auto')}"


SKETCHES = {
    "Label": 441, "Heading": 150, "TextBox": 137, "Image": 85, "CheckBox": 77,
    "Button": 73, "Paragraph": 72, "RadioButton": 72, "ComboBox": 37, "Link": 14,
}  # fmt: skip
SKETCH_TAGS = {
    "Label": 71, "Heading": 65, "TextBox": 45, "Button": 44, "Image": 29,
    "Paragraph": 24, "RadioButton": 23, "CheckBox": 19, "ComboBox": 16, "Link": 8,
}  # fmt: skip
WIDGETS = {
    "textview": 23, "combinedbutton": 14, "textbutton": 11, "iconbutton": 10, "imageview": 5,
    "inputbox": 1,
}  # fmt: skip
CELLS = {"RBC": 1683, "Platelets": 165, "WBC": 153}
BY_DESIGN = {"data.split.group_by": ["design_id"]}
# What a run over labels of whole images asks for.
LABELS = {
    "model.type": "multilabel",
    "validation.metrics": ["mAP", "f1", "exact_match"],
    "training.early_stopping.metric": "mAP",
}

REAL_DATASETS = (
    RealDataset("bccd_voc", images=147, boxes=CELLS, rejected={"box_empty": 1}),
    RealDataset(
        "coco_polygons_car_tree_bug",
        images=9,
        boxes={"bug": 8, "car": 7, "tree": 7},
        rejected={"image_size_rescaled": 1},
    ),
    RealDataset(
        "eval_small_polygons", images=3, boxes={"cloud": 3, "heart": 3, "star": 2, "arrow": 1}
    ),
    # Two images alone do not fill three splits.
    RealDataset("gui_screens_labelme", images=2, boxes=WIDGETS, with_source="bccd_voc"),
    RealDataset(
        "gui_sketch2code", {"format": "customvision"}, 80, SKETCHES, SKETCH_TAGS, params=BY_DESIGN
    ),
    RealDataset(
        "gui_sketch2code",
        {"format": "multilabel_csv"},
        80,
        labels=SKETCH_TAGS,
        params=BY_DESIGN | LABELS,
    ),
    RealDataset("nuclei_dsb2018", {"format": "instance_masks"}, 21, {"object": 976}),
    RealDataset(
        "nuclei_dsb2018",
        {"format": "coco"},
        21,
        {"nucleus": 976},
        rejected={"image_unlisted": 976},
    ),
    RealDataset(
        "road_cracks_potholes",
        {"format": "coco"},
        37,
        {"pothole": 102},
        rejected={"image_unlisted": 111},
    ),
    RealDataset(
        "road_cracks_potholes",
        {"format": "label_masks"},
        37,
        # Its card counts potholes alone; cracks and lanes are what the same rule finds.
        {"pothole": 102, "crack": 458, "lane": 37},
        # Cracks as thresholds find them are mostly specks, which the gate asks about.
        params={"expectations.max_rejected": 0.9},
    ),
    RealDataset(
        "road_cracks_potholes",
        {"format": "multilabel_csv"},
        37,
        labels={"crack": 20, "pothole": 31},
        params=LABELS,
    ),
    RealDataset("raw_exif_orientation", {"format": "images"}, 9, with_source="bccd_voc"),
    RealDataset(
        "raw_pillow_images",
        {"format": "images"},
        53,
        with_source="bccd_voc",
        # A third of these files is broken on purpose.
        params={"expectations.max_rejected": 0.5},
    ),
    RealDataset(
        "eval_coco_val2014_100",
        images=100,
        rejected={"image_missing": 100},
        ends_with="no usable image is left",
    ),
)
