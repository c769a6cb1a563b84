"""The R-CNN families: torchvision's Faster R-CNN (boxes) and Mask R-CNN (boxes and masks)."""

from __future__ import annotations

import re
from typing import ClassVar

import torch

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models import imagenet
from reprise.models.augment import SUPPORTED
from reprise.models.config import ModelConfig
from reprise.models.family import Batch
from reprise.models.imagenet import MEAN, STD
from reprise.models.instance_family import (
    Detections,
    InstanceFamily,
    Losses,
    normalised,
    padded,
    split_targets,
)
from reprise.models.rcnn.network import BACKBONES, build_detector
from reprise.scoring import Task

# What speaks of classes.
CLASS_HEAD = re.compile(
    r"^roi_heads\.(box_predictor\.(cls_score|bbox_pred)|mask_predictor\.mask_fcn_logits)\."
)
# The networks' own, finest level first.
ANCHOR_SIZES = [32, 64, 128, 256, 512]


class FasterRcnn(InstanceFamily):
    """Detection with Faster R-CNN on a feature pyramid.

    The variant is the backbone: MobileNetV3 small and large, ResNet-50, 101 and 152; the
    architecture is ``fpn``, or ``fpn_v2`` with deeper heads. Batch norms are trained when the
    network starts from random weights, and frozen when ``model.weights`` has an entry for the
    family.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("detect",)
    architectures: ClassVar[tuple[str, ...]] = ("fpn", "fpn_v2")
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED | {
        "model.freeze",
        "model.carry_over_classes",
        "model.first_stage",
        "training.label_smoothing",
    }
    licence: ClassVar[str] = "BSD-3-Clause"

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        super().__init__(config, class_names, image_size)
        self._detector = build_detector(
            config,
            self.architecture,
            _anchor_sizes(config),
            len(class_names),
            masks=self.task == "segment",
            pretrained=config.weights.get(config.type) is not None,
        )
        self.network: torch.nn.Module = self._detector
        self.normalisation = {"mean": list(MEAN), "std": list(STD)}

    def remap_state_dict(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return current_names(tensors)

    def class_rows(self, name: str, classes: int, rows: int) -> torch.Tensor | None:  # noqa: ARG002
        if not CLASS_HEAD.match(name):
            return None
        # The background is class 0.
        order = torch.tensor([*range(1, classes + 1), 0])[:, None]
        return order * 4 + torch.arange(4) if ".bbox_pred." in name else order

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:
        super().prepare(dataset, label_smoothing)
        self._detector.roi_heads.label_smoothing = label_smoothing

    def run(self, network: torch.nn.Module, batch: Batch) -> tuple[Losses, Detections]:
        images = normalised(batch["images"], batch["sizes"])
        result: tuple[Losses, Detections] = network(
            images, batch["sizes"], split_targets(batch, first_label=1)
        )
        return result

    def detect(self, network: torch.nn.Module, images: torch.Tensor) -> Detections:
        sizes = [(images.shape[2], images.shape[3])] * len(images)
        # Padded once they are normalised, which is the same as clearing the padding afterwards.
        found: Detections = network(padded(imagenet.normalised(images)), sizes)[1]
        return found

    def counts(self) -> dict[str, torch.Tensor]:
        return self._detector.counts()

    def backbone(self) -> list[torch.nn.Module]:
        return [self._detector.backbone.get_submodule("body")]


class MaskRcnn(FasterRcnn):
    """Instance segmentation with Mask R-CNN; see :class:`FasterRcnn`."""

    tasks: ClassVar[tuple[Task, ...]] = ("segment",)


def _anchor_sizes(config: ModelConfig) -> tuple[tuple[int, ...], ...]:
    """Sides of the anchors by feature level, in pixels."""
    sizes = config.first_stage.anchor_sizes or ANCHOR_SIZES
    if BACKBONES[config.variant].startswith("mobilenet"):
        # Its coarse levels carry every size, as published.
        return (tuple(sizes),) * 3
    if len(sizes) != len(ANCHOR_SIZES) or sorted(sizes) != sizes:
        raise RepriseError(
            f"model.first_stage.anchor_sizes: {sizes} does not fit the {len(ANCHOR_SIZES)} "
            f"feature levels of {config.type} {config.variant}.",
            f"give {len(ANCHOR_SIZES)} sizes, the smallest first, such as "
            f"{[size // 2 for size in ANCHOR_SIZES]}, or none to take {ANCHOR_SIZES}.",
        )
    return tuple((size,) for size in sizes)


def current_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A published file's tensors under the names that the network has today.

    torchvision's first detectors are published with older names for the convolutions of the
    proposals' head and of the mask head; a classifier's file (ImageNet) names its layers as
    the backbone's body does, without the path to it.
    """
    if "conv1.weight" in tensors:
        return {f"backbone.body.{name}": tensor for name, tensor in tensors.items()}
    if "features.0.0.weight" in tensors:
        return {
            f"backbone.body.{name.removeprefix('features.')}": tensor
            for name, tensor in tensors.items()
        }
    return {_current_name(name): tensor for name, tensor in tensors.items()}


def _current_name(name: str) -> str:
    name = re.sub(r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", name)
    name = re.sub(r"^(backbone\.fpn\.\w+_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", name)
    old = re.match(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$", name)
    return f"roi_heads.mask_head.{int(old[1]) - 1}.0.{old[2]}" if old else name
