"""Detectron2's detectors as plain modules, run outside its trainer.

Ren et al., Faster R-CNN (2015); He et al., Mask R-CNN (2017); Lin et al., Focal Loss for
Dense Object Detection (2017), which is RetinaNet. Networks, losses and non-maximum
suppression are the library's own, and so are the names of the weights. Its detectors give
losses or predictions, by mode; these give both in evaluation, from features computed once.

Imports Detectron2, which is optional: see :mod:`reprise.models.detectron2.family`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

with warnings.catch_warnings():
    # It calls torch.jit.script, which newer versions of torch ask to leave.
    warnings.simplefilter("ignore", FutureWarning)
    from detectron2.modeling.meta_arch.dense_detector import permute_to_N_HWA_K
    from detectron2.modeling.meta_arch.rcnn import GeneralizedRCNN
    from detectron2.modeling.meta_arch.retinanet import RetinaNet
    from detectron2.structures import BitMasks, Boxes, ImageList, Instances
    from detectron2.utils.events import EventStorage

from reprise.models.config import ModelConfig
from reprise.models.detectron2.zoo import zoo_config
from reprise.models.instance_family import without_padding

Tensors = dict[str, torch.Tensor]
# What a network returns: loss parts and, in evaluation, the detections of each image.
Output = tuple[Tensors, list[Tensors]]

PARTS = {
    "loss_rpn_cls": "objectness",
    "loss_rpn_loc": "rpn_box",
    "loss_cls": "class",
    "loss_box_reg": "box",
    "loss_mask": "mask",
}


def build(config: ModelConfig, architecture: str, classes: int) -> TwoStage | OneStage:
    """A detector with random weights, on the CPU.

    Raises:
        RepriseError: See :func:`reprise.models.detectron2.zoo.zoo_config`.
    """
    cfg = zoo_config(config, architecture, classes)
    if architecture == "retinanet":
        return OneStage(cfg)
    network = TwoStage(cfg)
    first = config.first_stage
    network.proposal_score = first.nms_score_threshold
    network.proposal_generator.loss_weight = {
        "loss_rpn_cls": first.objectness_loss_weight,
        "loss_rpn_loc": first.localization_loss_weight,
    }
    return network


class TwoStage(GeneralizedRCNN):
    """Faster or Mask R-CNN."""

    proposal_score = 0.0
    """Proposals scoring less are dropped."""

    counts: Tensors
    """What the second stage's parts of the last loss were divided by: the sampled proposals, or
    those of them that lie on an object. The first stage's parts are divided by as many anchors for
    each image: they are means over images."""

    def forward(
        self,
        images: torch.Tensor,
        sizes: list[tuple[int, int]],
        targets: list[Tensors] | None = None,
    ) -> Output:
        """Losses and, in evaluation, detections.

        Args:
            images: Uint8 (n, 3, h, w) RGB, sides a multiple of 32.
            sizes: (height, width) of each image without its padding.
            targets: By image ``boxes`` float (m, 4) xyxy in its pixels and ``labels`` int
                (m,) from 0; for masks also ``masks`` uint8 (m, h, w), 0 or 1. None for no
                losses, in evaluation.

        Returns:
            The loss parts, and, in evaluation, by image ``boxes`` (k, 4) xyxy in its pixels,
            ``scores`` (k,), ``labels`` (k,) from 1 and, of masks, ``masks`` (k, 1, s, s):
            probabilities over the box.
        """
        self.counts = {}
        inputs = _normalised(images, sizes, self.pixel_mean, self.pixel_std)
        if targets is None:
            return {}, self._found(inputs)
        objects = [_instances(size, target) for size, target in zip(sizes, targets, strict=True)]
        with _outside_trainer():
            features = self.backbone(inputs.tensor)
            try:
                losses, proposals = self._propose(inputs, features, objects)
            except FloatingPointError:
                # The library gives up on boxes that are not finite; the loop says more. All parts
                # are there, as in the other processes, which add up their counts.
                names = [
                    name for name in PARTS.values() if name != "mask" or self.roi_heads.mask_on
                ]
                zeros = dict.fromkeys(names, images.new_zeros((), dtype=torch.float32))
                return zeros | {"rpn_box": zeros["rpn_box"] + torch.nan}, []
            heads = self.roi_heads
            found = [] if self.training else heads(inputs, features, proposals)[0]
            with _in_training(heads, self.training):
                chosen, parts = heads(inputs, features, proposals, objects)
            self.counts = self._counts(chosen)
        return _named(losses | parts), [_detections(one) for one in found]

    def _found(self, inputs: ImageList) -> list[Tensors]:
        with _outside_trainer():
            features = self.backbone(inputs.tensor)
            proposals = self._propose(inputs, features)[1]
            return [_detections(one) for one in self.roi_heads(inputs, features, proposals)[0]]

    def _counts(self, chosen: list[Instances]) -> Tensors:
        classes = torch.cat([one.gt_classes for one in chosen])
        every = classes.new_tensor(len(classes)).float()
        on_objects = (classes < self.roi_heads.num_classes).sum().float()
        return {"class": every, "box": every, "mask": on_objects}

    def _propose(
        self, images: ImageList, features: Tensors, objects: list[Instances] | None = None
    ) -> tuple[Tensors, list[Instances]]:
        """Losses of the first stage, where there are objects, and its proposals, in either mode."""
        rpn = self.proposal_generator
        chosen = [features[name] for name in rpn.in_features]
        anchors = rpn.anchor_generator(chosen)
        logits, deltas = rpn.rpn_head(chosen)
        logits = [permute_to_N_HWA_K(level, 1).squeeze(2) for level in logits]
        deltas = [permute_to_N_HWA_K(level, 4) for level in deltas]
        losses = {}
        if objects is not None:
            labels, boxes = rpn.label_and_sample_anchors(anchors, objects)
            losses = rpn.losses(anchors, logits, labels, deltas, boxes)
        proposals = rpn.predict_proposals(anchors, logits, deltas, images.image_sizes)
        if self.proposal_score:
            # Suppression never lets a worse box push out a better one, so that dropping
            # afterwards is the same as dropping before.
            proposals = [
                one[one.objectness_logits.sigmoid() >= self.proposal_score] for one in proposals
            ]
        return losses, proposals


class OneStage(RetinaNet):
    """RetinaNet.

    Its losses are divided by a moving average of the number of matched anchors. The library
    keeps it in an attribute; here it is a buffer, so that a checkpoint holds it. Of several
    processes that of the first counts, as in the library.
    """

    counts: ClassVar[Tensors] = {}
    """Empty: with the moving average for a divisor every part is a mean over images."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg)
        self.register_buffer("loss_normalizer", torch.tensor(100.0))

    def forward(
        self,
        images: torch.Tensor,
        sizes: list[tuple[int, int]],
        targets: list[Tensors] | None = None,
    ) -> Output:
        """As :meth:`TwoStage.forward`."""
        inputs = _normalised(images, sizes, self.pixel_mean, self.pixel_std)
        with _outside_trainer():
            features = self.backbone(inputs.tensor)
            chosen = [features[name] for name in self.head_in_features]
            predictions = self.head(chosen)
            losses = {}
            if targets is not None:
                objects = [_instances(*of_image) for of_image in zip(sizes, targets, strict=True)]
                losses = self.forward_training(inputs, chosen, predictions, objects)
            if self.training:
                return _named(losses), []
            # Last, as it overwrites the scores with their sigmoid.
            found = self.forward_inference(inputs, chosen, predictions)
        return _named(losses), [_detections(one) for one in found]

    def _ema_update(
        self, name: str, value: float, initial_value: float, momentum: float = 0.9
    ) -> torch.Tensor | float:
        del name, initial_value
        if not self.training:
            # Of the batch alone: evaluation leaves no trace, and does not depend on any.
            return value
        normalizer: torch.Tensor = self.loss_normalizer
        normalizer.lerp_(torch.full_like(normalizer, value), 1 - momentum)
        return normalizer.clone()


