"""The model families that ``model.type`` may name: one line each, ``module:class``."""

from __future__ import annotations

FAMILIES = {
    "yolo": "reprise.models.yolo.family:Yolo",
    "faster_rcnn": "reprise.models.rcnn.family:FasterRcnn",
    "mask_rcnn": "reprise.models.rcnn.family:MaskRcnn",
    "sam": "reprise.models.sam.family:Sam",
    "detectron2": "reprise.models.detectron2.family:Detectron2",
    "multilabel": "reprise.models.multilabel.family:MultiLabel",
}
