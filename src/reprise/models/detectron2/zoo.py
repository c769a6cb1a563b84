"""Our parameters as a configuration of Detectron2's model zoo.

Imports Detectron2, which is optional: only :mod:`reprise.models.detectron2.family` imports this
module, and only when such a model is built.
"""

from __future__ import annotations

import logging
from importlib.resources import as_file, files
from typing import Any

from detectron2.config import CfgNode, get_cfg

from reprise.errors import RepriseError
from reprise.models.config import FirstStageConfig, ModelConfig

ZOO = {
    "faster_rcnn": "COCO-Detection/faster_rcnn_{}_3x.yaml",
    "mask_rcnn": "COCO-InstanceSegmentation/mask_rcnn_{}_3x.yaml",
    "retinanet": "COCO-Detection/retinanet_{}_3x.yaml",
}
RESNEXT = "X_101_32x8d_FPN"
# The zoo has nothing smaller than ResNet-50: the two smaller variants change its
# configuration by the values below.
VARIANTS = {
    "nano": "R_50_FPN",
    "small": "R_50_FPN",
    "medium": "R_50_FPN",
    "large": "R_101_FPN",
    "xlarge": RESNEXT,
}
CHANGES: dict[str, dict[str, Any]] = {
    "nano": {
        "MODEL.RESNETS.DEPTH": 18,
        "MODEL.RESNETS.RES2_OUT_CHANNELS": 64,
        "MODEL.FPN.OUT_CHANNELS": 64,
        "MODEL.ROI_BOX_HEAD.FC_DIM": 256,
        "MODEL.ROI_MASK_HEAD.CONV_DIM": 64,
        # Drawn as small as they are for 256 channels, the narrow head's weights would let
        # hardly any signal through.
        "MODEL.RETINANET.NORM": "GN",
    },
    "small": {"MODEL.RESNETS.DEPTH": 34, "MODEL.RESNETS.RES2_OUT_CHANNELS": 64},
}
# A low threshold: average precision needs the whole curve.
MINIMUM_SCORE = 0.01
# RetinaNet's anchors: at each level three sizes, a third of an octave apart.
OCTAVES = tuple(2 ** (k / 3) for k in range(3))


def zoo_config(config: ModelConfig, architecture: str, classes: int) -> CfgNode:
    """The configuration that Detectron2 builds the network from.

    Batch norms learn their statistics when the network starts from random weights. With
    starting weights they are frozen (Detectron2's FrozenBN), as in the model zoo: a few
    images a batch would spoil statistics of many.

    Args:
        config: The network's parameters.
        architecture: faster_rcnn, mask_rcnn or retinanet.
        classes: Number of classes, without the background.

    Raises:
        RepriseError: Anchor sizes do not fit the feature levels, or a first-stage parameter
            is set for RetinaNet, which has one stage.
    """
    cfg = _zoo_file(architecture, config.variant)
    _set(cfg, CHANGES.get(config.variant, {}))
    frozen = config.weights.get("detectron2") is not None
    first = config.first_stage
    values: dict[str, Any] = {
        "MODEL.DEVICE": "cpu",
        "MODEL.WEIGHTS": "",
        # model.freeze and training.unfreeze_after decide what is held still.
        "MODEL.BACKBONE.FREEZE_AT": 0,
        "MODEL.RESNETS.NORM": "FrozenBN" if frozen else "BN",
        "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS": [first.anchor_ratios],
        "TEST.DETECTIONS_PER_IMAGE": config.max_detections,
    }
    if architecture == "retinanet":
        _check_one_stage(first)
        levels = cfg.MODEL.RETINANET.IN_FEATURES
        values |= {
            "MODEL.RETINANET.NUM_CLASSES": classes,
            "MODEL.RETINANET.NMS_THRESH_TEST": config.nms_iou,
            "MODEL.RETINANET.SCORE_THRESH_TEST": MINIMUM_SCORE,
        }
    else:
        levels = cfg.MODEL.RPN.IN_FEATURES
        values |= {
            "MODEL.ROI_HEADS.NUM_CLASSES": classes,
            "MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE": first.sampled_proposals,
            "MODEL.ROI_HEADS.NMS_THRESH_TEST": config.nms_iou,
            "MODEL.ROI_HEADS.SCORE_THRESH_TEST": MINIMUM_SCORE,
            "MODEL.RPN.NMS_THRESH": first.nms_iou_threshold,
            "MODEL.RPN.POST_NMS_TOPK_TRAIN": first.max_proposals,
            "MODEL.RPN.POST_NMS_TOPK_TEST": first.max_proposals,
            "MODEL.RPN.PRE_NMS_TOPK_TRAIN": max(
                cfg.MODEL.RPN.PRE_NMS_TOPK_TRAIN, first.max_proposals
            ),
            "MODEL.RPN.PRE_NMS_TOPK_TEST": max(
                cfg.MODEL.RPN.PRE_NMS_TOPK_TEST, first.max_proposals
            ),
        }
    if first.anchor_sizes:
        values["MODEL.ANCHOR_GENERATOR.SIZES"] = _anchor_sizes(
            first.anchor_sizes, OCTAVES if architecture == "retinanet" else (1.0,), levels
        )
    _set(cfg, values)
    cfg.freeze()
    return cfg