def _normalised(
    images: torch.Tensor, sizes: list[tuple[int, int]], mean: torch.Tensor, std: torch.Tensor
) -> ImageList:
    """RGB bytes -> the library's BGR floats, zero in the padding."""
    pixels = (images.flip(1).to(mean.dtype) - mean) / std
    without_padding(pixels, sizes)
    return ImageList(pixels, [(int(height), int(width)) for height, width in sizes])


def _instances(size: tuple[int, int], target: Tensors) -> Instances:
    objects = Instances(size, gt_boxes=Boxes(target["boxes"]), gt_classes=target["labels"])
    if "masks" in target:
        objects.gt_masks = BitMasks(target["masks"].bool())
    return objects


def _named(losses: Tensors) -> Tensors:
    return {PARTS[name]: value for name, value in losses.items()}


def _detections(found: Instances) -> Tensors:
    found.pred_boxes.clip(found.image_size)
    found = found[found.pred_boxes.nonempty()]
    detections = {
        "boxes": found.pred_boxes.tensor,
        "scores": found.scores,
        "labels": found.pred_classes + 1,
    }
    if found.has("pred_masks"):
        detections["masks"] = found.pred_masks
    return detections


@contextmanager
def _outside_trainer() -> Iterator[None]:
    """What the library expects of its trainer: a place for its counters, here discarded.

    Its focal loss is a TorchScript function, which is rewritten after its first call and then
    gives other last digits: a resumed run, which starts with a first call, would part from an
    unbroken one. So it runs as it is written.
    """
    with EventStorage(), torch.jit.optimized_execution(False):
        yield


@contextmanager
def _in_training(module: torch.nn.Module, mode: bool) -> Iterator[None]:
    """A module without dropout or batch norms, which gives losses in training mode only.

    Args:
        module: The module.
        mode: The mode that it returns to.
    """
    module.train()
    try:
        yield
    finally:
        module.train(mode)
