"""Parameters of the network, of augmentation and of prediction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from reprise.models.registry import FAMILIES
from reprise.section import Neutral, OneOf, Section
from reprise.weights.config import Weights, known

FamilyName = Annotated[str, OneOf(FAMILIES)]
Chance = Annotated[float, Field(ge=0, le=1), Neutral(0.0)]


class FirstStageConfig(Section):
    """The region proposals of two-stage detectors."""

    anchor_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | None = None
    """Side of the anchors in pixels, the smallest first; null takes the network's own (32 to
    512): smaller for small objects. ResNet has five, one a feature level; MobileNet (nano and
    small) any number, each at every level."""
    anchor_ratios: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = Field(
        default_factory=lambda: [0.5, 1.0, 2.0]
    )
    """Height over width of the anchors; 3 or more for tall objects."""
    max_proposals: Annotated[int, Field(ge=1, le=5000)] = 1000
    """Proposals an image that go on to the second stage; fewer is faster."""
    nms_iou_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """Of two proposals that overlap more than this, the better one is kept."""
    nms_score_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Proposals scoring less than this are dropped."""
    sampled_proposals: Annotated[int, Field(ge=1)] = 512
    """Proposals an image that the second stage is trained on; fewer is faster."""
    localization_loss_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the proposals' box loss."""
    objectness_loss_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the proposals' objectness loss."""


class ModelConfig(Section):
    """The network."""

    type: FamilyName
    """Model family."""
    task: Literal["auto", "detect", "segment", "classify"] = "auto"
    """What is predicted: boxes, masks, or classes of whole images; auto is the family's own."""
    architecture: str = "auto"
    """Network within the family; auto is its default. yolo: yolo11, yolov8, yolo26; faster_rcnn
    and mask_rcnn: fpn, fpn_v2; sam: sam, sam2; detectron2: faster_rcnn, mask_rcnn, retinanet;
    multilabel: resnet, convnext."""
    variant: Literal["nano", "small", "medium", "large", "xlarge"]
    """Size: larger is more accurate and slower."""
    weights: dict[FamilyName, Weights] = Field(default_factory=dict)
    """By family, where training starts: a name (coco, imagenet, sa1b; `reprise weights` lists
    them), none, a path, or url and sha256; a family without an entry starts from random weights."""
    carry_over_classes: Annotated[bool, Neutral(False)] = False
    """Classes of the dataset that the weights know by the same name start from what they say of
    it: COCO's car stays a car. yolo's nano cannot, for its class head is narrower with fewer
    classes."""
    freeze: Annotated[Literal["none", "backbone"], Neutral("none")] = "none"
    """backbone: only the head is trained, or, with training.unfreeze_after, trained first."""
    first_stage: Annotated[FirstStageConfig, Neutral(FirstStageConfig())] = FirstStageConfig()
    """Two-stage detectors (faster_rcnn, mask_rcnn, detectron2) only."""
    point_prompts: Chance = 0.0
    """sam only: share of the training prompts that are a point in the object; the others are its
    box, a little moved. It is evaluated with boxes: 0.5 if people will click as well."""
    nms_iou: Annotated[float, Field(gt=0, lt=1)]
    """Of two boxes of one class that overlap more than this, the better one is kept."""
    max_detections: Annotated[int, Field(ge=1, le=1000)]
    """At most so many detections an image."""

    @field_validator("weights", mode="before")
    @classmethod
    def _emptied(cls, weights: object) -> object:
        # `weights:` with nothing below it.
        return {} if weights is None else weights

    @field_validator("weights")
    @classmethod
    def _known(cls, weights: dict[str, Weights]) -> dict[str, Weights]:
        return {family: known(family, entry) for family, entry in weights.items()}


class AugmentationConfig(Section):
    """Random changes to training images; validation and test images are never changed."""

    enabled: bool
    """false switches every change below off."""
    mosaic: Chance
    """Chance that four images are tiled into one."""
    close_mosaic_epochs: Annotated[int, Field(ge=0)]
    """The last so many epochs go without mosaic, copy-paste and mixup, on images as they really
    look."""
    mixup: Chance
    """Chance that two images are blended."""
    copy_paste: Chance = 0.0
    """Chance that objects of another image are pasted in by their masks; yolo with model.task:
    segment only."""
    flip_horizontal: Chance
    """Chance of a left-right mirror; 0 where left and right mean something."""
    flip_vertical: Chance
    """Chance of an upside-down mirror; for aerial and microscope images."""
    rotation: Annotated[float, Field(ge=0, le=180), Neutral(0.0)]
    """Turn by up to so many degrees either way."""
    translation: Annotated[float, Field(ge=0, le=0.9), Neutral(0.0)]
    """Shift by up to this fraction of the image."""
    scale: Annotated[float, Field(ge=0, lt=1), Neutral(0.0)]
    """Zoom by up to this fraction in or out."""
    hue: Chance
    """Shift hue by up to this fraction of the circle."""
    saturation: Chance
    """Change saturation by up to this fraction."""
    brightness: Chance
    """Change brightness by up to this fraction."""
    contrast: Chance = 0.0
    """Change contrast by up to this fraction."""
    blur: Chance = 0.0
    """Chance of a slight Gaussian blur."""
    noise: Chance = 0.0
    """Chance of slight Gaussian noise."""


class PredictionConfig(Section):
    """How the trained model is run over val and test."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
    """auto takes the GPU when there is one."""
    batch_size: Annotated[int, Field(ge=1)]
    """Images at a time; lower it if memory runs out."""