def _zoo_file(architecture: str, variant: str) -> CfgNode:
    """A configuration of the zoo, from the installed package: nothing is fetched."""
    backbone = VARIANTS[variant]
    resnext = architecture == "retinanet" and backbone == RESNEXT
    cfg = _read(ZOO[architecture].format("R_101_FPN" if resnext else backbone))
    if resnext:
        # The zoo has no RetinaNet on ResNeXt: it gets the backbone of its Faster R-CNN.
        donor = _read(ZOO["faster_rcnn"].format(RESNEXT)).MODEL
        for name in ("NUM_GROUPS", "WIDTH_PER_GROUP", "STRIDE_IN_1X1"):
            cfg.MODEL.RESNETS[name] = donor.RESNETS[name]
        cfg.MODEL.PIXEL_STD = donor.PIXEL_STD
    return cfg


def _read(name: str) -> CfgNode:
    cfg = get_cfg()
    log = logging.getLogger("fvcore.common.config")
    level = log.level
    # It warns that a YAML file may run code. RetinaNet's does, to compute its anchor sizes;
    # these files are part of the package and no less trusted than its modules.
    log.setLevel(logging.ERROR)
    try:
        with as_file(files("detectron2") / "model_zoo" / "configs") as folder:
            cfg.merge_from_file(str(folder / name))
    finally:
        log.setLevel(level)
    return cfg


def _set(cfg: CfgNode, values: dict[str, Any]) -> None:
    cfg.merge_from_list([item for pair in values.items() for item in pair])


def _anchor_sizes(
    sizes: list[int], factors: tuple[float, ...], levels: list[str]
) -> list[list[float]]:
    if len(sizes) != len(levels):
        raise RepriseError(
            f"model.first_stage.anchor_sizes: {len(sizes)} sizes for {len(levels)} feature levels.",
            f"give {len(levels)} sizes, the smallest first, or none for the network's own.",
        )
    return [[size * factor for factor in factors] for size in sizes]


def _check_one_stage(first: FirstStageConfig) -> None:
    """RetinaNet predicts boxes from anchors at once: it has no proposals to choose from."""
    used = {"anchor_sizes", "anchor_ratios"}
    neutral = FirstStageConfig().model_dump()
    wanted = [
        f"model.first_stage.{name} (set it to {neutral[name]})"
        for name, value in first.model_dump().items()
        if name not in used and value != neutral[name]
    ]
    if wanted:
        raise RepriseError(
            f"model.architecture: retinanet has no proposals and does not support "
            f"{', '.join(wanted)}.",
            "of model.first_stage it supports anchor_sizes and anchor_ratios.",
        )
