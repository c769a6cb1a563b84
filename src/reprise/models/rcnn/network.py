"""Faster and Mask R-CNN from torchvision's parts, giving losses and detections in one pass.

Ren et al., Faster R-CNN (2015); He et al., Mask R-CNN (2017); feature pyramids of Lin et al.
(2017). The names in the state dict are torchvision's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import get_model
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _mobilenet_extractor, _resnet_fpn_extractor
from torchvision.models.detection.faster_rcnn import (
    FastRCNNConvFCHead,
    FastRCNNPredictor,
    TwoMLPHead,
)
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import (
    RoIHeads,
    fastrcnn_loss,
    maskrcnn_inference,
    maskrcnn_loss,
)
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from reprise.models.config import FirstStageConfig, ModelConfig

BACKBONES = {
    "nano": "mobilenet_v3_small",
    "small": "mobilenet_v3_large",
    "medium": "resnet50",
    "large": "resnet101",
    "xlarge": "resnet152",
}
# A low threshold: average precision needs the whole curve.
MINIMUM_SCORE = 0.01
CHANNELS = 256  # of the feature pyramid, and of the heads' convolutions

Target = dict[str, Tensor]
Detections = list[dict[str, Tensor]]


class Detector(nn.Module):
    """Backbone, region proposals and heads, giving losses and detections.

    Args:
        backbone: Gives feature maps by level.
        rpn: Gives proposals.
        roi_heads: Classify the proposals, move their sides and draw their masks.
        first_stage: Weights of the proposals' losses.
    """

    def __init__(
        self,
        backbone: nn.Module,
        rpn: Proposals,
        roi_heads: Heads,
        first_stage: FirstStageConfig,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads
        self._objectness_weight = first_stage.objectness_loss_weight
        self._localization_weight = first_stage.localization_loss_weight

    def forward(
        self,
        images: Tensor,
        sizes: list[tuple[int, int]],
        targets: list[Target] | None = None,
    ) -> tuple[dict[str, Tensor], Detections]:
        """Run the network once.

        Args:
            images: Float32 (n, 3, h, w), normalised; h and w multiples of STRIDE.
            sizes: (height, width) of each image without its padding, which lies at the right
                and below.
            targets: Of each image ``boxes`` float32 (k, 4) xyxy in pixels, each with a
                positive width and height, ``labels`` int64 (k,) from 1 and, for masks,
                ``masks`` uint8 (k, h, w); None for no losses.

        Returns:
            The loss parts, and, in evaluation mode, of each image ``boxes`` (k, 4) xyxy in
            pixels, ``labels`` (k,) from 1, ``scores`` (k,) and, with masks, ``masks``
            (k, 1, 28, 28), probabilities inside the box.
        """
        batch = ImageList(images, sizes)
        # In full precision from here: bf16 is exact for whole pixels up to 256 only.
        features = {name: level.float() for name, level in self.backbone(images).items()}
        proposals, first = self.rpn(batch, features, targets)
        detections, second = self.roi_heads(features, proposals, sizes, targets)
        if targets is None:
            return {}, detections
        losses = {
            "objectness": first["loss_objectness"] * self._objectness_weight,
            "rpn_box": first["loss_rpn_box_reg"] * self._localization_weight,
        }
        return losses | second, detections

    def counts(self) -> dict[str, Tensor]:
        """What each part of the last losses was divided by."""
        first, second = self.rpn.fg_bg_sampler, self.roi_heads.fg_bg_sampler
        counts = {
            "objectness": first.chosen,
            "rpn_box": first.chosen,
            "class": second.chosen,
            "box": second.chosen,
        }
        return counts | ({"mask": second.positives} if self.roi_heads.has_mask() else {})


class FullPrecisionHead(RPNHead):
    """The proposals' head; what it says is float32 under autocast too."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        objectness, moves = super().forward(x)
        return [level.float() for level in objectness], [level.float() for level in moves]


class Proposals(RegionProposalNetwork):
    """Region proposals that give their losses in evaluation mode too."""

    training: bool
    fg_bg_sampler: CountingSampler

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[Target] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        mode = self.training
        # The library computes losses where this flag of its own is set; the modules inside
        # keep theirs, and both modes propose alike.
        self.training = targets is not None
        try:
            found: tuple[list[Tensor], dict[str, Tensor]] = super().forward(
                images, features, targets
            )
            return found
        finally:
            self.training = mode


