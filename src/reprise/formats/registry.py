"""The names that ``data.sources.<name>.format`` and ``reprise export`` take, once for all.

This module imports nothing, so that the download stage does not depend on label formats.
"""

from __future__ import annotations

# Module and description, in the order in which `format: auto` lists them.
FORMATS = {
    "coco": "COCO JSON: boxes, polygons, RLE masks, crowds",
    "voc": "Pascal VOC: one XML file an image",
    "yolo": "YOLO: one text file an image, boxes or polygons, with or without data.yaml",
    "labelme": "LabelMe: one JSON file an image",
    "via": "VGG Image Annotator: one JSON or CSV file",
    "customvision": "Azure Custom Vision: one JSON file with tags and regions in fractions",
    "supervisely": "Supervisely: one JSON file an image, in ann/ beside img/",
    "vott": "VoTT: JSON export with assets and regions",
    "labelbox": "Labelbox: NDJSON export, one data row a line",
    "boxes_csv": "CSV of boxes, also as train_{usecase}_{YYMMDDHHmmss}.csv with versions",
    "multilabel_csv": "CSV of labels of whole images: tags or one column a class",
    "multilabel_folders": "folders named label_1+label_2 that hold images",
    "instance_masks": "a folder for each image with one mask picture for each object",
    "label_masks": "one mask picture for each image, or for each image and class",
    "images": "images without labels, as background",
}
# Formats whose `read` opens images, as their labels are image files; no other opens any.
READ_OPENS_IMAGES = frozenset({"instance_masks", "label_masks"})