class Heads(RoIHeads):
    """The second stage: losses wherever there are targets, detections in evaluation mode."""

    label_smoothing = 0.0
    fg_bg_sampler: CountingSampler

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[Target] | None = None,
    ) -> tuple[Detections, dict[str, Tensor]]:
        losses = {}
        if targets is not None:
            losses = self._losses(features, proposals, image_shapes, targets)
        detections = [] if self.training else self._detect(features, proposals, image_shapes)
        return detections, losses

    def _losses(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        shapes: list[tuple[int, int]],
        targets: list[Target],
    ) -> dict[str, Tensor]:
        chosen, matched, labels, moves = self.select_training_samples(proposals, targets)
        logits, predicted = self._boxes(features, chosen, shapes)
        _, box = fastrcnn_loss(logits, predicted, labels, moves)
        losses = {
            "class": functional.cross_entropy(
                logits, torch.cat(labels), label_smoothing=self.label_smoothing
            ),
            "box": box,
        }
        if self.has_mask():
            # Only proposals on an object have a mask to learn.
            objects = [torch.where(of_image > 0)[0] for of_image in labels]
            boxes = [of_image[index] for of_image, index in zip(chosen, objects, strict=True)]
            losses["mask"] = maskrcnn_loss(
                self._masks(features, boxes, shapes),
                boxes,
                [target["masks"] for target in targets],
                [target["labels"] for target in targets],
                [of_image[index] for of_image, index in zip(matched, objects, strict=True)],
            )
        return losses

    def _detect(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        shapes: list[tuple[int, int]],
    ) -> Detections:
        logits, moves = self._boxes(features, proposals, shapes)
        found = self.postprocess_detections(logits, moves, proposals, shapes)
        detections = [
            {"boxes": boxes, "scores": scores, "labels": labels}
            for boxes, scores, labels in zip(*found, strict=True)
        ]
        if self.has_mask():
            boxes, _, labels = found
            masks = maskrcnn_inference(self._masks(features, boxes, shapes), labels)
            for detection, probabilities in zip(detections, masks, strict=True):
                detection["masks"] = probabilities
        return detections

    def _boxes(
        self, features: dict[str, Tensor], boxes: list[Tensor], shapes: list[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Class logits (k, classes + 1) and box moves (k, 4 x (classes + 1)), float32."""
        pooled = self.box_roi_pool(features, boxes, shapes)
        logits, moves = self.box_predictor(self.box_head(pooled))
        return logits.float(), moves.float()

    def _masks(
        self, features: dict[str, Tensor], boxes: list[Tensor], shapes: list[tuple[int, int]]
    ) -> Tensor:
        """Mask logits (k, classes + 1, 28, 28), float32."""
        pooled = self.mask_roi_pool(features, boxes, shapes)
        logits: Tensor = self.mask_predictor(self.mask_head(pooled))
        return logits.float()


def build_detector(
    config: ModelConfig,
    architecture: str,
    sizes: tuple[tuple[int, ...], ...],
    classes: int,
    masks: bool,
    pretrained: bool,
) -> Detector:
    """A network with random weights.

    Args:
        config: The ``model`` section.
        architecture: ``fpn``, or ``fpn_v2`` with deeper, normalised heads (Li et al.,
            Benchmarking Detection Transfer Learning with Vision Transformers, 2021).
        sizes: Sides of the anchors by feature level, in pixels.
        classes: Without background, which is added as class 0.
        masks: Whether it draws masks.
        pretrained: Whether starting weights will be loaded. Batch norms are then frozen, as
            small batches would spoil their statistics; random weights need them to learn at
            all. ``fpn_v2`` was published with trained norms, and always has them.
    """
    first = config.first_stage
    deep = architecture == "fpn_v2"
    backbone = _backbone(config.variant, deep, pretrained)
    ratios = (tuple(first.anchor_ratios),) * len(sizes)
    anchors = AnchorGenerator(sizes, ratios)
    per_place = anchors.num_anchors_per_location()[0]
    rpn = Proposals(
        anchors,
        FullPrecisionHead(CHANNELS, per_place, conv_depth=2 if deep else 1),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n=dict.fromkeys(("training", "testing"), 2 * first.max_proposals),
        post_nms_top_n=dict.fromkeys(("training", "testing"), first.max_proposals),
        nms_thresh=first.nms_iou_threshold,
        score_thresh=first.nms_score_threshold,
    )
    norm = nn.BatchNorm2d if deep else None
    levels = ["0", "1", "2", "3"]  # where they are; the coarsest level proposes only
    box_head = (
        FastRCNNConvFCHead((CHANNELS, 7, 7), [CHANNELS] * 4, [1024], norm_layer=norm)
        if deep
        else TwoMLPHead(CHANNELS * 7**2, 1024)
    )
    mask_parts: dict[str, Any] = {}
    if masks:
        mask_parts = {
            "mask_roi_pool": MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
            "mask_head": MaskRCNNHeads(CHANNELS, [CHANNELS] * 4, 1, norm_layer=norm),
            "mask_predictor": MaskRCNNPredictor(CHANNELS, CHANNELS, classes + 1),
        }
    heads = Heads(
        MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        box_head,
        FastRCNNPredictor(1024, classes + 1),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=first.sampled_proposals,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=MINIMUM_SCORE,
        nms_thresh=config.nms_iou,
        detections_per_img=config.max_detections,
        **mask_parts,
    )
    for stage in (rpn, heads):
        stage.fg_bg_sampler = CountingSampler.like(stage.fg_bg_sampler)
    return Detector(backbone, rpn, heads, first)


def _backbone(variant: str, deep: bool, pretrained: bool) -> nn.Module:
    """Feature maps of strides 4 to 64 (ResNet), or 32, 32 and 64 (MobileNet)."""
    name = BACKBONES[variant]
    norm = FrozenBatchNorm2d if pretrained and not deep else nn.BatchNorm2d
    body: Any = get_model(name, weights=None, norm_layer=norm)
    pyramid_norm = nn.BatchNorm2d if deep else None
    backbone: nn.Module = (
        _mobilenet_extractor(body, True, trainable_layers=6, norm_layer=pyramid_norm)
        if name.startswith("mobilenet")
        else _resnet_fpn_extractor(body, trainable_layers=5, norm_layer=pyramid_norm)
    )
    return backbone


class CountingSampler(BalancedPositiveNegativeSampler):
    """The library's sampler, which remembers how many it chose last.

    Attributes:
        chosen: Samples of all images, a float scalar.
        positives: Those of them that lie on an object.
    """

    chosen: Tensor
    positives: Tensor

    @classmethod
    def like(cls, other: BalancedPositiveNegativeSampler) -> CountingSampler:
        """One with the other's settings."""
        return cls(other.batch_size_per_image, other.positive_fraction)

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks (anchors,) of each image's chosen positives and negatives."""
        positives, negatives = super().__call__(matched_idxs)
        sums = [sum(mask.sum() for mask in masks).float() for masks in (positives, negatives)]
        self.positives, self.chosen = sums[0], sums[0] + sums[1]
        return positives, negatives
